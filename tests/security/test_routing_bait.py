"""The bait: both indexes answer, the private one has version 1.0 and a stranger's public one 99.0. pip takes ours, however the name is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import toolchains
from tests.support.routed import OURS, THEIRS, Pair, installed, make_pair
from tests.support.world import CANARY, USER, World

PIPS = ("20.3.4", "23.2.1", "25.3", "newest")


@pytest.fixture
def pair(world: World, tmp_path: Path) -> Iterator[Pair]:
    with make_pair(world, tmp_path / "indexes") as made:
        yield made


@pytest.fixture(params=PIPS)
def pip(request: pytest.FixtureRequest, world: World) -> toolchains.Tool:
    chosen = toolchains.pip(request.param)
    world.use(chosen)
    return chosen


#: What is typed -> what must be there then.
SCENES: dict[str, tuple[tuple[str, ...], str]] = {
    "direct": (("corp-lib",), "corp-lib"),
    "transitive": (("corp-app",), "corp-lib"),
    "of a public package": (("public-app",), "corp-lib"),
    "extra": (("corp-app[more]",), "corp-extra"),
    "constraint": (("-c", "constraints.txt", "corp-lib"), "corp-lib"),
    "upgrade": (("-U", "corp-lib"), "corp-lib"),
    "pre-releases": (("--pre", "corp-lib"), "corp-lib"),
    "requirements file": (("-r", "requirements.txt"), "corp-lib"),
    "project": (("./project",), "corp-lib"),
    "project that leaves it to code": (("./dynamic",), "corp-lib"),
    "another spelling": (("Corp_Lib",), "corp-lib"),
}


BACKEND = """
import os, zipfile, corp_build
assert corp_build.VERSION == '1.0' or os.environ.get('ANY_BUILD'), corp_build.VERSION
def get_requires_for_build_wheel(config_settings=None):
    return []
def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = 'project-1-py3-none-any.whl'
    with zipfile.ZipFile(os.path.join(folder, name), 'w') as wheel:
        wheel.writestr('project-1.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: project\\nVersion: 1\\nRequires-Dist: corp-lib\\n')
        wheel.writestr('project-1.dist-info/WHEEL', 'Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
        wheel.writestr('project-1.dist-info/RECORD', '')
    return name
"""
BUILD_SYSTEM = '[build-system]\nrequires = ["corp-build"]\nbuild-backend = "project_backend"\nbackend-path = ["."]\n'


def write_inputs(world: World) -> None:
    (world.cwd / "constraints.txt").write_text("corp-lib>=1\n")
    (world.cwd / "requirements.txt").write_text("corp-lib\n")
    static = '[project]\nname = "project"\nversion = "1"\ndependencies = ["corp-lib"]\n'
    for folder, text in (("project", static), ("dynamic", "")):
        (world.cwd / folder).mkdir()
        (world.cwd / folder / "pyproject.toml").write_text(BUILD_SYSTEM + text)
        (world.cwd / folder / "project_backend.py").write_text(BACKEND)


def indexes(pair: Pair, *, bare: bool = False) -> tuple[str, ...]:
    private = pair.private_url.replace("://", f"://{USER}:{CANARY}@") if bare else pair.private_url
    return ("-i", private, "--extra-index-url", pair.public_url)


@pytest.mark.parametrize("by", ["claim", "first-index"])
@pytest.mark.parametrize("scene", SCENES)
def test_pip_takes_ours(scene: str, by: str, pip: toolchains.Tool, pair: Pair) -> None:
    words, wanted = SCENES[scene]
    write_inputs(pair.world)
    pair.configure() if by == "claim" else pair.configure("", strategy=True)
    target = pair.world.folder / "out"
    result = pair.world.run("pip", "install", "--target", target, *indexes(pair), *words)

    assert result.returncode == 0, result.stderr + result.stdout
    assert installed(target)[wanted] == OURS
    assert wanted not in pair.asked_public()
    assert [path for path, user, status in pair.private.requests if status == 401 and path.count("/") > 2] == []


@pytest.mark.parametrize("scene", SCENES)
def test_bare_pip_takes_the_strangers(scene: str, pair: Pair, world: World) -> None:
    world.use(toolchains.pip("newest"))
    words, wanted = SCENES[scene]
    write_inputs(world)
    pair.configure()
    target = world.folder / "out"
    result = world.run("pip", "install", "--target", target, *indexes(pair, bare=True), *words, bare=True, ANY_BUILD="1")

    assert result.returncode == 0, result.stderr
    assert installed(target)[wanted] == THEIRS


def test_a_build_dependency_is_ours(pip: toolchains.Tool, pair: Pair) -> None:
    pair.configure()
    target = pair.world.folder / "out"
    result = pair.world.run("pip", "install", "--target", target, *indexes(pair), "corp-sdist")

    assert result.returncode == 0, result.stderr + result.stdout
    assert installed(target) == {"corp-sdist": OURS}
    assert pair.asked_public() <= {"pip"}


def test_a_claimed_name_comes_from_its_index_even_if_the_command_names_another_one_only(pip: toolchains.Tool, pair: Pair) -> None:
    pair.configure()
    target = pair.world.folder / "out"
    result = pair.world.run("pip", "install", "--target", target, "-i", pair.public_url, "public-app")

    assert result.returncode == 0, result.stderr + result.stdout
    assert installed(target) == {"public-app": "2.0", "corp-lib": OURS}
