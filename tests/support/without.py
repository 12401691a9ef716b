"""Systems that lack what this one has, made of it: `words(LACK)` stand before a command that is to run there."""

from __future__ import annotations

import errno
import os
import platform
import sys
from pathlib import Path

from tests.support import machine
from tests.support.filters import forbid

ROOT = Path(__file__).parents[2]
#: Machine -> the number of memfd_create.
MEMFD_CREATE = {"x86_64": 319, "aarch64": 279}
#: What has numbers of processes of its own ends with its first one: here as soon as the command and all that it left behind have ended.
FIRST_OF_ALL = '"$@"; status=$?; while kill -0 -1; do sleep 0.05; done 2>/dev/null; exit $status'
_UNSHARE = ["/usr/bin/unshare", "--mount", "--propagation", "private", "/bin/sh", "-c"]
_FORBID = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); from tests.support.without import main; main()"]
_NO_SHM, _NO_PROC = "/bin/mount -t tmpfs -o ro none /dev/shm", "/bin/mount -t tmpfs none /proc"
#: What may be lacking -> the words before a command. "memory files": nor is there a /dev/shm. "own proc": /proc shows the processes of another namespace.
LACKS = {
    "memfd_create": _FORBID,
    "memory files": [*_UNSHARE, f'{_NO_SHM} && exec "$@"', "sh", *_FORBID],
    "proc": [*_UNSHARE, f'{_NO_PROC} && exec "$@"', "sh"],
    "own proc": ["/usr/bin/unshare", "--pid", "--fork", "/bin/sh", "-c", FIRST_OF_ALL, "sh"],
}
#: The same for whole systems. What PATH has there, and what our package is told (`macos.py`), is the caller's business: busybox is /bin/sh, macOS lacks all of the above.
SYSTEMS = {
    "busybox": [*_UNSHARE, '/bin/mount --bind /bin/busybox "$(readlink -f /bin/sh)" && exec "$@"', "sh"],
    "toybox": [],
    "darwin": [*_UNSHARE, f'{_NO_SHM} && {_NO_PROC} && exec "$@"', "sh", *_FORBID],
}


def words(name: str) -> list[str]:
    """Return the words to put before a command on a system that lacks that, or is that; the test is skipped where the machine cannot play it."""
    found = {**LACKS, **SYSTEMS}[name]
    if "/usr/bin/unshare" in found:
        machine.skip_without(machine.lacks_mounts())
    if _FORBID[-1] in found and platform.machine() not in MEMFD_CREATE:
        machine.skip_without(f"the number of memfd_create on {platform.machine()} is not in tests/support/without.py")
    return found


def main() -> None:
    """Take memfd_create away from this process and all that it starts, and become the command."""
    forbid((MEMFD_CREATE[platform.machine()],), errno.ENOSYS)
    os.execvp(sys.argv[1], sys.argv[1:])
