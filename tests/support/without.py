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
#: What may be lacking -> the words before a command. "own proc": /proc is there, and shows the processes of another namespace.
LACKS = {
    "memory files": [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); from tests.support.without import main; main()"],
    "proc": ["unshare", "--mount", "--propagation", "private", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh"],
    "own proc": ["unshare", "--pid", "--fork", "sh", "-c", FIRST_OF_ALL, "sh"],
}


def words(lack: str) -> list[str]:
    """Return the words to put before a command; the test is skipped where the machine cannot play that system."""
    if lack.endswith("proc"):
        machine.skip_without(machine.lacks_mounts())
    elif platform.machine() not in MEMFD_CREATE:
        machine.skip_without(f"the number of memfd_create on {platform.machine()} is not in tests/support/without.py")
    return LACKS[lack]


def main() -> None:
    """Take memory files away from this process and all that it starts, and become the command."""
    forbid((MEMFD_CREATE[platform.machine()],), errno.ENOSYS)
    os.execvp(sys.argv[1], sys.argv[1:])
