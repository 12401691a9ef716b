"""The commonest failure: a password that has changed, at the only index. One line of ours says so; a missing one is offered a login."""

from __future__ import annotations

import os
import shutil

import pytest

from shim.cli.demo.server import PrivateIndex
from tests.support import toolchains
from tests.support.hints import follows
from tests.support.manners import Index, Shelf
from tests.support.realms import basic
from tests.support.terminal import Terminal
from tests.support.world import CANARY, USER, World

Packages = tuple[str, dict[str, list[str]]]
TOOLS = ("pip", "uv")


def install(world: World, tool: str, index: PrivateIndex | Index) -> list[str]:
    url, target = f"http://{index.netloc}/simple/", str(world.folder / "installed")
    world.use(toolchains.pip("newest") if tool == "pip" else toolchains.uv())
    world.environ |= {"PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1"}
    if tool == "pip":
        return ["pip", "install", "--upgrade", "--target", target, "-i", url, "corp-lib"]
    return ["uv", "pip", "install", "--target", target, "--default-index", url, "corp-lib"]


def configure(world: World, index: PrivateIndex | Index, more: str = "", top: str = "") -> None:
    url = f"http://{index.netloc}/simple/"
    world.configure(f'{top}[[index]]\nname = "corp"\nurl = "{url}"\nusername = "{USER}"\n{more}')


@follows("export {} with a new secret")
@pytest.mark.parametrize("tool", TOOLS)
def test_a_password_that_changed_is_said_in_one_line_with_a_hint_that_helps(tool: str, world: World, index: PrivateIndex) -> None:
    configure(world, index, 'env = { password = "CORP" }\n')
    command = install(world, tool, index)
    result = world.run(*command, CORP="yesterdays")

    assert result.returncode not in (0, 77), "the tool itself was started"
    assert result.stderr.count("shim: warning[rejected]: ") == 1
    assert "refuses us as alice, from env (401)" in result.stderr
    assert "hint: export CORP with a new secret\n" in result.stderr
    followed = world.run(*command, CORP=CANARY)
    assert followed.returncode == 0, followed.stderr
    assert "shim: " not in followed.stderr


@pytest.mark.parametrize("tool", TOOLS)
def test_a_refused_password_is_sent_once_however_often_the_command_is_typed(tool: str, world: World, packages: Packages) -> None:
    """Directories lock an account after a few failing logins. That a proof costs a replayed command nothing is held by test_remembered.py."""
    with Index(Shelf(*packages), "401", {"": basic(USER, CANARY)}) as index:
        configure(world, index, 'env = { password = "CORP" }\n')
        command = install(world, tool, index)
        typed = [word.replace("://", f"://{USER}:yesterdays@") if index.netloc in word else word for word in command]
        bare = world.run(*typed, bare=True)
        index.seen.clear()
        results = [world.run(*command, CORP="yesterdays") for _ in range(3)]
        sent = [header for _, header in index.seen if header]
        assert world.run(*command, CORP=CANARY).returncode == 0, "a new secret is another matter"

    assert {result.returncode for result in results} == {bare.returncode}
    assert all("refuses us as alice, from env (401); it is not sent again for a minute" in result.stderr for result in results)
    assert sent == [basic(USER, "yesterdays")]


def test_a_server_that_forwards_strangers_gets_a_refused_password_again_as_bare(world: World, packages: Packages) -> None:
    """As a stranger the tool would be led to the public index, and take its package."""
    shelf = Shelf(*packages)
    with Index(shelf, "open") as public, Index(shelf, "forwards", {"": basic(USER, CANARY)}, public=public.root, strict=True) as index:
        configure(world, index, 'env = { password = "CORP" }\n')
        result = world.run(*install(world, "pip", index), CORP="yesterdays")
        assert [path for path, _ in public.seen if path.startswith("/files/")] == []

    assert result.returncode == 1, result.stderr
    assert "refuses us as alice, from env (401)\n" in result.stderr


def at_a_terminal(world: World, command: list[str], **more: str) -> Terminal:
    environ = {**world.environ, "TERM": "dumb", **more}
    for name in ("CI", "PIP_NO_INPUT"):
        environ.pop(name, None)
    program = shutil.which(command[0], path=environ["PATH"]) or command[0]
    return Terminal([program, *command[1:]], environ | dict(more.items()), str(world.cwd))


@pytest.mark.parametrize("tool", TOOLS)
def test_a_missing_credential_is_offered_a_login_on_a_terminal(tool: str, world: World, index: PrivateIndex) -> None:
    configure(world, index, top='store = ["file"]\n')
    command = install(world, tool, index)
    with at_a_terminal(world, command) as terminal:
        terminal.until("Log in to corp now? [Y/n] ")
        terminal.press("\n")
        terminal.until("password or token of alice for")
        terminal.press(CANARY + "\n")
        terminal.until("corp-lib" if tool == "uv" else "Successfully installed")

    assert world.shim("token", "corp").stdout == CANARY + "\n"


@pytest.mark.parametrize(("top", "variables"), [('login = "manual"\n', {}), ("", {"CI": "true"}), ("", {"SHIM_NO_INPUT": "1"}), ("", {"PIP_NO_INPUT": "1"})])
def test_nobody_is_asked_where_nobody_wants_to_be(top: str, variables: dict[str, str], world: World, index: PrivateIndex) -> None:
    configure(world, index, top='store = ["file"]\n' + top)
    with at_a_terminal(world, install(world, "pip", index), **variables) as terminal:
        said = terminal.until("hint: shim login corp")

    assert "Log in to" not in said


def test_a_no_leaves_it_as_it_was(world: World, index: PrivateIndex) -> None:
    configure(world, index)
    with at_a_terminal(world, install(world, "pip", index)) as terminal:
        terminal.until("Log in to corp now? [Y/n] ")
        terminal.press("n\n")
        terminal.until("error[no-credential]")
