"""What this system has, asked here and nowhere else: memory files, /proc, who is at the other end
of a socket, and what a process may ask of its kernel.

`hotpath/` asks by itself: it imports nothing of this, since every command would pay for it. The
plan that it carries out may have been made elsewhere.

Sources: memfd_create(2), proc(5), unix(7), PR_SET_PDEATHSIG(2const), PR_SET_DUMPABLE(2const).
"""

from __future__ import annotations

import os
import sys

IS_LINUX = sys.platform == "linux"
IS_MACOS = sys.platform == "darwin"
IS_WINDOWS = sys.platform == "win32"

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4


def shows_processes() -> bool:
    """Whether a path leads to each open file of a process: Linux, with a /proc that is not hidden
    and shows the processes of our own namespace.

    Not remembered: looking costs less than being wrong once.
    """
    try:
        return IS_LINUX and os.readlink("/proc/self") == str(os.getpid())
    except OSError:
        return False


def has_memory_files() -> bool:
    """Whether there are memory files that a path can lead to: the kernel's, which a filter of
    system calls may forbid, or files without a name in /dev/shm (`hotpath/exec_target.py`).
    """
    return shows_processes() and (_makes_memory_files() or _makes_nameless_files())


def _makes_memory_files() -> bool:
    try:
        os.close(os.memfd_create("pip-uv-shim", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING))
    except (OSError, AttributeError):  # AttributeError: a Python without memfd_create
        return False
    return True


def _makes_nameless_files() -> bool:
    folder = "/dev/shm"  # noqa: S108
    try:
        os.close(os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600))
        return os.stat(folder).st_dev != os.stat("/").st_dev  # else it is a folder on the disk
    except OSError:
        return False


def names_clients() -> bool:
    """Whether a unix socket says who connects."""
    import socket

    return hasattr(socket, "SO_PEERCRED")


def hide_process() -> None:
    """Let no process look into this one, and no core file be written: it may hold credentials.

    Raises:
        OSError: the limit cannot be set. ImportError: this Python cannot call the kernel.
    """
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if IS_LINUX:
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0)


def die_with(parent: int) -> None:
    """Let `kill -9` of the parent end this process as well (Linux only)."""
    if not IS_LINUX:
        return
    import signal

    try:
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    except (ImportError, OSError, AttributeError):
        return
    if os.getppid() != parent:  # it died before we asked
        os.kill(os.getpid(), signal.SIGKILL)
