"""Interactive shells that are not activated yet, in a world with an installation of its own and a venv whose pip tells how it was started."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.support import machine, toolchains
from tests.support.installation import copy_installation
from tests.support.terminal import Terminal
from tests.support.world import World

#: Shell -> (interactive without the user's rc files, how it is activated, the venv's script).
SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(shim activate bash)"', "activate"),
    "zsh": (["zsh", "-f", "-i"], 'eval "$(shim activate zsh)"', "activate"),
    "fish": (["fish", "--no-config", "-i"], "shim activate fish | source", "activate.fish"),
    "dash": (["dash", "-i"], 'eval "$(shim activate sh)"', "activate"),
    "busybox": (["busybox", "ash", "-i"], 'eval "$(shim activate sh)"', "activate"),
}
#: Those that tell of their prompt, or of PATH's changes. A plain POSIX shell does neither.
HOOKED = ("bash", "zsh", "fish")


class Shell:
    """An interactive shell that was not activated yet; `.venv` is a venv whose pip says how it was started."""

    def __init__(self, name: str, terminal: Terminal, world: World) -> None:
        self.name = name
        self.terminal = terminal
        self.shim = str(world.prefix / "shims" / "shim")
        self.source = f". {world.cwd}/.venv/bin/{SHELLS[name][2]}"
        self.activate = SHELLS[name][1].replace("shim", self.shim, 1)

    def type(self, line: str) -> str:
        return self.terminal.type(line)


def probe(folder: Path, name: str, label: str) -> None:
    """Put a tool into a folder that says who it is, and whether a launcher started it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f'#!/bin/sh\necho "{label} ${{_SHIM_DEPTH:+by launcher}}"\n')
    (folder / name).chmod(0o755)


def furnish(world: World) -> World:
    """Give the world an installation of its own (a copy), since a hook may add launchers to it, and a pip in `base` and `.venv`."""
    copy = copy_installation(world.prefix, world.folder / "prefix")
    for name in ("uv", "uvx", "pip3.11"):
        (copy / "shims" / name).unlink(missing_ok=True)
    world.prefix = copy
    base = world.folder / "base"
    probe(base, "pip", "base")
    subprocess.run([toolchains.python_for("3.11"), "-m", "venv", "--without-pip", world.cwd / ".venv"], check=True)
    probe(world.cwd / ".venv" / "bin", "pip", "venv")
    world.environ |= {"PATH": f"{base}:/usr/bin:/bin", "TERM": "dumb", "PS1": "$ "}
    return world


def opened(name: str, world: World) -> Iterator[Shell]:
    """Yield one of SHELLS; the test is skipped where it is not here."""
    machine.skip_without(machine.lacks_programs(name))
    with Terminal(SHELLS[name][0], world.environ, str(world.cwd)) as terminal:
        yield Shell(name, terminal, world)
