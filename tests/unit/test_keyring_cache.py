"""The keyring's last answer stands before the keyring: how long, in which memory, and what ends it at once."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.credentials import SimpleCredential

from shim.cli import login
from shim.config import kept_documents
from shim.config.settings import Settings, load_settings
from shim.core.host import Host
from shim.core.model import Credential, Endpoint, Endpoints, Origin, Resolution, Secret
from shim.core.urls import parse_url, scope_of_index
from shim.credentials.ask_once import drop
from shim.credentials.resolve import resolve
from shim.storage import keyring_cache
from tests.support import machine

URL = "https://pypi.corp.example/simple/"
endpoints_kernel = machine.endpoints(machine.lacks_kernel_keyring())


class Counting(KeyringBackend):
    """A backend that counts how often it is asked, and says what it is told to say."""

    priority = 1
    password: str | None = "canary"
    fault: BaseException | None = None
    calls = 0

    def get_credential(self, service: str, username: str | None) -> SimpleCredential | None:
        type(self).calls += service == URL
        if self.fault:
            raise self.fault
        return SimpleCredential("alice", self.password) if self.password and service == URL else None

    def get_password(self, service: str, username: str) -> str | None:
        found = self.get_credential(service, username)
        return found.password if found else None

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError


@pytest.fixture
def backend() -> Iterator[type[Counting]]:
    before = keyring.get_keyring()
    Counting.calls, Counting.password, Counting.fault = 0, "canary", None
    keyring.set_keyring(Counting())
    yield Counting
    keyring.set_keyring(before)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    (tmp_path / "config.toml").write_text("")
    environ = {"HOME": str(tmp_path), "SHIM_CACHE_DIR": str(tmp_path / "cache"), "SHIM_CONFIG_FILE": str(tmp_path / "config.toml")}
    made = Host({**environ, "PATH": "/usr/bin:/bin"}, str(tmp_path))
    yield made
    keyring_cache.forget(made)


def ask(host: Host, username: str | None = None, settings: Settings | None = None) -> Resolution:
    endpoint = Endpoint(parse_url(URL), Origin("argv", "-i"), username=username)
    (answer,) = resolve(Endpoints((endpoint,)), settings or load_settings(host), host)
    return answer


def later(host: Host, seconds: float, **environ: str) -> Host:
    return Host({**host.environ, **environ}, host.cwd, clock=lambda: time.time() + seconds)


@endpoints_kernel
def test_one_look_up_is_enough_for_many_commands(host: Host, backend: type[Counting], tmp_path: Path) -> None:
    answers = [ask(host).credential for _ in range(5)]

    assert [one and (one.username, one.secret.reveal(), one.source) for one in answers] == [("alice", "canary", "keyring")] * 5
    assert backend.calls == 1
    assert all(b"canary" not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()), "never on a disk"


def test_that_nobody_knows_a_host_is_remembered_for_a_while(host: Host, backend: type[Counting]) -> None:
    backend.password = None
    assert ask(host).credential is None
    once = backend.calls
    answer = ask(host)

    assert backend.calls == once
    assert answer.credential is None
    assert ("keyring", "nothing for pypi.corp.example, 0 s ago") in answer.tried
    backend.password = "new"
    found = ask(later(host, 301)).credential
    assert found is not None
    assert found.secret.reveal() == "new"


ENDS: dict[str, object] = {
    "a login": keyring_cache.forget,
    "a changed config": lambda host: Path(host.environ["SHIM_CONFIG_FILE"]).write_text("# changed\n"),
    "SHIM_REFRESH": lambda host: later(host, 0, SHIM_REFRESH="1"),
    "another backend": lambda host: later(host, 0, PYTHON_KEYRING_BACKEND="x.y"),
    "another bus": lambda host: later(host, 0, DBUS_SESSION_BUS_ADDRESS="unix:path=/x"),
    "a clock that goes back": lambda host: later(host, -86400),
    "a new secret in a keyring file": lambda host: (Path(host.home, ".local/share/keyrings").mkdir(parents=True), None)[1],
    "a keyring configuration": lambda host: os.makedirs(f"{host.home}/.config/python_keyring/keyringrc.cfg"),
    "a timeout of 0": lambda host: Path(host.environ["SHIM_CONFIG_FILE"]).write_text('keyring-timeout = "0"\n'),
}


@pytest.mark.parametrize("case", ENDS)
def test_what_ends_it_at_once(case: str, host: Host, backend: type[Counting]) -> None:
    backend.password = None
    ask(host)
    backend.password = "new"
    assert ask(host).credential is None, "remembered"
    changed = ENDS[case](host)  # type: ignore[operator]
    found = ask(changed if isinstance(changed, Host) else host).credential

    assert found is not None
    assert found.secret.reveal() == "new"


@endpoints_kernel
def test_a_refresh_replaces_what_was_remembered(host: Host, backend: type[Counting]) -> None:
    ask(host)
    backend.password = "new"
    for asked in (later(host, 0, SHIM_REFRESH="1"), host):
        found = ask(asked).credential
        assert found is not None
        assert found.secret.reveal() == "new"
    assert backend.calls == 2


@endpoints_kernel
def test_a_rejected_password_is_forgotten_and_the_keyring_keeps_its_own(host: Host, backend: type[Counting]) -> None:
    ask(host)

    assert not drop(parse_url("https://other.example/"), Secret("canary"), host)
    assert drop(parse_url(URL), Secret("canary"), host)
    assert ask(host).credential is not None
    assert backend.calls == 2


@endpoints_kernel
def test_another_user_name_is_another_question(host: Host, backend: type[Counting]) -> None:
    ask(host, "alice")
    ask(host, "bob")

    assert backend.calls == 2


def test_nothing_is_remembered_where_that_is_switched_off(host: Host, backend: type[Counting], tmp_path: Path) -> None:
    Path(host.environ["SHIM_CONFIG_FILE"]).write_text('keyring-timeout = "0"\n')
    for _ in range(3):
        assert ask(host).credential is not None

    assert backend.calls == 3
    assert keyring_cache.entries(host) == []
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [kept_documents.FOLDER]


@endpoints_kernel
def test_a_token_is_not_remembered_beyond_its_end(host: Host, backend: type[Counting]) -> None:
    import base64
    import json

    claims = base64.urlsafe_b64encode(json.dumps({"exp": time.time() + 200}).encode()).decode().rstrip("=")
    backend.password = f"ey.{claims}.x"
    for _ in range(2):
        assert ask(host).credential is not None

    assert backend.calls == 2, "it ends in less than five minutes"


@pytest.mark.parametrize("fault", [SystemExit(3), RuntimeError("canary"), GeneratorExit(), keyring.errors.KeyringLocked()], ids=repr)
def test_a_backend_that_breaks_is_one_warning_and_the_chain_goes_on(
    fault: BaseException, host: Host, backend: type[Counting], capfd: pytest.CaptureFixture[str]
) -> None:
    backend.fault = fault
    stored = Credential("bob", Secret("y"), scope_of_index(parse_url(URL)), "login")
    from shim.storage.saved_logins import put

    put(stored, host)
    found = ask(host).credential
    said = capfd.readouterr().err

    assert found is not None
    assert found.username == "bob"
    assert said.count("warning[source-failed]") == 1
    assert "canary" not in said


def test_a_hanging_keyring_is_waited_for_once_in_a_command(host: Host, backend: type[Counting], monkeypatch: pytest.MonkeyPatch) -> None:
    from threading import Event

    from shim.credentials.sources import keyring as source

    released = Event()
    asked: list[str] = []

    def hang(_self: object, service: str, _username: str | None) -> None:
        asked.append(service)
        released.wait(60)

    monkeypatch.setattr(source, "TIMEOUT_S", 4.0)  # long enough for its thread to begin, on a busy machine too
    monkeypatch.setattr(backend, "get_credential", hang)
    endpoints = Endpoints(tuple(Endpoint(parse_url(f"https://{name}.example/simple/"), Origin("argv", "-i")) for name in "abcdefgh"))
    try:
        answers = resolve(endpoints, load_settings(host), host)
    finally:
        released.set()

    assert asked[0] == "https://a.example/simple/"
    assert {service for service in asked if "a.example" not in service} == set(), "the others did not wait for it"
    assert all(("keyring", "the keyring did not answer within 4 s") in answer.tried for answer in answers)


@endpoints_kernel
def test_a_login_in_memory_answers_until_its_end(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    from shim.storage import saved_logins

    scope = scope_of_index(parse_url(URL))
    in_file, in_memory = (Credential("alice", Secret(text), scope, "login", end) for text, end in (("f", None), ("m", time.time() + 3600)))
    saved_logins.put(in_file, host)
    saved_logins.put_in_memory(in_memory, host, 3600)
    Path(host.environ["SHIM_CONFIG_FILE"]).write_text(f'[[index]]\nname = "corp"\nurl = "{URL}"\nsource = ["stored"]\n')
    found = ask(host).credential

    assert found is not None
    assert (found.secret.reveal(), found.expires_at) == ("m", in_memory.expires_at)
    assert [(store, one.secret.reveal()) for store, one in saved_logins.forget(host, str(scope))] == [("memory", "m"), ("file store", "f")]
    assert saved_logins.entries(host) == []


@pytest.mark.parametrize("age", ["soon", "0", "-1h", "400d", "9999999999d"])
def test_a_time_that_is_none_is_a_usage_error(age: str) -> None:
    from shim.core.errors import UsageError

    with pytest.raises(UsageError, match="--max-age"):
        login._read_age(age, "memory")
    with pytest.raises(UsageError, match="is for --store memory"):
        login._read_age("1h", "file")
