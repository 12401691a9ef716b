"""A private index that nobody can log in to: pip is stopped, because it would take the package from somewhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shim.cli.demo.packages import build_wheel
from shim.cli.demo.server import PrivateIndex
from tests.support import toolchains
from tests.support.world import CANARY, USER, World


class Stranger(PrivateIndex):
    """A public index where somebody offers our package in a higher version."""

    def answer(self, path: str, authorization: str | None) -> tuple[int, str, bytes]:
        self.requests.append((path, None, 200))
        return self._page(path)


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[PrivateIndex]:
    folder = tmp_path / "stranger"
    folder.mkdir()
    wheel = build_wheel(str(folder), "corp-lib", {"corp_lib.py": "STRANGER = True\n"}, "99.0")
    with Stranger(str(folder), {"corp-lib": [wheel]}, "x", "x") as served:
        yield served


def install(world: World, index: PrivateIndex, stranger: PrivateIndex, **options: object):
    return world.run(
        *("pip", "install", "--target", world.folder / "out", "-i", f"http://{index.netloc}/simple/"),
        *("--extra-index-url", f"http://{stranger.netloc}/simple/", "corp-lib"),
        **options,
    )


def configure(world: World, index: PrivateIndex, more: str = "") -> None:
    world.configure(f'[[index]]\nname = "corp"\nurl = "http://{index.netloc}/simple/"\nusername = "{USER}"\n{more}')


def test_without_us_pip_takes_the_strangers_package(world: World, index: PrivateIndex, stranger: PrivateIndex) -> None:
    """The reason for all this; if pip ever changes, this test tells."""
    world.use(toolchains.pip("newest"))
    result = install(world, index, stranger, bare=True)

    assert result.returncode == 0
    assert (world.folder / "out" / "corp_lib.py").read_text() == "STRANGER = True\n"


def test_without_a_credential_pip_is_stopped_with_one_message(world: World, index: PrivateIndex, stranger: PrivateIndex) -> None:
    world.use(toolchains.pip("newest"))
    configure(world, index)
    result = install(world, index, stranger)

    assert result.returncode == 77
    assert result.stderr.startswith(
        f"shim: error[no-credential]: no credential for http://{index.netloc}/simple/ (from argv --index-url)\n  tried: "
    )
    assert result.stderr.endswith("hint: shim login corp\n")
    assert stranger.requests == []


@pytest.mark.parametrize(("choice", "status", "warned"), [("stop", 77, False), ("warn", 0, True), ("pass", 0, False)])
def test_on_failure_is_obeyed(choice: str, status: int, warned: bool, world: World, index: PrivateIndex, stranger: PrivateIndex) -> None:
    world.use(toolchains.pip("newest"))
    configure(world, index, f'on-failure = "{choice}"\n')
    result = install(world, index, stranger)

    assert result.returncode == status
    assert ("shim: warning[no-credential]" in result.stderr) == warned


def test_the_hint_is_true_for_the_sources_of_that_index(world: World, index: PrivateIndex, stranger: PrivateIndex) -> None:
    world.use(toolchains.pip("newest"))
    configure(world, index, 'env = { password = "CORP_PASSWORD" }\n')
    result = install(world, index, stranger)

    assert result.returncode == 77
    assert "tried: env (CORP_PASSWORD is not set)\nhint: export CORP_PASSWORD\n" in result.stderr


def test_a_source_that_breaks_stops_the_run(world: World, index: PrivateIndex, stranger: PrivateIndex) -> None:
    world.use(toolchains.pip("newest"))
    configure(world, index, 'command = { argv = ["false"] }\n')
    result = install(world, index, stranger)

    assert result.returncode == 69
    assert "error[source-failed]: the command `false` failed (exit status 1)" in result.stderr


def test_the_printed_hint_mends_it(world: World, index: PrivateIndex) -> None:
    world.use(toolchains.pip("newest"))
    configure(world, index)
    login = world.shim("login", "corp", "--password-stdin", "--store", "file", input=CANARY)
    result = world.run("pip", "install", "--target", world.folder / "out", "-i", f"http://{index.netloc}/simple/", "corp-lib")

    assert login.returncode == 0, login.stderr
    assert result.returncode == 0, result.stderr


def test_uv_is_left_to_its_own_strictness(world: World, index: PrivateIndex) -> None:
    world.use(toolchains.uv())
    configure(world, index)
    result = world.run(
        "uv", "pip", "install", "--target", world.folder / "out", "--default-index", f"http://{index.netloc}/simple/", "corp-lib"
    )

    assert result.returncode not in (0, 77)
    assert "shim: warning[no-credential]" in result.stderr
