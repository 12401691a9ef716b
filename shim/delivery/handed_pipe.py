"""A named pipe in the place of a memory file, where the system has none.

A process of ours writes the text to whoever opens the pipe: in the background, without a terminal,
and no child of the tool's. The tool holds the only other end of a second pipe, to which nothing is
ever written; when the tool ends, be it by SIGKILL, that one is at its end, and the process removes
the folder and ends. Nothing is ever on a disk: what is in a pipe is in memory.

One pipe serves one reader. As soon as somebody has opened it, the next pipe takes its name, so that
who comes later has one of its own, and who reads to the end and comes again as well. Two that open
it before that would share one text: so only those get a pipe that read one at a time (pip, uv by
the lock of its store, our `keyring`).

Sources: fifo(7), pipe(7); measured with pip 20.3 to 26.3 and uv 0.5 to 0.13.
"""

from __future__ import annotations

import _thread
import os
import select
import signal

from shim.core.contextlib import suppress
from shim.core.dataclass import replace
from shim.core.errors import CannotDeliver
from shim.core.model import Delivery, MemoryFile
from shim.core.platform_features import hide_process
from shim.core.typing import NoReturn

#: The process ends with the tool, whose end it hears of by itself.
IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE)
READY = b"+"
#: A machine with other work starts a process in a second.
READY_WITHIN_S = 30.0


def set_up(delivery: Delivery) -> Delivery:
    """Start the process that writes to the delivery's pipe, if it has one; return what is left to
    hand over. This process is to become the tool: it holds the end that says so.

    Raises:
        CannotDeliver: the system makes no pipe here, or starts no more processes.
    """
    memory = delivery.memory
    if memory is None or not memory.pipe:
        return delivery
    try:
        os.mkdir(os.path.dirname(memory.pipe), 0o700)
        os.mkfifo(memory.pipe, 0o600)
        heard, held = os.pipe()
        told, telling = os.pipe()
        if (starter := os.fork()) == 0:
            _start(memory, heard, telling)
        os.close(heard)
        os.close(telling)
        is_ready = _hears(told)
        with suppress(ChildProcessError):  # where the user ignores SIGCHLD
            os.waitpid(starter, 0)
        os.close(told)
        os.dup2(held, memory.descriptor, inheritable=True)
        os.close(held)
    except OSError as error:
        with suppress(OSError):
            os.rmdir(os.path.dirname(memory.pipe))
        raise _refuse(memory, error.strerror) from error
    if not is_ready:
        raise _refuse(memory, "its process has ended")
    return replace(delivery, memory=None)


def _hears(told: int) -> bool:
    """Whether the process says in time that it is there."""
    return bool(select.select([told], [], [], READY_WITHIN_S)[0]) and os.read(told, 1) == READY


def _refuse(memory: MemoryFile, why: str | None) -> CannotDeliver:
    folder = os.path.dirname(os.path.dirname(memory.pipe))
    return CannotDeliver(
        f"the credential cannot be handed over: no named pipe in {folder} ({why})",
        hint=f"ls -ld {folder}",
    )


def _start(memory: MemoryFile, heard: int, telling: int) -> NoReturn:
    """Start the process, which is to be nobody's child, and end."""
    try:
        os.setsid()
        if os.fork() == 0:
            _serve(memory, heard, telling)
    finally:
        os._exit(0)


def _serve(memory: MemoryFile, heard: int, telling: int) -> None:
    """Write the text to one reader after the other, until the tool has ended. Raises OSError."""
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    os.chdir("/")
    _let_go(heard, telling)
    with suppress(ImportError, OSError):
        hide_process()
    renewing = _thread.allocate_lock()
    _thread.start_new_thread(_end_with_tool, (heard, memory.pipe, renewing))
    data = memory.text.reveal().encode("utf-8", "surrogateescape")
    os.write(telling, READY)
    os.close(telling)
    while True:
        sink = os.open(memory.pipe, os.O_WRONLY | os.O_CLOEXEC)  # waits for a reader
        with renewing, suppress(OSError):  # where there is no room, this one serves on
            os.mkfifo(f"{memory.pipe}.next", 0o600)
            os.rename(f"{memory.pipe}.next", memory.pipe)
        with suppress(BrokenPipeError):  # the reader has gone
            _write(sink, data)
        os.close(sink)


def _write(sink: int, data: bytes) -> None:
    while data:
        data = data[os.write(sink, data) :]


def _let_go(*kept: int) -> None:
    """Close all that the tool's user has open: others wait for its end."""
    empty = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(empty, number)
    first = 3
    for number in sorted(kept):
        os.closerange(first, number)
        first = number + 1
    limit = os.sysconf("SC_OPEN_MAX")
    os.closerange(first, limit if 0 < limit < 1 << 20 else 1 << 16)


def _end_with_tool(heard: int, pipe: str, renewing: _thread.LockType) -> NoReturn:
    """Wait for the tool's end, and remove everything."""
    try:
        os.read(heard, 1)
        renewing.acquire()
        folder = os.path.dirname(pipe)
        for name in os.listdir(folder):  # a lock of the tool's lies there as well
            os.unlink(os.path.join(folder, name))
        os.rmdir(folder)
    finally:
        os._exit(0)
