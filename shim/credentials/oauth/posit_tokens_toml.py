"""`tokens.toml` of Posit Package Manager's clients: one `[[connections]]` with `address`, `token`
and `auth_type` for each server.

R (pkgcache), rspm and posit-keyring read and write it too, so a change touches one value, or the
lines of one entry, and nothing else: comments, order and spelling stay. Every change is read back
before it counts. What has keys that we do not know is of a newer version: it is read, and never
written.

Sources: posit-keyring 0.3.2 `token_file.py` (an unknown key makes it drop the whole file); pkgcache
`ppm-sso.R`; TOML 1.0.
"""

from __future__ import annotations

import re

from shim.core.dataclass import dataclass
from shim.core.model import Secret
from shim.core.typing import Any

SSO = "sso"
KEYS = frozenset({"address", "token", "auth_type"})
_HEADER = re.compile(r"^[ \t]*\[\[[ \t]*connections[ \t]*\]\][ \t]*(#.*)?$")
_ANY_HEADER = re.compile(r"^[ \t]*\[")
_KEY = re.compile(r"^[ \t]*[A-Za-z0-9_\"'-]+[ \t]*=")
_TOKEN = re.compile(r"""^([ \t]*token[ \t]*=[ \t]*)("(?:[^"\\]|\\.)*"|'[^']*')([ \t]*(?:#.*)?)$""")


class BadTokens(ValueError):
    """The file is not TOML, or of a form that we do not write. Never holds the text."""


@dataclass(frozen=True, slots=True)
class Connection:
    """One entry: the server's address as somebody spelled it, and its token."""

    address: str
    token: Secret
    auth_type: str


@dataclass(frozen=True, slots=True)
class TokenFile:
    """All entries that can be understood; `is_newer` if something in the file cannot."""

    connections: tuple[Connection, ...]
    is_newer: bool


def parse_tokens(text: str) -> TokenFile:
    """Return what the file says. Raises BadTokens if it is not TOML."""
    document = _load(text)
    listed = document.pop("connections", [])
    tables: list[Any] = listed if isinstance(listed, list) else [None]
    usable = [entry for entry in tables if _is_usable(entry)]
    has_more = bool(document) or any(entry.keys() - KEYS for entry in usable)
    found = (
        Connection(entry["address"], Secret(entry["token"]), entry.get("auth_type", SSO))
        for entry in usable
    )
    return TokenFile(tuple(found), has_more or len(usable) < len(tables))


def put_token(text: str, address: str, token: Secret | None) -> str:
    """Return the text with the token of an address, spelled so, or without its entries if None.

    Raises:
        BadTokens: the file is broken, newer, or written so that it cannot be changed in place.
    """
    if parse_tokens(text).is_newer:
        raise BadTokens("is of a newer version than shim knows")
    wanted = _load(text).get("connections", [])
    names = [(entry["address"], entry.get("auth_type", SSO)) for entry in wanted]
    entries = [number for number, name in enumerate(names) if name == (address, SSO)]
    lines = text.splitlines(keepends=True)
    spans = _find_spans(lines)
    if len(spans) != len(wanted):
        raise BadTokens("is written in a way that shim does not change")
    if token is None:
        for number in reversed(entries):
            start, end = spans[number]
            del lines[start:end]
            del wanted[number]
    elif entries:
        for number in entries:
            _replace_token(lines, spans[number], token)
            wanted[number]["token"] = token.reveal()
    else:
        entry = {"address": address, "token": token.reveal(), "auth_type": SSO}
        gap = "" if text.endswith("\n") else "\n"
        lines += [f"{gap}\n" if text else "", "[[connections]]\n"]
        lines += [f"{key} = {_quote(value)}\n" for key, value in entry.items()]
        wanted = [*wanted, entry]
    changed = "".join(lines)
    if _load(changed).get("connections", []) != wanted:
        raise BadTokens("is written in a way that shim does not change")
    return changed


def _load(text: str) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        raise BadTokens("is not valid TOML") from None


def _is_usable(entry: Any) -> bool:
    """Whether it is a table that says an address and a token, all of it in texts."""
    if not isinstance(entry, dict):
        return False
    values = (entry.get("address"), entry.get("token"), entry.get("auth_type", SSO))
    return all(isinstance(value, str) for value in values)


def _find_spans(lines: list[str]) -> list[tuple[int, int]]:
    """Return each entry's lines, from the header to the last key."""
    spans = []
    for start, line in enumerate(lines):
        if not _HEADER.match(line.rstrip("\r\n")):
            continue
        last = start
        for number in range(start + 1, len(lines)):
            if _ANY_HEADER.match(lines[number]):
                break
            if _KEY.match(lines[number]):
                last = number
        spans.append((start, last + 1))
    return spans


def _replace_token(lines: list[str], span: tuple[int, int], token: Secret) -> None:
    for number in range(*span):
        body = lines[number].rstrip("\r\n")
        if match := _TOKEN.match(body):
            end = lines[number][len(body) :]
            lines[number] = match[1] + _quote(token.reveal()) + match[3] + end


def _quote(text: str) -> str:
    """Return a TOML basic string; JSON's escapes are a part of TOML's."""
    import json

    return json.dumps(text, ensure_ascii=False)  # TOML has no surrogate pairs
