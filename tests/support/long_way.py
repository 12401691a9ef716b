"""Tells from outside whether a command was replayed: the long way loads our `run` module, and this copy of it says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.installation import copy_installation
from tests.support.world import World

MARK = "went the long way"


def watch_installation(prefix: Path, copy: Path) -> Path:
    """Copy an installation to `copy`, and make the copy say on stderr when it goes the long way; returns `copy`."""
    copy_installation(prefix, copy)
    (run,) = copy.glob("venv/lib/python3*/site-packages/shim/pipeline/run.py")
    run.write_text(run.read_text() + f"\nwrite_stderr({MARK + chr(10)!r})\n")
    return copy


def is_hot(world: World, command: list[str], **environ: str) -> bool:
    """Run the command, which must install corp-lib, and return whether it was replayed."""
    result = world.run(*command, **environ)
    assert result.returncode == 0, result.stderr
    assert (world.folder / "installed" / "corp_lib.py").is_file()
    return MARK not in result.stderr


def warm_up(world: World, command: list[str]) -> None:
    """Run the command twice: the first run gets the credential and writes the record, the second one replays it."""
    assert not is_hot(world, command)
    before = _lines(world)
    if not is_hot(world, command):
        changed = sorted(before ^ _lines(world))
        pytest.fail(f"not replayed; the lines that are in one of the two records only: {changed}")


def _lines(world: World) -> set[str]:
    return {line for file in plans(world) for line in file.read_text("utf-8", "replace").splitlines()}


def plans(world: World) -> list[Path]:
    """Return the files of the records."""
    return [*(world.folder / "runtime" / "shim" / "tokens" / "plans").iterdir()]
