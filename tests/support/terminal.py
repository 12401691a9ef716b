"""An interactive shell in a pseudo-terminal: type a line, read what it printed."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from types import TracebackType

#: A line that is typed ends in this command; the shell shows its output as a mark of its own, and not the typed text.
MARK = "done-typing"
#: What asks a terminal where its cursor is, and an answer.
WHERE_IS_THE_CURSOR = b"\x1b[6n"
IN_THE_FIRST_ROW = b"\x1b[1;1R"


class Terminal:
    """One shell. Use as a context manager; it is ended by its own process id."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], cwd: str) -> None:
        self._count = 0
        self.pid, self._descriptor = pty.fork()
        if self.pid == 0:  # pragma: no cover (the child)
            try:
                os.chdir(cwd)
                os.execvpe(command[0], list(command), dict(environ))
            finally:
                os._exit(127)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._descriptor)

    def type(self, line: str, timeout_s: float = 60.0) -> str:
        """Type a line, wait until it is over, and return what it printed, line ends as `\\n`."""
        self._count += 1
        half = f"{MARK}-{self._count}"
        # The typed text has a quote in the middle of the mark, so only what is printed can match.
        os.write(self._descriptor, f"printf '\\n<%s\\n' '{half}'; {line}; printf '\\n%s>\\n' '{half}'\n".encode())
        text = self._read_until(f"{half}>", timeout_s)
        return text.rpartition(f"<{half}")[2].rpartition(f"{half}>")[0].strip("\r\n").replace("\r\n", "\n")

    def start(self, line: str, ready: str, timeout_s: float = 60.0) -> str:
        """Type a line that goes on, wait until it has printed `ready` (which the typed text does not contain as such), and return that."""
        os.write(self._descriptor, f"{line}\n".encode())
        return self.until(ready, timeout_s)

    def press(self, key: str) -> None:
        """Press a key: `\x03` is ^C, `\x1a` ^Z."""
        os.write(self._descriptor, key.encode())

    def resize(self, rows: int, columns: int) -> None:
        """Change the size of the window."""
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def until(self, text: str, timeout_s: float = 60.0) -> str:
        """Return what is printed, to and with `text`."""
        deadline = time.monotonic() + timeout_s
        data = b""
        while text.encode() not in data:
            ready, _, _ = select.select([self._descriptor], [], [], max(deadline - time.monotonic(), 0))
            if not ready:
                raise AssertionError(f"no {text!r} in: {data.decode('utf-8', 'replace')[-2000:]}")
            data += self._read()
        return data.decode("utf-8", "replace")

    def _read(self) -> bytes:
        """Return what is there to read. A shell that draws its own line asks where the cursor is, and waits for the answer."""
        data = os.read(self._descriptor, 65536)
        if WHERE_IS_THE_CURSOR in data:
            os.write(self._descriptor, IN_THE_FIRST_ROW)
        return data

    def _read_until(self, mark: str, timeout_s: float) -> str:
        deadline = time.monotonic() + timeout_s
        data = b""
        while f"\n{mark}" not in data.decode("utf-8", "replace"):
            left_s = deadline - time.monotonic()
            ready, _, _ = select.select([self._descriptor], [], [], max(left_s, 0))
            if not ready:
                raise AssertionError(f"no end of {mark} in: {data.decode('utf-8', 'replace')[-2000:]}")
            data += self._read()
        return data.decode("utf-8", "replace")
