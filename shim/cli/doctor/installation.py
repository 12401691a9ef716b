"""Our own installation: launchers and shell texts are there, of this release, and first on PATH."""

from __future__ import annotations

import os
from shlex import quote

from shim.cli.doctor.check import Finding
from shim.core.errors import ShimError
from shim.core.files import read_head
from shim.core.host import Host
from shim.core.installation import repair_command
from shim.core.own_launchers import COMMAND, FACE, default_folder, faces_folder, is_launcher
from shim.core.typing import Iterator
from shim.install import launchers, setup
from shim.install.shells import activating_command


def find(host: Host) -> Iterator[Finding]:
    """Yield what is wrong with launchers and shell texts, and other copies of shim on PATH."""
    try:
        folder = default_folder(host)
    except ShimError as error:
        yield Finding("problem", "launchers", error.message, error.hint)
        return
    yield from _find_missing_and_old(folder, host)
    yield from _find_shadowed(folder, host)
    if names := () if setup.has_all(folder) else tuple(setup.vanished_names(folder, host)):
        text = (
            f"launchers whose tools are not on PATH: {', '.join(names)}; `command -v` finds them,"
            " and running one ends with 127, as if it were not there"
        )
        yield Finding("advice", folder, text, _fix(folder, host, names))
    if not setup.shells_are_current(folder):
        text = "what shells read is missing, or was written elsewhere or by another release"
        yield Finding("problem", os.path.dirname(folder), text, _fix(folder, host))
    for other in other_copies(folder, host):
        text = (
            "PATH has another copy of shim here; of two, the first one works and passes the other"
            f" by: {folder}"
        )
        yield Finding("advice", other, text, "uninstall the one that you do not want")


def fix(host: Host) -> list[str]:
    """Set our installation up again; return a line for each changed launcher. Raises StoreError."""
    folder = default_folder(host)
    tools = setup.all_names(folder, host) if setup.has_all(folder) else ()
    return setup.set_up(folder, tools, host)[1]


def other_copies(folder: str, host: Host) -> list[str]:
    """Return the folders on PATH with a `shim` launcher that is not in `folder`."""
    found: dict[str, str] = {}
    for entry in host.environ.get("PATH", os.defpath).split(":"):
        real = os.path.realpath(host.path(entry or "."))
        if is_launcher(os.path.join(real, COMMAND)) and real != os.path.realpath(folder):
            found.setdefault(real, entry)
    return list(found.values())


def _find_missing_and_old(folder: str, host: Host) -> Iterator[Finding]:
    current = launchers.render_launcher().encode()
    names = (*launchers.wrapped_names(folder, host), COMMAND)
    paths = {os.path.join(folder, name): name for name in names}
    paths[os.path.join(faces_folder(folder), FACE)] = FACE
    for path, name in paths.items():
        if not is_launcher(path):
            if not _is_for_any_version(name, host):
                words = "" if name in (COMMAND, FACE) else ", which is on PATH"
                text = f"there is no launcher for {name}{words}"
                yield Finding("problem", path, text, _fix(folder, host))
        elif read_head(path, 1 << 20) != current:
            text = (
                "the launcher is of another release, or its Python is gone, or its folder was moved"
            )
            yield Finding("problem", path, text, _fix(folder, host))


def _is_for_any_version(name: str, host: Host) -> bool:
    """Whether `pip3.6` is a name that pyenv or asdf offers for whatever version is chosen."""
    program = next(host.programs(name), None) if "." in name else None
    text = read_head(program, 4096) if program else b""
    return text.startswith(b"#!") and (b"pyenv" in text or b"asdf exec" in text)


def _find_shadowed(folder: str, host: Host) -> Iterator[Finding]:
    for name in launchers.wrapped_names(folder, host):
        path, first = os.path.join(folder, name), next(host.programs(name), None)
        if is_launcher(path) and first and not is_launcher(first):
            text = f"{first} stands before it on PATH, so `{name}` runs without shim"
            command = activating_command(host.environ.get("SHELL", ""), folder)
            yield Finding("problem", path, text, command)


def _fix(folder: str, host: Host, vanished: tuple[str, ...] = ()) -> str:
    """Return what mends launchers, or takes away those whose tools have vanished.

    Where only root can, the tools are named: root's PATH has others. So is the path of `shim`: on
    root's PATH is none, or another one.
    """
    if os.access(folder, os.W_OK) or not os.path.isdir(folder):
        return "shim doctor --fix"
    program = os.path.join(folder, COMMAND)
    if not is_launcher(program):
        return f"{repair_command()}, as root"
    if vanished:
        return f"{quote(program)} uninstall {' '.join(vanished)}, as root, if no user has them"
    names = " ".join(launchers.wrapped_names(folder, host))
    return f"{quote(program)} install {names}, as root"
