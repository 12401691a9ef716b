"""The keyring face: every dialect it is asked in, and what it must never answer."""

import json
import os
from pathlib import Path

import pytest

from shim.core.dataclass import replace
from shim.core.host import Host
from shim.core.model import Credential, Secret
from shim.core.urls import parse_url, scope_of_index
from shim.delivery.answers import VARIABLE, read_answers, render_answers
from shim.helpers import keyring
from shim.helpers.keyring import KeyringRequest, find_answer, read_question, render_answer
from shim.storage import verification_cache

URL = "https://pypi.corp.example/simple/"


@pytest.mark.parametrize(
    ("words", "question"),
    [
        (("get", URL, "alice"), KeyringRequest(URL, "alice", "password", "plain")),
        (("--mode=creds", "--output=json", "get", URL), KeyringRequest(URL, None, "creds", "json")),
        (("--mode=creds", "--output=json", "get", URL, "alice"), KeyringRequest(URL, "alice", "creds", "json")),
        (("--mode=creds", "get", URL, ""), KeyringRequest(URL, None, "creds", "plain")),
        (("get", URL, "--mode", "creds"), KeyringRequest(URL, None, "creds", "plain")),
        (("--mode=password", "get", URL, "alice"), KeyringRequest(URL, "alice", "password", "plain")),
    ],
)
def test_every_dialect_is_understood(words: tuple[str, ...], question: KeyringRequest) -> None:
    assert read_question(words) == question


@pytest.mark.parametrize(
    "words", [(), ("set", URL, "u"), ("del", URL, "u"), ("--list-backends",), ("-b", "x", "get", URL), ("get",), ("diagnose",)]
)
def test_everything_else_is_for_the_real_keyring(words: tuple[str, ...]) -> None:
    assert read_question(words) is None


def a_credential(username: str = "alice", secret: str = "canary\t%\n") -> Credential:
    return Credential(username, Secret(secret), scope_of_index(parse_url(URL)), "keyring")


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A command's child, with that command's answers in reach and no configuration."""
    (tmp_path / "answers").write_text(render_answers([a_credential()]).reveal())
    environ = {VARIABLE: str(tmp_path / "answers"), "HOME": str(tmp_path), "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    return Host({**environ, "SHIM_CACHE_DIR": str(tmp_path / "cache"), "CI": "1"}, "/")


def test_answers_survive_their_file(host: Host) -> None:
    (read,) = read_answers(host.environ[VARIABLE])

    assert (read.username, read.secret.reveal(), read.scope, read.source) == ("alice", "canary\t%\n", a_credential().scope, "keyring")


@pytest.mark.parametrize("text", ["", "x\n", "a\tb\n", "ftp%3A%2F%2Fx\tu\tp\ts\t\n", "https%3A%2F%2Fx%2F\tu\tp\ts\tsoon\n", "\xff"])
def test_a_broken_answers_file_is_no_answer(tmp_path: Path, text: str) -> None:
    (tmp_path / "answers").write_bytes(text.encode("latin-1"))

    assert read_answers(str(tmp_path / "answers")) == []


@pytest.mark.parametrize(("left_s", "secret"), [(3600.0, "old"), (-1.0, "new")])
def test_a_token_that_has_ended_since_the_command_began_is_got_again(left_s: float, secret: str, host: Host, tmp_path: Path) -> None:
    """pip asks for it a second time when the index refuses the first one, in the middle of a long command."""
    old = replace(a_credential(secret="old"), expires_at=host.clock() + left_s)
    (tmp_path / "answers").write_text(render_answers([old]).reveal())
    (tmp_path / "config.toml").write_text(f'[[index]]\nurl = "{URL}"\nusername = "alice"\ncommand = {{ argv = ["echo", "new"] }}\n')
    asked = replace(host, environ={**host.environ, "SHIM_CONFIG_FILE": str(tmp_path / "config.toml"), "PATH": "/usr/bin:/bin"})
    answer = find_answer(KeyringRequest(URL, "alice", "password", "plain"), asked)

    assert answer is not None
    assert answer.secret.reveal() == secret


def test_a_secret_that_was_refused_a_moment_ago_is_not_answered(host: Host, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(f'[[index]]\nurl = "{URL}"\nusername = "alice"\nenv = {{ password = "CORP" }}\n')
    environ = {**host.environ, "SHIM_CONFIG_FILE": str(tmp_path / "config.toml"), "CORP": "canary"}
    asked = replace(host, environ={name: value for name, value in environ.items() if name != VARIABLE})
    question, refused = KeyringRequest(URL, "alice", "password", "plain"), a_credential(secret="canary")
    verification_cache.remember("rejected", refused, verification_cache.place_of(parse_url(URL)), "no", asked)
    later = replace(asked, clock=lambda: asked.clock() + verification_cache.WITHHELD_S + 1)

    assert find_answer(question, asked) is None
    assert find_answer(question, later) is not None
    assert find_answer(question, replace(asked, environ={**asked.environ, "SHIM_REFRESH": "1"})) is not None


def test_a_question_below_the_scope_is_answered(host: Host) -> None:
    question = read_question(("--mode=creds", "--output=json", "get", URL))
    assert question is not None
    answer = find_answer(question, host)
    assert answer is not None

    assert json.loads(render_answer(question, answer)) == {"username": "alice", "password": "canary\t%\n"}


@pytest.mark.parametrize(
    "service",
    [
        "pypi.corp.example",
        "pypi.corp.example:443",
        "http://pypi.corp.example/simple/",
        "https://pypi.corp.example:8443/simple/",
        "https://pypi.corp.example.evil.example/simple/",
        "https://evil.example/simple/",
        "https://pypi.org/simple/",
    ],
)
def test_a_question_without_a_scheme_or_outside_the_scope_gets_nothing(host: Host, service: str) -> None:
    assert find_answer(KeyringRequest(service, None, "creds", "json"), host) is None


def test_another_user_name_gets_nothing(host: Host) -> None:
    assert find_answer(KeyringRequest(URL, "bob", "password", "plain"), host) is None


def test_plain_answers_are_what_keyring_prints() -> None:
    answer = a_credential(secret="pw")

    assert render_answer(KeyringRequest(URL, "alice", "password", "plain"), answer) == "pw\n"
    assert render_answer(KeyringRequest(URL, None, "creds", "plain"), answer) == "alice\npw\n"
    assert json.loads(render_answer(KeyringRequest(URL, "alice", "password", "json"), answer)) == {"password": "pw"}


def test_the_asker_is_found_by_its_own_path_and_never_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getppid", lambda: -1)

    assert keyring._beside_asker() is None


def test_what_only_a_real_keyring_can_do_is_said_where_there_is_none(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(keyring, "_beside_asker", lambda: None)

    assert keyring.main(("set", "corp", "alice"), "") == 127
    said = capfd.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 2)
    assert "no other keyring on PATH" in said.err
