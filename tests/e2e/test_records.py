"""Delivery records: the same command again takes the hot path, and whatever changes leads back to the long way.

Whether a command was replayed is seen from inside: the long way loads our `run` module, the hot path does not.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from shim.demo.server import PrivateIndex
from tests.support import toolchains
from tests.support.ways import MARK, is_hot, own_installation
from tests.support.world import CANARY, USER, World


@pytest.fixture
def own(world: World, index: PrivateIndex) -> World:
    """A copy of the installation that says when it goes the long way, and a token with an end for the index."""
    own_installation(world)
    program = world.folder / "config" / "give-secret"
    program.write_text(f"#!/bin/sh\necho called >>{world.folder}/calls\necho {CANARY}\n")
    program.chmod(0o700)
    world.configure(
        f"[[index]]\nname = 'corp'\nurl = 'http://{index.netloc}/simple/'\nusername = '{USER}'\nmax-age = '1h'\ncommand = {{ argv = ['{program}'] }}\n"
    )
    return world


TOOLS = {"pip": "newest", "pip-old": "23.2.1", "uv": "newest"}


@pytest.fixture(params=TOOLS)
def command(request: pytest.FixtureRequest, own: World, index: PrivateIndex) -> list[str]:
    label = request.param
    url = f"http://{index.netloc}/simple/"
    if label == "uv":
        own.use(toolchains.uv())
        own.environ["UV_DEFAULT_INDEX"] = url
        return ["uv", "pip", "install", "--target", str(own.folder / "installed"), "corp-lib"]
    own.use(toolchains.pip(TOOLS[label]))
    own.environ["PIP_INDEX_URL"] = url
    return ["pip", "install", "--upgrade", "--target", str(own.folder / "installed"), "corp-lib"]


def warm_up(world: World, command: list[str]) -> None:
    """The first run gets the token and writes the record, the second one replays it."""
    assert not is_hot(world, command)
    assert is_hot(world, command)


def test_the_second_run_is_replayed_with_the_credential(own: World, command: list[str], index: PrivateIndex) -> None:
    warm_up(own, command)
    shutil.rmtree(own.folder / "installed")
    index.requests.clear()

    assert is_hot(own, command)
    assert any(user == USER and status == 200 for _, user, status in index.requests)
    assert (own.folder / "calls").read_text().count("called") == 1


def test_other_package_names_share_the_record(own: World, command: list[str]) -> None:
    warm_up(own, command)

    assert is_hot(own, [*command[:-1], "corp-build"])


def plans(world: World) -> list[Path]:
    return [*(world.folder / "runtime" / "shim" / "tokens" / "plans").iterdir()]


def test_a_record_holds_no_secret(own: World, command: list[str]) -> None:
    warm_up(own, command)

    assert plans(own)
    for plan in plans(own):
        assert CANARY not in plan.read_text()
        assert plan.stat().st_mode & 0o777 == 0o600


def write(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def expire(world: World) -> None:
    (token,) = (world.folder / "runtime" / "shim" / "tokens").glob("*.token")
    lines = [f"expires_at={time.time() + 200}" if line.startswith("expires_at=") else line for line in token.read_text().split("\n")]
    token.write_text("\n".join(lines))


#: What may happen between two runs, and leads back to the long way.
CHANGES: dict[str, Callable[[World], object]] = {
    "our configuration changed": lambda world: world.config.write_text(world.config.read_text() + "\n# changed\n"),
    "the token nears its end": expire,
    "the token is gone": lambda world: [token.unlink() for token in (world.folder / "runtime" / "shim" / "tokens").glob("*.token")],
    "the token can be read by others": lambda world: [
        token.chmod(0o644) for token in (world.folder / "runtime" / "shim" / "tokens").glob("*.token")
    ],
    "the record can be written by others": lambda world: [plan.chmod(0o622) for plan in plans(world)],
    "the record is cut short": lambda world: [plan.write_text(plan.read_text()[:-30]) for plan in plans(world)],
    "the folder of records is open": lambda world: (world.folder / "runtime" / "shim" / "tokens" / "plans").chmod(0o755),
    "a variable of the tool's appeared": lambda world: world.environ.update({"PIP_TIMEOUT": "30", "UV_HTTP_TIMEOUT": "30"}),
    "a variable changed its case": lambda world: world.environ.update({"PIP_extra_index_url": "", "UV_INDEX": ""}),
    "the configuration moved": lambda world: world.environ.update(
        {"XDG_CONFIG_HOME": str(shutil.copytree(world.folder / "config", world.folder / "config" / "moved"))}
    ),
    "a token is wanted anew": lambda world: world.environ.update({"SHIM_REFRESH": "1"}),
    "our code changed": lambda world: [os.utime(path) for path in world.prefix.glob("venv/lib/python3*/site-packages/shim/replay.py")],
}
PIP_CHANGES = {
    "a pip.conf appeared": lambda world: write(world.folder / "xdg" / "pip" / "pip.conf", "[global]\ntimeout = 20\n"),
    "a netrc appeared": lambda world: write(world.folder / "home" / ".netrc", "machine other.example login x password y\n"),
}
UV_CHANGES = {
    "a uv.toml appeared in a parent folder": lambda world: write(world.folder / "uv.toml"),
    "a pyproject.toml appeared": lambda world: write(world.cwd / "pyproject.toml", "[tool.uv]\n"),
    "a user's uv.toml appeared": lambda world: write(world.folder / "config" / "uv" / "uv.toml"),
    "a store of uv's own appeared": lambda world: write(world.folder / "data" / "uv" / "credentials" / "credentials.toml"),
}


@pytest.mark.parametrize("change", [*CHANGES, *PIP_CHANGES, *UV_CHANGES])
def test_whatever_changes_leads_back_to_the_long_way(change: str, own: World, command: list[str]) -> None:
    if (change in PIP_CHANGES and command[0] == "uv") or (change in UV_CHANGES and command[0] == "pip"):
        change = "our configuration changed"
    warm_up(own, command)
    {**CHANGES, **PIP_CHANGES, **UV_CHANGES}[change](own)

    assert not is_hot(own, command)


def test_another_folder_is_another_command(own: World, command: list[str]) -> None:
    warm_up(own, command)
    (own.cwd / "below").mkdir()
    result = own.run("sh", "-c", 'cd below && exec "$@"', "sh", *command)

    assert MARK in result.stderr


def test_another_option_is_another_command(own: World, command: list[str]) -> None:
    warm_up(own, command)
    words = [*command[:-1], "--no-deps", command[-1]]

    assert not is_hot(own, words)


def test_a_changed_requirements_file_is_read_again(own: World, command: list[str]) -> None:
    (own.cwd / "more").mkdir()
    (own.cwd / "more" / "inner.txt").write_text("corp-lib\n")
    (own.cwd / "requirements.txt").write_text("-r more/inner.txt\n")
    words = [*command[:-1], "-r", "requirements.txt"]
    warm_up(own, words)
    (own.cwd / "more" / "inner.txt").write_text("corp-lib  # the same\n")

    assert not is_hot(own, words)


def test_a_secret_in_argv_or_environment_makes_no_record(own: World, index: PrivateIndex) -> None:
    own.use(toolchains.pip("newest"))
    own.config.unlink()
    url = f"http://{USER}:{CANARY}@{index.netloc}/simple/"
    for environ, option in (({"PIP_INDEX_URL": url}, []), ({}, ["-i", url])):
        for _ in range(3):
            assert not is_hot(
                own, ["pip", "install", "--upgrade", "--target", str(own.folder / "installed"), *option, "corp-lib"], **environ
            )


def test_an_upgraded_tool_is_looked_at_again(own: World, command: list[str]) -> None:
    """The site-packages folder of the target's environment changes with every installation in it."""
    warm_up(own, command)
    tool = toolchains.uv() if command[0] == "uv" else toolchains.pip("newest" if "25" not in own.environ["PATH"] else "23.2.1")
    folders = {Path(own.environ["VIRTUAL_ENV"]) / "lib"}
    for site in [path for folder in folders for path in folder.glob("python3*/site-packages")]:
        (site / "appeared.txt").write_text("")
        (site / "appeared.txt").unlink()

    assert tool.path.is_file()
    assert not is_hot(own, command)


def test_a_public_command_is_replayed_too(own: World) -> None:
    own.use(toolchains.pip("newest"))
    own.config.unlink()
    words = ["pip", "download", "--no-index", "--find-links", "/nonexistent", "--no-deps", "nobody-has-this"]
    results = [own.run(*words, PIP_CONFIG_FILE=os.devnull) for _ in range(2)]

    assert [MARK in result.stderr for result in results] == [True, False]
    assert {result.returncode for result in results} == {1}
