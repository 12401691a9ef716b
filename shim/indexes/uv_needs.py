"""From URL texts, wherever a uv command finds them, to needs.

Sources: uv 0.13.8 uv-distribution-types/src/index.rs (UV_INDEX_<NAME>_*), uv-auth/src/index.rs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from shim.host import Host
from shim.model import Need, Origin, Place, Secret
from shim.urls import BadUrl, Scope, find_userinfo, parse_url, scope_of_index

Role = Literal["index", "extra", "links", "input", "direct", "publish"]


@dataclass(frozen=True, slots=True)
class Said:
    """A URL text that was written somewhere: in argv or a variable at `key` from `start` on, or in a file (`key` None)."""

    text: str
    origin: Origin
    role: Role
    name: str | None = None
    key: int | str | None = None
    start: int = 0


def make_needs(said: Iterable[Said], host: Host, publish_answer: str | None = None) -> list[Need]:
    """Return the needs: each URL once, and of a lock's servers only those that no index covers."""
    needs: list[Need] = []
    scopes: list[Scope] = []
    for one in said:
        try:
            url, userinfo = parse_url(one.text), find_userinfo(one.text)
        except BadUrl:
            continue
        if one.role == "direct" and userinfo is None and any(scope.covers(url) for scope in scopes):
            continue
        place = None
        if one.key is not None:
            begin = one.text.index("://") + 3
            start, end = (userinfo.start, userinfo.end) if userinfo else (begin, begin)
            place = Place("argv" if isinstance(one.key, int) else "env", one.key, one.start + start, one.start + end)
        given = (
            Secret(userinfo.password) if userinfo and userinfo.password is not None and (userinfo.password or userinfo.username) else None
        )
        answered = publish_answer if one.role == "publish" else _answering_variable(one.name, host)
        need = Need(url, one.origin, one.role, one.name, (userinfo.username or None) if userinfo else None, given, place, answered)
        if place is None and any(_says_the_same(need, other) for other in needs):
            continue
        needs.append(need)
        if one.role != "direct":
            scopes.append(scope_of_index(url))
    return needs


def _says_the_same(need: Need, other: Need) -> bool:
    return need.given is None and other.given is None and (need.url, need.username) == (other.url, other.username)


def _answering_variable(name: str | None, host: Host) -> str | None:
    """Return `UV_INDEX_<NAME>_PASSWORD` or `_USERNAME` if uv answers for the named index itself."""
    if not name:
        return None
    stem = "UV_INDEX_" + "".join(c.upper() if c.isascii() and c.isalnum() else "_" for c in name)
    return next((variable for variable in (f"{stem}_PASSWORD",) if variable in host.environ), None)
