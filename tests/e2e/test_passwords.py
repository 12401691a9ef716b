"""Awkward passwords on every Python that is here: the server gets exactly what was stored, or the command refuses by name."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from shim.cli.demo.server import PrivateIndex
from tests.support import toolchains
from tests.support.world import USER, World

PASSWORDS = {
    "plain": "plain",
    "colon": "a:b:",
    "at": "@a@b",
    "slash": "/a/b",
    "percent": "%41%zz%",
    "hash": "#a#b",
    "space": " a b ",
    "quote": '"a"b',
    "backslash": "\\a\\b\\",
    "everything": ': @/%# "\\ end',
    "dollar": "${HOME}$x`id`",
    "2000 characters": "eyJ" + "aB3-_" * 399 + "xx",
}
PYTHONS = toolchains.pythons()


class Index(PrivateIndex):
    """A private index that also keeps what it was sent."""

    sent: list[str]

    def answer(self, path: str, authorization: str | None) -> tuple[int, str, bytes]:
        if authorization and authorization.startswith("Basic "):
            self.sent.append(base64.b64decode(authorization[6:]).decode("latin-1"))
        return super().answer(path, authorization)


@pytest.fixture
def served(packages: tuple[str, dict[str, list[str]]], password: str) -> Iterator[Index]:
    with Index(*packages, USER, password) as index:
        index.sent = []
        yield index


def store(world: World, index: PrivateIndex, password: str) -> None:
    world.configure(
        f'[[index]]\nname = "corp"\nurl = "http://{index.netloc}/simple/"\nusername = "{USER}"\nenv = {{ password = "CORP_PASSWORD" }}\n'
    )
    world.environ["CORP_PASSWORD"] = password


@pytest.mark.parametrize("python", PYTHONS.values(), ids=PYTHONS.keys())
@pytest.mark.parametrize("password", PASSWORDS.values(), ids=PASSWORDS.keys())
def test_pip_on_every_python_sends_it_unchanged(python, password: str, world: World, served: Index) -> None:
    pip = toolchains.bundled_pip(python)
    world.use(pip)
    store(world, served, password)
    result = world.run("pip", "download", "-q", "-d", world.folder / "out", "-i", f"http://{served.netloc}/simple/", "corp-lib")
    release = tuple(int(part) for part in pip.version.split(".")[:2])

    if release < (20, 3):
        assert "goes into PIP_INDEX_URL" in result.stderr, "an old pip ignores NETRC: the environment is what is left, and it is said"
    assert result.returncode == 0, result.stderr
    assert set(served.sent) == {f"{USER}:{password}"}
    assert password not in result.stdout + result.stderr or password == "plain"


@pytest.mark.parametrize("password", PASSWORDS.values(), ids=PASSWORDS.keys())
def test_uv_sends_it_unchanged(password: str, world: World, served: Index) -> None:
    world.use(toolchains.uv())
    store(world, served, password)
    index = f"http://{served.netloc}/simple/"
    result = world.run("uv", "pip", "install", "-q", "--target", world.folder / "out", "--default-index", index, "corp-lib")

    assert result.returncode == 0, result.stderr
    assert set(served.sent) == {f"{USER}:{password}"}


@pytest.mark.parametrize("password", ["pässword", "pä€ß"], ids=["Latin-1", "beyond Latin-1"])
def test_letters_outside_ascii_are_sent_as_readme_says(password: str, world: World, packages: tuple[str, dict[str, list[str]]]) -> None:
    """requests encodes Latin-1 and uv UTF-8; the server's list of what it was sent tells."""
    for tool, encoding in ((toolchains.pip("newest"), "latin-1"), (toolchains.uv(), "utf-8")):
        with Index(*packages, USER, "never right") as index:
            index.sent = []
            world.use(tool)
            store(world, index, password)
            words = (
                ["pip", "download", "-d", str(world.folder / "out"), "-i"]
                if tool.name == "pip"
                else ["uv", "pip", "install", "--target", str(world.folder / "out"), "--default-index"]
            )
            result = world.run(*words, f"http://{index.netloc}/simple/", "corp-lib")

            assert result.returncode != 0
            if encoding == "latin-1" and "€" in password:
                assert result.returncode == 77, result.stderr
                assert "error[cannot-deliver]" in result.stderr
                assert index.sent == []
            else:
                assert {text.encode("latin-1").decode(encoding) for text in index.sent} == {f"{USER}:{password}"}


def test_the_same_password_typed_in_a_url_works_too(world: World, packages: tuple[str, dict[str, list[str]]]) -> None:
    password = PASSWORDS["everything"]
    for tool in (toolchains.pip("newest"), toolchains.uv()):
        with Index(*packages, USER, password) as index:
            index.sent = []
            world.use(tool)
            url = f"http://{USER}:{quote(password, safe='')}@{index.netloc}/simple/"
            words = (
                ["pip", "download", "-d", str(world.folder / "out"), "-i"]
                if tool.name == "pip"
                else ["uv", "pip", "install", "--target", str(world.folder / "out"), "--default-index"]
            )
            result = world.run(*words, url, "corp-lib")

            assert result.returncode == 0, result.stderr
            assert set(index.sent) == {f"{USER}:{password}"}
