"""Our own installation set up, or set up again: launchers, the shells' texts, byte code."""

from __future__ import annotations

import os

from shim.core.files import names_in
from shim.core.host import Host
from shim.core.own_launchers import faces_folder, hook_folder, is_launcher
from shim.core.typing import Sequence
from shim.install import launchers
from shim.install.launchers import is_wrapped, wrapped_names
from shim.install.shells import is_current, write_activation
from shim.tools import TOOLS


def set_up(folder: str, tools: Sequence[str], host: Host) -> tuple[list[str], list[str]]:
    """Write what is missing or of another release into `folder` and beside it.

    With no `tools`, launchers are for those that PATH has, and others are removed. Returns the
    tools, and a line for each launcher that changed. Raises StoreError.
    """
    names = list(tools or wrapped_names(folder, host))
    compile_package()
    changed = [f"wrote {path}" for path in launchers.write_launchers(folder, names)]
    if ":" not in folder:
        write_activation(folder, hook_folder(folder), faces_folder(folder), TOOLS)
    if not tools:
        removed = launchers.remove_launchers(folder, vanished_names(folder, host))
        changed += [f"removed {path} (no such tool on PATH)" for path in removed]
    return names, changed


def all_names(folder: str, host: Host) -> list[str]:
    """Return every known tool, and the `pip3.12` of PATH: `shim install --all`."""
    return list(dict.fromkeys([*TOOLS, *wrapped_names(folder, host)]))


def has_all(folder: str) -> bool:
    """Return whether there is a launcher for every known tool: it waits for those to come."""
    return all(is_launcher(os.path.join(folder, name)) for name in TOOLS)


def vanished_names(folder: str, host: Host) -> list[str]:
    """Return the tools with a launcher that are nowhere else on PATH, which `command -v` finds."""
    names = wrapped_names(folder, host)
    return [
        name
        for name in names_in(folder)
        if name not in names and is_wrapped(name) and is_launcher(os.path.join(folder, name))
    ]


def shells_are_current(folder: str) -> bool:
    """Return whether what rc files read, and the folder's second path, are of this release."""
    return ":" in folder or (
        launchers.has_hook(folder)
        and is_current(folder, hook_folder(folder), faces_folder(folder), TOOLS)
    )


def compile_package() -> None:
    """Byte-compile our package, if it is writable: uncached, every command would pay 25 ms."""
    import compileall

    compileall.compile_dir(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), quiet=2)
