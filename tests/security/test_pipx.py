"""pipx asks again what it was told when it installed something; a stranger's index there offers each name as well."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from shim.cli.demo.packages import build_wheel
from shim.cli.demo.server import PrivateIndex
from tests.support import toolchains
from tests.support.bait import FaultyIndex, Stranger
from tests.support.hints import follows
from tests.support.world import CANARY, USER, World

OLD, NEW, THEIRS = "0.8", "1.0", "0.9"


def make_packages(folder: Path, *versions: str) -> tuple[str, dict[str, list[str]]]:
    """Write an application in each version, which says who made it."""
    folder.mkdir()
    wheels = []
    for version in versions:
        files = {
            "corp_app.py": f'def main():\n    print("corp-app is {version}")\n',
            f"corp_app-{version}.dist-info/entry_points.txt": "[console_scripts]\ncorp-app = corp_app:main\n",
        }
        wheels.append(build_wheel(str(folder), "corp-app", files, version))
    return str(folder), {"corp-app": wheels}


class Elsewhere(Stranger):
    """A stranger's index on another host."""

    @property
    def url(self) -> str:
        return super().url.replace("127.0.0.1", "localhost")


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[Stranger]:
    with Elsewhere(*make_packages(tmp_path / "theirs", THEIRS), "x", "x") as served:
        yield served


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[FaultyIndex]:
    with FaultyIndex(*make_packages(tmp_path / "ours", OLD, NEW), USER, CANARY) as served:
        yield served


@pytest.fixture
def wrapped_world(world: World, wrapped: Path, ours: FaultyIndex, theirs: Stranger) -> World:
    """A world with pipx, whose pip asks both: the stranger's server is one that may fail."""
    world.prefix = wrapped
    world.use(toolchains.program("pipx"))
    world.environ |= {"PIPX_HOME": str(world.folder / "pipx"), "PIPX_BIN_DIR": str(world.folder / "bin"), "PIPX_DEFAULT_BACKEND": "pip"}
    world.environ["PIPX_SHARED_LIBS"] = str(toolchains.pip("newest").bin.parent)
    world.environ["CORP_TOKEN"] = CANARY
    corp = f'[[index]]\nname = "corp"\nurl = "{ours.url}"\nusername = "{USER}"\nenv = {{ password = "CORP_TOKEN" }}\n'
    world.configure(f'{corp}[[index]]\nname = "open"\nurl = "{theirs.url}"\non-failure = "pass"\n')
    return world


def both(ours: PrivateIndex, theirs: Stranger) -> str:
    return f"-i http://{ours.netloc}/simple/ --extra-index-url {theirs.url}"


def installed(world: World) -> str:
    """Return the release in pipx's environment."""
    (found,) = (world.folder / "pipx" / "venvs").rglob("corp_app-*.dist-info")
    return re.sub(r"corp_app-|\.dist-info", "", found.name)


#: What is typed after an installation of the old release -> what must be there then.
AFTERWARDS = {
    "upgrade": ("pipx upgrade corp-app", NEW),
    "upgrade-all": ("pipx upgrade-all", NEW),
    "install --upgrade": ("pipx install --upgrade 'corp-app>=1'", NEW),
    "reinstall": ("pipx reinstall corp-app", OLD),
    "reinstall-all": ("pipx reinstall-all", OLD),
    "install-all": ("pipx list --json > list.json && pipx uninstall-all && pipx install-all list.json", OLD),
    "runpip": ("pipx runpip corp-app install -U {both} corp-app", NEW),
    "runpip in one word": ("pipx runpip corp-app 'install -U {both} corp-app'", NEW),
}


@pytest.mark.long
@pytest.mark.parametrize("name", AFTERWARDS)
def test_what_pipx_keeps_of_an_installation_gets_the_credential(name: str, wrapped_world: World, ours: FaultyIndex, theirs: Stranger) -> None:
    line, expected = AFTERWARDS[name]
    first = wrapped_world.run("pipx", "install", f"--pip-args={both(ours, theirs)}", f"corp-app=={OLD}")
    assert first.returncode == 0, first.stderr
    done = wrapped_world.run("sh", "-c", line.format(both=both(ours, theirs)))

    assert done.returncode == 0, done.stderr
    assert installed(wrapped_world) == expected


#: What installs the old release, with a password that is typed.
TYPED = {
    "install": "pipx install -i {url} corp-app==" + OLD,
    "arguments for pip": "pipx install --pip-args='-i {url}' corp-app==" + OLD,
    "upgrade": "pipx install -i {ours} corp-app==" + OLD + " ; pipx install --force -i {url} corp-app==" + OLD,
}


@pytest.mark.long
@pytest.mark.parametrize("name", TYPED)
def test_a_typed_password_lasts_as_long_as_pipx_keeps_it(name: str, wrapped_world: World, ours: FaultyIndex) -> None:
    """Without it pipx would find the old release to be the newest, or a namesake at the next index. Who imports it has it stored."""
    wrapped_world.config.unlink()
    line = TYPED[name].format(url=f"http://{USER}:{CANARY}@{ours.netloc}/simple/", ours=ours.url)
    first = wrapped_world.run("sh", "-c", line)
    assert first.returncode == 0, first.stderr
    assert wrapped_world.run("pipx", "upgrade", "corp-app").returncode == 0
    assert installed(wrapped_world) == NEW
    (metadata,) = (wrapped_world.folder / "pipx" / "venvs").rglob("pipx_metadata.json")
    assert f"shim login --import {metadata}" in wrapped_world.shim("doctor").stdout
    moved = wrapped_world.shim("login", "--import", metadata, "--store", "file")
    assert moved.returncode == 0, moved.stderr
    assert CANARY not in metadata.read_text()
    again = wrapped_world.run("pipx", "reinstall", "corp-app")

    assert again.returncode == 0, again.stderr


@pytest.mark.long
def test_a_typed_password_that_stays_leaves_room_for_a_configured_one(wrapped_world: World, ours: FaultyIndex, theirs: Stranger) -> None:
    typed = f"-i http://{USER}:{CANARY}@{ours.netloc}/simple/ --extra-index-url {theirs.url}"
    wrapped_world.configure(f'[[index]]\nname = "second"\nurl = "{theirs.url}"\nusername = "bob"\nenv = {{ password = "CORP_TOKEN" }}\n')
    done = wrapped_world.run("pipx", "install", f"--pip-args={typed}", "corp-app")

    assert done.returncode == 0, done.stderr
    assert installed(wrapped_world) == NEW
    (metadata,) = (wrapped_world.folder / "pipx" / "venvs").rglob("pipx_metadata.json")
    metadata.unlink()  # it has the password, as without shim


@pytest.mark.long
def test_a_typed_password_is_not_kept_where_an_index_of_ours_answers_later(wrapped_world: World, ours: FaultyIndex) -> None:
    first = wrapped_world.run("pipx", "install", "-i", f"http://{USER}:{CANARY}@{ours.netloc}/simple/", f"corp-app=={OLD}")
    assert first.returncode == 0, first.stderr
    (metadata,) = (wrapped_world.folder / "pipx" / "venvs").rglob("pipx_metadata.json")
    assert CANARY not in metadata.read_text()
    done = wrapped_world.run("pipx", "upgrade", "corp-app")

    assert (done.returncode, installed(wrapped_world)) == (0, NEW), done.stderr


@pytest.mark.long
@pytest.mark.parametrize("words", [["corp-app"], ["--spec", f"corp-app=={NEW}", "corp-app"], ["corp-app", "-i", "x"]], ids=" ".join)
def test_what_pipx_runs_is_ours(words: list[str], wrapped_world: World, ours: FaultyIndex, theirs: Stranger) -> None:
    done = wrapped_world.run("pipx", "run", f"--pip-args={both(ours, theirs)}", *words)

    assert done.stdout == f"corp-app is {NEW}\n", done.stderr


@follows("install it anew without that, and name the indexes in PIP_INDEX_URL and PIP_EXTRA_INDEX_URL or pip.conf")
@pytest.mark.long
def test_an_index_that_pipx_keeps_does_not_lead_around_a_claim(wrapped_world: World, ours: FaultyIndex, theirs: Stranger) -> None:
    kept = wrapped_world.run("pipx", "install", f"--pip-args={both(ours, theirs)}", f"corp-app=={OLD}")
    assert kept.returncode == 0, kept.stderr
    text = wrapped_world.config.read_text().replace('name = "corp"\n', 'name = "corp"\npackages = ["corp-*"]\n')
    wrapped_world.configure(text)
    wrapped_world.environ |= {"PIP_INDEX_URL": ours.url, "PIP_EXTRA_INDEX_URL": theirs.url}
    done = wrapped_world.run("pipx", "upgrade", "corp-app")

    assert done.returncode == 77
    assert "pipx keeps -i for corp-app" in done.stderr
    assert installed(wrapped_world) == OLD
    for words in (["uninstall", "corp-app"], ["install", "corp-app"], ["upgrade", "corp-app"]):
        done = wrapped_world.run("pipx", *words)
        assert done.returncode == 0, done.stderr
    assert installed(wrapped_world) == NEW


@pytest.mark.long
def test_what_pipx_keeps_and_shim_cannot_read_stops_a_command_with_claims(wrapped_world: World, ours: FaultyIndex, theirs: Stranger) -> None:
    kept = wrapped_world.run("pipx", "install", f"--pip-args={both(ours, theirs)}", f"corp-app=={OLD}")
    assert kept.returncode == 0, kept.stderr
    wrapped_world.configure(wrapped_world.config.read_text().replace('name = "corp"\n', 'name = "corp"\npackages = ["corp-*"]\n'))
    wrapped_world.environ |= {"PIP_INDEX_URL": ours.url, "PIP_EXTRA_INDEX_URL": theirs.url}
    (metadata,) = (wrapped_world.folder / "pipx" / "venvs").rglob("pipx_metadata.json")
    metadata.unlink()
    os.mkfifo(metadata)
    done = wrapped_world.run("pipx", "upgrade", "corp-app", timeout=60)

    assert done.returncode == 77
    assert str(metadata) in done.stderr
    assert "may name an index" in done.stderr
    assert installed(wrapped_world) == OLD


def test_a_list_without_outdated_asks_nobody(wrapped_world: World, ours: FaultyIndex) -> None:
    wrapped_world.environ["PIP_INDEX_URL"] = ours.url
    done = wrapped_world.run("pipx", "list")

    assert done.returncode == 0, done.stderr
    assert ours.requests == []
