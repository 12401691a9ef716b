"""What a person at a terminal sees while something is waited for, in which colours, and in how many columns."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex
from tests.support import toolchains
from tests.support.terminal import Terminal
from tests.support.world import CANARY, USER, World

URL_OR_PATH = re.compile(r"https?://|/")


@pytest.fixture
def slow(world: World, index: PrivateIndex) -> PrivateIndex:
    """A configured index that takes its time."""
    world.configure(
        f'[[index]]\nname = "corp"\nurl = "http://{index.netloc}/simple/"\nusername = "{USER}"\nenv = {{ password = "CORP" }}\n'
    )
    world.environ |= {"CORP": CANARY, "TERM": "xterm"}
    index.on_request = lambda: time.sleep(2.0)
    return index


def shell(world: World, **more: str) -> Terminal:
    environ = {**world.environ, "PS1": "", **more}
    environ.pop("CI", None)
    return Terminal(["/bin/sh"], environ, str(world.cwd))


def test_who_waits_for_longer_than_a_second_sees_what_for(world: World, slow: PrivateIndex) -> None:
    with shell(world) as terminal:
        said = terminal.type("shim status")

    assert "asking 127.0.0.1" in said
    assert "\x1b[K" in said, "and it is gone"
    assert "\x1b[32mok\x1b[0m" in said.rpartition("\x1b[K")[2]


def test_a_pipe_and_no_color_show_no_colour(world: World, slow: PrivateIndex) -> None:
    assert "\x1b" not in world.shim("status").stdout + world.shim("status").stderr
    slow.on_request = lambda: None
    with shell(world, NO_COLOR="1") as terminal:
        said = terminal.type("shim status")

    assert not re.search(r"\x1b\[\d+m", said)
    assert "  ok: " in said


def test_it_is_gone_before_the_tool_starts(world: World, slow: PrivateIndex) -> None:
    world.use(toolchains.pip("newest"))
    url = f"http://{slow.netloc}/simple/"
    with shell(world, PIP_CONFIG_FILE="/dev/null", NO_COLOR="1") as terminal:
        said = terminal.type(f"pip download -d {world.folder / 'd'} -i {url} corp-lib")

    assert "asking 127.0.0.1" in said
    assert "asking" not in said.rpartition("\x1b[K")[2]
    assert "Saved " in said.rpartition("\x1b[K")[2]


@pytest.mark.parametrize("columns", [40, 80])
@pytest.mark.parametrize("words", ["status", "status --offline", "login --help", "setup --help", "--help"])
def test_lines_fit_into_the_terminal(words: str, columns: int, world: World, slow: PrivateIndex) -> None:
    """One word, as a URL or path is, stays whole: who copies it needs it so."""
    slow.on_request = lambda: None
    world.environ["CORP"] = "yesterdays"
    with shell(world, NO_COLOR="1", COLUMNS=str(columns)) as terminal:
        terminal.resize(24, columns)
        said = terminal.type(f"shim {words}")

    for line in said.splitlines():
        assert len(line) <= columns or len(line.split()) <= 2, line


def test_what_is_folded_for_people_is_one_line_for_programs(world: World, slow: PrivateIndex, tmp_path: Path) -> None:
    slow.on_request = lambda: None
    world.environ["CORP"] = "yesterdays"
    lines = world.shim("status", COLUMNS="40").stdout.splitlines()

    assert any(line.startswith("  hint: ") for line in lines)
    assert any(URL_OR_PATH.search(line) and len(line) > 40 for line in lines)
