"""Logging in at a stand-in for a provider: every way in which that ends well or badly, and what is kept of it."""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shim.errors import ConfigError, SourceError
from shim.host import Host
from shim.model import Answer, Credential, Need, Needs, Origin
from shim.resolve import drop, hint_for, resolve
from shim.settings import load_settings
from shim.store import proofs
from shim.urls import parse_url
from tests.support.login_server import USER_CODE, LoginServer, jwt


@pytest.fixture
def server() -> Iterator[LoginServer]:
    with LoginServer() as made:
        made.answers = ["ok"]
        yield made


@pytest.fixture
def host(tmp_path: Path) -> Host:
    environ = {
        "HOME": str(tmp_path),
        "XDG_RUNTIME_DIR": str(tmp_path / "runtime"),
        "PATH": "/usr/bin:/bin",
        "SHIM_CONFIG_FILE": str(tmp_path / "config.toml"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    (tmp_path / "runtime").mkdir(mode=0o700)
    (tmp_path / "config.toml").write_text("")
    return Host(environ, str(tmp_path), interactive=True)


def with_(host: Host, **environ: str) -> Host:
    return dataclasses.replace(host, environ={**host.environ, **environ})


def alone(host: Host) -> Host:
    return dataclasses.replace(host, interactive=False)


def at(host: Host, seconds: float) -> Host:
    """Return the host so many seconds later."""
    return dataclasses.replace(host, clock=lambda: time.time() + seconds)


def configure(host: Host, server: LoginServer, kind: str, more: str = "", top: str = "") -> None:
    tables = {
        "posit": f'posit = {{ address = "{server.url}" }}',
        "oidc": f'oidc = {{ issuer = "{server.url}", client-id = "pip"{more} }}',
        "exchange": f'oidc = {{ issuer = "{server.url}", client-id = "pip", exchange-url = "{server.url}/exchange"{more} }}',
    }
    text = f'{top}\n[[index]]\nname = "corp"\nurl = "{server.url}/simple/"\n{tables[kind]}\n'
    Path(host.environ["SHIM_CONFIG_FILE"]).write_text(text)


def ask(host: Host, server: LoginServer) -> Answer:
    need = Need(parse_url(f"{server.url}/simple/"), Origin("argv", "-i"))
    return resolve(Needs((need,)), load_settings(host), host)[0]


def token(host: Host, server: LoginServer) -> Credential:
    credential = ask(host, server).credential
    assert credential is not None
    return credential


def takes(server: LoginServer, credential: Credential) -> bool:
    return credential.secret.reveal() in server._tokens


KINDS = ["posit", "oidc", "exchange"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_login_shows_url_and_code_and_gives_a_token_that_the_index_takes(
    kind: str, host: Host, server: LoginServer, capfd: pytest.CaptureFixture[str]
) -> None:
    configure(host, server, kind)
    server.answers = ["authorization_pending", "ok"]
    credential = token(host, server)
    said = capfd.readouterr()

    assert takes(server, credential)
    assert credential.username == "__token__"
    assert credential.expires_at is not None
    assert abs(credential.expires_at - time.time() - 3600) < 30
    assert said.out == ""
    assert f"open  {server.url}/activate?user_code={USER_CODE}" in said.err
    assert f"code  {USER_CODE}" in said.err
    assert credential.secret.reveal() not in said.err


@pytest.mark.parametrize("kind", KINDS)
def test_a_valid_token_is_used_without_any_request_by_this_and_other_commands(kind: str, host: Host, server: LoginServer) -> None:
    configure(host, server, kind)
    first = token(host, server)
    before = len(server.requests)
    again = [token(each, server) for each in (host, alone(host), at(host, 1800))]

    assert all(one.secret.same_as(first.secret) for one in again)
    assert len(server.requests) == before
