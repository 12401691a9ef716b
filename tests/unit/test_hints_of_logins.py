"""Hints of single sign-on, at a stand-in for a provider: each is met, what it says is done, here or by who keeps the server, and it works."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shim.credentials.oauth import device_flow
from tests.support.following import Place, Scene, both, retype, typed, typing
from tests.support.login_server import LoginServer, jwt


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setattr(device_flow, "MIN_INTERVAL_S", 0.05)
    monkeypatch.setattr(device_flow, "MAX_SILENCE_S", 0.0)
    with LoginServer() as server:
        server.answers = ["ok"]
        yield Place(tmp_path, interactive=True, server=server)


def oidc(more: str = "") -> Callable[[Place], None]:
    def begin(place: Place) -> None:
        url = place.server.url
        login = f'oidc = {{ issuer = "{url}", client-id = "pip"{more.replace("@", url)} }}'
        place.configure(f'[[index]]\nname = "corp"\nurl = "{url}/simple/"\n{login}\n')

    return begin


def posit(place: Place) -> None:
    url = place.server.url
    place.configure(f'[[index]]\nname = "corp"\nurl = "{url}/simple/"\nposit = {{ address = "{url}" }}\n')


def ask(place: Place) -> None:
    assert place.ask(f"{place.server.url}/simple/").credential is not None


def serves(**how: object) -> Callable[..., None]:
    """Return what makes the server behave so: as a fault before, or by who keeps it after."""

    def change(place: Place, _hint: str = "") -> None:
        for name, value in how.items():
            setattr(place.server, name, value)

    return change


def edit(old: str, new: str) -> Callable[[Place, str], None]:
    return lambda place, _hint: place.edit(old, new)


def identity(text: Callable[[], str] | None) -> Callable[..., None]:
    """Return what writes the identity that a CI job has, or only says where it is."""

    def begin(place: Place, _hint: str = "") -> None:
        place.environ["PACKAGEMANAGER_IDENTITY_TOKEN_FILE"] = f"{place.folder}/identity"
        if text:
            place.write("identity", text())

    return begin


def fresh() -> str:
    return jwt(sub="job", exp=int(time.time()) + 600)


def ended() -> str:
    return jwt(sub="job", exp=int(time.time()) - 600)


def away(place: Place) -> None:
    """The server's port answers nothing of its kind for a while: 500 without a word."""
    serves(begin_fault="500")(place)


EXCHANGE = oidc(', exchange-url = "@/exchange"')
SCENES = (
    Scene("wait a little, then run it again", both(oidc(), serves(begin_fault="429")), ask, serves(begin_fault=None)),
    Scene("check the network or VPN, and run it again", both(oidc(), away), ask, serves(begin_fault=None)),
    Scene("is {} the right server?", both(posit, serves(begin_fault="empty")), ask, serves(begin_fault=None)),
    Scene(
        "is the client registered at {} for the device flow, and for these scopes?",
        both(oidc(), serves(begin_fault="invalid_client")),
        ask,
        serves(begin_fault=None),
    ),
    Scene("run it again and confirm, or ask who keeps {}", both(oidc(), serves(answers=["access_denied"])), ask, serves(answers=["ok"])),
    Scene("run it again for a new code", both(posit, serves(answers=["expired_token"])), ask, serves(answers=["ok"])),
    Scene(
        "may this account, or this job, read the index?", both(EXCHANGE, serves(token_fault="access_denied")), ask, serves(token_fault=None)
    ),
    Scene("open {} and see what is there", both(oidc(), serves(metadata={"token_endpoint": None})), ask, serves(metadata={})),
    Scene(
        "write the issuer as its metadata do, if you trust that name",
        both(oidc(), lambda place: place.edit('issuer = "http://127.0.0.1', 'issuer = "http://localhost')),
        ask,
        edit('issuer = "http://localhost', 'issuer = "http://127.0.0.1'),
    ),
    Scene(
        "ask who keeps it", both(oidc(), serves(metadata={"token_endpoint": "http://login.corp.example/token"})), ask, serves(metadata={})
    ),
    Scene(
        "ask who keeps it, or use another source",
        both(oidc(), serves(metadata={"device_authorization_endpoint": None})),
        ask,
        serves(metadata={}),
    ),
    Scene(
        'set token = "access_token", or ask for the scope openid',
        both(oidc(', token = "id_token"'), serves(_tokens_for_client=lambda: {"access_token": "t0ken", "expires_in": 60})),
        ask,
        edit('"id_token"', '"access_token"'),
    ),
    Scene(
        "unset {}, or write the file", both(posit, identity(None)), ask, lambda place, hint: place.environ.pop(hint.split()[1].rstrip(","))
    ),
    Scene(
        "is {} the right file? It must hold one identity token alone",
        both(posit, identity(lambda: "token: " + fresh())),
        ask,
        identity(fresh),
    ),
    Scene(
        "run shim login {} at a terminal, without it",
        both(oidc(), lambda place: place.environ.update(CI="1"), typing("shim login corp --no-verify")),
        typed,
        lambda place, hint: (place.environ.pop("CI"), retype(place, hint[4:].partition(" at ")[0] + " --no-verify")),
    ),
    Scene("let the CI job write a new one", both(posit, identity(ended)), ask, identity(fresh)),
)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.template[:50])
def test_a_login_works_once_its_hint_is_followed(scene: Scene, place: Place) -> None:
    scene.play(place)
