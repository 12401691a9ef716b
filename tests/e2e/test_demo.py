"""`shim demo` on machines that have a uv, that can get one, and that cannot."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.support import toolchains
from tests.support.documents import blocks
from tests.support.world import World

ROWS = ["pip install, wheel", "pip install, sdist", "uv install, wheel", "uv install, sdist"]


pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def uv_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but a wheel of uv: a package index that has one."""
    folder = tmp_path_factory.mktemp("uv-wheel")
    pip = toolchains.pip("newest").python
    subprocess.run([pip, "-m", "pip", "download", "--quiet", "--no-deps", "-d", folder, "uv"], check=True, timeout=300)
    return folder


def without_uv(world: World) -> None:
    """Let only the system's programs be on PATH, none of which is a uv."""
    world.environ["PATH"] = f"{world.prefix / 'shims'}:{world.folder / 'programs'}"
    (world.folder / "programs").mkdir()
    for name in ("env", "sh", "dirname", "readlink", "cat"):
        (world.folder / "programs" / name).symlink_to(f"/usr/bin/{name}")


def test_both_tools_are_shown_and_nothing_is_left(world: World) -> None:
    world.use(toolchains.uv())
    result = world.run("shim", "demo", timeout=280)

    assert result.returncode == 0, result.stderr
    assert [result.stdout.count(row) for row in ROWS] == [2] * 4
    assert "taking one" not in result.stdout
    assert list((world.folder / "tmp").iterdir()) == []
    # As docs/start.md shows it. Whether a password was seen on its way through the process list, without shim, is a question of luck.
    with_shim, _, without = blocks("docs/start.md", "console")[-1].text.partition("Without:")
    assert with_shim in result.stdout
    assert re.sub("clean|SEEN ", "-----", without) in re.sub("clean|SEEN ", "-----", result.stdout)


def test_a_uv_is_taken_from_the_index_where_there_is_none(world: World, uv_wheel: Path) -> None:
    without_uv(world)
    result = world.run("shim", "demo", PIP_NO_INDEX="1", PIP_FIND_LINKS=str(uv_wheel), PIP_TARGET=str(world.folder / "x"), timeout=280)

    assert result.returncode == 0, result.stderr
    assert "No uv on PATH: taking one from the package index, for this demo alone.\n" in result.stdout
    assert [result.stdout.count(row) for row in ROWS] == [2] * 4
    assert not (world.folder / "x").exists()
    assert list((world.folder / "tmp").iterdir()) == []


def test_a_uv_that_cannot_be_had_is_said_and_the_rest_is_shown(world: World) -> None:
    without_uv(world)
    result = world.run("shim", "demo", PIP_NO_INDEX="1", timeout=280)

    assert result.returncode == 0, result.stderr
    assert "Not shown: uv: not on PATH, and the package index gave none (pip install uv)\n" in result.stdout
    assert [result.stdout.count(row) for row in ROWS] == [2, 2, 0, 0]
