"""The command source asks real helpers: git's own, uv's, docker's for the Secret Service and for `pass`, and shim's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import shim
from shim.config.index import CommandSource
from shim.core.host import Host
from shim.core.model import Credential
from shim.credentials.sources import load_source
from tests.contract.test_sources import URL, host_in, query
from tests.support import machine, toolchains
from tests.support.password_store import PROGRAMS, password_store

DOCKER_PASS = "docker-credential-pass"
DOCKER_HELPER = "docker-credential-secretservice"
CANARY = "p@ss: wörd/=%"


def ask(host: Host, *argv: str, url: str = URL, **fields: object) -> tuple[Credential | None, str]:
    asked = query(host, url, command=CommandSource(argv, 20.0, False, **fields))  # type: ignore[arg-type]
    return load_source("command").find(asked), str(asked.notes)


@pytest.fixture
def git_store(tmp_path: Path) -> Host:
    """A home in which git's own `store` helper has a password for the host."""
    (tmp_path / ".gitconfig").write_text("[credential]\n\thelper = store\n")
    host = host_in(tmp_path)
    description = f"protocol=https\nhost=pypi.corp.example\nusername=alice\npassword={CANARY}\n\n"
    subprocess.run(["git", "credential", "approve"], input=description.encode(), env=dict(host.environ), cwd=tmp_path, check=True)
    return host


def test_git_credential_fill_answers(git_store: Host) -> None:
    found, _ = ask(git_store, "git", "credential", "fill", protocol="git")

    assert found is not None
    assert (found.username, found.secret.reveal()) == ("alice", CANARY)


def test_git_that_knows_nothing_is_no_answer_and_asks_nobody(git_store: Host) -> None:
    found, notes = ask(git_store, "git", "credential", "fill", protocol="git", url="https://other.example/simple/")

    assert found is None
    assert "git has nothing for other.example" in notes


def test_a_hostile_repository_configures_no_git_of_ours(git_store: Host, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path / "repository")], check=True)
    ran = tmp_path / "ran"
    with open(tmp_path / "repository" / ".git" / "config", "a") as stream:
        stream.write(f'[credential]\n\thelper = "!touch {ran}; :"\n')
    hostile = Host({**git_store.environ, "GIT_DIR": str(tmp_path / "repository" / ".git")}, str(tmp_path / "repository"))
    found, _ = ask(hostile, "git", "credential", "fill", protocol="git")

    assert found is not None
    assert not ran.exists()


@pytest.fixture
def uv_store(tmp_path: Path) -> Host:
    """A home in which uv's own store has a password for the index."""
    uv = toolchains.uv()
    host = Host({"HOME": str(tmp_path), "PATH": f"{uv.bin}:/usr/bin:/bin"}, str(tmp_path))
    login = ["uv", "auth", "login", "pypi.corp.example", "--username", "alice", "--password", "-"]
    subprocess.run(login, input=b"token", env=dict(host.environ), check=True, capture_output=True)
    return host


def test_uv_auth_token_answers_in_one_line(uv_store: Host) -> None:
    found, _ = ask(uv_store, "uv", "auth", "token", "pypi.corp.example", "--username", "alice")

    assert found is not None
    assert found.secret.reveal() == "token"


def test_uv_auth_helper_answers_as_bazels_helpers_do(uv_store: Host) -> None:
    words = ("uv", "auth", "helper", "--preview-features", "auth-helper", "--protocol=bazel", "get")
    found, _ = ask(uv_store, *words, protocol="bazel")
    nothing, notes = ask(uv_store, *words, protocol="bazel", url="https://other.example/simple/")

    assert found is not None
    assert (found.username, found.secret.reveal()) == ("alice", "token")
    assert nothing is None
    assert "uv has nothing for other.example" in notes


@machine.endpoints(machine.lacks_programs(DOCKER_HELPER))
def test_a_real_docker_helper_answers(keyring_daemon: dict[str, str], tmp_path: Path) -> None:
    host = host_in(tmp_path, **{name: value for name, value in keyring_daemon.items() if name != "HOME"})
    entry = json.dumps({"ServerURL": "https://pypi.corp.example", "Username": "alice", "Secret": CANARY})
    subprocess.run([DOCKER_HELPER, "store"], input=entry.encode(), env=dict(host.environ), check=True, capture_output=True)
    found, _ = ask(host, DOCKER_HELPER, "get", protocol="docker")
    nothing, notes = ask(host, DOCKER_HELPER, "get", protocol="docker", url="https://other.example/simple/")
    subprocess.run(
        [DOCKER_HELPER, "erase"], input=b"https://pypi.corp.example", env=dict(host.environ), check=True, capture_output=True
    )

    assert found is not None
    assert (found.username, found.secret.reveal()) == ("alice", CANARY)
    assert nothing is None
    assert "docker-credential-secretservice has nothing for other.example" in notes


@pytest.mark.parametrize("protocol", ["docker", "bazel", "git"])
def test_what_our_own_helper_says_is_understood(protocol: str, tmp_path: Path) -> None:
    host = host_in(tmp_path, PYTHONPATH=str(Path(shim.__file__).parents[1]), CORP=CANARY, SHIM_CONFIG_FILE=str(tmp_path / "config.toml"))
    (tmp_path / "config.toml").write_text(
        '[[index]]\nurl = "https://pypi.corp.example/"\nusername = "alice"\nenv = { password = "CORP" }\n'
    )
    (tmp_path / "config.toml").chmod(0o600)
    words = (sys.executable, "-m", "shim", "helper", protocol, "get")
    found, _ = ask(host, *words, protocol=protocol)
    nothing, notes = ask(host, *words, protocol=protocol, url="https://other.example/simple/")

    assert found is not None
    assert (found.username, found.secret.reveal()) == ("alice", CANARY)
    assert nothing is None
    assert f"{os.path.basename(sys.executable)} has nothing for other.example" in notes


@machine.endpoints(machine.lacks_programs(DOCKER_PASS, *PROGRAMS))
def test_docker_credential_pass_answers_and_its_way_to_say_nothing_is_understood(tmp_path: Path) -> None:
    with password_store(tmp_path) as variables:
        host = host_in(tmp_path, **variables)
        entry = json.dumps({"ServerURL": "https://pypi.corp.example", "Username": "alice", "Secret": CANARY})
        subprocess.run([DOCKER_PASS, "store"], input=entry.encode(), env=dict(host.environ), check=True, capture_output=True)
        found, _ = ask(host, "docker-credential-pass", "get", protocol="docker")
        nothing, notes = ask(host, "docker-credential-pass", "get", protocol="docker", url="https://other.example/simple/")

    assert found is not None
    assert (found.username, found.secret.reveal()) == ("alice", CANARY)
    assert nothing is None
    assert "docker-credential-pass has nothing for other.example" in notes
