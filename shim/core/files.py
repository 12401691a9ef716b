"""Looks at files for everybody else: reads them, lists folders, asks for states.

Other people's files are read if they are regular ones, never more than a bound, and without waiting
for a writer. A pipe has one reader, and that is the tool; a device never ends.

Who watches is told before each look. The record of a command is made from that: what is asked of
`os` elsewhere is in no record.
"""

from __future__ import annotations

import os
import stat

from shim.core import regex as re
from shim.core.contextlib import contextmanager
from shim.core.errors import UsageError
from shim.core.typing import Callable, Iterable, Iterator, Protocol

#: Enough for any file that people write, and for what tools write for them but locks.
MAX_BYTES = 4 << 20

_CHUNK = 1 << 20
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


class Watcher(Protocol):
    """Takes note of what is looked at, as it is before the first look."""

    def see(self, path: str) -> None:
        """Note a path whose content or existence counts."""

    def see_folder(self, path: str) -> None:
        """Note a folder whose entries count."""


_watchers: list[Watcher] = []


@contextmanager
def watched_by(watcher: Watcher) -> Iterator[None]:
    """Tell `watcher` of every look."""
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.pop()


def see(path: str) -> None:
    """Tell who watches that somebody else, a library maybe, looks at a path now."""
    for watcher in _watchers:
        watcher.see(path)


def read_status(path: str) -> os.stat_result:
    """Return what `os.stat` does."""
    see(path)
    return os.stat(path)


def read_link_status(path: str) -> os.stat_result:
    """Return what `os.lstat` does."""
    see(path)
    return os.lstat(path)


def exists(path: str) -> bool:
    """Return what `os.path.exists` does."""
    see(path)
    return os.path.exists(path)


def link_exists(path: str) -> bool:
    """Return what `os.path.lexists` does."""
    see(path)
    return os.path.lexists(path)


def is_file(path: str) -> bool:
    """Return what `os.path.isfile` does."""
    see(path)
    return os.path.isfile(path)


def is_folder(path: str) -> bool:
    """Return what `os.path.isdir` does."""
    see(path)
    return os.path.isdir(path)


def is_link(path: str) -> bool:
    """Return what `os.path.islink` does."""
    see(path)
    return os.path.islink(path)


def may_access(path: str, mode: int) -> bool:
    """Return what `os.access` does."""
    see(path)
    return os.access(path, mode)


def read_link(path: str) -> str:
    """Return what `os.readlink` does."""
    see(path)
    return os.readlink(path)


def list_folder(path: str) -> list[str]:
    """Return what `os.listdir` does."""
    for watcher in _watchers:
        watcher.see_folder(path)
    return os.listdir(path)


def list_folders(path: str) -> list[str]:
    """Return the names of the folders in a folder, and of links to folders."""
    for watcher in _watchers:
        watcher.see_folder(path)
    with os.scandir(path) as entries:
        return [entry.name for entry in entries if _leads_to_folder(entry)]


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def make_folders(path: str, mode: int) -> None:
    """Do what `os.makedirs` does, where it may be there already."""
    above = os.path.dirname(path.rstrip("/"))
    while above and not exists(above):
        above = os.path.dirname(above)
    os.makedirs(path, mode, exist_ok=True)


def real_path(path: str) -> str:
    """Return what `os.path.realpath` does, which asks of every step whether it is a link."""
    if _watchers:
        _see_steps(path, {})
    return os.path.realpath(path)


def _see_steps(path: str, links: dict[str, str]) -> str:
    """Tell who watches of every step of a path; return where it leads."""
    reached = "/" if path.startswith("/") else os.getcwd()
    for name in path.split("/"):
        if name == "..":
            reached = os.path.dirname(reached)
        elif name not in ("", "."):
            step = os.path.join(reached, name)
            see(step)
            if step not in links and os.path.islink(step):
                links[step] = step  # where it leads to itself
                links[step] = _see_steps(os.path.join(reached, os.readlink(step)), links)
            reached = links.get(step, step)
    return reached


def open_descriptor(path: str, flags: int, mode: int = 0o777) -> int:
    """Return what `os.open` does."""
    see(path)
    return os.open(path, flags, mode)


class CannotRead(Exception):
    """There is something at the path that nobody here has read; `why` is a clause about it."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class LeftToCode(CannotRead):
    """What something says is not written down: code says it when it is run."""


def read_named(path: str) -> bytes:
    """Return the bytes of a file that a person named. Raises UsageError if it cannot be read."""
    hint = f"ls -l {path}"
    try:
        data = read_regular(path)
    except CannotRead as error:
        raise UsageError(f"{path} {error.why}", hint=hint) from error
    if data is None:
        raise UsageError(f"there is no file {path}", hint=hint)
    return data


def read_regular(
    path: str,
    max_bytes: int = MAX_BYTES,
    check: Callable[[os.stat_result], None] | None = None,
    *,
    flags: int = 0,
) -> bytes | None:
    """Return a file's bytes, None if there is no file. `check` may refuse it by owner or mode.

    Raises:
        CannotRead: it is no regular file, larger than `max_bytes`, or not ours to open.
    """
    try:
        status = read_status(path)  # before it is opened: opening a device may already do something
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
    """Return the text of a file that nothing depends on, or None if it cannot be read."""
    try:
        data = read_regular(path, max_bytes)
    except CannotRead:
        return None
    return None if data is None else data.decode("utf-8", "surrogateescape")


def read_head(path: str, max_bytes: int) -> bytes:
    """Return the first bytes of a regular file of any size, none if it cannot be read."""
    try:
        if not stat.S_ISREG(read_status(path).st_mode):
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


def names_in(folder: str) -> list[str]:
    """Return the names in a folder, in order; none if it cannot be read."""
    try:
        return sorted(list_folder(folder))
    except OSError:
        return []


def identify(path: str) -> tuple[int, int, int] | None:
    """Return what changes with a file at its path, and in it; None if there is none."""
    try:
        status = read_status(path)
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def mentions(files: Iterable[str], words: tuple[bytes, ...], pattern: bytes = b"") -> bool:
    """Whether a config file speaks of something, broken or not: one that we may not open may.

    It does so with one of the words in it that, if there is a `pattern`, also fits that.
    """
    for file in files:
        try:
            text = read_regular(file) or b""
            if any(word in text for word in words) and re.search(pattern, text):
                return True
        except CannotRead:
            if is_file(file) and not may_access(file, os.R_OK):
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
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a pipe" if stat.S_ISFIFO(mode) else "no regular file"
