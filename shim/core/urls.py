"""URLs without userinfo, and the scope that decides who may receive a credential.

The rule is "refuse rather than guess": text that two URL parsers could read differently (control
characters, white space, backslashes, letters that two IDNA releases map to different hosts, a bad
port) is no `Url` at all, and what is no `Url` gets no credential.

Sources: RFC 3986 sections 3.2 and 6; UTS 46 section 6 (IDNA 2003 against 2008);
RFC 9110 section 11.5 (protection space); uv-auth `is_path_prefix`.
"""

from __future__ import annotations

from shim.core import regex as re
from shim.core.dataclass import dataclass, replace
from shim.core.typing import NamedTuple

DEFAULT_PORTS = {"http": 80, "https": 443}

#: Hosts that serve everybody and never ask for a credential: no source is ever asked about them.
PUBLIC_HOSTS = frozenset(
    {
        "pypi.org",
        "pypi.python.org",
        "upload.pypi.org",
        "test.pypi.org",
        "files.pythonhosted.org",
        "test-files.pythonhosted.org",
        "download.pytorch.org",
        "www.piwheels.org",
        "conda.anaconda.org",
        "pypi.nvidia.com",
        "github.com",
        "raw.githubusercontent.com",
    }
)
#: Those of them where anybody can have a page of links.
SHARED_HOSTS = frozenset({"github.com", "raw.githubusercontent.com"})

#: What stands in a userinfo as it is.
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_MAX_PORT = 65535
#: What WHATWG and Python's parsers pass over in a URL, or may.
_WEB = r"(?i)(?<![\w+.-])https?:"
_SCHEME = r"[\w+.-]*:[/\\]*"
_VALUE = r"=[^&;]*"


def authority_of(rest: str) -> str:
    """Return what of a URL's text behind `://` names the server: all up to a path or its like."""
    for mark in "/?#":
        rest = rest.partition(mark)[0]
    return rest


def _netloc(scheme: str, host: str, port: int) -> str:
    shown = f"[{host}]" if ":" in host else host
    return shown if port == DEFAULT_PORTS[scheme] else f"{shown}:{port}"


class BadUrl(ValueError):
    """The text, which is never shown, is not an http(s) URL that everybody reads alike."""


def names_web(text: str) -> bool:
    """Return whether some program may take a part of a text for a web URL, however spelled."""
    if ":" not in text:
        return False
    visible = "".join(letter for letter in text if letter > " " and letter.isprintable())
    return re.search(_WEB, visible) is not None


def shown_url(text: str) -> str:
    """Return a URL text, parsed or not, without userinfo and the values of its query."""
    try:
        return str(parse_url(text))
    except BadUrl:
        before, at, rest = text.rpartition("@")
        scheme = re.match(_SCHEME, before)
        return _hide_query(f"{scheme[0] if scheme else ''}****@{rest}" if at else text)


def _hide_query(text: str) -> str:
    head, mark, tail = text.partition("?")
    query, hash_mark, fragment = tail.partition("#")
    hidden = re.sub(_VALUE, "=****", query) if "=" in query else "****" * bool(query)
    return f"{head}{mark}{hidden}{hash_mark}{fragment}"


@dataclass(frozen=True, slots=True)
class Url:
    """An http(s) URL without userinfo. `text` is as the user spelled it, less the userinfo; the
    other fields are normal forms.

    As a string it is what people may see: a token in a query is none of their business.
    """

    text: str
    scheme: str
    host: str
    port: int
    path: str

    def __str__(self) -> str:
        return _hide_query(self.text)

    @property
    def netloc(self) -> str:
        """`host` or `host:port`, without a default port; IPv6 hosts in brackets."""
        return _netloc(self.scheme, self.host, self.port)

    @property
    def spelled_netloc(self) -> str:
        """Host and port as they stand in the text."""
        return authority_of(self.text.partition("://")[2])

    @property
    def asked_netloc(self) -> str:
        """Host and port as HTTP clients (requests) write them: with a port if the text has one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        has_port = self.spelled_netloc.rpartition("]")[2].partition(":")[2]
        return f"{host}:{self.port}" if has_port else host

    @property
    def origin(self) -> str:
        """`scheme://host[:port]`."""
        return f"{self.scheme}://{self.netloc}"

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine, by a name or address that cannot mean another one."""
        is_address = self.host.startswith("127.") and _is_ipv4(self.host)
        return self.host in ("localhost", "::1") or is_address

    @property
    def is_public(self) -> bool:
        """Whether this is one of the well-known indexes that serve everybody."""
        return self.host in PUBLIC_HOSTS and self.port == DEFAULT_PORTS[self.scheme]

    @property
    def is_confidential(self) -> bool:
        """Whether a secret may travel to it without `insecure = true`: https, or this machine."""
        return self.scheme == "https" or self.is_loopback


class Userinfo(NamedTuple):
    """Where the userinfo of a URL text stands, and the decoded parts (None: no colon)."""

    start: int
    end: int
    username: str
    password: str | None


def find_userinfo(text: str) -> Userinfo | None:
    """Return the userinfo in the URL `text`, if any: `start` and `end` delimit `user:password@`.

    Raises:
        BadUrl: a control character, or a backslash before the path.
    """
    if "://" not in text:
        return None
    begin = text.index("://") + 3
    authority = authority_of(text[begin:])
    if any(not character.isprintable() or character in " \\" for character in authority):
        raise BadUrl("the host part holds white space, a backslash or a control character")
    if "@" not in authority:
        return None
    raw, _, _ = authority.rpartition("@")
    username, colon, password = raw.partition(":")
    given = _decode(password) if colon else None
    return Userinfo(begin, begin + len(raw) + 1, _decode(username), given)


def userinfo_of_server(text: str) -> Userinfo | None:
    """Return the userinfo in a text, be it a URL or `name @ URL`; None where some programs find a
    server behind it that is none to us, and need it there.
    """
    authority = ""
    try:
        userinfo = find_userinfo(text)
        if userinfo:
            authority = authority_of(text[userinfo.end :])
            _normal_host(_split_authority(authority)[0])
    except BadUrl:
        return None
    except ValueError:  # no program asks there, and its complaint would show the password
        return None if "%" in authority else userinfo
    return userinfo


def parse_url(text: str) -> Url:
    """Return the credential-free `Url` of `text`; a userinfo in it is dropped.

    Raises:
        BadUrl: not http or https, no host, a bad port, or text that parsers read differently.
    """
    if any(not character.isprintable() for character in text) or text != text.strip():
        raise BadUrl("control characters or surrounding white space")
    userinfo = find_userinfo(text)
    clean = text[: userinfo.start] + text[userinfo.end :] if userinfo else text
    scheme, _, rest = clean.partition("://")
    scheme, authority = scheme.lower(), authority_of(rest)
    try:
        host, port = _split_authority(authority)
        host = _normal_host(host)
    except BadUrl:
        raise
    except ValueError as error:
        raise BadUrl("no valid host or port") from error
    if scheme not in DEFAULT_PORTS:
        raise BadUrl("neither http nor https")
    if not host or port == 0:
        raise BadUrl("no valid host or port")
    path = rest[len(authority) :].partition("#")[0].partition("?")[0]
    return Url(clean, scheme, host, port or DEFAULT_PORTS[scheme], path or "/")


def _split_authority(text: str) -> tuple[str, int | None]:
    """Return host, without the brackets of an IPv6 address, and port. Raises ValueError."""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        colon, port = rest[:1], rest[1:]
        if not bracket or ":" not in host or colon not in ("", ":"):
            raise ValueError("no address in brackets")
    else:
        host, _, port = text.partition(":")
    if not port:
        return host, None
    if not (port.isascii() and port.isdigit()) or int(port) > _MAX_PORT:
        raise ValueError("no port")
    return host, int(port)


def _normal_host(host: str) -> str:
    """Return `host` in lower case and ASCII (IDNA).

    Raises ValueError for what is no host, BadUrl for one that is not the same to everybody.
    """
    if not host.isascii():
        spelled = host.lower()
        host = spelled.encode("idna").decode("ascii")
        # Python maps by IDNA 2003 (ß to ss), pip and uv by 2008 (ß stays): only what comes back
        # unchanged is the same host for all.
        if host.encode("ascii").decode("idna") != spelled:
            raise BadUrl("programs disagree about letters in the host, write its xn-- form")
    host = host.lower()
    if ":" in host or (_ends_in_number(host) and not _is_ipv4(host)):
        _refuse_odd_address(host)
    allowed = "0123456789abcdef:." if ":" in host else "0123456789abcdefghijklmnopqrstuvwxyz-._"
    if any(character not in allowed for character in host):
        raise ValueError("not a host")
    return host


def _ends_in_number(host: str) -> bool:
    """Whether WHATWG takes a host for an IPv4 address: its last part is a number, decimal, octal or
    hexadecimal.
    """
    last = host.removesuffix(".").rpartition(".")[2]
    return last.isdigit() or (last[:2] == "0x" and {*last[2:]} <= {*"0123456789abcdef"})


def _is_ipv4(host: str) -> bool:
    """Whether it is an address as everybody writes it. With more or larger parts it is a name that
    the resolver may look up: `127.1.1.1.1` below a search domain.
    """
    parts = host.split(".")
    return len(parts) == 4 and all(
        part.isdigit() and len(part) <= 3 and part == str(int(part)) and int(part) < 256
        for part in parts
    )


def _refuse_odd_address(host: str) -> None:
    """Raise BadUrl for an address that some write otherwise: `127.1`, `0:0:0:0:0:0:0:1`."""
    from ipaddress import ip_address

    try:
        written = str(ip_address(host))
    except ValueError:
        written = ""
    # Python 3.13 writes the last part as IPv4, WHATWG does not.
    if written != host or (":" in host and "." in host):
        raise BadUrl("programs write this address differently, write it as everybody does")


def with_userinfo(url: Url, username: str, password: str | None = None) -> str:
    """Return the URL text with a percent-encoded userinfo put in."""
    head, _, tail = url.text.partition("://")
    user = _encode(username)
    user += "" if password is None else f":{_encode(password)}"
    return f"{head}://{user}@{tail}"


def _decode(text: str) -> str:
    """Return a text without percent-encoding. `urllib.parse`, which costs a third of a start of an
    interpreter, is asked only for what is encoded.
    """
    if "%" not in text:
        return text
    from urllib.parse import unquote

    return unquote(text)


def _encode(text: str) -> str:
    """Return a text percent-encoded for a userinfo."""
    if _PLAIN.issuperset(text):
        return text
    from urllib.parse import quote

    return quote(text, safe="")


@dataclass(frozen=True, slots=True)
class Scope:
    """Who may receive a credential: one scheme, host and port, and the paths below `segments`."""

    scheme: str
    host: str
    port: int
    segments: tuple[str, ...] = ()

    def __str__(self) -> str:
        segments = "".join(f"{segment}/" for segment in self.segments)
        return f"{self.scheme}://{_netloc(self.scheme, self.host, self.port)}/{segments}"

    def covers(self, url: Url) -> bool:
        """Return whether `url` may receive a credential of this scope.

        Scheme, host and port are equal and the path starts with our segments, whole ones (`/simple`
        covers `/simple/pkg`, not `/simple-evil`). A path that a client could fold into another one
        (`..`, `%2e%2e`, a backslash) is never covered.
        """
        if (self.scheme, self.host, self.port) != (url.scheme, url.host, url.port):
            return False
        segments = _segments(url.path)
        if any(_is_slippery(_decode(segment)) for segment in segments):
            return False
        return segments[: len(self.segments)] == self.segments

    def covers_text(self, text: str) -> bool:
        """Return whether a text is a URL that may receive a credential of this scope."""
        try:
            return self.covers(parse_url(text))
        except BadUrl:
            return False


def _is_slippery(segment: str) -> bool:
    """Return whether a client or server could read a decoded segment as a step elsewhere."""
    # Java servers take what follows a `;` for a parameter: `..;x` is `..` there.
    steps = [step.partition(";")[0] for step in segment.split("/")]
    return "\\" in segment or "." in steps or ".." in steps


def _segments(path: str) -> tuple[str, ...]:
    """Return the path's segments, without an empty one before or behind."""
    segments = path.removeprefix("/").split("/")
    if segments[-1] == "":
        segments.pop()
    return tuple(segments)


def fold_path(url: Url) -> Url:
    """Return the URL as a server may read its path: decoded, without empty segments and dots."""
    steps: list[str] = []
    for step in _decode(url.path).split("/"):
        if step == "..":
            del steps[-1:]
        elif step not in ("", "."):
            steps.append(step)
    path = "".join(f"/{step}" for step in steps) + "/"
    return replace(url, text=url.origin + path, path=path)


def scope_of(url: Url) -> Scope:
    """Return the scope that covers exactly `url` and what is below it."""
    return Scope(url.scheme, url.host, url.port, _segments(url.path))


def scope_of_index(url: Url) -> Scope:
    """Return the scope of an index: the URL without a trailing `simple/` or devpi's `+simple/`.

    Files are commonly served beside the simple page, not below it.
    """
    scope = scope_of(url)
    if scope.segments and scope.segments[-1] in ("simple", "+simple"):
        return Scope(scope.scheme, scope.host, scope.port, scope.segments[:-1])
    return scope


def scope_of_origin(url: Url) -> Scope:
    """Return the scope of everything at the URL's scheme, host and port."""
    return Scope(url.scheme, url.host, url.port)
