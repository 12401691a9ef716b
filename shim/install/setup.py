"""Our own installation set up, or set up again: launchers, the shells' texts, byte code. What is as
it should be is not touched.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from shim.core.host import Host
from shim.core.own_launchers import faces_folder, hook_folder, is_launcher
from shim.install.launchers import (
    has_hook,
    is_wrapped,
    remove_launchers,
    wrapped_names,
    write_launchers,
)
from shim.install.shells import is_current, write_activation
from shim.tools import TOOLS


def set_up(folder: str, tools: Sequence[str], host: Host) -> tuple[list[str], list[str]]:
    """Write what is missing or of another release into `folder` and beside it.

    With `tools`, launchers for these; with none, for those that PATH has, and launchers whose tool
    has vanished are removed. Returns the tools, and a line for each launcher that changed. Raises
    StoreError.
    """
    names = list(tools or wrapped_names(folder, host))
    compile_package()
    changed = [f"wrote {path}" for path in write_launchers(folder, names)]
    if ":" not in folder:
        write_activation(folder, hook_folder(folder), faces_folder(folder), TOOLS)
    if not tools:
        changed += [
            f"removed {path} (no such tool on PATH)"
            for path in remove_launchers(folder, vanished_names(folder, host))
        ]
    return names, changed


def vanished_names(folder: str, host: Host) -> list[str]:
    """Return the tools that have a launcher and are not on PATH elsewhere: `command -v` lies about
    them.
    """
    names = wrapped_names(folder, host)
    return [
        name
        for name in _list(folder)
        if name not in names and is_wrapped(name) and is_launcher(os.path.join(folder, name))
    ]


def shells_are_current(folder: str) -> bool:
    """Return whether what rc files read, and the folder's second path, are what this release
    makes.
    """
    return ":" in folder or (
        has_hook(folder) and is_current(folder, hook_folder(folder), faces_folder(folder), TOOLS)
    )


def compile_package() -> None:
    """Byte-compile our package: uncached, every command would pay 25 ms. A read-only installation
    stays as it is.
    """
    import compileall

    compileall.compile_dir(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), quiet=2)


def _list(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []
