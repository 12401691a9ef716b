"""The sources' contract on real places: gnome-keyring, keyrings.alt, git's credential cache, the kernel's memory, a file."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import keyring
import pytest

from shim.config.settings import load_settings
from shim.core.host import Host
from shim.core.model import Credential, Endpoint, Endpoints, Origin, Secret
from shim.core.urls import parse_url, scope_of_index
from shim.credentials.resolve import resolve
from shim.hotpath import kernel_keyring
from shim.storage import keyring_cache, os_keyring, saved_logins
from tests.support import machine

URL = "https://pypi.corp.example/team/simple/"
PROBLEM = kernel_keyring.problem()


@dataclass
class Place:
    """Somewhere real: how a secret gets in and out, and the `source` that looks there."""

    source: str
    put: Callable[[str], object]
    remove: Callable[[], object]


@pytest.fixture
def host(tmp_path: Path) -> Host:
    config = tmp_path / "config.toml"
    return Host(
        {"HOME": str(tmp_path), "SHIM_CACHE_DIR": str(tmp_path / "cache"), "SHIM_CONFIG_FILE": str(config), "PATH": os.environ["PATH"]}, "/"
    )


def a_credential(secret: str, expires_at: float | None = None) -> Credential:
    return Credential("alice", Secret(secret), scope_of_index(parse_url(URL)), "login", expires_at)


def in_a_keyring(host: Host) -> Place:
    url = parse_url(URL)
    return Place('source = ["keyring"]', lambda secret: os_keyring.put(url, a_credential(secret), host), lambda: os_keyring.forget(host, url))


@pytest.fixture
def place(request: pytest.FixtureRequest, host: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Place]:
    before = keyring.get_keyring()
    if request.param == "gnome-keyring":
        for name, value in request.getfixturevalue("keyring_daemon").items():
            monkeypatch.setenv(name, value)
        from keyring.backends.SecretService import Keyring

        keyring.set_keyring(Keyring())
        yield in_a_keyring(host)
    elif request.param == "keyrings.alt":
        from keyrings.alt.file import PlaintextKeyring

        backend = PlaintextKeyring()
        backend.file_path = str(tmp_path / "keyring_pass.cfg")  # type: ignore[misc]
        keyring.set_keyring(backend)
        yield in_a_keyring(host)
    elif request.param == "git credential-cache":
        yield from git_cache(tmp_path)
    elif request.param == "memory":
        machine.skip_without(machine.lacks_kernel_keyring())
        ends_at = time.time() + 3600
        put = lambda secret: saved_logins.put_in_memory(a_credential(secret, ends_at), host, 3600)  # noqa: E731
        yield Place('source = ["stored"]', put, lambda: saved_logins.forget(host))
    else:
        yield Place('source = ["stored"]', lambda secret: saved_logins.put(a_credential(secret), host), lambda: saved_logins.forget(host))
    keyring.set_keyring(before)


def git_cache(folder: Path) -> Iterator[Place]:
    """git's own daemon, asked by a command of the user's as one would write it."""
    machine.skip_without(machine.lacks_programs("git"))
    socket = folder / "daemon" / "socket"
    socket.parent.mkdir(mode=0o700)
    question = "protocol=https\nhost=pypi.corp.example\nusername=alice\n"

    def run(action: str, more: str = "") -> None:
        subprocess.run(
            ["git", "credential-cache", "--socket", str(socket), action], input=question + more, text=True, check=True, timeout=20
        )

    line = f"printf 'protocol=https\\\\nhost=pypi.corp.example\\\\n' | git credential-cache --socket {socket} get | sed -n s/^password=//p"
    yield Place(
        f'command = {{ argv = ["sh", "-c", "{line}"] }}',
        lambda secret: run("store", f"password={secret}\n"),
        lambda: run("erase"),
    )
    run("exit")


PLACES = ["gnome-keyring", "keyrings.alt", "git credential-cache", "memory", "file"]


def ask(host: Host, place: Place, url: str = URL, username: str | None = None) -> Credential | None:
    text = f'[[index]]\nname = "corp"\nurl = "{URL}"\nusername = "alice"\non-failure = "pass"\n{place.source}\n'
    Path(host.environ["SHIM_CONFIG_FILE"]).write_text(text)
    (answer,) = resolve(Endpoints((Endpoint(parse_url(url), Origin("argv", "-i"), username=username),)), load_settings(host), host)
    return answer.credential


@pytest.mark.parametrize("place", PLACES, indirect=True)
@pytest.mark.parametrize("secret", ["plain", ": @/%# 'x'", "t" * 2000, "pässwörd€"], ids=["plain", "awkward", "2000 characters", "letters"])
def test_what_is_put_in_comes_out_for_its_scope_and_nowhere_else(secret: str, place: Place, host: Host) -> None:
    place.put(secret)
    found = ask(host, place)

    assert found is not None
    assert (found.username, found.secret.reveal()) == ("alice", secret)
    assert ask(host, place, URL + "project/") is not None
    for other in (
        "https://pypi.corp.example:8443/team/simple/",
        "http://pypi.corp.example/team/simple/",
        "https://pypi.corp.example/teams/",
    ):
        elsewhere = ask(host, place, other)
        assert elsewhere is None, other
    place.remove()
    keyring_cache.forget(host)
    if "command" not in place.source:  # a cache that has nothing makes that command print nothing, which is an error
        assert ask(host, place) is None


@pytest.mark.parametrize("place", [name for name in PLACES if name != "git credential-cache"], indirect=True)
def test_a_second_secret_replaces_the_first(place: Place, host: Host) -> None:
    for secret in ("first", "second"):
        place.put(secret)
        keyring_cache.forget(host)
        found = ask(host, place)

        assert found is not None
        assert found.secret.reveal() == secret
    place.remove()
