"""Whatever a source knows for one URL, another scheme, host, port or sibling path never gets it, however the two are spelled.

The laws of scopes are in test_scope_laws.py; here every source is asked through the resolver, as a command would.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import keyring
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keyring.backend import KeyringBackend
from keyring.credentials import SimpleCredential

from shim.config.index import CommandSource, IndexConfig, Lookup
from shim.config.logins import AmbientLogin, Logins, OidcLogin, read_address
from shim.config.settings import Settings
from shim.core.errors import ShimError
from shim.core.host import Host
from shim.core.model import Credential, Endpoint, Endpoints, Origin, Secret
from shim.core.urls import Url, parse_url, scope_of_index
from shim.credentials.oauth import token_session
from shim.credentials.resolve import resolve
from shim.credentials.sources import SOURCES, Query, oidc
from shim.net.json_api import JsonResponse
from shim.storage import saved_logins
from tests.contract.test_sources import index_config
from tests.property.test_scope_laws import parsed, urls
from tests.support.agents import serve
from tests.support.login_server import jwt
from tests.support.selection import tries

#: A token, since the identity of a CI job must be one.
SECRET = jwt(aud="corp")
#: Two spellings of one URL, or of its neighbours: half of all pairs share all but one part.
pairs = st.one_of(st.tuples(urls, urls), urls.flatmap(lambda url: st.tuples(st.just(url), neighbours(url))))


def neighbours(url: str) -> st.SearchStrategy[str]:
    """Return URLs that a careless comparison takes for `url`."""
    head, _, tail = url.partition("://")
    authority, slash, path = tail.partition("/")
    host = authority.rpartition("@")[2]
    return st.sampled_from(
        [
            url,
            url.upper(),
            url.rstrip("/"),
            f"{url}/simple/",
            f"{url}x",
            f"{url}/../x",
            f"{url}/%2e%2e/x",
            f"{head}://{host}.{slash}{path}",
            f"{head}://{host}.evil.example{slash}{path}",
            f"{head}://{host}@evil.example{slash}{path}",
            f"{head}://evil.example\\@{host}{slash}{path}",
            f"{head}://{host}:443{slash}{path}",
            f"{head}://{host}:8443{slash}{path}",
            f"{'http' if head.lower() == 'https' else 'https'}://{host}{slash}{path}",
        ]
    )


class OneKeyring(KeyringBackend):
    """Has one secret, under one service name."""

    priority = 1
    service = ""

    def get_password(self, service: str, username: str) -> str | None:
        return SECRET if service == self.service else None

    def get_credential(self, service: str, username: str | None) -> SimpleCredential | None:
        return SimpleCredential("u", SECRET) if service == self.service else None

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError


def configured(issued: Url, folder: Path, **fields: object) -> tuple[IndexConfig, ...]:
    scope = scope_of_index(issued)
    values = {"url": issued, "scope": scope, "verify_url": issued, "source": tuple(fields), "insecure": True, **fields}
    return (index_config(**values),) if scope.covers(issued) else ()


def put_env(issued: Url, folder: Path, environ: dict[str, str]) -> tuple[IndexConfig, ...]:
    environ["CORP"] = SECRET
    return configured(issued, folder, env=Lookup("CORP", None))


def put_file(issued: Url, folder: Path, environ: dict[str, str]) -> tuple[IndexConfig, ...]:
    (folder / "secret").touch(0o600)
    (folder / "secret").write_text(SECRET)
    return configured(issued, folder, file=Lookup(str(folder / "secret"), None))


def put_command(issued: Url, folder: Path, environ: dict[str, str]) -> tuple[IndexConfig, ...]:
    return configured(issued, folder, command=CommandSource(("/bin/echo", SECRET), 10.0, False))


def put_netrc(issued: Url, folder: Path, environ: dict[str, str]) -> tuple[IndexConfig, ...]:
    (folder / ".netrc").write_text(f"machine {issued.host} login u password {SECRET}\n")
    return ()


def put_pypirc(issued: Url, folder: Path, environ: dict[str, str]) -> tuple[IndexConfig, ...]:
    text = issued.text.replace("\n", "")
    (folder / ".pypirc").touch(0o600)
    (folder / ".pypirc").write_text(f"[distutils]\nindex-servers = a\n[a]\nrepository = {text}\nusername = u\npassword = {SECRET}\n")
    return ()


def put_known(issued: Url, folder: Path, environ: dict[str, str]) -> tuple[IndexConfig, ...]:
    environ |= {"CI_SERVER_URL": issued.text, "CI_JOB_TOKEN": SECRET}
    return ()


def put_keyring(issued: Url, folder: Path, environ: dict[str, str]) -> tuple[IndexConfig, ...]:
    backend = OneKeyring()
    backend.service = issued.text
    keyring.set_keyring(backend)
    return ()


def put_stored(issued: Url, folder: Path, environ: dict[str, str]) -> tuple[IndexConfig, ...]:
    saved_logins.put(Credential("u", Secret(SECRET), scope_of_index(issued), "login"), Host(environ, str(folder)))
    return ()


def put_agent(issued: Url, folder: Path, environ: dict[str, str]) -> tuple[IndexConfig, ...]:
    url = json.dumps(issued.text, ensure_ascii=False)
    (folder / "host.toml").write_text(
        f'[[index]]\nurl = {url}\ninsecure = true\nagent = true\nagent-permanent = true\nenv = {{ password = "CORP" }}\n'
    )
    environ["SHIM_AGENT_SOCKET"] = serve(
        Host({**environ, "CORP": SECRET, "SHIM_CONFIG_FILE": str(folder / "host.toml")}, os.fspath(folder))
    )
    return ()


def put_posit(issued: Url, folder: Path, environ: dict[str, str]) -> tuple[IndexConfig, ...]:
    file = folder / "tokens.toml"
    file.touch(0o600)
    file.write_text(f'[[connections]]\naddress = "https://ppm.example"\ntoken = "{SECRET}"\nauth_type = "sso"\n')
    environ["PACKAGEMANAGER_SSO_TOKEN_FILE"] = str(file)
    return configured(issued, folder, source=("posit",), logins=Logins(posit=read_address("https://ppm.example", "test")))


def put_oidc(issued: Url, folder: Path, environ: dict[str, str]) -> tuple[IndexConfig, ...]:
    login = OidcLogin(parse_url("https://login.example"), "pip")
    indexes = configured(issued, folder, source=("oidc",), logins=Logins(oidc=login))
    for index in indexes:
        query = Query(Endpoint(issued, Origin("config", "")), index, Host(environ, str(folder)))
        way = oidc.make_login(query)
        assert way is not None
        token_session.keep("session", way.key, token_session.make_token(query, "oidc", Secret(SECRET), JsonResponse(200)), query.host)
    return indexes


def put_ambient(issued: Url, folder: Path, environ: dict[str, str]) -> tuple[IndexConfig, ...]:
    os.environ |= {"GITLAB_CI": "true", "CORP_ID_TOKEN": SECRET}  # the package `id` looks nowhere else
    return configured(issued, folder, source=("ambient",), logins=Logins(ambient=AmbientLogin("corp")))


PUT: dict[str, Callable[[Url, Path, dict[str, str]], tuple[IndexConfig, ...]]] = {
    "env": put_env,
    "file": put_file,
    "command": put_command,
    "netrc": put_netrc,
    "pypirc": put_pypirc,
    "known": put_known,
    "keyring": put_keyring,
    "stored": put_stored,
    "agent": put_agent,
    "posit": put_posit,
    "oidc": put_oidc,
    "ambient": put_ambient,
}
#: What the source's own files can say: a netrc knows hosts alone (and the tool itself reads it), `.pypirc` and CI know servers.
HOST_ONLY, SERVER_ONLY = ("netrc",), ("netrc", "pypirc", "known")


@contextmanager
def world(name: str, issued: Url) -> Iterator[tuple[Settings, Host]]:
    """Yield settings and a host in which the source `name` has the secret for `issued` alone."""
    before = keyring.get_keyring()
    with patch.dict(os.environ), tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        environ = {"HOME": text, "PATH": "/usr/bin:/bin", "SHIM_CACHE_DIR": f"{text}/cache"}
        try:
            keyring.set_keyring(OneKeyring())
            indexes = PUT[name](issued, folder, environ)
            yield Settings(indexes=indexes, keyring_timeout_s=0.0), Host(environ, os.fspath(folder))
        finally:
            keyring.set_keyring(before)


def test_every_source_is_held_by_these_laws() -> None:
    assert set(PUT) == set(SOURCES)


def check(name: str, one: str, other: str) -> bool:
    """Assert the law for one pair; return whether the second URL got the secret."""
    issued, asked = parsed(one), parsed(other)
    if issued is None or asked is None:
        return False
    with world(name, issued) as (configuration, host):
        try:
            (answer,) = resolve(Endpoints((Endpoint(asked, Origin("argv", "-i")),)), configuration, host)
        except ShimError:
            return False
    if answer.credential is None:
        return False
    assert answer.credential.secret.reveal() == SECRET
    assert answer.credential.scope.covers(asked)
    assert asked.host == issued.host
    if name not in HOST_ONLY:
        assert asked.origin == issued.origin
    if name not in SERVER_ONLY:
        assert scope_of_index(issued).covers(asked) or asked.text.rstrip("/") == issued.text.rstrip("/")
    return True


@pytest.mark.parametrize("name", [name for name in PUT if name != "command"])
@settings(max_examples=tries(80))
@given(pair=pairs)
def test_another_scheme_host_port_or_path_gets_nothing(name: str, pair: tuple[str, str]) -> None:
    check(name, *pair)


@settings(max_examples=15)
@given(pair=pairs)
def test_a_commands_secret_stays_where_it_belongs(pair: tuple[str, str]) -> None:
    check("command", *pair)


@pytest.mark.parametrize("name", PUT)
def test_the_url_itself_gets_it(name: str) -> None:
    assert check(name, "https://corp.example/team/simple/", "https://corp.example/team/simple/")


@pytest.mark.parametrize("name", PUT)
@pytest.mark.parametrize(
    "other",
    [
        "http://corp.example/team/simple/",
        "https://corp.example:8443/team/simple/",
        "https://evil.example/team/simple/",
        "https://corp.example.evil.example/team/simple/",
        "https://corp.example@evil.example/team/simple/",
        "https://corp.example./team/simple/",
    ],
)
def test_the_plainest_neighbours_get_nothing(name: str, other: str) -> None:
    got = check(name, "https://corp.example/team/simple/", other)

    assert got is (name == "netrc" and ":8443" in other), "the tool itself sends a netrc entry to every port"
