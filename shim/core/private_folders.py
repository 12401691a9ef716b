"""Where records lie: folders of the user's own, mode 0700, in memory if only a cache."""

from __future__ import annotations

import os
import stat

from shim.core.files import (
    exists,
    is_file,
    is_folder,
    link_exists,
    make_folders,
    may_access,
    read_link_status,
    read_status,
)
from shim.core.host import Host
from shim.core.own_files import replace_atomically

#: Folders that this process has made or found good, each with those above it.
_found: set[tuple[str, ...]] = set()


def private_folder(*levels: str) -> str | None:
    """Make the folders, outermost first; return the last, 0700, if all are the user's own."""
    if levels in _found and is_private(levels[-1]):
        return levels[-1]
    try:
        for folder in levels:
            make_folders(folder, 0o700)
            status = read_link_status(folder)
            if status.st_uid != os.geteuid() or not stat.S_ISDIR(status.st_mode):
                return None
    except OSError:
        return None
    if status.st_mode & 0o077 or not may_access(levels[-1], os.W_OK):
        return None
    _found.add(levels)
    return levels[-1]


def cache_folder(host: Host) -> tuple[str | None, str]:
    """Return the token cache's folder, if one is safe, and what it is, in words.

    An image layer, a CI cache or root's disk must not carry a token away: there, only memory-backed
    folders count.
    """
    if named := host.environ.get("SHIM_CACHE_DIR"):
        if not named.startswith("/"):  # it would follow us into every project
            return None, f"SHIM_CACHE_DIR {named}, which is not absolute"
        folder = private_folder(named)
        flaw = "" if folder else ", which is not a folder of yours alone (0700)"
        return folder, f"SHIM_CACHE_DIR {named}{flaw}"
    runtime = host.environ.get("XDG_RUNTIME_DIR", "")
    if is_private(runtime) and (folder := _tokens_in(os.path.join(runtime, "shim"))):
        return folder, "in memory"
    shared = f"/dev/shm/shim-{os.geteuid()}"  # noqa: S108 (owner and mode are checked)
    if is_folder("/dev/shm") and (folder := _tokens_in(shared)):  # noqa: S108
        return folder, "in memory"
    if host.state_home and not is_ephemeral(host):
        base = os.path.join(host.state_home, "shim")
        folder = _tokens_in(base)
        flaw = "" if folder else ", which cannot be written or is not yours alone"
        return folder, f"on disk, {base}{flaw}"
    return None, "no memory-backed folder here, and a disk would carry tokens away"


def _tokens_in(base: str) -> str | None:
    return private_folder(base, os.path.join(base, "tokens"))


def write_shared(kind: str, suffix: str, data: bytes, host: Host) -> str | None:
    """Keep bytes in a file named by their content; return its path, None if we have no folder.

    For what a tool and its children must be able to open as a file. Never for a secret.
    """
    from shim.core.digests import sha256

    tokens, _ = cache_folder(host)
    folder = private_folder(os.path.join(tokens, kind)) if tokens else None
    if folder is None:
        return None
    path = os.path.join(folder, sha256(data)[:32] + suffix)
    if not is_file(path):
        try:
            replace_atomically(path, data)
        except OSError:
            return None
    return path


def is_private(folder: str) -> bool:
    """Whether a folder is ours alone: sudo and su often leave another user's XDG_RUNTIME_DIR."""
    try:
        status = read_status(folder)
    except OSError:
        return False
    return (
        folder.startswith("/")
        and stat.S_ISDIR(status.st_mode)
        and status.st_uid == os.geteuid()
        and not status.st_mode & 0o077
    )


def is_ephemeral(host: Host) -> bool:
    """Whether this is CI, a container, or root."""
    if host.environ.get("CI", "") not in ("", "0", "false") or os.geteuid() == 0:
        return True
    return exists("/.dockerenv") or exists("/run/.containerenv")


def stored_folder(host: Host, *, create: bool) -> str | None:
    """Return the folder of `shim login --store file`, made with `create`, if there can be one."""
    if not host.data_home:
        return None
    folder = os.path.join(host.data_home, "shim", "stored")
    return private_folder(folder) if create or link_exists(folder) else None
