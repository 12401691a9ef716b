"""Other systems, played on this one: `SHIM_TEST_PLATFORM=NAME` says on which of them the servers' matrix is run."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.support import machine, toolchains, without
from tests.support.installation import copy_installation
from tests.support.macos import as_on_macos


@dataclass(frozen=True)
class Platform:
    """The words before each command, what PATH has behind the tool, the installation, and the variables that are not set there."""

    words: list[str]
    programs: str
    prefix: Path
    unset: tuple[str, ...] = ()


def chosen(prefix: Path, folder: Path) -> Platform:
    """Return the platform that the variable names; what it needs is made below `folder`. The test is skipped where it cannot be played.

    Raises CalledProcessError if nothing can be run there: bare and ours would fail alike.
    """
    platform = _make(os.environ.get("SHIM_TEST_PLATFORM", ""), prefix, folder)
    subprocess.run([*platform.words, "/usr/bin/env", "true"], check=True, env={"PATH": platform.programs})
    return platform


def _make(name: str, prefix: Path, folder: Path) -> Platform:
    python = toolchains.python_for("3.11", "3.12", "3.13")
    usual = f"{python.parent}:/usr/bin:/bin"
    if name in BOXES:
        return Platform(without.words(name), str(BOXES[name](folder / name, python)), prefix)
    if name == "darwin":
        played = as_on_macos(copy_installation(prefix, folder / name))
        return Platform(without.words(name), usual, played, ("XDG_RUNTIME_DIR",))
    return Platform(without.words(name) if name else [], usual, prefix)


def _busybox(folder: Path, python: Path) -> Path:
    machine.skip_without(machine.lacks_programs("busybox"))
    folder.mkdir()
    subprocess.run(["busybox", "--install", "-s", folder], check=True)
    return _with_python(folder, python)


def _toybox(folder: Path, python: Path) -> Path:
    """Toybox has no shell: the machine's stays."""
    machine.skip_without(machine.lacks_programs("toybox"))
    folder.mkdir()
    for name in subprocess.run(["toybox"], check=True, capture_output=True, text=True).stdout.split():
        (folder / name).symlink_to("/usr/bin/toybox")
    (folder / "sh").symlink_to("/bin/sh")
    return _with_python(folder, python)


def _with_python(folder: Path, python: Path) -> Path:
    for name in ("python3", python.name):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(python)
    return folder


BOXES: dict[str, Callable[[Path, Path], Path]] = {"busybox": _busybox, "toybox": _toybox}
