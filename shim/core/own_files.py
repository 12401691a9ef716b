"""Our own files, private unless said otherwise.

A new one takes the old one's place whole, and one that others could have read or changed is not
read.
"""

from __future__ import annotations

import os

from shim.core.contextlib import contextmanager, suppress
from shim.core.files import CannotRead, read_regular
from shim.core.typing import Iterator

#: What a file is called until it is whole. A process that is killed before leaves it behind, secret
#: and all.
NEW_SUFFIX = ".new"


def create(path: str, data: bytes, mode: int = 0o600, *, sync: bool = False) -> None:
    """Write a new file with exactly this mode; `sync` waits for the disk. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    with open(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        if mode != 0o600:
            os.fchmod(descriptor, mode)
        if sync:
            os.fsync(descriptor)


@contextmanager
def replacement(path: str, data: bytes, mode: int = 0o600, *, sync: bool = False) -> Iterator[str]:
    """Write a new file beside `path` and yield where it is; it takes its place when the `with` ends
    well, else it goes. Raises OSError.
    """
    # Never a name that an ended process left behind.
    new = f"{path}.{os.urandom(6).hex()}{NEW_SUFFIX}"
    try:
        create(new, data, mode, sync=sync)
        yield new
        os.replace(new, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(new)
        raise


def replace_atomically(path: str, data: bytes, mode: int = 0o600, *, sync: bool = False) -> None:
    """Write a file so that readers see the old one or the new one, whole. Raises OSError."""
    with replacement(path, data, mode, sync=sync):
        pass


def read_own(path: str, max_bytes: int = 1 << 20, *, forbidden: int = 0o077) -> bytes | None:
    """Return a file's bytes, or None if it is missing, a link, not ours, large or `forbidden`."""

    def check(status: os.stat_result) -> None:
        if status.st_uid != os.geteuid() or status.st_mode & forbidden:
            raise CannotRead("is not yours alone")

    try:
        return read_regular(path, max_bytes, check, flags=os.O_NOFOLLOW)
    except CannotRead:
        return None
