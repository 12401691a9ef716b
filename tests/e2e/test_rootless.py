"""An index that lists no packages, as Google's and many a static server: its own page is missing for everybody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from shim.cli.demo.packages import build_wheel
from shim.cli.demo.server import PrivateIndex
from tests.support import toolchains
from tests.support.world import CANARY, USER, World


class Rootless(PrivateIndex):
    """Has packages' pages, for one user, and none of its own for anybody. `logins` lists the paths that were asked with a login."""

    logins: list[str]

    def answer(self, path: str, authorization: str | None) -> tuple[int, str, bytes]:
        self.logins += [path] if authorization else []
        if path.strip("/") == "simple":
            self.requests.append((path, None, 404))
            return 404, "text/plain", b"not here\n"
        return super().answer(path, authorization)


class Stranger(PrivateIndex):
    """A public index where somebody offers our package in a higher version, and one of its own."""

    def answer(self, path: str, authorization: str | None) -> tuple[int, str, bytes]:
        return self._page(path)


@pytest.fixture
def rootless(packages: tuple[str, dict[str, list[str]]]) -> Iterator[Rootless]:
    with Rootless(*packages, USER, CANARY) as served:
        served.logins = []
        yield served


@pytest.fixture
def pip(world: World, rootless: Rootless, tmp_path: Path) -> Iterator[list[str]]:
    """`pip install`, from a private index that a file has the password for, and a stranger's."""
    folder = tmp_path / "stranger"
    folder.mkdir()
    files = {
        "corp-lib": [build_wheel(str(folder), "corp-lib", {"corp_lib.py": "STRANGER = True\n"}, "0.9")],
        "public": [build_wheel(str(folder), "public", {"public.py": "STRANGER = True\n"}, "1.0")],
    }
    world.use(toolchains.pip("newest"))
    configure(world, rootless)
    with Stranger(str(folder), files, "x", "x") as stranger:
        places = ["-i", f"http://{rootless.netloc}/simple/", "--extra-index-url", f"http://{stranger.netloc}/simple/"]
        yield ["pip", "install", "--no-deps", "--target", str(world.folder / "out"), *places]


def configure(world: World, rootless: Rootless, more: str = "") -> None:
    world.environ["CORP"] = CANARY
    url = f"http://{rootless.netloc}/simple/"
    world.configure(f'[[index]]\nname = "corp"\nurl = "{url}"\nusername = "{USER}"\nenv = {{ password = "CORP" }}\n{more}')


@pytest.mark.parametrize("by", ["argument", "file"])
def test_a_package_that_the_command_names_proves_the_credential(by: str, world: World, pip: list[str]) -> None:
    (world.cwd / "requirements.txt").write_text("# ours\npublic==1.0\nCorp.Lib >= 1\n")
    result = world.run(*pip, *(["corp-lib"] if by == "argument" else ["-r", "requirements.txt"]))

    assert result.returncode == 0, result.stderr
    assert "shim" not in result.stderr
    assert "STRANGER" not in (world.folder / "out" / "corp_lib.py").read_text()


def test_what_proved_it_once_is_asked_when_a_command_names_others(world: World, pip: list[str]) -> None:
    """A new secret has no proof yet."""
    first = world.run(*pip, "public")
    known = world.run(*pip, "corp-lib")
    world.environ["SHIM_REFRESH"] = "1"
    again = world.run(*pip, "--upgrade", "public")

    assert first.returncode == 77
    assert "says that it does not exist as alice, from env (404)" in first.stderr
    assert (known.returncode, again.returncode) == (0, 0), known.stderr + again.stderr


def test_the_hint_for_a_command_that_names_none_of_them_helps(world: World, rootless: Rootless, pip: list[str]) -> None:
    stopped = world.run(*pip, "public")
    page = f"http://{rootless.netloc}/simple/NAME/"
    assert f'hint: set verify-url of [[index]] corp to a page that exists, like "{page}", or renew the secret' in stopped.stderr

    configure(world, rootless, f'verify-url = "{page.replace("NAME", "corp-lib")}"\n')
    followed = world.run(*pip, "public")
    assert followed.returncode == 0, followed.stderr


def test_a_wrong_secret_is_sent_once_and_stops(world: World, rootless: Rootless, pip: list[str]) -> None:
    world.environ["CORP"] = "yesterdays"
    result = world.run(*pip, "public", "corp-lib")

    assert result.returncode == 77
    assert "error[rejected]" in result.stderr
    assert rootless.logins == ["/simple/", "/simple/public/"]


def test_status_tells_a_wrong_secret_from_a_page_that_is_missing(world: World, rootless: Rootless, pip: list[str]) -> None:
    def state() -> str:
        return json.loads(world.shim("status", "--json").stdout)["indexes"][0]["state"]

    wrong = world.shim("login", "corp", "--password-stdin", "--store", "file", input="yesterdays")
    assert wrong.returncode == 77
    assert world.run(*pip, "corp-lib").returncode == 0
    assert state() == "answers"
    world.environ["CORP"] = "yesterdays"
    assert state() == "refuses"
