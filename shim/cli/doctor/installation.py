"""Our own installation: launchers and shell texts that are there, of this release, and in front of
the tools that they stand for.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from shlex import quote

from shim.cli.doctor.check import Finding
from shim.core import own_launchers
from shim.core.errors import ShimError
from shim.core.files import read_head
from shim.core.host import Host
from shim.core.installation import repair_command
from shim.install import launchers, setup


def find(host: Host) -> Iterator[Finding]:
    """Yield launchers that are missing, old, shadowed or without a tool, stale shell texts, and
    other copies of shim on PATH.
    """
    try:
        folder = own_launchers.default_folder(host)
    except ShimError as error:
        yield Finding("problem", "launchers", error.message, error.hint)
        return
    yield from _find_missing_and_old(folder, host)
    yield from _find_shadowed(folder, host)
    for name in setup.vanished_names(folder, host):
        text = (
            f"it stands for no other {name} on PATH: `command -v {name}` finds it, and running it"
            " ends with 127"
        )
        yield Finding("problem", os.path.join(folder, name), text, _fix(folder, host, name))
    if not setup.shells_are_current(folder):
        yield Finding(
            "problem",
            os.path.dirname(folder),
            "what shells read is missing, or was written elsewhere or by another release",
            _fix(folder, host),
        )
    for other in other_copies(folder, host):
        text = (
            "PATH has another copy of shim here; of two, the first one works and passes the other"
            f" by: {folder}"
        )
        yield Finding("advice", other, text, "uninstall the one that you do not want")


def fix(host: Host) -> list[str]:
    """Set our installation up again, for the tools that are here; return a line for each launcher
    that changed. Raises StoreError.
    """
    return setup.set_up(own_launchers.default_folder(host), (), host)[1]


def other_copies(folder: str, host: Host) -> list[str]:
    """Return the folders on PATH with a `shim` launcher that is not in `folder`."""
    found: dict[str, str] = {}
    for entry in host.environ.get("PATH", os.defpath).split(":"):
        real = os.path.realpath(host.path(entry or "."))
        if real != os.path.realpath(folder) and own_launchers.is_launcher(
            os.path.join(real, own_launchers.COMMAND)
        ):
            found.setdefault(real, entry)
    return list(found.values())


def _find_missing_and_old(folder: str, host: Host) -> Iterator[Finding]:
    current = launchers.render_launcher().encode()
    paths = {
        os.path.join(folder, name): name
        for name in (*launchers.wrapped_names(folder, host), own_launchers.COMMAND)
    }
    paths[os.path.join(own_launchers.faces_folder(folder), own_launchers.FACE)] = own_launchers.FACE
    for path, name in paths.items():
        if not own_launchers.is_launcher(path):
            if _is_for_any_version(name, host):
                continue
            words = (
                ", which is on PATH"
                if name not in (own_launchers.COMMAND, own_launchers.FACE)
                else ""
            )
            text = f"there is no launcher for {name}{words}"
            yield Finding("problem", path, text, _fix(folder, host))
        elif _read(path) != current:
            yield Finding(
                "problem",
                path,
                "the launcher is of another release, or its Python is gone, or its folder was"
                " moved",
                _fix(folder, host),
            )


def _is_for_any_version(name: str, host: Host) -> bool:
    """Whether `pip3.6` is a name that pyenv or asdf offers for whatever version is chosen, and most
    often for none.
    """
    program = next(host.programs(name), None) if "." in name else None
    text = _read(program, 4096) if program else b""
    return text.startswith(b"#!") and (b"pyenv" in text or b"asdf exec" in text)


def _find_shadowed(folder: str, host: Host) -> Iterator[Finding]:
    for name in launchers.wrapped_names(folder, host):
        path, first = os.path.join(folder, name), next(host.programs(name), None)
        if own_launchers.is_launcher(path) and first and not own_launchers.is_launcher(first):
            yield Finding(
                "problem",
                path,
                f"{first} stands before it on PATH, so `{name}` runs without shim",
                'eval "$(shim activate)"',
            )


def _fix(folder: str, host: Host, vanished: str = "") -> str:
    """Return what mends launchers, or takes away one whose tool has vanished.

    Where only root can, the tools are named: root's PATH has others. So is the path of `shim`: on
    root's PATH is none, or another one.
    """
    if os.access(folder, os.W_OK) or not os.path.isdir(folder):
        return "shim doctor --fix"
    program = os.path.join(folder, own_launchers.COMMAND)
    if not own_launchers.is_launcher(program):
        return f"{repair_command()}, as root"
    if vanished:
        return f"{quote(program)} uninstall {vanished}, as root, if nobody here has a {vanished}"
    names = " ".join(launchers.wrapped_names(folder, host))
    return f"{quote(program)} install {names}, as root"


def _read(path: str, most: int = 1 << 20) -> bytes:
    return read_head(path, most)
