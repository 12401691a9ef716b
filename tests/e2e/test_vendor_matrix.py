"""Vendors x {logged in, login ended, two profiles, a prompt, for everybody} x {pip, uv, twine} x {alone, beside another index}: with
us as without us and a fresh token typed, or stopped by name.

Every vendor meets every state; tools and neighbours go round. `SHIM_FULL_MATRIX=1` runs each cell.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from shim.cli.demo.packages import build_wheel
from shim.cli.demo.server import PrivateIndex
from tests.e2e.test_fail_closed import Stranger
from tests.support import toolchains
from tests.support.clouds import CLOUDS, Played, play, token_of
from tests.support.installation import copy_installation
from tests.support.terminal import Terminal
from tests.support.world import World

STATES = ("logged in", "login ended", "two profiles", "a prompt", "for everybody")
TOOLS = ("pip", "uv", "twine")
PLACES = ("alone", "beside")
Packages = tuple[str, dict[str, list[str]]]


def cells() -> list[tuple[str, str, str, str]]:
    """Return all cells, or so many that each pair of a vendor, a state, a tool and a place stands in one of them."""
    full = list(product(CLOUDS, STATES, TOOLS, PLACES))
    if os.environ.get("SHIM_FULL_MATRIX"):
        return full
    pairs = product(enumerate(CLOUDS), enumerate(STATES))
    return [(vendor, state, TOOLS[(one + two) % 3], PLACES[(one + two // 2) % 2]) for (one, vendor), (two, state) in pairs]


@pytest.fixture(scope="module")
def installed(prefix: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with a launcher for twine."""
    copy = copy_installation(prefix, tmp_path_factory.mktemp("matrix") / "prefix")
    World(tmp_path_factory.mktemp("install"), copy).shim("install", "twine")
    return copy


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[PrivateIndex]:
    (tmp_path / "stranger").mkdir()
    wheel = build_wheel(str(tmp_path / "stranger"), "corp-lib", {"corp_lib.py": "STRANGER = True\n"}, "99.0")
    with Stranger(str(tmp_path / "stranger"), {"corp-lib": [wheel]}, "x", "x") as served:
        yield served


class Cell:
    """One cell: the command, with and without us."""

    def __init__(self, world: World, played: Played, tool: str, neighbour: str | None, packages: Packages) -> None:
        self.world, self.played, self.tool, self.neighbour = world, played, tool, neighbour
        self.wheel = Path(packages[0], packages[1]["corp-lib"][0])
        self.out = world.folder / "out"
        made = {"pip": lambda: toolchains.pip("newest"), "uv": toolchains.uv, "twine": lambda: toolchains.program("twine")}[tool]()
        world.use(made)
        world.environ["PATH"] = world.environ["PATH"].replace(":/usr/bin", f":{played.bin}:/usr/bin")
        world.environ |= played.environ

    def words(self, userinfo: str = "") -> list[object]:
        """Return the command line, with user name and token in it if wanted."""
        url = self.played.cloud.url.replace("://", f"://{userinfo}")
        if self.tool == "twine":
            login = ["-u", userinfo.partition(":")[0], "-p", userinfo.rstrip("@").partition(":")[2]] if userinfo else []
            target = self.played.cloud.url.replace("/simple/", "/upload/")
            return ["twine", "upload", "--non-interactive", "--disable-progress-bar", *login, "--repository-url", target, self.wheel]
        extra = [self.neighbour] if self.neighbour else []
        if self.tool == "uv":
            places = ["--index", url, "--default-index", *extra] if extra else ["--default-index", url]  # the first one goes first
            return ["uv", "pip", "install", "--no-cache", "--target", self.out, *places, "corp-lib"]
        rest = [word for one in extra for word in ("--extra-index-url", one)]
        return ["pip", "install", "--no-cache-dir", "--target", self.out, "-i", url, *rest, "corp-lib"]

    def run(self, *, bare: bool = False, who: str | None = None, profile: str | None = None) -> tuple[bool, str | None, str]:
        """Return whether it worked, what was installed, and what was said; `who` types a token."""
        shutil.rmtree(self.out, ignore_errors=True)
        environ = {self.played.cloud.variable: profile} if profile else {}
        userinfo = f"{self.played.cloud.username}:{token_of(who)}@" if who else ""
        result = self.world.run(*self.words(userinfo), bare=bare, **environ)
        return result.returncode == 0, self.installed(), result.stderr

    def installed(self) -> str | None:
        module = self.out / "corp_lib.py"
        return module.read_text() if module.exists() else None


@pytest.fixture
def cell(request: pytest.FixtureRequest, tmp_path: Path, installed: Path, packages: Packages, stranger: PrivateIndex) -> Iterator[Cell]:
    vendor, tool, place = request.param
    with play(CLOUDS[vendor], packages, tmp_path / "cloud") as played:
        (tmp_path / "world").mkdir()
        yield Cell(
            World(tmp_path / "world", installed), played, tool, f"http://{stranger.netloc}/simple/" if place == "beside" else None, packages
        )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test its state's cells."""
    state = metafunc.function.__name__.removeprefix("test_").replace("_", " ")
    wanted = [(vendor, tool, place) for vendor, one, tool, place in cells() if one == state]
    metafunc.parametrize("cell", wanted, ids=[" ".join(one) for one in wanted], indirect=True)


def test_logged_in(cell: Cell) -> None:
    cell.played.log_in("work")
    typed, ours = cell.run(bare=True, who="work"), cell.run()

    assert ours[:2] == typed[:2], ours[2]
    assert ours[0], ours[2]
    assert "shim:" not in ours[2]


def test_login_ended(cell: Cell) -> None:
    worked, installed, said = cell.run()

    assert not worked
    assert installed is None
    assert cell.played.cloud.name in said
    assert f"hint: log in: {cell.played.cloud.login}" in said


def test_two_profiles(cell: Cell) -> None:
    for who in ("work", "publisher"):
        cell.played.log_in(who)
    for who in ("work", "publisher", "work"):
        cell.played.index.seen.clear()
        worked, _, said = cell.run(profile=f"/{who}" if cell.played.cloud.command == "az" else who)

        assert worked, said
        assert set(cell.played.index.seen) - {None} == {who}


def test_a_prompt(cell: Cell) -> None:
    cell.played.log_in("work")
    cell.played.ask()
    began = time.monotonic()
    worked, installed, said = cell.run()
    assert (worked, installed) == (False, None)
    assert cell.played.cloud.name in said
    assert time.monotonic() - began < 40, "it waited for nobody"

    typed = cell.run(bare=True, who="work")
    shutil.rmtree(cell.out, ignore_errors=True)
    environ = {**cell.world.environ, "PS1": "", "TERM": "xterm"}
    line = " ".join(f"'{word}'" for word in cell.words())
    with Terminal(["bash", "--norc", "--noprofile", "-i"], environ, str(cell.world.cwd)) as shell:
        shell.start(f"{line}; echo status=$?", "one-time code: ")
        shell.press("123456\n")
        shell.until("status=0")
    assert cell.installed() == typed[1]


def test_for_everybody(cell: Cell) -> None:
    cell.played.index.is_public = True
    bare, ours = cell.run(bare=True), cell.run()

    assert ours[:2] == bare[:2], ours[2]
    if cell.tool != "twine":
        assert ours[0]
        assert "shim:" not in ours[2]
        calls = cell.played.calls()
        assert "shim:" not in cell.run()[2]
        assert cell.played.calls() == calls, "it is asked again and again"
