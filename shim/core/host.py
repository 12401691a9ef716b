"""The outside world, handed to everyone who needs it: environment, working directory, clock,
terminal, base folders.

Nothing else in `shim` reads `os.environ`, `time` or the working directory, so that a test can put
any world in place.
"""

from __future__ import annotations

import os
import time

from shim.core.dataclass import dataclass
from shim.core.files import is_file, may_access
from shim.core.typing import Callable, Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Host:
    """One process's surroundings. `clock` returns UTC epoch seconds; `interactive` is true if a
    person can be asked.

    `launcher` is the absolute path of the launcher that started us, or empty.
    """

    environ: Mapping[str, str]
    cwd: str
    clock: Callable[[], float] = time.time
    interactive: bool = False
    launcher: str = ""

    @property
    def home(self) -> str | None:
        """The user's home, None if HOME is missing or relative: no user config and no cache."""
        return self._absolute("HOME")

    @property
    def shims(self) -> str | None:
        """The folder of our launchers, or None when we were not started by one."""
        return os.path.dirname(self.launcher) if self.launcher.startswith("/") else None

    @property
    def faces(self) -> str | None:
        """The folder of our `keyring` launcher, beside the launchers' folder, if it is there."""
        folder = os.path.join(os.path.dirname(self.shims), "faces") if self.shims else ""
        return folder if may_access(os.path.join(folder, "keyring"), os.X_OK) and folder else None

    @property
    def config_home(self) -> str | None:
        """`$XDG_CONFIG_HOME`, else `~/.config`."""
        return self._absolute("XDG_CONFIG_HOME") or self._below_home(".config")

    @property
    def data_home(self) -> str | None:
        """`$XDG_DATA_HOME`, else `~/.local/share`."""
        return self._absolute("XDG_DATA_HOME") or self._below_home(".local", "share")

    @property
    def state_home(self) -> str | None:
        """`$XDG_STATE_HOME`, else `~/.local/state`."""
        return self._absolute("XDG_STATE_HOME") or self._below_home(".local", "state")

    @property
    def config_directories(self) -> tuple[str, ...]:
        """The absolute entries of `$XDG_CONFIG_DIRS`, else `/etc/xdg`."""
        listed = self.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
        return tuple(folder for folder in listed.split(":") if folder.startswith("/"))

    def is_set(self, name: str) -> bool:
        """Whether a switch variable is on: present, and neither empty nor `0`."""
        return self.environ.get(name, "") not in ("", "0")

    def variables(self, names: tuple[str, ...]) -> tuple[tuple[str, str | None], ...]:
        """Return (name, value or None) for each name; `AWS_*` is all that begin so, in order."""
        found: list[tuple[str, str | None]] = []
        for name in names:
            # Also asked for `AWS_*` itself: who watches learns that all of them count.
            found.append((name, self.environ.get(name)))
            if name.endswith("*"):
                items = self.environ.items()
                found += sorted(item for item in items if item[0].startswith(name[:-1]))
        return tuple(found)

    def programs(self, name: str) -> Iterator[str]:
        """Yield the programs of that name on PATH, whose empty entry is the working directory."""
        for entry in self.environ.get("PATH", os.defpath).split(":"):
            path = os.path.join(self.path(entry or "."), name)
            if is_file(path) and may_access(path, os.X_OK):
                yield path

    def path(self, text: str) -> str:
        """Return `text` as an absolute path, relative to our working directory, `~` expanded."""
        if text.startswith("~/") and self.home:
            text = self.home + text[1:]
        return os.path.normpath(os.path.join(self.cwd, text))

    def debug(self, text: str) -> None:
        """Write a line of trace to stderr if SHIM_DEBUG is set. Callers never pass secrets."""
        if self.is_set("SHIM_DEBUG"):
            from shim.core.errors import printable

            write_stderr(f"shim: debug: {printable(text)}\n")

    def _absolute(self, name: str) -> str | None:
        value = self.environ.get(name, "")
        return value if value.startswith("/") else None

    def _below_home(self, *parts: str) -> str | None:
        return os.path.join(self.home, *parts) if self.home else None


def this_host(launcher: str = "") -> Host:
    """Return the real surroundings of this process; a deleted working directory is `/`."""
    try:
        cwd = os.getcwd()
    except OSError:
        cwd = "/"
    environ = dict(os.environ)
    return Host(environ, cwd, interactive=_has_person(environ), launcher=launcher)


def _has_person(environ: Mapping[str, str]) -> bool:
    """Return whether stdin and stderr are terminals and no CI or SHIM_NO_INPUT says otherwise."""
    if any(environ.get(name, "") not in ("", "0", "false") for name in ("CI", "SHIM_NO_INPUT")):
        return False
    return all(os.isatty(descriptor) for descriptor in (0, 2))


def write_stderr(text: str) -> None:
    """Write `text` to stderr at once; that nobody reads it is not our failure."""
    data = text.encode("utf-8", "backslashreplace")
    try:
        while data:
            data = data[os.write(2, data) :]
    except OSError:
        pass
