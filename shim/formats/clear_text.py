"""Where secrets stand in clear in a text: in URLs, in assignments of known variables, in password
lines. By line, for any format.

A scan, not a parse: the same URL means the same in pip.conf, uv.toml, a lock or a shell's rc file.
`${VARIABLE}` and `$VARIABLE` are no secrets.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from shim.core.dataclass import dataclass
from shim.core.model import Secret
from shim.core.typing import Iterator
from shim.core.urls import BadUrl, Url, parse_url

_URL = re.compile(
    r"(?P<head>https?://(?P<user>[^\s/:@'\"<>]*))(?P<password>:[^\s/'\"<>]+)@(?P<tail>[^\s'\"<>,;)\]}]*)"
)
_VARIABLE = re.compile(
    r"""(?P<name>\b(?:UV_INDEX_\w+_PASSWORD|UV_PUBLISH_(?:TOKEN|PASSWORD)|UV_HTTP_BASIC_\w+_PASSWORD|TWINE_PASSWORD|POETRY_PYPI_TOKEN_\w+|"""
    r"""POETRY_HTTP_BASIC_\w+_PASSWORD|FLIT_PASSWORD|HATCH_INDEX_AUTH|PDM_PUBLISH_PASSWORD))(?:\s*=\s*|\s+)["']?(?P<value>[^\s"'$#][^\s"']*)"""
)
_PASSWORD_LINE = re.compile(r"^\s*password\s*[=:]\s*(?P<value>\S.*?)\s*$", re.IGNORECASE)
_SECTION = re.compile(r"^\s*\[(?P<name>[^\]]+)\]")


@dataclass(frozen=True, slots=True)
class Sighting:
    """A secret in clear: its line (from 1), what holds it, and the columns that would have to go.

    `url`, `username` and `secret` are there for a URL, which can be imported.
    """

    line: int
    what: str
    start: int
    end: int
    url: Url | None = None
    username: str | None = None
    secret: Secret | None = None


def find_secrets(text: str) -> Iterator[Sighting]:
    """Yield what stands in clear in a text of any format."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith("#") and "://" not in line:
            continue
        yield from find_in_line(line, number)


def find_in_line(line: str, number: int = 0) -> Iterator[Sighting]:
    """Yield what stands in clear in one line."""
    for match in _URL.finditer(line):
        password = match["password"][1:]
        if password.startswith(("$", "{", "%(")) or set(password) <= {"*", "x"}:
            continue
        try:
            url = parse_url(f"{match['head'].partition('://')[0]}://{match['tail']}")
        except BadUrl:
            continue
        what, (start, end) = f"a URL of {url.host}", match.span("password")
        user, secret = unquote(match["user"]), Secret(unquote(password))
        yield Sighting(number, what, start, end, url, user, secret)
    for match in _VARIABLE.finditer(line):
        yield Sighting(number, match["name"], *match.span("value"), secret=Secret(match["value"]))


def find_in_pypirc(text: str) -> Iterator[Sighting]:
    """Yield the passwords of a .pypirc: in URLs, and with `repository` and `username` of theirs."""
    lines = text.split("\n")
    section = ""
    fields: dict[str, dict[str, str]] = {}
    passwords: list[tuple[int, str, re.Match[str]]] = []
    for number, line in enumerate(lines, 1):
        if head := _SECTION.match(line):
            section = head["name"].strip()
        elif found := _PASSWORD_LINE.match(line):
            passwords.append((number, section, found))
        else:
            yield from find_in_line(line, number)
            key, equals, value = line.partition("=" if "=" in line else ":")
            if equals:
                fields.setdefault(section, {})[key.strip().lower()] = value.strip()
    for number, section, found in passwords:
        values = fields.get(section, {})
        try:
            url = parse_url(values["repository"]) if "repository" in values else None
        except BadUrl:
            url = None
        user, secret, end = values.get("username"), Secret(found["value"]), len(lines[number - 1])
        yield Sighting(number, f"[{section}]", 0, end, url, user, secret)
