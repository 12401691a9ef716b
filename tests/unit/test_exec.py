"""`shim exec`: what is known of a server when a program is started that may start anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from shim.cli.exec import plan
from shim.config.settings import load_settings
from shim.core.host import Host
from shim.core.model import Credential, Delivery, Secret
from shim.core.urls import parse_url, scope_of_index
from shim.storage import verification_cache
from tests.support.manners import Index, Shelf
from tests.support.realms import basic


def start(index: Index, folder: Path, secret: str = "good") -> tuple[Delivery, Host]:
    """Return what a program gets from one configured index."""
    config = folder / "config.toml"
    config.write_text(f'[[index]]\nname = "corp"\nurl = "{index.url()}"\nusername = "alice"\nenv = {{ password = "CORP" }}\n')
    environ = {"PATH": "/usr/bin:/bin", "SHIM_CONFIG_FILE": str(config), "SHIM_CACHE_DIR": str(folder / "cache"), "CORP": secret, "HOME": str(folder)}
    host = Host(environ, str(folder))
    return plan(("-e", "py"), "/usr/bin/tox", load_settings(host), host), host


@pytest.mark.parametrize("stranger", ["401", "403", "404"])
def test_a_server_that_challenges_strangers_is_asked_once_a_day(stranger: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with Index(Shelf(str(tmp_path), {"a": []}), stranger, {"": basic("alice", "good")}) as index:
        first, _ = start(index, tmp_path)
        asked = len(index.seen)
        second, _ = start(index, tmp_path)

    assert [channel for channel, _, _ in first.channels] == [channel for channel, _, _ in second.channels] == ["store"]
    assert 0 < asked == len(index.seen)
    assert capfd.readouterr().err == ""


def test_a_server_that_forwards_strangers_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with Index(Shelf("", {}), "404") as public, Index(Shelf("", {}), "forwards", {"": basic("alice", "good")}, public=public.root) as index:
        start(index, tmp_path)

    said = capfd.readouterr().err
    assert said.startswith("shim: warning: ")
    assert f"answers a stranger from {public.root}" in said
    assert "by a uv that this program starts by its path" in said


def test_a_password_that_was_refused_a_moment_ago_is_not_handed_over(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with Index(Shelf(str(tmp_path), {"a": []}), "401", {"": basic("alice", "good")}) as index:
        _, host = start(index, tmp_path)
        url = parse_url(index.url())
        verification_cache.remember("rejected", Credential("alice", Secret("bad"), scope_of_index(url), "env"), verification_cache.place_of(url), "no", host)
        delivery, _ = start(index, tmp_path, "bad")
        sent = {header for _, header in index.seen}

    assert delivery.channels == ()
    assert "it is not sent again for a minute" in capfd.readouterr().err
    assert basic("alice", "bad") not in sent
