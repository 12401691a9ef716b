"""Single flight: of all processes that need the same answer one asks, and the others take what it
got, a failure included.

The lock file is never the record itself: locking a file that is replaced by renaming would lock
nothing. The kernel releases the lock of a process that ends in any way. One that is stopped
(SIGSTOP, Ctrl-Z) keeps it; who has waited for the source's timeout queues at the next lock file
instead, so that even then one asks and not everybody at once.

This is what filelock does on Linux and macOS, by the same call: importing that package costs 40 ms
in each of a hundred waiting processes, as much as everything else they do. (`.tokens.toml.lock` is
a lock of filelock's; config/edit.py and agent_socket.py lock folders, which it cannot.)

Sources: flock(2); filelock 4.2 `UnixFileLock`.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, contextmanager, suppress

from shim.core.errors import SourceError, printable
from shim.core.files import identify, open_descriptor, read_text
from shim.core.host import Host
from shim.core.own_files import replace_atomically
from shim.core.typing import Callable, Iterator
from shim.storage.cache_files import cache_file, discard, written_ago_s

#: How many stopped processes it takes until everybody asks for himself.
LOCK_SUFFIXES = (".lock", ".1.lock", ".2.lock")
#: How often a waiting process looks whether it is its turn.
LOOK_S = 0.1
#: After how long somebody who waits is told so.
PATIENCE_S = 1.0
#: The last failure: its message and hint, which never hold a secret.
FAILED_SUFFIX = ".failed"


@contextmanager
def turn(
    key: str, host: Host, timeout_s: float, on_wait: Callable[[], None] | None = None
) -> Iterator[SourceError | None]:
    """Wait for our turn to ask, at most `timeout_s` behind each process that does not move.

    `on_wait` is called once, after PATIENCE_S: somebody may have to be told why nothing happens.

    Yields what went wrong for somebody else while we waited, or None. A failure is recognised by
    its file having changed, not by a time, so that no clock can be wrong about it.
    """
    base = cache_file(key, host)
    if base is None:
        yield None
        return
    path = base + FAILED_SUFFIX
    before = identify(path)
    with ExitStack() as stack:
        _take(stack, base, timeout_s, on_wait)
        yield None if identify(path) in (None, before) else _read(path)


def _take(
    stack: ExitStack, base: str, timeout_s: float, on_wait: Callable[[], None] | None
) -> None:
    """Take the first lock that nobody keeps for longer than `timeout_s`, if there is one.

    A lock ends with its descriptor, which no child inherits; its file is never removed, since a new
    one would be another lock.
    """
    import fcntl

    began = time.monotonic()
    for suffix in LOCK_SUFFIXES:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = open_descriptor(base + suffix, flags, 0o600)
        except OSError:
            return
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if on_wait and time.monotonic() - began > PATIENCE_S:
                    on_wait()
                    on_wait = None
                time.sleep(LOOK_S)
                continue
            except OSError:  # a file system without locks
                break
            stack.callback(os.close, descriptor)
            return
        os.close(descriptor)


def note_failure(key: str, error: SourceError, host: Host) -> None:
    """Remember why a source has just failed, for those who wait, if that can be written."""
    text = "\n".join(printable(part) for part in (error.message, error.hint or ""))
    if path := cache_file(key + FAILED_SUFFIX, host):
        with suppress(OSError):
            replace_atomically(path, text.encode())


def note_success(key: str, host: Host) -> None:
    """Forget the last failure."""
    discard(cache_file(key + FAILED_SUFFIX, host))


def failed_ago_s(key: str, host: Host) -> float | None:
    """Return how many seconds ago the source failed last; None if it works, or time went back."""
    return written_ago_s(cache_file(key + FAILED_SUFFIX, host), host)


def _read(path: str) -> SourceError | None:
    text = read_text(path, 1 << 16)
    message, _, hint = (text or "").partition("\n")
    return SourceError(message, hint=hint or None) if text is not None else None
