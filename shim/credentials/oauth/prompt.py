"""The person at the terminal: is shown where to log in and which code to type, and how much time is
left.

Everything goes to stderr. A browser is opened only where there is one, and only on the provider's
own origin: what a server sends is not to open just any page. Nothing is ever read from the
terminal.
"""

from __future__ import annotations

import os
import threading
import time

from shim.core.contextlib import contextmanager
from shim.core.dataclass import dataclass
from shim.core.errors import printable
from shim.core.host import Host, write_stderr
from shim.core.platform_features import IS_MACOS
from shim.core.screen import beside
from shim.core.typing import Any, Iterator
from shim.core.urls import Url

#: What opens a page in the desktop's browser; $BROWSER goes before them.
OPENERS = ("open",) if IS_MACOS else ("xdg-open", "wslview")
#: What says that there is a desktop.
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME")


@dataclass(frozen=True, slots=True)
class Invitation:
    """Where to log in, with which code, in how many seconds; `complete` has the code filled in."""

    issuer: Url
    purpose: str
    page: Url
    code: str
    time_s: float
    complete: Url | None = None


@contextmanager
def invite(invitation: Invitation, host: Host) -> Iterator[None]:
    """Show the invitation, and count down until the end of the `with`. Ctrl-C is the caller's."""
    shown = invitation.complete or invitation.page
    compare = "  (compare it with the one on that page)" if invitation.complete else ""
    lines = [
        f"shim: log in at {invitation.issuer} (for {invitation.purpose})",
        f"  open  {shown.text}",
        f"  code  {invitation.code}{compare}",
    ]
    if find_opener(shown, invitation.issuer, host) and _open(shown, invitation.issuer, host):
        lines.append("  your browser should show that page now")
    write_stderr("".join(printable(line) + "\n" for line in lines))
    with _countdown(invitation.time_s, host):
        yield


@contextmanager
def _countdown(time_s: float, host: Host) -> Iterator[None]:
    """Say how much time is left: every second in one line that vanishes, else once."""
    if not os.isatty(2) or host.environ.get("TERM", "dumb") == "dumb":
        write_stderr(f"  waiting for you there, {_clock(time_s)} at most\n")
        yield
        return
    deadline = time.monotonic() + time_s

    def tick(over: threading.Event) -> None:
        while not over.is_set():
            left = _clock(deadline - time.monotonic())
            text = f"  waiting for you there, {left} left (Ctrl-C gives up)"
            write_stderr(f"\r{text[: _columns() - 1]}\x1b[K")
            over.wait(1.0)
        write_stderr("\r\x1b[K")

    with beside(tick):
        yield


def _columns() -> int:
    """Return the terminal's width now: a wider line would go on below, and could not vanish."""
    try:
        return os.get_terminal_size(2).columns or 80
    except OSError:
        return 80


def _clock(seconds: float) -> str:
    minutes, rest = divmod(max(int(seconds), 0), 60)
    return f"{minutes}:{rest:02d}"


def find_opener(page: Url, issuer: Url, host: Host) -> str | None:
    """Return the program that shows https pages of the issuer's origin here, or None."""
    from shim.credentials.helper_program import find_program, safe_path

    if page.origin != issuer.origin or not page.is_confidential:
        return None
    has_desktop = IS_MACOS or any(host.environ.get(name) for name in DISPLAYS)
    named = host.environ.get("BROWSER", "").partition(":")[0].removesuffix("%s").strip()
    names = [named] if named else list(OPENERS) if has_desktop else []
    path = ":".join(safe_path(host.environ.get("PATH", os.defpath), host.shims))
    return next((program for name in names if (program := find_program(name, path))), None)


def _open(page: Url, issuer: Url, host: Host) -> bool:
    """Start the browser, with nothing of the terminal; return whether it could be started."""
    import subprocess

    from shim.credentials.helper_program import clean_environ

    command, nothing = [find_opener(page, issuer, host) or "", page.text], subprocess.DEVNULL
    streams: dict[str, Any] = {"stdin": nothing, "stdout": nothing, "stderr": nothing}
    environ = clean_environ(host)
    try:
        process = subprocess.Popen(command, cwd="/", env=environ, start_new_session=True, **streams)
    except OSError:
        return False
    # So that it is no zombie while we wait.
    threading.Thread(target=process.wait, daemon=True).start()
    return True
