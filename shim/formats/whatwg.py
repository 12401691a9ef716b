"""How a program of the WHATWG school (uv, browsers) reads the text of an http(s) URL, where other
programs see none or another one.

Slashes may lack or be backslashes, tabs and line ends count for nothing, a host may be written in
percent codes, in full-width letters, or as a number. What comes out is plain.

Sources: WHATWG URL Standard, sections 4.4 (URL parsing), 3.5 (host parsing) and its IPv4 parser;
UTS 46; tried with uv 0.13.8.
"""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import quote, unquote

from shim.core import regex as re
from shim.core.functools import cache

_PARTS = r"(?i)(https?):[/\\]*([^/\\?#]*)([^?#]*)(.*)"
#: Letters of no width that are no format characters (category Cf) by Unicode.
_INVISIBLE = "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0]"
_BLANK = "".join(map(chr, range(33)))
_DOTS = "[\u3002\uff0e\uff61]"


def read_web_url(text: str) -> str | None:
    """Return an http(s) URL's text in plain spelling, None if no such program takes it for one."""
    bare = "".join(letter for letter in text if letter not in "\t\n\r").strip(_BLANK)
    match = re.fullmatch(_PARTS, bare.strip("\"'"))
    if match is None:
        return None
    userinfo, at, server = match[2].rpartition("@")
    host, colon, port = server.rpartition(":") if not server.endswith("]") else (server, "", "")
    host, port = (host, port) if colon else (server, "")
    plain = plain_host(host)
    if not plain or not (port == "" or port.isdigit()):
        return None
    path = match[3].replace("\\", "/") + match[4]
    written = "".join(
        letter if letter.isprintable() and letter != " " else quote(letter) for letter in path
    )
    server = f"[{plain}]" if ":" in plain else plain
    return f"{match[1].lower()}://{userinfo}{at}{server}{colon if port else ''}{port}{written}"


@cache
def plain_host(host: str) -> str | None:
    """Return a host as such programs write it (small ASCII letters, shortest address), or None."""
    if host.startswith("["):
        host = host.strip("[]")
    if ":" in host:
        try:
            return IPv6Address(host.partition("%")[0]).compressed
        except AddressValueError:
            return None
    name = _plain_name(unquote(host, errors="replace"))
    if name is None:
        return None
    number = _address(name)
    return name if number is None else number or None


def _plain_name(name: str) -> str | None:
    if name.isascii():
        return name.lower()
    from unicodedata import category, normalize

    visible = "".join(letter for letter in normalize("NFKC", name) if category(letter) != "Cf")
    folded = re.sub(_DOTS, ".", normalize("NFKC", re.sub(_INVISIBLE, "", visible)).lower())
    try:
        return folded if folded.isascii() else folded.encode("idna").decode("ascii")
    except UnicodeError:
        return None


def _address(name: str) -> str | None:
    """Return the IPv4 address that a text stands for, "" for a bad one, None for a name."""
    parts = name.removesuffix(".").split(".")
    if not re.fullmatch(r"[0-9]+|0x[0-9a-f]*", parts[-1]):
        return None
    try:
        numbers = [_number(part) for part in parts]
        last = numbers.pop()
        if (
            len(numbers) > 3
            or any(number > 255 for number in numbers)
            or last >= 256 ** (4 - len(numbers))
        ):
            return ""
    except ValueError:
        return ""
    return str(
        IPv4Address(last + sum(number << 8 * (3 - place) for place, number in enumerate(numbers)))
    )


def _number(text: str) -> int:
    """Return a part of an address. Raises ValueError if it is no number."""
    if text.startswith("0x"):
        return int(text[2:] or "0", 16)
    return int(text, 8) if len(text) > 1 and text.startswith("0") else int(text)
