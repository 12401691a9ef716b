"""Shells that are no bash, zsh or fish: how each is started, and what is typed in it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from tests.support import machine, toolchains
from tests.support.terminal import Terminal
from tests.support.world import World

#: Nushell's own release, by way of npm: Debian has none.
NUSHELL = "@nushell/linux-x64"


def nushell() -> str:
    """Return the path of nushell, got once; the test is skipped where there is no npm."""
    folder = toolchains.CACHE / "nushell"
    program = folder / "node_modules" / NUSHELL / "bin" / "nu"
    with FileLock(f"{folder}.lock"):
        if not program.exists():
            machine.skip_without(machine.lacks_programs("npm"))
            options = ["--no-audit", "--no-fund", "--ignore-scripts", "--no-save"]
            subprocess.run(["npm", "install", "--prefix", folder, *options, NUSHELL], check=True, capture_output=True, timeout=300)
    return str(program)


def installed(name: str) -> str:
    """Return the path of a program of Debian's; the test is skipped where it is missing."""
    machine.skip_without(machine.lacks_programs(name))
    return str(machine.find_program(name))


@dataclass(frozen=True)
class Shell:
    """What is typed in one shell. `{shim}`, `{prefix}` and `{venv}` become paths."""

    find: Callable[[], str]
    #: How it is started for somebody who types, and what keeps it from the user's rc files.
    flags: tuple[str, ...]
    bare: tuple[str, ...]
    activate: str
    enter: str
    leave: str
    #: A line that comes first.
    before: str = ""
    #: What starts it with one command, and has it read an rc file of ours.
    one_command: tuple[str, ...] = ()
    #: Whether it sees to PATH at the prompt, so that scripts in a venv find a launcher as well.
    has_hook: bool = True
    #: Whether a line in which a venv begins finds the launcher already.
    is_at_once: bool = False
    #: `python -m venv` has no activation for nushell.
    has_uv_venv: bool = False
    variables: tuple[tuple[str, str], ...] = ()


def posix(name: str, *flags: str, bare: tuple[str, ...] = (), login: tuple[str, ...] = ()) -> Shell:
    """Return a shell that takes the text of `sh`."""
    return Shell(
        lambda: installed(name),
        (*flags, *login, "-i"),
        (*flags, *bare, "-i"),
        'eval "$({shim} activate ' + name + ')"',
        ". {venv}/bin/activate",
        "deactivate",
        one_command=(*flags, "-l", "-c"),
        has_hook=False,
        is_at_once=True,
    )


SHELLS = {
    "tcsh": Shell(
        lambda: installed("tcsh"),
        ("-i",),
        ("-f", "-i"),
        "eval `{shim} activate tcsh`",
        "source {venv}/bin/activate.csh",
        "deactivate",
        one_command=("-c",),
    ),
    "nu": Shell(
        nushell,
        ("--no-history",),
        ("--no-config-file", "--no-history"),
        "source {prefix}/activate/nu",
        "overlay use {venv}/bin/activate.nu",
        "deactivate",
        one_command=("-l", "-c"),
        has_uv_venv=True,
    ),
    "xonsh": Shell(
        lambda: str(toolchains.program("xonsh", "xonsh", "xontrib-vox").path),
        ("--shell-type", "readline", "-i"),
        ("--no-rc", "--shell-type", "readline", "-i"),
        "execx($({shim} activate xonsh))",
        "vox activate {venv}",
        "vox deactivate",
        before="xontrib load vox",
        # One that is far away asks the terminal nothing, or it takes what was typed for the answer.
        variables=(("SSH_TTY", "/dev/tty"),),
    ),
    "elvish": Shell(
        lambda: installed("elvish"),
        (),
        ("-norc",),
        "eval ({shim} activate elvish | slurp)",
        "set paths = [{venv}/bin $@paths]",
        "set paths = $before",
        before="var before = $paths",
    ),
    "mksh": posix("mksh"),
    "ksh93": posix("ksh93"),
    "yash": posix("yash", bare=("--norcfile",)),
    "busybox": posix("busybox", "ash", login=("-l",)),
    "dash": posix("dash", login=("-l",)),
}


class Prompt:
    """An interactive shell of SHELLS in a terminal."""

    def __init__(self, shell: Shell, terminal: Terminal, prefix: Path, folder: Path) -> None:
        self.shell = shell
        self.terminal = terminal
        self.paths = {"shim": prefix / "shims" / "shim", "prefix": prefix, "venv": folder / ".venv"}
        self._count = 0
        # The typed line has no line break before the mark, so only what is printed can match.
        self._mark = folder / "mark"
        self._mark.write_text("#!/bin/sh\nprintf '\\n%s\\n' \"$1\"\n")
        self._mark.chmod(0o755)

    def type(self, line: str) -> str:
        """Type a line, wait until it is over, and return what it printed."""
        self._count += 1
        begin, end = f"begin-{self._count}", f"end-{self._count}"
        self.terminal.press(f"{self._mark} {begin}; {line.format(**self.paths)}; {self._mark} {end}\n")
        said = self.terminal.until(f"\r\n{end}\r\n")
        return said.rpartition(f"\r\n{begin}\r\n")[2].rpartition(f"\r\n{end}\r\n")[0].strip("\r\n").replace("\r\n", "\n")

    def activate(self) -> str:
        """Activate shim."""
        return self.type(self.shell.activate)


@contextmanager
def opened(name: str, world: World, *, bare: bool = True) -> Iterator[Prompt]:
    """Start one of SHELLS, without the user's rc files or with them."""
    shell = SHELLS[name]
    command = [shell.find(), *(shell.bare if bare else shell.flags)]
    with Terminal(command, {**world.environ, **dict(shell.variables)}, str(world.cwd)) as terminal:
        prompt = Prompt(shell, terminal, world.prefix, world.cwd)
        if shell.before:
            prompt.type(shell.before)
        yield prompt
