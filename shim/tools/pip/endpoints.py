"""From URL texts, wherever a pip command finds them, to endpoints."""

from __future__ import annotations

from shim.core.model import Endpoint, Secret, password_in
from shim.core.typing import Iterable, Iterator, Literal
from shim.core.urls import BadUrl, find_userinfo, names_web, parse_url
from shim.tools.pip.settings import Mention
from shim.tools.unreadable import Unread

Role = Literal["index", "extra", "links", "input", "direct"]


def make_endpoint(role: Role, said: Mention) -> Endpoint | None:
    """Return the endpoint of a URL text; None for paths, file: URLs and all that is no plain URL.

    Blanks before it are nothing to pip; behind it they are a part of its path.
    """
    said = said.part(len(said.text) - len(said.text.lstrip()), len(said.text))
    try:
        url = parse_url(said.text)
        userinfo = find_userinfo(said.text)
    except BadUrl:
        return None
    return Endpoint(
        url,
        said.origin,
        role,
        username=userinfo.username or None if userinfo else None,
        inline_password=password_in(userinfo),
        location=said.place_of(userinfo),
    )


def make_malformed(role: Role, said: Mention) -> Endpoint | None:
    """Return what was meant by a URL with white space, control characters or quotes in it.

    Variables come with them: `docker --env-file` keeps quotes and carriage returns of Windows.
    """
    meant = "".join(letter for letter in said.text if letter.isprintable() and letter not in " '\"")
    is_malformed = role in ("index", "extra", "links") and meant != said.text
    return make_endpoint(role, Mention(meant, said.origin)) if is_malformed else None


def without_repeats(endpoints: Iterable[Endpoint]) -> Iterator[Endpoint]:
    """Yield each endpoint once: the first of those with the same URL, user name and password."""
    seen: dict[tuple[str, str | None], list[Secret | None]] = {}
    for endpoint in endpoints:
        known = seen.setdefault((endpoint.url.text, endpoint.username), [])
        if not any(_is_same(endpoint.inline_password, other) for other in known):
            known.append(endpoint.inline_password)
            yield endpoint


def _is_same(one: Secret | None, other: Secret | None) -> bool:
    return one is other if one is None or other is None else one.same_as(other)


def note_unread(role: Role, said: Mention, unread: Unread) -> None:
    """Take note of what is no server that we can name: an index on disk links to any."""
    if role in ("index", "extra") and not names_web(said.text):
        what = f"{said.text or 'an empty index URL'} (from {said.origin})"
        unread.note(what, "is an index on disk, whose pages may link anywhere")
    else:
        unread.note_url(said.text, said.origin)
