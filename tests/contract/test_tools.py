"""One suite for every tool: it offers what the rest of the code asks of it, and its tables fit together."""

from __future__ import annotations

from pathlib import Path

import pytest

from shim.core.host import Host
from shim.core.model import Delivery
from shim.delivery import CHANNELS
from shim.tools import TOOLS, Tool, load_tool


@pytest.fixture(params=sorted(set(TOOLS)))
def name(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


def test_a_tool_offers_everything_that_is_asked_of_it(name: str) -> None:
    tool = load_tool(name)
    wanted = {*Tool.__annotations__, *(member for member in vars(Tool) if not member.startswith("_"))}

    assert {member for member in wanted if not hasattr(tool, member)} == set()


def test_help_asks_nobody_and_is_left_alone(name: str, tmp_path: Path) -> None:
    tool = load_tool(name)
    host = Host({"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}, str(tmp_path))
    for argv in (("--help",), ("--version",)):
        invocation = tool.read_invocation(name, argv, host, "/bin/true")

        assert not invocation.touches_index
        assert invocation.family in CHANNELS
        assert tool.move_secrets(invocation, Delivery(argv)) == Delivery(argv)


def test_a_first_word_of_nobodys_asks_nobody_or_says_what_it_wants(name: str, tmp_path: Path) -> None:
    tool = load_tool(name)
    host = Host({"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}, str(tmp_path))
    for verb in ("install", "upload", "publish", "lock", "nonsense"):
        invocation = tool.read_invocation(name, (verb, "x"), host, "/bin/true")
        endpoints = tool.read_endpoints(invocation, host)

        assert invocation.touches_index or endpoints.items == ()
        if invocation.touches_index:
            assert tool.read_demand(invocation, host) in ("packages", "answers", "nothing")
