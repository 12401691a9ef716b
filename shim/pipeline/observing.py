"""Sees what a plan is made from, while it is made: the variables that are asked for, and the files.

How each file, folder and path was is noted before `core/files.py` looks at it. A reader that goes
around `core/files.py` is found by tests/e2e/test_observing.py.
"""

from __future__ import annotations

import os
import posix
import sys

from shim.core.contextlib import contextmanager
from shim.core.dataclass import dataclass, field, replace
from shim.core.files import watched_by
from shim.core.host import Host
from shim.core.typing import Any, Iterable, Iterator
from shim.hotpath.replay import describe_file, is_folder


class Observed(dict[str, str]):
    """An environment that remembers which variables were asked for, of its copies as well."""

    def __init__(self, environ: Iterable[tuple[str, str]]) -> None:
        super().__init__(environ)
        self.asked: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        """Return a variable's value and remember its name."""
        self.asked.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return super().__getitem__(name)

    def copy(self) -> Observed:
        """Return a copy that tells the same."""
        copied = Observed(self.items())
        copied.asked = self.asked
        return copied

    def __contains__(self, name: object) -> bool:
        self.asked.add(str(name))
        return super().__contains__(name)


@dataclass(slots=True)
class Observer:
    """What was looked at while a plan was made: each path and each listed folder, as it was before
    the first look.

    Making a plan may take as long as a person takes to log in: what has changed meanwhile was not
    what the plan was made from.
    """

    environ: Observed
    paths: dict[str, tuple[str, ...]] = field(default_factory=dict)
    folders: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def see(self, path: str) -> None:
        """Remember a path whose content or existence counts."""
        if path not in self.paths and not _is_ours(path):
            self.paths[path] = describe_path(path)

    def see_folder(self, path: str) -> None:
        """Remember a folder whose entries count, be it our own environment's."""
        folder = os.path.abspath(path)
        if not _is_ours(folder) and folder not in self.folders:
            self.folders[folder] = describe_path(folder, is_listed=True)


@contextmanager
def observe(host: Host) -> Iterator[tuple[Host, Observer]]:
    """Watch what is looked at; yields the host to use meanwhile, and the observer."""
    observer = Observer(Observed(host.environ.items()))
    with watched_by(observer):
        yield replace(host, environ=observer.environ), observer


def describe_path(path: str, *, is_listed: bool = False) -> tuple[str, ...]:
    """Return the fields of a record's line that says how a path is, or that it is not there.

    A folder that was listed counts with its entries; of any other only that it is there: people
    make files in it all the time.
    """
    state = describe_file(path)
    if state is None:
        try:
            return "link", path, posix.readlink(path)  # to the descriptor of whoever opens it
        except (OSError, ValueError):
            return "missing", path
    return ("folder", path) if is_folder(path) and not is_listed else ("file", path, state)


def _is_ours(path: str) -> bool:
    """Whether a path is part of our own code, our dependencies or the interpreter's library (a line
    of its own tells them), or no file.

    What others have installed for the same interpreter lies inside its library, the target maybe
    among it.
    """
    if path.startswith(("/proc/", "/dev/null", "/dev/tty")):
        return True
    inside = (folder for folder in _CODE if path.startswith(folder))
    kinds = ("site-packages", "dist-packages")
    return any(not path.startswith(kinds, len(folder)) for folder in inside)


_CODE = tuple(entry.rstrip("/") + "/" for entry in sys.path if entry.startswith("/"))
