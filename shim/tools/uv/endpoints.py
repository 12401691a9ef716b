"""From URL texts, wherever a uv command finds them, to endpoints.

Sources: uv 0.13.8 uv-distribution-types/src/index.rs (UV_INDEX_<NAME>_*), uv-auth/src/index.rs;
what wins was measured.
"""

from __future__ import annotations

from shim.core.dataclass import replace
from shim.core.host import Host
from shim.core.model import Endpoint, Location, Origin, password_in
from shim.core.typing import Iterable, Literal, NamedTuple
from shim.core.urls import BadUrl, Url, find_userinfo, parse_url, scope_of_index, userinfo_of_server
from shim.tools.unreadable import Unread

Role = Literal["index", "extra", "links", "input", "direct", "publish"]


class StatedUrl(NamedTuple):
    """A URL text that was written somewhere: in argv or a variable at `key` from `start` on, or in
    a file (`key` None).

    Of an index: `explicit` for those that only sources ask, `flat` for a page of links, `never` for
    one that must get no credential, `always` for one whose credential uv looks for before it asks.
    Of a locked file: the `registry` it comes from.
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


def make_endpoints(said: Iterable[StatedUrl], host: Host, unread: Unread) -> list[Endpoint]:
    """Return the endpoints: each URL once, one default index, and of direct URLs only those that no
    index covers.

    A text that is no URL to us is unread if it may be one to uv, and an endpoint as well where it
    is known which.
    """
    endpoints: list[Endpoint] = []
    for one in said:
        if endpoint := _make_endpoint(one, host):
            endpoints.append(endpoint)
            continue
        unread.note_url(one.text, one.origin)
        from shim.formats.whatwg import read_web_url

        plain = read_web_url(one.text)
        if plain and (endpoint := _make_endpoint(one._replace(text=plain, key=None), host)):
            endpoints.append(endpoint)
    scopes = [scope_of_index(endpoint.url) for endpoint in endpoints if endpoint.role != "direct"]
    kept: list[Endpoint] = []
    #: Of what is kept, by URL: a command may name hundreds.
    numbers: dict[tuple[str, str], list[int]] = {}
    for endpoint in endpoints:
        is_plain_file = endpoint.role == "direct" and _is_plain(endpoint)
        if is_plain_file and any(scope.covers(endpoint.url) for scope in scopes):
            continue
        alike = numbers.setdefault(_normal(endpoint.url), [])
        number = next((number for number in alike if _is_one(endpoint, kept[number])), None)
        if number is None:
            alike.append(len(kept))
            kept.append(endpoint)
        else:
            kept[number] = _merge(kept[number], endpoint)
    default = next((endpoint for endpoint in kept if endpoint.role == "index"), None)
    return [
        replace(one, role="extra") if one.role == "index" and one is not default else one
        for one in kept
    ]


def find_place(one: StatedUrl) -> Location | None:
    """Return where a userinfo stands in argv or environment, if there is one and the URL plain: a
    URL that is none to us is asked by uv all the same, and its password is handed over in no way
    but this one.
    """
    userinfo = userinfo_of_server(one.text)
    return Location.of_userinfo(one.text, one.key, userinfo, one.start) if userinfo else None


def _make_endpoint(one: StatedUrl, host: Host) -> Endpoint | None:
    """Return the endpoint of a URL text; None for a path, and for all that is no plain URL."""
    try:
        url, userinfo = parse_url(one.text), find_userinfo(one.text)
    except BadUrl:
        return None
    username = userinfo.username or None if userinfo else None
    given, answered = password_in(userinfo), None
    if given is None and one.name:
        username, answered = _ask_variables(one.name, username, host)
    place = Location.of_userinfo(one.text, one.key, userinfo, one.start)
    of_index = (one.always, one.explicit, one.registry)
    return Endpoint(
        url, one.origin, one.role, one.name, username, given, place, answered, *of_index
    )


def _ask_variables(name: str, username: str | None, host: Host) -> tuple[str | None, str | None]:
    """Return the user name for a named index, and the variable that answers for it.

    uv takes `UV_INDEX_<NAME>_*` only if the URL has no userinfo, or its very user name. A user name
    alone is no answer.
    """
    stem = "UV_INDEX_" + "".join(c.upper() if c.isascii() and c.isalnum() else "_" for c in name)
    named = host.environ.get(f"{stem}_USERNAME")
    if username is not None and named != username:
        return username, None
    answered = f"{stem}_PASSWORD" if f"{stem}_PASSWORD" in host.environ else None
    return username or named or None, answered


def _is_one(endpoint: Endpoint, other: Endpoint) -> bool:
    """Return whether two endpoints of one URL are one: a URL without userinfo is the same as with
    one, since uv keeps credentials by URL.
    """
    if (endpoint.role == "publish") != (other.role == "publish"):
        return False
    if _is_plain(endpoint) or _is_plain(other):
        return True
    one, two = endpoint.inline_password, other.inline_password
    is_same = one.same_as(two) if one and two else one is two
    return endpoint.username == other.username and is_same


def _is_plain(endpoint: Endpoint) -> bool:
    return endpoint.username is None and endpoint.inline_password is None


def _normal(url: Url) -> tuple[str, str]:
    return url.origin, "/".join(url.text.split("/")[3:]).rstrip("/")


def _merge(first: Endpoint, other: Endpoint) -> Endpoint:
    """Return one endpoint for both: the place in the list and the role of the first, the userinfo
    and where it stands of who has one.
    """
    source = first if first.inline_password is not None or first.username is not None else other
    has_password = source.inline_password is not None
    return replace(
        first,
        origin=source.origin if has_password else first.origin,
        role="index" if "index" in (first.role, other.role) else first.role,
        index_name=first.index_name or other.index_name,
        username=source.username,
        inline_password=source.inline_password,
        location=source.location if has_password else first.location or source.location,
        provided_by=None if has_password else first.provided_by or other.provided_by,
        eager=first.eager or other.eager,
        explicit=first.explicit and other.explicit,
        registry=first.registry if first.registry == other.registry else "",
    )
