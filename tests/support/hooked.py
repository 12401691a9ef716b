"""Sees every look at a file, by hooks that no product should have: `core/files.py` is held against it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from shim.pipeline.observing import Observed, Observer

#: What only asks for a state raises no event.
SILENT = ("stat", "lstat", "access", "readlink")
#: Code whose own looks are in no record, and why that is no loss.
LIBRARIES = {
    "/keyring/": "what changes a keyring's answer is listed in storage/keyring_cache.py, `places`",
    "/ctypes/util.py": "where the C library lies",
    "/sysconfig": "where this interpreter lies",
}
_observers: list[Observer] = []


def _see(path: object) -> None:
    if _observers and isinstance(path, (str, bytes)) and not _is_of_a_library():
        for observer in _observers:
            observer.see(os.fsdecode(path))


def _is_of_a_library() -> bool:
    """Whether a library looks, and not we."""
    frame = sys._getframe()
    while frame.f_back:
        frame = frame.f_back
        if f"{os.sep}shim{os.sep}" in frame.f_code.co_filename:
            return False
        if any(name in frame.f_code.co_filename for name in LIBRARIES):
            return True
    return False


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    """Note files that are opened, but for those that are made then, and folders that are listed."""
    if not _observers:
        return
    if event == "open" and not arguments[2] & (os.O_EXCL | os.O_TRUNC):
        _see(arguments[0])
    elif event in ("os.listdir", "os.scandir") and not _is_of_a_library():
        path = arguments[0]
        for observer in _observers:
            observer.see_folder(
                os.fsdecode(path) if isinstance(path, (str, bytes)) else os.getcwd()
            )


def _watched(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(path: Any, *arguments: Any, **options: Any) -> Any:
        _see(path)
        return function(path, *arguments, **options)

    return call


@contextmanager
def hooked() -> Iterator[Observer]:
    """Note every look of this process at a file, whoever takes it."""
    if _hook not in _installed:
        sys.addaudithook(_hook)  # cannot be taken away again
        _installed.append(_hook)
    observer = Observer(Observed(()))
    kept = {name: getattr(os, name) for name in SILENT}
    for name, function in kept.items():
        setattr(os, name, _watched(function))
    _observers.append(observer)
    try:
        yield observer
    finally:
        _observers.remove(observer)
        for name, function in kept.items():
            setattr(os, name, function)


_installed: list[Callable[..., None]] = []
