"""`shim status` and `shim doctor` ask the servers: what a changed password, a server that is down or an open index look like."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex
from tests.support.hints import follows
from tests.support.servers import free_port, nginx, pypiserver
from tests.support.world import CANARY, USER, World

Row = dict[str, object]


def configure(world: World, netloc: str, more: str = "", secret: str = CANARY) -> str:
    """One index whose password is in a variable."""
    world.environ["CORP_TOKEN"] = secret
    table = f'[[index]]\nname = "corp"\nurl = "http://{netloc}/simple/"\nusername = "{USER}"\nenv = {{ password = "CORP_TOKEN" }}\n'
    world.configure(table + more)
    return f"http://{netloc}/simple/"


def status(world: World, *words: str, **environ: str) -> tuple[int, list[Row]]:
    result = world.shim("status", "--json", *words, **environ)
    assert result.stderr == ""
    rows: list[Row] = json.loads(result.stdout)["indexes"]
    return result.returncode, rows


def test_a_password_that_works_is_said_to(world: World, index: PrivateIndex) -> None:
    configure(world, index.netloc)
    code, (row,) = status(world)

    assert (code, row["state"], row["usable"], row["answered_by"], row["username"]) == (0, "answers", True, "env", USER)
    said = world.shim("status")
    assert (said.returncode, "  ok: " in said.stdout) == (0, True)


@follows("{}; SHIM_REFRESH=1 shim status asks it again")
def test_a_password_that_changed_is_said_since_when_and_is_not_sent_again(world: World, index: PrivateIndex) -> None:
    configure(world, index.netloc, secret="yesterdays")
    code, (first,) = status(world)
    asked = len(index.requests)
    time.sleep(1.1)
    again, (second,) = status(world)

    assert (code, first["state"], first["usable"]) == (1, "refuses", False)
    assert str(first["since"]).endswith("Z")
    assert (again, second["since"]) == (1, first["since"])
    assert len(index.requests) == asked, "an account may be locked by it"
    assert "refused since" in world.shim("status").stdout
    assert first["hint"] == "export CORP_TOKEN with a new secret"
    assert status(world, CORP_TOKEN=CANARY)[0] == 0, "the hint, followed"
    assert status(world, SHIM_REFRESH="1")[0] == 1
    assert len(index.requests) > asked


def test_every_state_is_told_from_the_others_and_all_servers_are_asked_at_once(
    world: World, index: PrivateIndex, packages: tuple[str, dict[str, list[str]]], tmp_path: Path
) -> None:
    (tmp_path / "nginx").mkdir()
    with nginx(tmp_path / "nginx", {"/open/": None, "/closed/": (USER, CANARY)}, packages) as (port, _):
        others = "".join(
            f'[[index]]\nname = "{name}"\nurl = "{url}"\n{more}\n'
            for name, url, more in (
                ("down", f"http://127.0.0.1:{free_port()}/simple/", 'env = { password = "CORP_TOKEN" }'),
                ("unknown", "https://nobody.invalid/simple/", 'env = { password = "CORP_TOKEN" }'),
                ("open", f"http://127.0.0.1:{port}/open/simple/", 'on-failure = "pass"'),
                ("none", f"http://127.0.0.1:{port}/closed/simple/", ""),
                ("gone", f"http://127.0.0.1:{port}/open/", f'verify-url = "http://127.0.0.1:{port}/open/not-there/"'),
            )
        )
        configure(world, index.netloc, others)
        code, rows = status(world)

        assert code == 1
        assert {row["name"]: row["state"] for row in rows} == {
            "corp": "answers",
            "down": "unreachable",
            "unknown": "unreachable",
            "open": "open",
            "none": "missing",
            "gone": "unreachable",
        }
        hints = {row["name"]: row["hint"] for row in rows}
        assert hints["corp"] is hints["open"] is None
        assert "check that the server runs, and that" in str(hints["down"])
        assert "check the spelling of nobody.invalid" in str(hints["unknown"])
        assert hints["none"] == "shim login none"
        assert "does the URL end in /simple/?" in str(hints["gone"])


def test_offline_asks_nobody(world: World, index: PrivateIndex) -> None:
    configure(world, index.netloc, secret="yesterdays")
    code, (row,) = status(world, "--offline")

    assert (code, row["state"]) == (0, "unasked")
    assert index.requests == []
    world.environ.pop("CORP_TOKEN")
    assert status(world, "--offline")[0] == 1


def test_an_upload_endpoint_is_asked_what_it_takes(world: World, packages: tuple[str, dict[str, list[str]]], tmp_path: Path) -> None:
    """pypiserver lets an upload in only after a login, and asks for none to be read at its root."""
    (tmp_path / "pypiserver").mkdir()
    with pypiserver(tmp_path / "pypiserver", USER, CANARY, packages) as port:
        configure(world, f"127.0.0.1:{port}", f'publish-url = "http://127.0.0.1:{port}/"\n')
        code, rows = status(world)
        assert [(row["role"], row["state"]) for row in rows] == [("index", "answers"), ("publish", "answers")]
        assert code == 0
        world.environ["CORP_TOKEN"] = "wrong"
        code, rows = status(world)
        assert [(row["role"], row["state"]) for row in rows] == [("index", "refuses"), ("publish", "refuses")]
        assert code == 1


@pytest.mark.parametrize("store", ["file", "memory"])
def test_a_login_stored_by_url_is_listed_too(store: str, world: World, index: PrivateIndex) -> None:
    url = f"http://{index.netloc}/simple/"
    stored = world.shim("login", url, "--user", USER, "--password-stdin", "--store", store, input=CANARY)
    if store == "memory" and stored.returncode == 74:
        pytest.skip(stored.stderr)
    code, (row,) = status(world)

    assert (code, row["role"], row["state"], row["username"]) == (0, "login", "answers", USER)
    assert "(stored by URL)" in world.shim("status").stdout
    world.shim("logout", "--all")
    assert status(world) == (0, [])


def test_what_is_stored_in_the_keyring_by_url_is_listed_too(world: World, index: PrivateIndex, keyring_daemon: dict[str, str]) -> None:
    world.environ |= keyring_daemon
    url = f"http://{index.netloc}/simple/"
    assert world.shim("login", url, "--user", USER, "--password-stdin", input=CANARY).returncode == 0
    code, (row,) = status(world)

    assert (code, row["role"], row["url"], row["answered_by"], row["state"]) == (0, "login", url, "keyring", "answers")
    world.shim("logout", "--all")


def test_doctor_says_what_status_says(world: World, index: PrivateIndex) -> None:
    configure(world, index.netloc, secret="yesterdays")
    result = world.shim("doctor", "--json")
    (found,) = [row for row in json.loads(result.stdout)["findings"] if row["where"] == "[[index]] corp"]

    assert result.returncode == 1
    assert found["level"] == "problem"
    assert "answers 401 to alice" in found["text"]
    assert found["command"] == "export CORP_TOKEN with a new secret"
    world.environ["CORP_TOKEN"] = CANARY
    assert "[[index]] corp" not in world.shim("doctor").stdout
    asked = len(index.requests)
    world.shim("doctor", "--offline")
    assert len(index.requests) == asked
