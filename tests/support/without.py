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
_UNSHARE = ["unshare", "--mount", "--propagation", "private", "sh", "-c"]
_FORBID = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); from tests.support.without import main; main()"]
#: What may be lacking -> the words before a command. "memory files": nor is there a /dev/shm. "own proc": /proc shows the processes of another namespace.
LACKS = {
    "memfd_create": _FORBID,
    "memory files": [*_UNSHARE, 'mount -t tmpfs -o ro none /dev/shm && exec "$@"', "sh", *_FORBID],
    "proc": [*_UNSHARE, 'mount -t tmpfs none /proc && exec "$@"', "sh"],
    "own proc": ["unshare", "--pid", "--fork", "sh", "-c", FIRST_OF_ALL, "sh"],
}
#: The words before a command that is to find busybox as its /bin/sh. What PATH has is the caller's business.
BUSYBOX = [*_UNSHARE, 'mount --bind "$(command -v busybox)" "$(readlink -f /bin/sh)" && exec "$@"', "sh"]


def words(lack: str) -> list[str]:
    """Return the words to put before a command; the test is skipped where the machine cannot play that system."""
    if LACKS[lack][0] == "unshare":
        machine.skip_without(machine.lacks_mounts())
    if _FORBID[-1] in LACKS[lack] and platform.machine() not in MEMFD_CREATE:
        machine.skip_without(f"the number of memfd_create on {platform.machine()} is not in tests/support/without.py")
    return LACKS[lack]


def main() -> None:
    """Take memfd_create away from this process and all that it starts, and become the command."""
    forbid((MEMFD_CREATE[platform.machine()],), errno.ENOSYS)
    os.execvp(sys.argv[1], sys.argv[1:])
