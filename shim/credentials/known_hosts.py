"""Reads `credentials/sources/builtin.toml`, the package hosts that everybody can know, and finds
the ones that a URL belongs to.

A pattern is compared label by label, as a whole: `{owner}` stands for letters, digits and inner
hyphens of one label, so that neither `x.amazonaws.com.evil.example` nor
`evil-python.pkg.dev.example` is anybody's. tomllib and re are loaded only here.
"""

from __future__ import annotations

import os

from shim.core.dataclass import dataclass
from shim.core.files import read_status
from shim.core.typing import Any, Iterator, Mapping
from shim.core.urls import BadUrl, Url, parse_url

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sources", "builtin.toml")
#: What the hosts end with whose command writes its token into files, so that for all others nothing
#: is loaded.
WRITING = (".amazonaws.com", ".on.aws")
#: What `{part}` stands for: no dot, and nothing that a program could take for an option.
PART = "[a-z0-9]+(?:-[a-z0-9]+)*"


@dataclass(frozen=True, slots=True)
class KnownHost:
    """One `[[host]]`, its patterns filled in; `command` may be empty, seconds None if not known."""

    name: str
    segments: int | None
    username: str | None
    variable: str | None
    token_is_username: bool
    command: tuple[str, ...]
    protocol: str
    fields: tuple[tuple[str, str], ...]
    lifetime_s: float | None
    longest_s: float | None
    login: str | None
    misses_openly: bool = False


def find_known(url: Url, environ: Mapping[str, str]) -> Iterator[KnownHost]:
    """Yield the known hosts of `url` in the file's order; without `origin` only https on 443."""
    for table in load_tables():
        named = "origin" in table
        parts = _match_origin(table, url, environ) if named else _match_hosts(table, url)
        if parts is not None and not ("public" in table and url.path.startswith(table["public"])):
            yield _fill(table, parts)


def load_tables() -> list[dict[str, Any]]:
    """Return the file's tables."""
    import tomllib

    with open(FILE, "rb") as stream:
        tables: list[dict[str, Any]] = tomllib.load(stream)["host"]
    return tables


def _match_hosts(table: Mapping[str, Any], url: Url) -> dict[str, str] | None:
    """Return the texts of the parts, or None."""
    import re

    if url.scheme != "https" or url.port != 443:
        return None
    for pattern in table["hosts"]:
        expression = re.sub(r"\\{(\w+)\\}", rf"(?P<\1>{PART})", re.escape(pattern))
        if found := re.fullmatch(expression, url.host):
            return found.groupdict()
    return None


def _match_origin(
    table: Mapping[str, Any], url: Url, environ: Mapping[str, str]
) -> dict[str, str] | None:
    try:
        return {} if parse_url(environ.get(table["origin"], "")).origin == url.origin else None
    except BadUrl:
        return None


def _fill(table: Mapping[str, Any], parts: Mapping[str, str]) -> KnownHost:
    return KnownHost(
        name=table["name"],
        segments=table.get("segments"),
        username=table.get("username"),
        variable=table.get("variable"),
        token_is_username=table.get("token-is-username", False),
        command=tuple(word.format(**parts) for word in table.get("command", ())),
        protocol=table.get("protocol", "plain"),
        fields=tuple((name, table[name]) for name in ("password", "expires") if name in table),
        lifetime_s=_seconds(table.get("lifetime")),
        longest_s=_seconds(table.get("longest")),
        login=table.get("login"),
        misses_openly=table.get("misses-openly", False),
    )


def _seconds(text: str | None) -> float | None:
    return float(text[:-1]) * {"m": 60, "h": 3600}[text[-1]] if text else None


def find_end_of_written(file: str, url: Url, username: str | None) -> float | None:
    """Return when a secret in `file` has ended at the latest, in UTC epoch seconds, or None.

    `aws codeartifact login` writes its token into pip.conf or .pypirc, as its hosts' user.
    """
    known = next(find_known(url, {}), None) if url.host.endswith(WRITING) else None
    if known is None or known.longest_s is None or known.username != username:
        return None
    try:
        return read_status(file).st_mtime + known.longest_s
    except OSError:
        return None
