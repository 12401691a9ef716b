"""One `[[index]]` that several config files speak of: key by key, the first file that says it
counts.

Tables are one if they have the same name. One that names another server than those before it is an
index of its own, `NAME-2`, and neither gives nor takes: what an organisation's command prints must
not go to a URL that it never meant.
"""

from __future__ import annotations

from shim.config.checks import check_keys
from shim.config.schema import INDEX_KEYS
from shim.core.dataclass import dataclass, field
from shim.core.errors import ConfigError
from shim.core.typing import Any
from shim.core.urls import BadUrl, Url, parse_url


@dataclass(slots=True)
class Merged:
    """One table, the file and number to blame for it, its name, and which file says each key."""

    table: dict[str, Any]
    file: str
    number: int
    name: str | None
    keys: dict[str, str] = field(default_factory=dict)


def merge_tables(documents: list[tuple[str, dict[str, Any]]]) -> list[Merged]:
    """Return the tables of all files, the most important file first, in the order of coming.

    Raises:
        ConfigError: a table has an unknown key, or one file has a name twice.
    """
    found: list[Merged] = []
    for file, document in documents:
        names: set[str] = set()
        for number, table in enumerate(document.get("index", ()), 1):
            if isinstance(table, dict):
                check_keys(table, INDEX_KEYS, file, f"[[index]] number {number}")
            name = name_of(table)
            if name in names:
                hint = "give each its own name"
                raise ConfigError(f"{file}: two [[index]] are named {name!r}", hint=hint)
            names |= {name} if name else set()
            _add(table, name, file, number, found)
    return found


def _add(table: Any, name: str | None, file: str, number: int, found: list[Merged]) -> None:
    """Let an earlier table of that name take what it does not say itself, else add this one."""
    same = next((one for one in found if name is not None and one.name == name), None)
    if same is None:
        keys = dict.fromkeys(table, file) if isinstance(table, dict) else {}
        found.append(Merged(table, file, number, name, keys))
        return
    ours, theirs = _url(same.table), _url(table)
    if ours and theirs and ours.origin != theirs.origin:
        number_of = sum(str(one.name).startswith(f"{name}-") for one in found) + 2
        other = f"{name}-{number_of}"
        keys = dict.fromkeys(table, file)
        found.append(Merged({**table, "name": other}, file, number, other, keys))
        return
    if "url" not in same.table:
        same.file, same.number = file, number
    for key, value in table.items():
        if key not in same.table:
            same.table = {**same.table, key: value}
            same.keys[key] = file


def name_of(table: Any) -> str | None:
    """Return what a table is called: its name, else its server; None if it says neither."""
    if not isinstance(table, dict):
        return None
    name, url = table.get("name"), _url(table)
    return str(name) if name else url.host if url else None


def _url(table: dict[str, Any]) -> Url | None:
    try:
        return parse_url(str(table.get("url", "")))
    except BadUrl:
        return None
