"""Which way a command went, as is seen from inside: the long way loads our `run` module, the hot path does not."""

from __future__ import annotations

import shutil

from tests.support.world import World

MARK = "went the long way"


def own_installation(world: World) -> None:
    """Give the world a copy of the installation, which says when it goes the long way."""
    copy = world.folder / "prefix"
    shutil.copytree(world.prefix, copy, symlinks=True)
    for launcher in [*(copy / "shims").iterdir(), *(copy / "faces").iterdir()]:
        launcher.write_text(launcher.read_text().replace(str(world.prefix), str(copy)))
    (run,) = copy.glob("venv/lib/python3*/site-packages/shim/run.py")
    run.write_text(run.read_text() + f"\nwrite_stderr({MARK + chr(10)!r})\n")
    world.prefix = copy


def is_hot(world: World, command: list[str], **environ: str) -> bool:
    """Run the command, which must succeed, and return whether it was replayed."""
    result = world.run(*command, **environ)
    assert result.returncode == 0, result.stderr
    assert (world.folder / "installed" / "corp_lib.py").is_file()
    return MARK not in result.stderr
