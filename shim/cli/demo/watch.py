"""Looking for a secret wherever it could have leaked: every process's argv, output, and files."""

from __future__ import annotations

import base64
import os
import threading
from urllib.parse import quote

from shim.core.platform_features import shows_processes
from shim.core.typing import Iterable


def needles(username: str, secret: str) -> tuple[bytes, ...]:
    """Return the forms in which a password shows up: raw, percent-encoded, in a Basic header."""
    pair = base64.b64encode(f"{username}:{secret}".encode())
    return tuple(dict.fromkeys((secret.encode(), quote(secret, safe="").encode(), pair)))


def is_in(data: bytes, forms: Iterable[bytes]) -> bool:
    """Return whether any form of the secret is in `data`."""
    return any(form in data for form in forms)


def find_in_files(folder: str, forms: Iterable[bytes], leave_out: Iterable[str] = ()) -> list[str]:
    """Return the files below `folder` that hold a form of the secret, but those in `leave_out`."""
    found = []
    skipped = tuple(os.path.join(left, "") for left in leave_out)
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            if path.startswith(skipped) or os.path.islink(path) or not os.path.isfile(path):
                continue
            with open(path, "rb") as stream:
                if is_in(stream.read(), forms):
                    found.append(path)
    return found


class ArgvWatch:
    """Looks at `/proc/*/cmdline` over and over, and whenever `look` is called.

    `seen` holds the program names in whose argv the secret stood.
    """

    def __init__(self, forms: tuple[bytes, ...], interval_s: float = 0.01) -> None:
        self.seen: set[str] = set()
        self._forms = forms
        self._interval_s = interval_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> ArgvWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def look(self) -> None:
        """Look once at every process except this one, where the system shows them."""
        if not shows_processes():
            return
        for entry in os.listdir("/proc"):
            if entry.isdigit() and int(entry) != os.getpid():
                try:
                    with open(f"/proc/{entry}/cmdline", "rb") as stream:
                        line = stream.read()
                except OSError:
                    continue
                if is_in(line, self._forms):
                    self.seen.add(os.path.basename(line.split(b"\0")[0].decode(errors="replace")))

    def _run(self) -> None:
        while not self._stop.wait(self._interval_s):
            self.look()
