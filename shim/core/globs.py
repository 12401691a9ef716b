"""Finds paths by a pattern as `glob.iglob(pattern, recursive=True)` does, by `files.py`.

Sources: CPython `Lib/glob.py`, 3.13.
"""

from __future__ import annotations

import os
from fnmatch import filter as matching

from shim.core.files import is_folder, link_exists, list_folder, list_folders
from shim.core.typing import Iterable, Iterator


def find_paths(pattern: str, *, only_folders: bool = False) -> Iterator[str]:
    """Yield the paths that match an absolute pattern."""
    folder, name = os.path.split(pattern)
    if not _has_magic(pattern):
        if link_exists(pattern) if name else is_folder(folder):
            yield pattern
        return
    has_more = folder != pattern and _has_magic(folder)
    folders = find_paths(folder, only_folders=True) if has_more else iter([folder])
    for place in folders:
        for found in _find_in(place, name, only_folders=only_folders):
            yield os.path.join(place, found)


def _find_in(folder: str, name: str, *, only_folders: bool) -> Iterable[str]:
    """Return what matches the last part of a pattern in one folder, below it for `**`."""
    if name == "**":
        return _everything_below(folder, only_folders=only_folders)
    if not _has_magic(name):
        is_there = link_exists(os.path.join(folder, name)) if name else is_folder(folder)
        return [name] if is_there else []
    names = _list(folder, only_folders=only_folders)
    return matching((one for one in names if name[0] == "." or one[0] != "."), name)


def _everything_below(folder: str, *, only_folders: bool) -> Iterator[str]:
    """Yield the folder itself, as nothing, and all that is not hidden below it."""
    yield ""
    for name in _list(folder, only_folders=only_folders):
        if name[0] != ".":
            for below in _everything_below(os.path.join(folder, name), only_folders=only_folders):
                yield os.path.join(name, below) if below else name


def _has_magic(pattern: str) -> bool:
    return any(mark in pattern for mark in "*?[")


def _list(folder: str, *, only_folders: bool) -> list[str]:
    try:
        return list_folders(folder) if only_folders else list_folder(folder)
    except OSError:
        return []
