"""Hints of keyrings and of the other stores: each is met, what it says is done, and the secret is kept, found or forgotten."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import keyring
import keyring.backend
import pytest

from shim.cli.doctor.check import load_check
from shim.config import policy
from shim.config.policy import load_policy
from shim.credentials import login_stores
from shim.helpers import keyring as face
from shim.helpers.keyring import KeyringRequest, find_answer
from shim.hotpath import kernel_keyring
from shim.storage import kernel_store, os_keyring
from tests.support.following import INDEX, URL, Place, Scene, both, configured, retype, typed

#: A vendor's backend, whose vault is open once a file says so.
MOODY = """
import os, time
from keyring.backend import KeyringBackend

class Keyring(KeyringBackend):
    priority = 1
    seconds = 0.0

    def get_password(self, service, username):
        time.sleep(self.seconds)
        if not os.path.exists({sign!r}):
            raise RuntimeError("the vault is sealed")
        return "s3cret"

    def set_password(self, service, username, password):
        self.get_password(service, username)

    delete_password = get_password
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    made = Place(tmp_path)
    monkeypatch.setattr(policy, "policy_file", lambda: f"{tmp_path}/policy.toml")
    made.write("moody_vault.py", MOODY.format(sign=f"{tmp_path}/open"))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "moody_vault.Keyring")
    made.environ |= {"PYTHON_KEYRING_BACKEND": "moody_vault.Keyring", "PYTHONPATH": str(tmp_path)}
    before = keyring.core._keyring_backend
    yield made
    mock.patch.stopall()
    keyring.core._keyring_backend = before
    sys.modules.pop("moody_vault", None)


def moody(seconds: float = 0.0) -> Callable[[Place], None]:
    """Return what has the vendor's keyring in use, which takes so long to answer."""

    def begin(_place: Place) -> None:
        import moody_vault  # type: ignore[import-not-found]

        moody_vault.Keyring.seconds = seconds
        keyring.set_keyring(moody_vault.Keyring())

    return begin


def null(_place: Place) -> None:
    """There is no keyring on this machine."""
    import keyring.backends.null

    keyring.set_keyring(keyring.backends.null.Keyring())


def open_vault(place: Place, _hint: str = "") -> None:
    place.write("open", "")


def ask(place: Place) -> None:
    assert place.ask().credential is not None


def see_and_open(place: Place, hint: str) -> None:
    """Run what shows the backend's own words, and do as they say."""
    assert "the vault is sealed" in place.run(f"echo x | {hint.removesuffix(' shows what it says')} 2>&1 || :")
    open_vault(place)


def log_in_there(place: Place) -> None:
    retype(place, "shim login corp --password-stdin --store keyring --no-verify")
    place.stdin = "s3cret"


def forget(place: Place) -> None:
    os_keyring.forget(place.host)
    assert os_keyring.read_list(place.host) == []


def stored_once(place: Place) -> None:
    os_keyring._write_list(place.host, {(URL, "alice")})


def store(name: str) -> Callable[[Place], None]:
    """Return what looks whether a secret can be kept in a store."""

    def meet(place: Place) -> None:
        if problem := login_stores.find_problem(name, load_policy(), place.host):
            raise problem

    return meet


def no_memory(_place: Place) -> None:
    mock.patch.object(kernel_store, "problem", lambda _host: "the kernel's keyring is full").start()


def no_files(place: Place) -> None:
    place.write("policy.toml", "allow-file-store = false\n", 0o644)


def ask_face(place: Place) -> str | None:
    """Have our keyring command keep a password, unless it is kept already; return the hint that it prints."""
    if find_answer(KeyringRequest(URL, None, "password", "plain"), place.host):
        return None
    said: list[str] = []
    with (
        mock.patch.object(face, "write_stderr", said.append),
        mock.patch.object(face, "this_host", lambda _launcher: place.host),
        mock.patch.object(face, "_beside_asker", lambda: None),  # what runs the tests may have one
    ):
        assert face.main(("set", URL, "alice"), "") != 0
    return said[0].partition("hint: ")[2].strip()


def keep(place: Place, hint: str) -> None:
    assert hint.startswith("shim login NAME")
    retype(place, "shim login corp --password-stdin --store file --no-verify")
    place.stdin = "s3cret"
    assert typed(place) is None


KEYRING = configured(INDEX + 'source = ["keyring"]\n')
SCENES = (
    Scene("{} get {} {} shows what it says", both(KEYRING, moody()), ask, see_and_open),
    Scene("{} set {} {} shows what it says", both(KEYRING, moody(), log_in_there), typed, see_and_open),
    Scene(
        'is a dialog waiting to unlock it? keyring-wait = "5m" in config.toml gives it longer',
        both(configured('keyring-wait = "1s"\n' + INDEX + 'source = ["keyring"]\n'), open_vault, moody(1.2)),
        ask,
        lambda place, hint: place.edit('"1s"', '"5m"'),
    ),
    Scene("unlock it and run this again", both(stored_once, moody()), forget, open_vault),
    Scene(
        "install a keyring: apt install gnome-keyring (dnf install, apk add)", both(no_files, no_memory, null), store("keyring"), lambda place, _: moody()(place)
    ),
    Scene(
        "ask who keeps the machine's policy",
        both(no_files, no_memory, null),
        store("file"),
        lambda place, _: place.write("policy.toml", "allow-file-store = true\n", 0o644),
    ),
    Scene("shim login NAME keeps a password, and shim logout NAME forgets it", both(configured(INDEX), null), ask_face, keep),
)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.template[:50])
def test_a_secret_is_kept_or_found_once_the_hint_is_followed(scene: Scene, place: Place) -> None:
    scene.play(place)


def test_why_nothing_can_be_kept_in_memory_is_said_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason has a colon of its own."""
    place = Place(tmp_path)
    place.configure('store = ["memory"]\n')
    monkeypatch.setattr(kernel_keyring, "problem", lambda: "it is full")

    (found,) = [one for one in load_check("storage").find(place.host) if one.where == "OS keyring"]
    assert found.text == "it cannot be kept in memory (the kernel keyring: it is full)"
