"""The descriptor that every pointer channel leads to: a sealed in-memory file that lives and dies
with the command.

Nothing is on disk, nothing needs cleaning up (SIGKILL included), another user cannot open it
(0400), and unlike a variable it is not copied into every child's environment, crash dump and `env`
listing.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from shim.core.files import read_link
from shim.core.host import Host
from shim.core.private_folders import is_private, private_folder
from shim.hotpath.exec_target import MEMORY_NAME

#: High enough that no shell or script picks it (200 is the one that flock(1) teaches, 255 is bash's
#: own), below the usual limits.
DESCRIPTOR = 243


def is_available() -> bool:
    """Whether there are memory files that a path can lead to: Linux with /proc, and no filter."""
    if sys.platform != "linux" or not os.path.isdir("/proc/self/fd"):
        return False
    try:
        os.close(os.memfd_create(MEMORY_NAME, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING))
    except (OSError, AttributeError):  # AttributeError: a Python without memfd_create
        return False
    return True


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
        return os.readlink(f"/proc/self/fd/{number}").startswith(f"/memfd:{MEMORY_NAME}")
    except OSError:
        return True


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

    `name` may have a folder of its own (`uv/uv.toml`). The folder is made once, 0700, in the
    runtime directory or the data directory, and holds no secret, only the link.
    """
    shared = f"/dev/shm/shim-{os.geteuid()}"  # noqa: S108 (owner and mode are checked)
    runtime = host.environ.get("XDG_RUNTIME_DIR", "")
    for base in (runtime if is_private(runtime) else None, host.data_home, shared):
        if base is None:
            continue
        folder = os.path.join(base, "shim", f"descriptor-{number}")
        link = os.path.join(folder, name)
        levels = dict.fromkeys((os.path.dirname(folder), folder, os.path.dirname(link)))
        is_made = private_folder(*([shared] if base == shared else []), *levels)
        if is_made and _make_link(link, number):
            return folder
    return None


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
