"""What two answers mean for the manner of a channel, what is silence, and how each channel has a credential sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from shim.config.settings import Settings
from shim.core.dataclass import replace
from shim.core.host import Host
from shim.core.model import (
    BARE,
    Credential,
    Endpoint,
    Endpoints,
    Invocation,
    Manner,
    Origin,
    Resolution,
    Route,
    Secret,
    Target,
)
from shim.core.urls import parse_url, scope_of_index
from shim.core.verdict import VerificationResult
from shim.delivery import Case, Choice, bare_manner
from shim.delivery.netrc import manner as manner_of_netrc
from shim.net.http_client import Outcome
from shim.preflight.preflight import check_resolutions
from shim.preflight.stop import SILENT
from shim.preflight.verify import VerificationRequest, _why_unserved, judge
from shim.tools import load_tool
from tests.support.manners import Index, Shelf
from tests.support.realms import basic

ROOT = "https://pypi.corp.example/api/simple/"
AFTER_401 = Manner(frozenset({401}))
AFTER_MANY = Manner(frozenset({401, 403, 404}))


def unserved(manner: Manner, root: Outcome, page: Outcome, known: Outcome | None = None) -> str | None:
    """Return why a channel will not do for an index that answers a stranger so, and us with its page."""
    url = parse_url(ROOT)
    credential = Credential("alice", Secret("s"), scope_of_index(url), "test")
    question = VerificationRequest(url, credential, Route(), manner, parse_url(f"{ROOT}corp-lib/"))
    return _why_unserved(question, judge(url, credential, root, known or said(200)), root, page)


def said(status: int | None, url: str = ROOT, **more: object) -> Outcome:
    return Outcome(status, parse_url(url), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("manner", [AFTER_401, AFTER_MANY])
@pytest.mark.parametrize("status", [200, 302, 401, 403, 404, 429, 500])
def test_only_a_status_that_the_tool_waits_for_is_a_challenge(manner: Manner, status: int) -> None:
    page = said(status, f"{ROOT}corp-lib/")

    assert (unserved(manner, said(401), page) is None) == (status in manner.challenges)


@pytest.mark.parametrize("place", ["https://pypi.org/simple/corp-lib/", "https://pypi.corp.example/open/simple/corp-lib/"])
def test_a_challenge_from_another_place_is_none(place: str) -> None:
    assert place in (unserved(AFTER_MANY, said(401), said(404, place)) or "")


def test_an_index_that_shows_strangers_its_root_has_challenged_nobody() -> None:
    assert "a view of its own" in (unserved(AFTER_401, said(200), said(401, f"{ROOT}corp-lib/")) or "")


def test_what_we_could_not_read_is_no_challenge_but_a_server_that_is_down_is_the_tools_affair() -> None:
    late, down = said(None, error="no answer in time", trouble="slow"), said(None, error="gone", trouble="down")

    assert unserved(AFTER_401, said(401), late) is not None
    assert unserved(AFTER_401, down, down, down) is None


def test_that_we_could_not_ask_is_no_silence() -> None:
    assert {"unknown", "slow", "broken", "busy", "hidden", None}.isdisjoint(SILENT)
    assert VerificationResult("unreachable", "", "proxy").trouble in SILENT


def make_choice(family: str, tool: str, channel: str, endpoint: Endpoint) -> Choice:
    invocation = Invocation(tool, family, Target("/usr/bin/tool"), (), ("install",), True, "")  # type: ignore[arg-type]
    credential = Credential("alice", Secret("s"), scope_of_index(endpoint.url), "test")
    return Choice(Case(invocation, Endpoints((endpoint,)), ((endpoint, credential),), Settings(), Host({"PATH": ""}, "/")), channel, delivered=frozenset({id(endpoint)}))


@pytest.mark.parametrize(
    ("family", "tool", "origin", "unasked", "encoding"),
    [
        ("pip", "pip", Origin("argv", "--index-url"), True, "latin-1"),
        ("project", "pdm", Origin("file", "pyproject.toml", project=True), True, "utf-8"),
        ("project", "tox", Origin("env", "PIP_INDEX_URL"), True, "latin-1"),
        ("project", "tox", Origin("env", "UV_DEFAULT_INDEX"), False, "utf-8"),
        ("project", "hatch", Origin("config", "/etc/xdg/uv/uv.toml"), False, "utf-8"),
        ("project", "pipx", Origin("argv", "--index-url"), True, "latin-1"),
    ],
)
def test_a_netrc_is_sent_as_whoever_reads_it_sends_it(family: str, tool: str, origin: Origin, unasked: bool, encoding: str) -> None:
    endpoint = Endpoint(parse_url(ROOT), origin)
    choice = make_choice(family, tool, "netrc", endpoint)
    manner = manner_of_netrc(choice.case, endpoint)

    assert (manner.unasked, manner.encoding) == (unasked, encoding)
    assert choice.manner(endpoint) == manner
    assert manner.follows_host == (unasked and tool != "pdm")


def test_what_the_tool_has_by_itself_is_sent_unasked_and_in_its_own_bytes() -> None:
    endpoint = Endpoint(parse_url(ROOT), Origin("argv", "--index-url"))
    choice = make_choice("pip", "pip", "face", endpoint)
    other = Endpoint(parse_url("https://other.example/simple/"), endpoint.origin)

    assert choice.manner(other) == bare_manner(choice.case.invocation) == Manner(encoding="latin-1")
    assert choice.manner(endpoint).challenges == {401}
    assert BARE.unasked


@pytest.mark.parametrize("rootless", [False, True])
@pytest.mark.parametrize("secret", ["s", "of-yesterday"])
def test_a_server_that_challenges_strangers_is_asked_once_whatever_it_says_to_us(rootless: bool, secret: str, tmp_path: Path) -> None:
    shelf = Shelf(str(tmp_path), {"corp-lib": ["corp_lib-1.0-py3-none-any.whl"]})
    with Index(shelf, "401", {"": basic("alice", "s")}, rootless=rootless) as index:
        endpoint = Endpoint(parse_url(index.url()), Origin("argv", "--with"))
        made = make_choice("uv", "uv", "store", endpoint)
        host = Host({"PATH": "", "SHIM_CACHE_DIR": str(tmp_path / "cache")}, "/")
        invocation = replace(made.case.invocation, verb=("run",))
        choice = replace(made, case=replace(made.case, invocation=invocation, host=host))
        answers = (Resolution(endpoint, Credential("alice", Secret(secret), scope_of_index(endpoint.url), "test")),)
        asked = []
        for _ in range(2):
            assert check_resolutions(load_tool("uv"), choice, answers).unserved is None
            asked.append(len(index.seen))

    assert asked[0] == asked[1] > 0
