"""The lock files of pipenv, pdm and poetry: under which names a command reads one, and the sources
that stand in it. pipenv takes those of its lock in place of the Pipfile's.

Sources: pipenv 2026 `utils/lockfile.py`, `utils/pylock.py` (`find_pylock_file`), `utils/sources.py`
(`all`); pdm 2.29 `project/core.py` (`lockfile`), `cli/options.py` (`--lockfile`); poetry 2.
"""

from __future__ import annotations

import os
from fnmatch import fnmatch

from shim.core.files import names_in, read_regular
from shim.core.host import Host
from shim.core.toml import read_toml, value_at
from shim.core.typing import Any, Sequence
from shim.formats.optparse_scan import read_table, scan

#: Tool -> the names of the locks that it may read in the folder of its project.
NAMES = {
    "hatch": ("hatch.lock",),
    "pdm": ("pdm.lock", "pylock.toml"),
    "pipenv": ("Pipfile.lock", "pylock.toml", "pylock.*.toml"),
    "poetry": ("poetry.lock",),
}
_LOCK_OPTION = read_table("-L --lockfile =")
MAX_LOCK = 16 << 20
#: Where pipenv's locks, of either kind, have their sources.
_SOURCES = (("_meta", "sources"), ("sources",))


def find_locks(tool: str, path: str, *others: str) -> list[str]:
    """Return the paths of the locks that a tool may read beside its project's file `path`: those
    that have a name of their own whether they are there or not; then `others`, which were named.
    """
    folder, names = os.path.dirname(path), NAMES.get(tool, ())
    patterns = [name for name in names if "*" in name]
    there = names_in(folder) if patterns else []
    found = [name for name in there if any(fnmatch(name, pattern) for pattern in patterns)]
    fixed = [name for name in names if name not in patterns]
    return list(dict.fromkeys([*(os.path.join(folder, name) for name in fixed + found), *others]))


def named_lock(tool: str, argv: Sequence[str], path: str, host: Host) -> list[str]:
    """Return the lock that a command names: by pdm's option or variable, or as pipenv's is called
    after its Pipfile.
    """
    if tool == "pipenv":
        return [f"{path}.lock"]
    said = [word.value for word in scan(argv, _LOCK_OPTION) if word.name == "lockfile"]
    named = said[-1] if said else host.environ.get("PDM_LOCKFILE")
    return [host.path(named)] if tool == "pdm" and named else []


def read_lock(path: str) -> str:
    """Return the text of a lock, "" if there is none. Raises CannotRead."""
    return (read_regular(path, MAX_LOCK) or b"").decode("utf-8", "replace")


def parse_lock(text: str) -> Any:
    """Return the document of a lock, JSON or TOML. Raises CannotRead."""
    import json

    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return read_toml(text)


def sources_of_lock(path: str) -> list[Any]:
    """Return the sources that one of pipenv's locks has, as they stand there. Raises CannotRead."""
    document = parse_lock(read_lock(path))
    found = (value_at(document, *key) for key in _SOURCES)
    return [row for rows in found if isinstance(rows, list) for row in rows]
