"""Uploads with twine and flit, to a real pypiserver: the credential only with us, and the tools behave as without us."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from shim.cli.demo.watch import ArgvWatch, is_in, needles
from tests.support import toolchains
from tests.support.installation import copy_installation
from tests.support.servers import pypiserver
from tests.support.world import CANARY, USER, World

Packages = tuple[str, dict[str, list[str]]]
FORMS = needles(USER, CANARY)


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """The folder that the server keeps packages in."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    return folder


@pytest.fixture
def server(tmp_path: Path, shelf: Path, packages: Packages) -> Iterator[str]:
    folder = tmp_path / "server"
    folder.mkdir()
    with pypiserver(folder, USER, CANARY, (str(shelf), packages[1])) as port:
        yield f"http://127.0.0.1:{port}/"


@pytest.fixture
def own(world: World, tmp_path: Path) -> World:
    """The world with launchers for the uploading tools; the installation is a copy."""
    copy = copy_installation(world.prefix, world.folder / "prefix")
    world.prefix = copy
    for name in ("twine", "flit"):
        assert world.shim("install", name, PATH=f"{copy}/shims:/usr/bin:/bin").returncode == 0
    world.vaults.append(tmp_path / "server")
    return world


def configure(world: World, server: str, *lines: str) -> None:
    program = world.folder / "config" / "give-secret"
    program.write_text(f"#!/bin/sh\necho {CANARY}\n")
    program.chmod(0o700)
    rest = [f'url = "{server}simple/"', f'username = "{USER}"', f'command = {{ argv = ["{program}"] }}', *lines]
    world.configure("[[index]]\nname = 'corp'\n" + "\n".join(rest) + "\n")


@pytest.mark.parametrize("where", ["option", "variable", "pypirc", "a publish-url of its own"])
def test_twine_uploads_with_the_credential_of_the_index(where: str, own: World, server: str, shelf: Path, packages: Packages) -> None:
    own.use(toolchains.program("twine"))
    configure(own, server + ("team/" if "own" in where else ""), *([f'publish-url = "{server}"'] if "own" in where else []))
    wheel = Path(packages[0], packages[1]["corp-lib"][0])
    words: list[object] = ["twine", "upload", "--non-interactive", "--disable-progress-bar", "--verbose", wheel]
    environ: dict[str, str] = {}
    if where == "variable":
        environ["TWINE_REPOSITORY_URL"] = server
    elif where == "pypirc":
        (own.folder / "home" / ".pypirc").write_text(f"[distutils]\nindex-servers = corp\n[corp]\nrepository = {server}\n")
        words[2:2] = ["-rcorp"]
    else:
        words[2:2] = ["--repository-url", server]
    bare = own.run(*words, bare=True, **environ)
    assert bare.returncode != 0
    with ArgvWatch(FORMS) as watch:
        result = own.run(*words, **environ)

    assert result.returncode == 0, result.stdout + result.stderr
    assert (shelf / wheel.name).read_bytes() == wheel.read_bytes()
    assert watch.seen == set()
    assert not is_in((result.stdout + result.stderr).encode(), FORMS)


def test_a_typed_password_leaves_argv_and_wins(own: World, server: str, shelf: Path, packages: Packages) -> None:
    own.use(toolchains.program("twine"))
    wheel = Path(packages[0], packages[1]["corp-lib"][0])
    with ArgvWatch(FORMS, interval_s=60) as watch:
        for typed in (["-p", CANARY], [f"-p{CANARY}"], [f"--password={CANARY}"]):
            words = ["upload", "--non-interactive", "--repository-url", server, "-u", USER, *typed, str(wheel)]
            show = 'exec 3>&1; tr "\\0" "\\n" </proc/$$/cmdline'
            tool = own.folder / "shown" / "twine"
            tool.parent.mkdir(exist_ok=True)
            tool.write_text(f'#!/bin/sh\n{show}\necho "password is ${{#TWINE_PASSWORD}} letters"\n')
            tool.chmod(0o755)
            seen = own.run("twine", *words, PATH=f"{own.prefix}/shims:{tool.parent}:/usr/bin:/bin")
            assert CANARY not in seen.stdout
            assert f"password is {len(CANARY)} letters" in seen.stdout
            (shelf / wheel.name).unlink(missing_ok=True)
            result = own.run("twine", *words)
            assert result.returncode == 0, result.stdout + result.stderr
    assert watch.seen == set()


def test_what_the_user_gave_twine_itself_is_left_alone(own: World, server: str) -> None:
    configure(own, server)
    tool = own.folder / "shown" / "twine"
    tool.parent.mkdir()
    tool.write_text('#!/bin/sh\necho "$TWINE_USERNAME:$TWINE_PASSWORD"\n')
    tool.chmod(0o755)
    own.environ["PATH"] = f"{own.prefix}/shims:{tool.parent}:/usr/bin:/bin"
    result = own.run("twine", "upload", "x", TWINE_REPOSITORY_URL=server, TWINE_USERNAME="me", TWINE_PASSWORD="mine")

    assert result.stdout == "me:mine\n"


def test_a_public_upload_and_a_check_are_left_alone(own: World) -> None:
    tool = own.folder / "shown" / "twine"
    tool.parent.mkdir()
    tool.write_text('#!/bin/sh\nenv | grep -c "^TWINE_"\necho "$*"\n')
    tool.chmod(0o755)
    own.environ["PATH"] = f"{own.prefix}/shims:{tool.parent}:/usr/bin:/bin"

    assert own.run("twine", "upload", "dist/x").stdout == "0\nupload dist/x\n"
    assert own.run("twine", "check", "dist/x").stdout == "0\ncheck dist/x\n"


def test_strict_refuses_and_says_what_to_do(own: World, server: str) -> None:
    own.use(toolchains.program("twine"))
    configure(own, server)
    result = own.run("twine", "upload", "--repository-url", server, os.devnull, SHIM_CHANNEL="strict")

    assert result.returncode == 77
    assert "SHIM_CHANNEL=auto" in result.stderr
