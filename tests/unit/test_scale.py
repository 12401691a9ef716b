"""Large worlds: how the work grows is counted in calls of functions, which no busy machine changes. Four times as much may not cost ten times as much."""

from __future__ import annotations

import cProfile
import os
import pstats
from collections.abc import Callable
from pathlib import Path

import pytest

from shim.core.host import Host
from shim.pipeline import run
from shim.tools import load_tool

INDEX = '[[index]]\nname = "i{0}"\nurl = "https://h{0}.example/simple/"\non-failure = "pass"\nenv = {{ password = "TEAM" }}\n'
PACKAGE = """[[package]]
name = "p{0}"
version = "1"
source = {{ registry = "https://h0.example/simple/" }}
wheels = [
    {{ url = "https://h0.example/files/p{0}-1-py3-none-any.whl", hash = "sha256:aaaa", size = 100 }},
]
"""


class Large:
    """A folder to work in, an environment, and the command; each scene fills them `count` times."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("config/shim", "bin", "runtime"):
            (folder / name).mkdir(parents=True, mode=0o700)
        for name in ("uv", "pip"):
            self.write(f"bin/{name}", "#!/bin/sh\n").chmod(0o755)
        self.environ = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config"), "XDG_RUNTIME_DIR": str(folder / "runtime")}
        self.environ |= {"PATH": f"{folder / 'bin'}:/usr/bin:/bin", "TEAM": "canary", "PIP_CONFIG_FILE": os.devnull}
        self.environ |= {"UV_DEFAULT_INDEX": "https://h0.example/simple/", "PIP_INDEX_URL": "https://h0.example/simple/"}
        self.words = ["uv", "pip", "install", "x"]
        self.configure(1)

    def write(self, name: str, text: str) -> Path:
        (self.folder / name).write_text(text)
        return self.folder / name

    def configure(self, count: int) -> None:
        self.write("config/shim/config.toml", "".join(INDEX.format(number) for number in range(count)))

    def count_calls(self) -> int:
        """Plan the command, and return the calls that it took."""
        name, *argv = self.words
        profile = cProfile.Profile()
        profile.enable()
        plan = run._make_and_record(load_tool(name), name, str(self.folder / "bin" / name), tuple(argv), Host(self.environ, str(self.folder)))
        profile.disable()
        assert plan.delivery.memory is not None
        return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]


def configured_indexes(world: Large, count: int) -> None:
    world.configure(count)


def asked_indexes(world: Large, count: int) -> None:
    world.configure(count)
    world.environ["UV_INDEX"] = " ".join(f"https://h{number}.example/simple/" for number in range(1, count))


def asked_indexes_of_pip(world: Large, count: int) -> None:
    world.configure(count)
    world.words = ["pip", "install", "x"]
    world.environ["PIP_EXTRA_INDEX_URL"] = " ".join(f"https://h{number}.example/simple/" for number in range(1, count))


def asked_places_of_one_server(world: Large, count: int) -> None:
    world.write("config/shim/config.toml", INDEX.format(0).replace("/simple/", "/"))
    world.environ["UV_INDEX"] = " ".join(f"https://h0.example/{number}/simple/" for number in range(1, count))


def requirements(world: Large, count: int) -> None:
    for number in range(20):
        rows = [f"package-{number}-{row}==1.0 \\\n    --hash=sha256:aaaa\n" for row in range(count)]
        world.write(f"r{number}.txt", "".join(rows) + (f"-r r{number + 1}.txt\n" if number < 19 else ""))
    world.words = ["pip", "install", "-r", "r0.txt"]


def lock_file(world: Large, count: int) -> None:
    world.write("uv.lock", 'version = 1\nrequires-python = ">=3.11"\n' + "".join(PACKAGE.format(number) for number in range(count * 40)))
    world.write("pyproject.toml", '[project]\nname = "p"\nversion = "1"\n')
    world.words = ["uv", "sync"]


def cached_tokens(world: Large, count: int) -> None:
    tokens = world.folder / "runtime" / "shim" / "tokens"
    tokens.mkdir(parents=True, mode=0o700)
    tokens.parent.chmod(0o700)
    for number in range(count * 10):
        (tokens / f"{number:064x}.token").touch(0o600)


def package_names(world: Large, count: int) -> None:
    """With a token that has an end: the plan is written down for other names as well."""
    program = world.write("bin/give", "#!/bin/sh\necho canary\n")
    program.chmod(0o700)
    own = f'command = {{ argv = ["{program}"] }}\nmax-age = "1h"'
    world.write("config/shim/config.toml", INDEX.format(0).replace('env = { password = "TEAM" }', own))
    world.words = ["pip", "install", *(f"package-{number}" for number in range(count))]


SCENES: dict[str, tuple[Callable[[Large, int], None], int]] = {
    "1000 configured indexes": (configured_indexes, 250),
    "500 asked indexes": (asked_indexes, 125),
    "500 indexes asked by pip": (asked_indexes_of_pip, 125),
    "500 places of one server": (asked_places_of_one_server, 125),
    "10000 lines of requirements": (requirements, 62),
    "1000 package names": (package_names, 250),
    "a lock file of 5 MB": (lock_file, 60),
    "1000 cached tokens": (cached_tokens, 25),
}


@pytest.mark.parametrize("scene", SCENES)
def test_four_times_as_much_costs_no_ten_times_the_work(scene: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill, count = SCENES[scene]
    calls = []
    for number in (1, count, 4 * count):  # after the first, every import is done
        (tmp_path / str(number)).mkdir()
        world = Large(tmp_path / str(number))
        fill(world, number)
        monkeypatch.chdir(world.folder)
        calls.append(world.count_calls())

    assert calls[2] < 10 * calls[1]
    assert calls[2] < 3_000_000
