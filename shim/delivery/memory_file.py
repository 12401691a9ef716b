"""The file that every pointer channel leads to: it is in memory, and lives and dies with the
command.

Nothing of it is on disk, nothing needs cleaning up (SIGKILL included), another user cannot open it,
and unlike a variable it is not copied into every child's environment, crash dump and `env` listing.
It is a sealed memory file behind a descriptor (0400); where the kernel makes none, a file without a
name in /dev/shm; where no path leads to either, a named pipe (0600) that a process of ours writes
to (`handed_pipe.py`).
"""

from __future__ import annotations

import os

from shim.core.contextlib import suppress
from shim.core.files import read_link
from shim.core.host import Host
from shim.core.model import MemoryFile, Secret
from shim.core.platform_features import has_memory_files, shows_processes
from shim.core.private_folders import is_private, private_folder
from shim.core.typing import Iterator
from shim.hotpath.exec_target import MEMORY_NAME

#: High enough that no shell or script picks it (200 is the one that flock(1) teaches, 255 is bash's
#: own), below the usual limits.
DESCRIPTOR = 243
#: What the folder of a named pipe is called, before a part that no other command has.
PIPE_FOLDER = "pipe-"


def can_hand(host: Host) -> bool:
    """Whether a file can be handed to the target: in memory, or as a pipe in a folder of ours."""
    return has_memory_files() or next(_own_folders(host, disk_last=True), None) is not None


def can_link(host: Host, name: str, below: int = 0) -> bool:
    """Whether there can be a folder with the file as `name` in it; asked after `can_hand`."""
    return not has_memory_files() or link_folder(host, free_descriptor(below), name) is not None


def hand(text: Secret, host: Host, name: str = "", below: int = 0) -> tuple[MemoryFile, str]:
    """Return the file with that text and the path that leads to it: with a `name`, the path of a
    folder in which it has that name. Asked after `can_hand` and `can_link`.
    """
    number = free_descriptor(below)
    if has_memory_files():
        path = link_folder(host, number, name) if name else process_path(number)
        return MemoryFile(text, number), path or ""
    own = next(_own_folders(host, disk_last=True), "")
    folder = os.path.join(own, f"{PIPE_FOLDER}{os.getpid()}-{os.urandom(6).hex()}")
    pipe = os.path.join(folder, name or "text")
    return MemoryFile(text, number, pipe), folder if name else pipe


def free_descriptor(below: int = 0) -> int:
    """Return the number to use: DESCRIPTOR, or so many `below` it, or the next one if somebody
    else's file has it already.

    Where fewer descriptors are allowed (`ulimit -n`), the numbers just below that limit.
    """
    limit = os.sysconf("SC_OPEN_MAX")
    number = first = (DESCRIPTOR if limit < 0 or limit > DESCRIPTOR + 10 else limit - 11) - below
    while number < first + 10 and not _is_free(number):
        number += 1
    return number


def _is_free(number: int) -> bool:
    """Whether the number is unused, or an outer command's of ours, which this one replaces."""
    try:
        if shows_processes():
            return os.readlink(f"/proc/self/fd/{number}").startswith(f"/memfd:{MEMORY_NAME}")
        os.fstat(number)
    except OSError:
        return True
    return False


def process_path(number: int, process: int | None = None) -> str:
    """Return the path of the descriptor as our children see it too. We become the target, so our
    pid is the target's.

    Where the target gets a `process` of its own to have its output masked, supervise.py asks again
    with that one's pid.
    """
    return f"/proc/{process or os.getpid()}/fd/{number}"


def link_folder(host: Host, number: int, name: str) -> str | None:
    """Return a folder of ours that holds one link, `name`, to the descriptor of whoever opens it;
    None if there can be none.

    `name` may have a folder of its own (`uv/uv.toml`). The folder is made once, 0700, and holds no
    secret, only the link.
    """
    for own in _own_folders(host):
        folder = os.path.join(own, f"descriptor-{number}")
        link = os.path.join(folder, name)
        is_made = private_folder(*dict.fromkeys((folder, os.path.dirname(link))))
        if is_made and _make_link(link, number):
            return folder
    return None


def _own_folders(host: Host, *, disk_last: bool = False) -> Iterator[str]:
    """Yield each folder of ours that is there or could be made, 0700: in the runtime directory, in
    the data directory, in memory. With `disk_last`, an image's layer keeps no pipe of a process
    that ended with the layer's command.
    """
    shared = f"/dev/shm/shim-{os.geteuid()}"  # noqa: S108 (owner and mode are checked)
    runtime = host.environ.get("XDG_RUNTIME_DIR", "")
    others = (shared, host.data_home) if disk_last else (host.data_home, shared)
    for base in (runtime if is_private(runtime) else None, *others):
        levels = [shared] if base == shared else []
        if base and (own := private_folder(*levels, os.path.join(base, "shim"))):
            yield own


def _make_link(link: str, number: int) -> bool:
    wanted = f"/proc/self/fd/{number}"
    with suppress(OSError):
        if read_link(link) == wanted:
            return True
    try:
        temporary = f"{link}.{os.getpid()}"
        os.symlink(wanted, temporary)
        os.replace(temporary, link)
    except OSError:
        return False
    return True
