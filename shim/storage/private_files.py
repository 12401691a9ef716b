"""Files that hold secrets, read only if nobody else could have read or written them.

What counts is the file that is opened in the end: a symbolic link may lead to it (Kubernetes and
dotfile managers use them).
"""

from __future__ import annotations

import os
import select
import stat
import time

from shim.core.errors import SourceError
from shim.core.files import open_descriptor
from shim.core.host import Host

#: Where container runtimes put secrets, readable by all users of the container (0444).
SHARED = ("/run/secrets/", "/var/run/secrets/")
#: How long a named pipe may take to give what it has.
PIPE_TIMEOUT_S = 10.0


def find_path(name: str, host: Host) -> str:
    """Return a named file's path. Raises SourceError for one that would follow the user about."""
    if name.startswith("/") or (name.startswith("~/") and host.home):
        return host.path(name)
    hint = "write it as /folder/file or ~/folder/file"
    raise SourceError(f"{name} is not an absolute path", hint=hint)


def read_private(
    path: str, max_bytes: int, *, purpose: str = "a secret", is_loose_fine: bool = False
) -> bytes | None:
    """Return the file's bytes, or None if it is not there; `is_loose_fine`: it may be anybody's.

    Raises:
        SourceError: it is unreadable, not the user's alone, larger than `max_bytes`, or no file.
    """
    try:
        # A pipe must not make us wait for its writer.
        descriptor = open_descriptor(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            status = os.fstat(descriptor)
            if flaw := find_flaw(status, path, is_loose_fine=is_loose_fine):
                raise SourceError(f"{path} {flaw[0]}", hint=flaw[1])
            is_pipe = stat.S_ISFIFO(status.st_mode)
            data = _read(descriptor, max_bytes + 1, is_pipe=is_pipe, path=path)
        finally:
            os.close(descriptor)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        message = f"{path} cannot be read ({error.strerror})"
        raise SourceError(message, hint=f"ls -l {path}") from error
    if len(data) > max_bytes:
        hint = f"name the file that holds {purpose} alone"
        raise SourceError(f"{path} is too large for {purpose}", hint=hint)
    return data


def find_flaw(
    status: os.stat_result, path: str, *, is_loose_fine: bool = False
) -> tuple[str, str] | None:
    """Return what is wrong with a file that holds a secret, and what to do, or None.

    A group may read it if it is the user's own private group, or if root gave it to that group.
    """
    mode = status.st_mode
    if stat.S_ISDIR(mode):
        return "cannot be read (it is a folder)", "name the file that holds the secret"
    if not stat.S_ISREG(mode) and not stat.S_ISFIFO(mode):
        return "is not a file", "name the file that holds the secret"
    if is_loose_fine:
        return None
    if status.st_uid not in (0, os.geteuid()):
        return (
            f"belongs to another user (uid {status.st_uid})",
            f"copy it to a file of your own if you trust it, or chown it: ls -l {path}",
        )
    if path.startswith(SHARED):
        return None
    shown = f"(mode {stat.S_IMODE(mode):04o})"
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        what = "read" if mode & stat.S_IROTH else "written"
        return f"can be {what} by everybody {shown}", f"chmod 600 {path}"
    is_shared = mode & (stat.S_IRGRP | stat.S_IWGRP) and status.st_uid not in (0, status.st_gid)
    return (f"can be read by its group {shown}", f"chmod 600 {path}") if is_shared else None


def _read(descriptor: int, max_bytes: int, *, is_pipe: bool, path: str) -> bytes:
    """Return what the file has, up to `max_bytes`; of a pipe all that comes in time."""
    data = bytearray()
    deadline = time.monotonic() + PIPE_TIMEOUT_S
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    while len(data) < max_bytes:
        # Without a writer a pipe reads as empty; poll waits for the first one.
        if is_pipe and not poller.poll(max(deadline - time.monotonic(), 0) * 1000):
            raise SourceError(f"{path} is a pipe into which nobody writes", hint=f"ls -l {path}")
        chunk = os.read(descriptor, max_bytes - len(data))
        if not chunk:
            break
        data += chunk
    return bytes(data)
