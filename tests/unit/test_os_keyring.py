"""What `shim login` puts into a keyring is found again, by resolve and by logout, whatever the backend can do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.errors
import pytest
from keyring.backend import KeyringBackend
from keyring.compat.properties import classproperty

from shim.cli.login.store import keep
from shim.config.settings import Settings
from shim.core.errors import SourceError, StoreError
from shim.core.host import Host
from shim.core.model import Credential, Endpoint, Endpoints, Origin, Secret
from shim.core.urls import parse_url, scope_of_index
from shim.credentials import purge
from shim.credentials.resolve import resolve
from shim.credentials.sources import Query
from shim.credentials.sources import keyring as source
from shim.storage import os_keyring

URL = parse_url("https://pypi.corp.example/simple/")


class Plain(KeyringBackend):
    """Holds text by (service, user name) and, like keyring's own default, finds nothing without a user name."""

    @classproperty
    def priority(self) -> float:
        raise RuntimeError("only for who sets it: keyring must not choose it for other tests")

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise keyring.errors.PasswordDeleteError


class Locked(Plain):
    def get_password(self, service: str, username: str) -> str | None:
        raise keyring.errors.KeyringLocked("s3cr3t-canary-4711")

    def get_credential(self, service: str, username: str | None) -> None:
        raise keyring.errors.KeyringLocked("s3cr3t-canary-4711")

    def delete_password(self, service: str, username: str) -> None:
        raise keyring.errors.KeyringLocked


class Broken(Plain):
    def get_credential(self, service: str, username: str | None) -> None:
        raise RuntimeError("s3cr3t-canary-4711")


class Hanging(Plain):
    released = threading.Event()  # of the test, so that its thread ends with it

    def get_credential(self, service: str, username: str | None) -> None:
        self.released.wait()

    def get_password(self, service: str, username: str) -> None:
        self.released.wait()

    def set_password(self, service: str, username: str, password: str) -> None:
        self.released.wait()


@pytest.fixture(autouse=True)
def backend() -> Iterator[Plain]:
    before = keyring.get_keyring()
    plain = Plain()
    keyring.set_keyring(plain)
    yield plain
    keyring.set_keyring(before)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host({"HOME": str(tmp_path)}, str(tmp_path))


def endpoint() -> Endpoint:
    return Endpoint(URL, Origin("argv", "-i"))


def credential(username: str) -> Credential:
    return Credential(username, Secret("x"), scope_of_index(URL), "login")


def test_a_login_is_found_without_a_user_name_in_a_backend_that_cannot_look_without_one(host: Host) -> None:
    os_keyring.put(URL, credential("alice"), host)
    (answer,) = resolve(Endpoints((endpoint(),)), Settings(), host)

    assert answer.credential is not None
    assert (answer.credential.username, answer.credential.source) == ("alice", "keyring")


def test_logout_of_an_index_finds_its_user_even_if_the_list_is_lost(host: Host, tmp_path: Path, backend: Plain) -> None:
    os_keyring.put(URL, credential("alice"), host)
    (tmp_path / ".local" / "state" / "shim" / "keyring-entries").unlink()

    assert os_keyring.forget(host, URL, "alice") == [(URL.text, "alice")]
    assert backend.kept == {}
    assert os_keyring.forget(host, URL, "alice") == []


def test_logout_where_nothing_was_stored_does_not_complain_of_a_locked_keyring(host: Host) -> None:
    keyring.set_keyring(Locked())

    assert os_keyring.forget(host, URL, "alice") == []


@pytest.mark.parametrize(
    ("broken", "message"), [(Locked, "the keyring is locked"), (Broken, "the keyring failed"), (Hanging, "did not answer")]
)
def test_a_keyring_that_fails_is_one_error_with_a_hint_in_time(
    broken: type[Plain], message: str, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring.set_keyring(broken())
    monkeypatch.setattr(source, "TIMEOUT_S", 0.3)
    Hanging.released.clear()
    try:
        with pytest.raises(SourceError, match=message) as caught:
            source.find(Query(endpoint(), None, host))
    finally:
        Hanging.released.set()

    assert caught.value.hint
    assert "canary" not in caught.value.message


def test_a_keyring_has_as_long_to_keep_and_to_forget_as_the_configuration_says(host: Host) -> None:
    keyring.set_keyring(Hanging())
    Hanging.released.clear()
    try:
        with pytest.raises(StoreError, match=r"within 0\.1 s: nothing was stored") as kept:
            keep("keyring", URL, credential("alice"), 0.0, Settings(keyring_wait_s=0.1), host)
        with pytest.raises(StoreError, match=r"within 0\.1 s: nothing was removed") as forgotten:
            list(purge.forget(host, URL, None, "alice", keyring_wait_s=0.1))
    finally:
        Hanging.released.set()

    assert "keyring-wait" in (kept.value.hint or "")
    assert "keyring-wait" in (forgotten.value.hint or "")
