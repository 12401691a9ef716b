"""Reads other people's files: regular ones alone, never more than a bound, and without waiting for a writer.

A pipe has one reader, and that is the tool; a device never ends. Whoever reads a file for what it says about a command uses this.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterable

from shim.core.errors import UsageError

#: Enough for any file that people write, and for what tools write for them but locks.
MAX_BYTES = 4 << 20

_CHUNK = 1 << 20
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


class CannotRead(Exception):
    """There is something at the path, and nobody here has read it. `why` says so in words that follow the path."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class LeftToCode(CannotRead):
    """What something says is not written down: code says it when it is run."""


def read_named(path: str) -> bytes:
    """Return the bytes of a file that a person named. Raises UsageError where it is not there, or cannot be read."""
    hint = f"ls -l {path}"
    try:
        data = read_regular(path)
    except CannotRead as error:
        raise UsageError(f"{path} {error.why}", hint=hint) from error
    if data is None:
        raise UsageError(f"there is no file {path}", hint=hint)
    return data


def read_regular(
    path: str, max_bytes: int = MAX_BYTES, check: Callable[[os.stat_result], None] | None = None, *, flags: int = 0
) -> bytes | None:
    """Return a file's bytes, or None if there is no such file. `check` may refuse it by its owner or mode, by an error of its own.

    Raises:
        CannotRead: it is no regular file, larger than `max_bytes`, or not ours to open.
    """
    try:
        status = os.stat(path)  # before it is opened: opening a device may already do something
        if not stat.S_ISREG(status.st_mode):
            raise CannotRead(f"is {_kind(status.st_mode)}")
        descriptor = os.open(path, _FLAGS | flags)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL in it
        raise CannotRead(f"cannot be read ({getattr(error, 'strerror', None) or error})") from error
    try:
        return _read(descriptor, max_bytes, check)
    except OSError as error:
        raise CannotRead(f"cannot be read ({error.strerror})") from error
    finally:
        os.close(descriptor)


def read_text(path: str, max_bytes: int = MAX_BYTES) -> str | None:
    """Return the text of a file that nothing depends on, or None if it cannot be read, for whatever reason."""
    try:
        data = read_regular(path, max_bytes)
    except CannotRead:
        return None
    return None if data is None else data.decode("utf-8", "surrogateescape")


def read_head(path: str, max_bytes: int) -> bytes:
    """Return the first bytes of a regular file of any size, none if it cannot be read."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return b""
        descriptor = os.open(path, _FLAGS)
    except (OSError, ValueError):
        return b""
    try:
        return os.read(descriptor, max_bytes) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def list_folder(path: str) -> list[str]:
    """Return the names in a folder, in order; none if it cannot be read."""
    try:
        return sorted(os.listdir(path))
    except OSError:
        return []


def identify(path: str) -> tuple[int, int, int] | None:
    """Return what tells a file from the next one at its path, or from itself before a change; None if there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def mentions(files: Iterable[str], words: re.Pattern[bytes]) -> bool:
    """Whether a config file speaks of something, broken or not: one that we may not open may, and a pipe or a device never was one."""
    for file in files:
        try:
            if words.search(read_regular(file) or b""):
                return True
        except CannotRead:
            if os.path.isfile(file) and not os.access(file, os.R_OK):
                return True
    return False


def _read(descriptor: int, max_bytes: int, check: Callable[[os.stat_result], None] | None) -> bytes:
    status = os.fstat(descriptor)
    if check:
        check(status)
    if not stat.S_ISREG(status.st_mode):  # it was another one a moment ago
        raise CannotRead(f"is {_kind(status.st_mode)}")
    chunks, left = [], max_bytes + 1
    while left > 0 and (chunk := os.read(descriptor, min(left, _CHUNK))):
        chunks.append(chunk)
        left -= len(chunk)
    if left <= 0:
        raise CannotRead(f"is larger than {max_bytes >> 20} MB")
    return b"".join(chunks)


def _kind(mode: int) -> str:
    return "a folder" if stat.S_ISDIR(mode) else "a pipe" if stat.S_ISFIFO(mode) else "no regular file"
