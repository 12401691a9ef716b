"""`shim activate` in real shells: the launchers come first, once, whatever PATH looks like."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support import machine
from tests.support.world import World

SHELLS = {
    "bash": (["bash", "-euc"], 'eval "$(shim activate bash)"'),
    "zsh": (["zsh", "-euc"], 'eval "$(shim activate zsh)"'),
    "dash": (["dash", "-euc"], 'eval "$(shim activate sh)"'),
    "busybox": (["busybox", "sh", "-euc"], 'eval "$(shim activate sh)"'),
    "fish": (["fish", "-c"], "shim activate fish | source"),
}


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> tuple[list[str], str]:
    machine.skip_without(machine.lacks_programs(request.param))
    return SHELLS[request.param]


@pytest.mark.parametrize(
    "before",
    ["/usr/bin:/bin", "/opt/a b:/usr/bin:/bin", "relative:/usr/bin:/bin", "{shims}:/usr/bin:/bin", "/x:{shims}:/usr/bin:/bin:{shims}"],
)
def test_the_launchers_come_first_and_once(shell: tuple[list[str], str], before: str, world: World) -> None:
    command, line = shell
    shims = str(world.prefix / "shims")
    path = before.format(shims=shims)
    others = [str(world.prefix / "faces"), *(entry for entry in path.split(":") if entry != shims)]
    line = line.replace("shim activate", f"{shims}/shim activate")
    show = "string join : $PATH" if command[0] == "fish" else 'printf "%s\\n" "$PATH"'
    result = world.run(*command, f"{line}; {line}; {show}", PATH=path)

    assert result.returncode == 0, result.stderr
    assert result.stdout == ":".join([shims, *others]) + "\n"


def test_a_strange_prefix_is_quoted(shell: tuple[list[str], str], world: World) -> None:
    command, line = shell
    strange = world.folder / 'it\'s a $HOME "prefix" \\ `x`'
    shutil.copytree(world.prefix / "shims", strange / "shims")
    quoted = (
        "'" + str(strange / "shims" / "shim").replace("\\", "\\\\").replace("'", "\\'") + "'"
        if command[0] == "fish"
        else _quote(strange / "shims" / "shim")
    )
    line = line.replace("shim activate", f"{quoted} activate")
    real = world.folder / "real"
    real.mkdir()
    (real / "pip").write_text("#!/bin/sh\necho by ${_SHIM_DEPTH-nobody}\n")
    (real / "pip").chmod(0o755)
    result = world.run(*command, f"{line}; sh -c 'command -v shim'; pip x", PATH=f"{real}:/usr/bin:/bin")

    assert result.stdout == f"{strange}/shims/shim\nby 1\n", result.stderr


def _quote(path: Path) -> str:
    return "'" + str(path).replace("'", "'\\''") + "'"


def test_nothing_is_exported_but_path(world: World) -> None:
    """A dev container's tools write the whole environment of a shell to a file."""
    result = world.run("bash", "-c", 'env | sort > before; eval "$(shim activate bash)"; env | sort | diff before - | grep "^[<>]"')

    assert [line[:7] for line in result.stdout.splitlines()] == ["< PATH=", "> PATH="]


def test_the_shell_is_known_by_its_variable_and_an_unknown_one_is_named(world: World) -> None:
    assert "set -gx" in world.shim("activate", SHELL="/usr/bin/fish").stdout
    result = world.shim("activate", "nosh")
    assert result.returncode == 64
    assert "bash, zsh, sh" in result.stderr


def test_a_star_in_the_folder_takes_nothing_else_off_path(shell: tuple[list[str], str], world: World) -> None:
    """A shell that matches instead of comparing would lose the second folder."""
    command, line = shell
    star, other = (world.folder / name / "shims" for name in ("a*b", "axxb"))
    line = line.replace("shim activate", f"{world.prefix}/shims/shim activate").replace("activate", f"activate --shims '{star}'")
    show = "string join : $PATH" if command[0] == "fish" else 'printf "%s\\n" "$PATH"'
    result = world.run(*command, f"{line}; {line}; {show}", PATH=f"{other}:/usr/bin:/bin")

    assert result.stdout == f"{star}:{star.parent}/faces:{other}:/usr/bin:/bin\n", result.stderr
