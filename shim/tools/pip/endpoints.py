"""From URL texts, wherever a pip command finds them, to needs, and to a note of what is none that
we can name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from shim.core.model import Endpoint, Secret
from shim.core.urls import BadUrl, find_userinfo, names_web, parse_url
from shim.tools.pip.settings import Mention
from shim.tools.unreadable import Unread

Role = Literal["index", "extra", "links", "input", "direct"]


def make_endpoint(role: Role, said: Mention) -> Endpoint | None:
    """Return the endpoint of a URL that was written somewhere; None for paths, file: URLs and all
    that is no plain URL.

    Blanks before it are nothing to pip; behind it they are a part of its path, and it is no plain
    URL.
    """
    said = said.part(len(said.text) - len(said.text.lstrip()), len(said.text))
    try:
        url = parse_url(said.text)
        userinfo = find_userinfo(said.text)
    except BadUrl:
        return None
    if userinfo is None:
        return Endpoint(url, said.origin, role, location=said.place_of(None))
    # An empty password behind a user name is an answer too: servers take the token as the user's
    # name.
    is_given = userinfo.password is not None and bool(userinfo.password or userinfo.username)
    given = Secret(userinfo.password or "") if is_given else None
    return Endpoint(
        url,
        said.origin,
        role,
        username=userinfo.username or None,
        inline_password=given,
        location=said.place_of(userinfo),
    )


def make_malformed(role: Role, said: Mention) -> Endpoint | None:
    """Return the endpoint that was meant by a URL with white space, control characters or quotes in
    it; None for any other text.

    Variables come with them: `docker --env-file` keeps quotes and the carriage returns of a file
    from Windows.
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
    """Take note of a place that is none of the servers that we can name: the pages of an index on
    disk link to any.
    """
    if role in ("index", "extra") and not names_web(said.text):
        unread.note(
            f"{said.text or 'an empty index URL'} (from {said.origin})",
            "is an index on disk, whose pages may link anywhere",
        )
    else:
        unread.note_url(said.text, said.origin)
