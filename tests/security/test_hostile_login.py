"""A server that people log in at may be anybody's: what it sends opens no page but its own, and draws nothing on the terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.login_server import LoginServer, jwt
from tests.support.terminal import Terminal
from tests.support.world import World

ESCAPE = "\x1b]0;owned\x07"


@pytest.fixture
def server() -> Iterator[LoginServer]:
    with LoginServer() as made:
        made.answers = ["ok"]
        yield made


@pytest.fixture
def opened(world: World, server: LoginServer) -> Path:
    """Where a browser would write down what it is told to open."""
    world.configure(f'[[index]]\nname = "corp"\nurl = "{server.url}/simple/"\nposit = {{ address = "{server.url}" }}\n')
    program, opened = world.folder / "config" / "browser", world.folder / "opened"
    program.write_text(f'#!/bin/sh\nprintf "%s" "$*" >{opened}\n')
    program.chmod(0o700)
    world.environ["BROWSER"] = str(program)
    return opened


def log_in(world: World) -> str:
    """Log in on a terminal; return what it showed."""
    with Terminal(["bash", "--norc", "--noprofile", "-i"], {**world.environ, "PS1": "", "TERM": "xterm"}, str(world.cwd)) as shell:
        return shell.type("shim login --no-verify corp; echo status=$?")


@pytest.mark.parametrize(
    "page",
    ["http://login.corp.example/", "javascript:alert(1)", "file:///etc/passwd", "--help", "https://login.corp.example/" + ESCAPE, ESCAPE],
)
def test_a_page_that_is_no_https_url_is_neither_opened_nor_shown(page: str, world: World, server: LoginServer, opened: Path) -> None:
    server.page = page
    said = log_in(world)

    assert "status=69" in said
    assert page not in said
    assert "owned" not in said
    assert server.paths("/__api__/device_access") == 0
    assert not opened.exists()


def test_a_page_of_another_server_is_shown_for_people_to_judge_and_not_opened(world: World, server: LoginServer, opened: Path) -> None:
    server.page = "https://login.evil.example/device"
    said = log_in(world)

    assert "open  https://login.evil.example/device" in said
    assert "your browser" not in said
    assert not opened.exists()


@pytest.mark.parametrize("where", ["begin_fault", "token_fault", "answers"])
def test_a_servers_explanation_draws_nothing(where: str, world: World, server: LoginServer, opened: Path) -> None:
    setattr(server, where, [ESCAPE + "no"] if where == "answers" else ESCAPE + "no")
    said = log_in(world)

    assert "status=69" in said
    assert "\x1b]" not in said
    assert "\x07" not in said


def test_an_accounts_name_draws_nothing(world: World, server: LoginServer, opened: Path) -> None:
    server.claims = {"sub": "u-1", "preferred_username": ESCAPE, "exp": int(time.time()) + 3600}
    said = log_in(world)

    assert "status=0" in said
    assert "owned" not in said + world.shim("status").stdout


def test_an_identity_file_may_not_be_somebodys_password(world: World, server: LoginServer, opened: Path) -> None:
    secret = world.folder / "config" / "netrc"
    for text in ("machine x login y password canary", "canary", jwt(sub="x") + "\ncanary"):
        secret.write_text(text)
        secret.chmod(0o600)
        result = world.shim("token", "corp", PACKAGEMANAGER_IDENTITY_TOKEN_FILE=str(secret))
        assert result.returncode != 0
        assert "canary" not in result.stdout + result.stderr
    assert server.requests == []
