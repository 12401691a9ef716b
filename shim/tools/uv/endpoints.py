"""From URL texts, wherever a uv command finds them, to needs.

Sources: uv 0.13.8 uv-distribution-types/src/index.rs (UV_INDEX_<NAME>_*), uv-auth/src/index.rs; what wins was measured.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal, NamedTuple

from shim.core.host import Host
from shim.core.model import Need, Origin, Place, Secret
from shim.core.urls import BadUrl, Url, Userinfo, find_userinfo, parse_url, scope_of_index
from shim.formats.whatwg import read_web_url
from shim.tools.unreadable import Unread

Role = Literal["index", "extra", "links", "input", "direct", "publish"]


class Said(NamedTuple):
    """A URL text that was written somewhere: in argv or a variable at `key` from `start` on, or in a file (`key` None).

    Of an index: `explicit` for those that only sources ask, `flat` for a page of links, `never` for one that must get no credential,
    `always` for one whose credential uv looks for before it asks. Of a locked file: the `registry` it comes from.
    """

    text: str
    origin: Origin
    role: Role
    name: str | None = None
    key: int | str | None = None
    start: int = 0
    explicit: bool = False
    flat: bool = False
    never: bool = False
    always: bool = False
    registry: str = ""


def make_needs(said: Iterable[Said], host: Host, unread: Unread) -> list[Need]:
    """Return the needs: each URL once, one default index, and of direct URLs only those that no index covers.

    A text that is no URL to us is unread if it may be one to uv, and a need as well where it is known which.
    """
    needs: list[Need] = []
    for one in said:
        if need := _make_need(one, host):
            needs.append(need)
            continue
        unread.note_url(one.text, one.origin)
        plain = read_web_url(one.text)
        if plain and (need := _make_need(one._replace(text=plain, key=None), host)):
            needs.append(need)
    scopes = [scope_of_index(need.url) for need in needs if need.role != "direct"]
    kept: list[Need] = []
    numbers: dict[tuple[str, str], list[int]] = {}  # of what is kept, by URL: a command may name hundreds
    for need in needs:
        if need.role == "direct" and need.username is None and need.given is None and any(scope.covers(need.url) for scope in scopes):
            continue
        alike = numbers.setdefault(_normal(need.url), [])
        number = next((number for number in alike if _is_one(need, kept[number])), None)
        if number is None:
            alike.append(len(kept))
            kept.append(need)
        else:
            kept[number] = _merge(kept[number], need)
    default = next((need for need in kept if need.role == "index"), None)
    return [need if need is default or need.role != "index" else replace(need, role="extra") for need in kept]


def find_place(one: Said) -> Place | None:
    """Return where a userinfo stands in argv or environment, or None if there is none or the URL is no plain one."""
    try:
        userinfo = find_userinfo(one.text)
    except BadUrl:
        return None
    return _place(one, userinfo) if userinfo else None


def _make_need(one: Said, host: Host) -> Need | None:
    """Return the need of a URL text; None for paths, file: URLs and all that is no plain URL."""
    try:
        url, userinfo = parse_url(one.text), find_userinfo(one.text)
    except BadUrl:
        return None
    username = (userinfo.username or None) if userinfo else None
    is_given = userinfo is not None and userinfo.password is not None and bool(userinfo.password or userinfo.username)
    given = Secret(userinfo.password or "") if userinfo and is_given else None
    answered = None
    if given is None and one.name:
        username, answered = _ask_variables(one.name, username, host)
    place = _place(one, userinfo)
    return Need(url, one.origin, one.role, one.name, username, given, place, answered, one.always, one.explicit, one.registry)


def _place(one: Said, userinfo: Userinfo | None) -> Place | None:
    if one.key is None:
        return None
    begin = one.text.index("://") + 3
    start, end = (userinfo.start, userinfo.end) if userinfo else (begin, begin)
    return Place("argv" if isinstance(one.key, int) else "env", one.key, one.start + start, one.start + end)


def _ask_variables(name: str, username: str | None, host: Host) -> tuple[str | None, str | None]:
    """Return the user name for a named index, and the variable that answers for it.

    uv takes `UV_INDEX_<NAME>_*` only if the URL has no userinfo, or its very user name. A user name alone is no answer.
    """
    stem = "UV_INDEX_" + "".join(c.upper() if c.isascii() and c.isalnum() else "_" for c in name)
    named = host.environ.get(f"{stem}_USERNAME")
    if username is not None and named != username:
        return username, None
    answered = f"{stem}_PASSWORD" if f"{stem}_PASSWORD" in host.environ else None
    return username or named or None, answered


def _is_one(need: Need, other: Need) -> bool:
    """Return whether two needs of one URL are one question. A URL without userinfo is the same as with one: uv keeps credentials by URL."""
    if (need.role == "publish") != (other.role == "publish"):
        return False
    plain = [one for one in (need, other) if one.username is None and one.given is None]
    if plain:
        return True
    same = need.given.same_as(other.given) if need.given and other.given else need.given is other.given
    return need.username == other.username and same


def _normal(url: Url) -> tuple[str, str]:
    return url.origin, "/".join(url.text.split("/")[3:]).rstrip("/")


def _merge(first: Need, other: Need) -> Need:
    """Return one need for both: the place in the list and the role of the first, the userinfo and where it stands of who has one."""
    source = first if first.given is not None or first.username is not None else other
    answered = None if source.given is not None else first.answered_by or other.answered_by
    place = source.place if source.given is not None or first.place is None else first.place
    role = "index" if "index" in (first.role, other.role) else first.role
    return replace(
        first,
        origin=source.origin if source.given is not None else first.origin,
        role=role,
        index_name=first.index_name or other.index_name,
        username=source.username,
        given=source.given,
        place=place,
        answered_by=answered,
        eager=first.eager or other.eager,
        explicit=first.explicit and other.explicit,
        registry=first.registry if first.registry == other.registry else "",
    )
