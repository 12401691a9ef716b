"""The commonest failure: a password that has changed, at the only index. One line of ours says so; a missing one is offered a login."""

from __future__ import annotations

import os
import shutil

import pytest

from shim.demo.server import PrivateIndex
from tests.support import toolchains
from tests.support.hints import follows
from tests.support.terminal import Terminal
from tests.support.world import CANARY, USER, World

TOOLS = ("pip", "uv")


def install(world: World, tool: str, index: PrivateIndex) -> list[str]:
    url, target = f"http://{index.netloc}/simple/", str(world.folder / "installed")
    world.use(toolchains.pip("newest") if tool == "pip" else toolchains.uv())
    world.environ |= {"PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1"}
    if tool == "pip":
        return ["pip", "install", "--upgrade", "--target", target, "-i", url, "corp-lib"]
    return ["uv", "pip", "install", "--target", target, "--default-index", url, "corp-lib"]


def configure(world: World, index: PrivateIndex, more: str = "", top: str = "") -> None:
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


def test_what_was_refused_a_moment_ago_is_not_asked_again_by_us(world: World, index: PrivateIndex) -> None:
    """That a proof costs a replayed command nothing is held by tests/e2e/test_remembered.py."""
    configure(world, index, 'env = { password = "CORP" }\n')
    command = install(world, "pip", index)
    world.run(*command, CORP="yesterdays")
    first = len(index.requests)
    again = world.run(*command, CORP="yesterdays")
    theirs = len(index.requests) - first

    assert "shim: warning[rejected]: " in again.stderr
    assert theirs < first, "the tool's own requests, and none of ours"


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
