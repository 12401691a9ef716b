"""What people see: a width, a colour where the stream is a terminal that wants one, and a sign that
something is waited for.

Sources: no-color.org; the GitHub CLI's manual ("gh environment": NO_COLOR, CLICOLOR_FORCE is not
taken over).
"""

from __future__ import annotations

import os
import shutil
import threading

from shim.core.contextlib import contextmanager
from shim.core.folding import MIN_COLUMNS
from shim.core.host import Host, write_stderr
from shim.core.typing import Callable, Iterator, Literal

Colour = Literal["red", "green", "yellow", "bold"]
_CODES: dict[Colour, int] = {"red": 31, "green": 32, "yellow": 33, "bold": 1}
#: Silence up to this long needs no sign.
PATIENCE_S = 1.0
TURN_S = 0.12
SIGNS = "|/-\\"


def has_colour(descriptor: int, host: Host) -> bool:
    """Whether a stream (1 stdout, 2 stderr) is a terminal whose user did not forbid colours."""
    return (
        os.isatty(descriptor)
        and not host.environ.get("NO_COLOR")
        and host.environ.get("TERM") not in (None, "", "dumb")
    )


def paint(text: str, colour: Colour, descriptor: int, host: Host) -> str:
    """Return the text in a colour, where there are colours."""
    return f"\x1b[{_CODES[colour]}m{text}\x1b[0m" if has_colour(descriptor, host) else text


@contextmanager
def waiting(text: str, host: Host) -> Iterator[None]:
    """Show on a terminal's stderr, after a second, what is waited for until the block is over."""
    if not os.isatty(2) or host.environ.get("TERM") in (None, "", "dumb"):
        yield
        return

    def turn(is_over: threading.Event) -> None:
        if is_over.wait(PATIENCE_S):
            return
        number = 0
        room = max(shutil.get_terminal_size().columns, MIN_COLUMNS) - 4
        while not is_over.is_set():
            write_stderr(f"\r{SIGNS[number % len(SIGNS)]} {text[:room]}")
            number += 1
            is_over.wait(TURN_S)
        write_stderr("\r\x1b[K")

    with beside(turn):
        yield


@contextmanager
def beside(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Let `work` go on in a thread of its own until the block is over, which its event says.

    It may be writing to a terminal that was stopped (Ctrl-S): nothing waits for that for long.
    """
    is_over = threading.Event()
    thread = threading.Thread(target=work, args=(is_over,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join(2.0)
