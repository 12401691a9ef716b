"""The lines of an `[[index]]` table in the text of a config.toml, found without a writer of TOML:
what else is there stays to the letter.

Sources: TOML 1.0 (a table goes on to the next header). A header that only looks like one, inside a
text of several lines, is told by reading the result again.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

from shim.core.errors import StoreError, UsageError

_HEADER = re.compile(r"^\s*\[")
_INDEX = re.compile(r"^\s*\[\[\s*(?:index|\"index\"|'index')\s*\]\]")
MARK = "# added by shim setup"


def cut_tables(text: str, names: list[str], file: str) -> tuple[str, list[str]]:
    """Return the text without the tables of these names, and their lines.

    Raises:
        UsageError: there is no index of a name. StoreError: the lines do not show which table is
            which.
    """
    known = [_name(table) for table in _tables(text)]
    for name in names:
        if name not in known:
            hint = f"it has: {', '.join(known) or 'none'}"
            raise UsageError(f"{file} has no [[index]] {name}", hint=hint)
    lines = text.splitlines(keepends=True)
    blocks = _find_blocks(lines)
    if len(blocks) != len(known):
        raise _unclear(file)
    taken: list[str] = []
    for (start, end), name in reversed(list(zip(blocks, known, strict=True))):
        if name in names:
            taken[:0] = [line.rstrip("\r\n") for line in lines[start:end]]
            del lines[start:end]
    rest = "".join(lines).rstrip("\r\n")
    rest = rest if text[:1] in "\r\n" else rest.lstrip("\r\n")
    rest += _line_end(text) if rest else ""
    wanted = [table for table in _tables(text) if _name(table) not in names]
    if _tables(rest) != wanted or _others(rest) != _others(text):
        raise _unclear(file)
    return rest, taken


def _find_blocks(lines: list[str]) -> list[tuple[int, int]]:
    """Return first and last+1 line of each table: with our mark, less the next one's comments."""
    headers = [number for number, line in enumerate(lines) if _HEADER.match(line)]
    found = []
    for number in headers:
        if not _INDEX.match(lines[number]):
            continue
        end = next(
            (other for other in headers if other > number and not _is_below(lines[other])),
            len(lines),
        )
        while (
            end > number + 1
            and end < len(lines)
            and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#"))
        ):
            end -= 1
        start = number - 1 if number and lines[number - 1].strip() == MARK else number
        found.append((start, end))
    return found


def _is_below(line: str) -> bool:
    """Whether a header continues the index before it: `[index.oidc]`."""
    return re.match(r"^\s*\[\s*(?:index|\"index\"|'index')\s*\.", line) is not None


def _tables(text: str) -> list[Any]:
    try:
        found = tomllib.loads(text).get("index", [])
    except tomllib.TOMLDecodeError:
        return []
    return found if isinstance(found, list) else []


def _others(text: str) -> dict[str, Any] | None:
    try:
        return {key: value for key, value in tomllib.loads(text).items() if key != "index"}
    except tomllib.TOMLDecodeError:
        return None


def _name(table: Any) -> str:
    from shim.core.urls import BadUrl, parse_url

    if not isinstance(table, dict):
        return ""
    try:
        return str(table.get("name") or parse_url(str(table.get("url"))).host)
    except BadUrl:
        return ""


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _unclear(file: str) -> StoreError:
    message = (
        f"the lines of {file} do not show where that index begins and ends: nothing was changed"
    )
    return StoreError(message, hint=f"take it out of {file} by hand")
