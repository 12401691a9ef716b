"""The terminal and the standard descriptors while somebody else's code asks a person: what it does
to them ends with it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType

from shim.core.contextlib import contextmanager, suppress
from shim.core.typing import Callable, Iterator

#: Signals that end us without a `finally`, and that a person or a job's runner sends.
ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
#: Copies get numbers that nobody takes for a standard descriptor which is closed.
FIRST_FREE = 10


@contextmanager
def restored() -> Iterator[None]:
    """Put the terminal's settings back when the block ends in any way, a signal included. What was
    typed meanwhile and not read goes.

    Who asks for a password turns the echo off, and may not live to turn it on again. Where we are
    in the background the terminal is another's, and stays as it is.
    """
    try:
        descriptor = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:  # no terminal
        yield
        return
    try:
        restore = _restorer(descriptor)
        with _before_signals(restore):
            try:
                yield
            finally:
                restore()
    finally:
        os.close(descriptor)


@contextmanager
def diverted() -> Iterator[None]:
    """Lead stdout to stderr, and stdin, unless a terminal, to nowhere: both are the tool's."""
    import fcntl

    _flush()
    are_open = [number for number in (0, 1) if _is_open(number)]
    kept = {number: fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, FIRST_FREE) for number in are_open}
    nowhere = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        if 1 in kept:
            os.dup2(2 if _is_open(2) else nowhere, 1)
        if 0 in kept and not os.isatty(0):
            os.dup2(nowhere, 0)
        yield
    finally:
        _flush()
        for number, copy in kept.items():
            os.dup2(copy, number)
            os.close(copy)
        os.close(nowhere)


def _restorer(descriptor: int) -> Callable[[], None]:
    """Return what puts the settings back that the terminal has now, if it is ours now and then."""
    import termios

    def is_ours() -> bool:
        return os.tcgetpgrp(descriptor) == os.getpgrp()

    before = None
    with suppress(OSError, termios.error):
        before = termios.tcgetattr(descriptor) if is_ours() else None

    def restore() -> None:
        with suppress(OSError, termios.error):
            if before is not None and is_ours() and termios.tcgetattr(descriptor) != before:
                termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)

    return restore


@contextmanager
def _before_signals(action: Callable[[], None]) -> Iterator[None]:
    """Do `action` before a signal ends us, in the main thread and where nobody else does."""

    def end(number: int, _frame: FrameType | None) -> None:
        action()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    is_main = threading.current_thread() is threading.main_thread()
    caught = [number for number in ENDING if is_main and signal.getsignal(number) is signal.SIG_DFL]
    for number in caught:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in caught:
            signal.signal(number, signal.SIG_DFL)


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _flush() -> None:
    """Let out what Python holds back for standard output, to where it was meant to go."""
    if sys.stdout is not None:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
