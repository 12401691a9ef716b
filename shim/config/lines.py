"""The lines of an `[[index]]` table in the text of a config.toml, found without a writer of TOML:
what else is there stays to the letter. (tomlkit 0.15 takes the comments before the next table along
with one that it removes, leaves `index = []` for the last one, and adds a table to a file without a
last line end so that it is no TOML any more.)

Sources: TOML 1.0 (a table goes on to the next header). A header that only looks like one, inside a
text of several lines, is told by reading the result again.
"""

from __future__ import annotations

import re
import tomllib

from shim.config.merge import name_of
from shim.core.errors import StoreError, UsageError
from shim.core.typing import Any

_HEADER = re.compile(r"^\s*\[")
_INDEX = re.compile(r"^\s*\[\[\s*(?:index|\"index\"|'index')\s*\]\]")
MARK = "# added by shim setup"


def cut_tables(text: str, names: list[str], file: str) -> tuple[str, list[str]]:
    """Return the text without the tables of these names, and their lines.

    Raises:
        UsageError: there is no index of a name. StoreError: the lines do not show which is which.
    """
    before = _read(text) or {}
    tables = before.get("index")
    tables = tables if isinstance(tables, list) else []
    known = [name_of(table) or "" for table in tables]
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
    rest += ("\r\n" if "\r\n" in text else "\n") if rest else ""
    left = [table for table, name in zip(tables, known, strict=True) if name not in names]
    after = _read(rest)
    if after is None or {"index": [], **after} != {**before, "index": left}:
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
        while number + 1 < end < len(lines) and lines[end - 1].strip()[:1] in ("", "#"):
            end -= 1
        start = number - 1 if number and lines[number - 1].strip() == MARK else number
        found.append((start, end))
    return found


def _is_below(line: str) -> bool:
    """Whether a header continues the index before it: `[index.oidc]`."""
    return re.match(r"^\s*\[\s*(?:index|\"index\"|'index')\s*\.", line) is not None


def _read(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _unclear(file: str) -> StoreError:
    message = (
        f"the lines of {file} do not show where that index begins and ends: nothing was changed"
    )
    return StoreError(message, hint=f"take it out of {file} by hand")
