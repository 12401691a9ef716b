"""Files in the token cache's folder: each of them may go at any time."""

from __future__ import annotations

import os

from shim.core.files import list_folder, read_status
from shim.core.host import Host
from shim.core.private_folders import cache_folder


def cache_file(name: str, host: Host) -> str | None:
    """Return the path of a file in the folder, there or not, or None where there is no folder."""
    folder, _ = cache_folder(host)
    return os.path.join(folder, name) if folder else None


def cache_files(suffix: str, host: Host) -> list[str]:
    """Return the paths of the files that are there and end so."""
    folder, _ = cache_folder(host)
    names = list_folder(folder) if folder else ()
    return [os.path.join(folder or "", name) for name in names if name.endswith(suffix)]


def written_ago_s(path: str | None, host: Host) -> float | None:
    """Return how many seconds ago a file was written, None if it is not there, or not yet: the
    clock went back.
    """
    try:
        ago_s = host.clock() - read_status(path or "/nonexistent").st_mtime
    except OSError:
        return None
    return ago_s if ago_s >= 0 else None


def discard(path: str | None) -> bool:
    """Remove a file if that can be; return whether it was there and is gone."""
    try:
        os.unlink(path or "/nonexistent")
    except OSError:
        return False
    return True
