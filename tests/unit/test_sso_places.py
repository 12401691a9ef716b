"""Where logins come from: the variables of Posit Package Manager, and the identities of CI jobs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from shim.config.index import IndexConfig
from shim.config.logins import AmbientLogin
from shim.config.settings import Settings, load_settings
from shim.core.errors import ConfigError, SourceError
from shim.core.host import Host
from shim.core.model import Endpoint, Endpoints, Origin
from shim.core.urls import parse_url
from shim.credentials.oauth.token_endpoint import route_for
from shim.credentials.resolve import resolve
from shim.credentials.sources import Query, ambient, posit
from shim.net.json_api import ask
from tests.support.hints import follows
from tests.support.listening import QuietServer
from tests.support.login_server import LoginServer, jwt
from tests.support.proxy import leading_to
from tests.support.tls import make_authority

URL = "https://ppm.corp.example/pypi/simple/"
ADDRESS = "https://ppm.corp.example"


def settings(tmp_path: Path, text: str = "", **environ: str) -> Settings:
    (tmp_path / "config.toml").write_text(text)
    return load_settings(Host({"HOME": str(tmp_path), "SHIM_CONFIG_FILE": str(tmp_path / "config.toml"), **environ}, "/"))


def index_for(found: Settings, url: str = URL) -> IndexConfig | None:
    return found.index_for(parse_url(url))


def test_the_address_alone_counts_as_an_index_that_is_asked_before_a_netrc(tmp_path: Path) -> None:
    index = index_for(settings(tmp_path, PACKAGEMANAGER_ADDRESS=ADDRESS))

    assert index is not None
    assert index.source[:3] == ("agent", "posit", "netrc")
    assert not index.source_is_explicit
    assert index.on_failure == "stop"
    assert index.logins.posit is not None
    assert index.logins.posit.address == ADDRESS


@pytest.mark.parametrize(
    "url",
    [
        "https://ppm.corp.example:8443/simple/",
        "https://ppm.corp.example.evil.example/simple/",
        "http://ppm.corp.example/simple/",
        "https://corp.example/simple/",
    ],
)
def test_the_address_is_no_index_for_another_server(url: str, tmp_path: Path) -> None:
    assert index_for(settings(tmp_path, PACKAGEMANAGER_ADDRESS=ADDRESS), url) is None


def test_an_index_of_that_server_without_a_source_of_its_own_logs_in_there(tmp_path: Path) -> None:
    text = f'[[index]]\nname = "corp"\nurl = "{URL}"\n'
    (index,) = settings(tmp_path, text, PACKAGEMANAGER_ADDRESS=ADDRESS + "/").indexes

    assert index.name == "corp"
    assert index.source[:2] == ("agent", "posit")
    assert index.logins.posit is not None


def test_an_index_with_a_source_of_its_own_is_left_as_it_is(tmp_path: Path) -> None:
    text = f'[[index]]\nname = "corp"\nurl = "{URL}"\nenv = {{ password = "X" }}\n'
    (index,) = settings(tmp_path, text, PACKAGEMANAGER_ADDRESS=ADDRESS).indexes

    assert index.source == ("env",)


@pytest.mark.parametrize(
    "address", ["ppm.corp.example", "http://ppm.corp.example", "https://u:canary@ppm.corp.example", "ftp://x", "https://"]
)
def test_an_address_that_is_no_safe_url_is_refused(address: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="PACKAGEMANAGER_ADDRESS") as caught:
        settings(tmp_path, PACKAGEMANAGER_ADDRESS=address)

    assert caught.value.hint
    assert "canary" not in caught.value.message


def test_an_empty_address_is_none(tmp_path: Path) -> None:
    assert settings(tmp_path, PACKAGEMANAGER_ADDRESS="").indexes == ()


def query(found: Settings, tmp_path: Path, **environ: str) -> Query:
    host = Host({"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path), **environ}, str(tmp_path))
    index = found.indexes[0]
    return Query(Endpoint(index.url, Origin("argv", "-i")), index, host)


@pytest.mark.parametrize(
    ("text", "mode", "message"),
    [
        (None, 0, "which is not there"),
        ("hunter2-canary", 0o600, r"holds no identity token \(JWT\): it was sent nowhere"),
        ("a.b.c", 0o600, "holds no identity token"),
        (jwt(sub="x") + "\n" + jwt(sub="y"), 0o600, "holds no identity token"),
        ("\xff\xfe", 0o600, "holds no identity token"),
        (jwt(sub="canary", exp=1000), 0o600, "has ended"),
        (jwt(sub="canary"), 0o644, "can be read by everybody"),
        ("x" * 70000, 0o600, "too large"),
    ],
)
def test_an_identity_file_that_is_none_is_sent_nowhere(text: str | None, mode: int, message: str, tmp_path: Path) -> None:
    with LoginServer() as server:
        file = tmp_path / "identity"
        if text is not None:
            file.write_text(text, encoding="latin-1")
            file.chmod(mode)
        asked = query(settings(tmp_path, PACKAGEMANAGER_ADDRESS=server.url), tmp_path, PACKAGEMANAGER_IDENTITY_TOKEN_FILE=str(file))
        with pytest.raises(SourceError, match=message) as caught:
            posit.SOURCE.find(asked)

        assert server.requests == []
    assert caught.value.hint
    assert "canary" not in caught.value.message


def test_an_identity_is_exchanged_with_and_without_a_line_end(tmp_path: Path) -> None:
    with LoginServer() as server:
        file = tmp_path / "identity"
        file.write_text(jwt(sub="job", exp=int(time.time()) + 60) + "\n")
        file.chmod(0o600)
        found = posit.SOURCE.find(
            query(settings(tmp_path, PACKAGEMANAGER_ADDRESS=server.url), tmp_path, PACKAGEMANAGER_IDENTITY_TOKEN_FILE=str(file))
        )
        ((path, form),) = server.requests

    assert found is not None
    assert found.source == "posit"
    assert path == "/__api__/token"
    assert form == {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
        "subject_token": file.read_text().strip(),
    }


class GitHub:
    """What GitHub Actions offers to a job: a URL that gives an identity for an audience to who has the job's own token.

    Beside it, what Google's metadata server and its IAM offer.
    """

    def __init__(self) -> None:
        outer = self
        self.asked: list[tuple[str, str | None]] = []
        self.status = 200

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = urlsplit(self.path).path
                if path == "/token" and self.headers["Metadata-Flavor"] == "Google":
                    return self._send(json.dumps({"access_token": "of-the-machine"}))
                audience = parse_qs(urlsplit(self.path).query)["audience"][0]
                outer.asked.append((audience, self.headers["Authorization"]))
                if path == "/identity" and self.headers["Metadata-Flavor"] == "Google":
                    return self._send(jwt(aud=audience, sub="a service account"))
                return self._send(json.dumps({"value": jwt(aud=audience, sub="repo:corp/x")}))

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked.append((asked["audience"], self.headers["Authorization"]))
                self._send(json.dumps({"token": jwt(aud=asked["audience"], sub="a service account")}))

            def _send(self, text: str) -> None:
                body = text.encode()
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: object) -> None:
                """Say nothing."""

        self.server = QuietServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/?api=1"


CI_VARIABLES = (
    "GITHUB_ACTIONS",
    "GOOGLE_SERVICE_ACCOUNT_NAME",
    "GITLAB_CI",
    "BUILDKITE",
    "CIRCLECI",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
)


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    for name in CI_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    made = GitHub()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", made.url)
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "canary-of-the-job")
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def job(tmp_path: Path, exchange: str | None, more: str = "", audience: str = "corp") -> Query:
    url = f', exchange-url = "{exchange}"' if exchange else ""
    text = f'[[index]]\nname = "corp"\nurl = "{URL}"\nambient = {{ audience = "{audience}"{url}{more} }}\n'
    return query(settings(tmp_path, text), tmp_path)


def test_the_identity_of_a_github_job_is_exchanged_at_the_index(github: GitHub, tmp_path: Path) -> None:
    with LoginServer() as server:
        found = ambient.find(job(tmp_path, f"{server.url}/exchange"))
        ((_, form),) = server.requests

    assert found is not None
    assert found.secret.reveal() in server._tokens
    assert github.asked == [("corp", "bearer canary-of-the-job")]
    assert form["subject_token"] == jwt(aud="corp", sub="repo:corp/x")
    assert "provider_name" not in form


def test_artifactorys_exchange_is_asked_in_its_own_way(github: GitHub, tmp_path: Path) -> None:
    with LoginServer() as server:
        assert ambient.find(job(tmp_path, f"{server.url}/exchange", ', provider = "github"'))
        ((_, form),) = server.requests

    assert form["provider_name"] == "github"
    assert form["grant_type"].endswith(":token-exchange")


def test_without_an_exchange_the_identity_itself_is_the_password(github: GitHub, tmp_path: Path) -> None:
    found = ambient.find(job(tmp_path, None))

    assert found is not None
    assert found.secret.reveal() == jwt(aud="corp", sub="repo:corp/x")


@follows("give the job `permissions: id-token: write`")
def test_a_github_job_without_the_permission_is_told_which_one(github: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    with pytest.raises(SourceError, match="GitHub Actions does not let") as caught:
        ambient.find(job(tmp_path, None))

    assert caught.value.hint == "give the job `permissions: id-token: write`"
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "canary-of-the-job")  # which is what that permission does
    assert ambient.find(job(tmp_path, None)) is not None


@pytest.mark.parametrize("status", [403, 500])
def test_a_ci_service_that_fails_is_said_to_and_its_secrets_are_not(status: int, github: GitHub, tmp_path: Path) -> None:
    github.status = status
    with pytest.raises(SourceError, match="gives no identity") as caught:
        ambient.find(job(tmp_path, None))

    assert f"GitHub: OIDC token request failed ({status})" in caught.value.message
    assert "canary" not in caught.value.message


def test_a_gitlab_job_without_the_variable_is_told_which_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CI_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITLAB_CI", "true")
    with pytest.raises(SourceError, match="GitLab: Environment variable OTHER_ID_TOKEN not found"):
        ambient.find(job(tmp_path, None, audience="other"))


def test_an_exchange_that_refuses_does_not_show_the_identity(github: GitHub, tmp_path: Path) -> None:
    with LoginServer() as server:
        server.token_fault = "access_denied"
        with pytest.raises(SourceError, match="does not exchange the token: access_denied") as caught:
            ambient.find(job(tmp_path, f"{server.url}/exchange"))

    assert jwt(aud="corp", sub="repo:corp/x") not in caught.value.message


#: Service -> the variables of its jobs, and the program of its runner that gives an identity, with what it must be told.
SERVICES = {
    "GitLab": ({"GITLAB_CI": "true", "CORP_ID_TOKEN": "{identity}"}, None, ""),
    "Buildkite": ({"BUILDKITE": "true"}, "buildkite-agent", "oidc request-token --audience corp"),
    "CircleCI": ({"CIRCLECI": "true"}, "circleci", 'run oidc get --claims {"aud": "corp"} --root-issuer'),
}


@pytest.fixture
def service(github: GitHub, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A job of that service; returns its identity."""
    variables, program, told = SERVICES[request.param]
    identity = jwt(aud="corp", sub=f"a job at {request.param}")
    for name in CI_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("id._internal.oidc.ambient._GCP_PRODUCT_NAME_FILE", str(tmp_path / "none"))
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(identity=identity))
    if program:
        (tmp_path / "bin").mkdir()
        runner = tmp_path / "bin" / program
        runner.write_text(f"#!/bin/sh\n[ \"$*\" = '{told}' ] || {{ echo canary; echo canary >&2; exit 3; }}\necho {identity}\n")
        runner.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return identity


@pytest.mark.parametrize("service", SERVICES, indirect=True)
def test_the_identity_of_a_job_is_exchanged_at_the_index(service: str, tmp_path: Path) -> None:
    with LoginServer() as server:
        found = ambient.find(job(tmp_path, f"{server.url}/exchange"))
        ((_, form),) = server.requests

    assert form["subject_token"] == service
    assert found is not None
    assert found.secret.reveal() in server._tokens


@pytest.mark.parametrize("service", SERVICES, indirect=True)
def test_a_service_that_gives_no_identity_for_an_audience_says_so_without_its_output(service: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="the CI service gives no identity: ") as caught:
        ambient.find(job(tmp_path, None, audience="other"))

    assert "canary" not in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("impersonates", [False, True])
def test_google_is_asked_at_its_metadata_server(
    impersonates: bool, github: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in CI_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "product").write_text("Google Compute Engine\n")
    base = github.url.partition("?")[0]
    google = "id._internal.oidc.ambient."
    monkeypatch.setattr(google + "_GCP_PRODUCT_NAME_FILE", str(tmp_path / "product"))
    monkeypatch.setattr(google + "_GCP_IDENTITY_REQUEST_URL", base + "identity")
    monkeypatch.setattr(google + "_GCP_TOKEN_REQUEST_URL", base + "token")
    monkeypatch.setattr(google + "_GCP_GENERATEIDTOKEN_REQUEST_URL", base + "generate/{}")
    if impersonates:
        monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT_NAME", "builder@corp")
    found = ambient.find(job(tmp_path, None))

    assert found is not None
    assert found.secret.reveal() == jwt(aud="corp", sub="a service account")
    assert github.asked == ([("corp", "Bearer of-the-machine")] if impersonates else [("corp", None)])


def test_outside_of_ci_there_is_no_identity(github: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CI_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("id._internal.oidc.ambient._GCP_PRODUCT_NAME_FILE", str(tmp_path / "none"))
    asked = job(tmp_path, None)

    assert ambient.find(asked) is None
    assert asked.notes == [("ambient", "this is no CI job that has an identity")]
    assert AmbientLogin("corp") == asked.index.logins.ambient  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", ["posit", "ambient"])
def test_a_token_of_one_job_is_none_for_the_next_job_of_the_same_user(kind: str, github: GitHub, tmp_path: Path) -> None:
    identity = tmp_path / "identity"
    identity.write_text(jwt(sub="job", exp=int(time.time()) + 600))
    identity.chmod(0o600)
    (tmp_path / "runtime").mkdir(mode=0o700)
    with LoginServer() as server:
        lines = {"posit": f'address = "{server.url}"', "ambient": f'audience = "corp", exchange-url = "{server.url}/exchange"'}
        (tmp_path / "config.toml").write_text(f'[[index]]\nname = "corp"\nurl = "{server.url}/simple/"\n{kind} = {{ {lines[kind]} }}\n')
        environ = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path / "runtime"), "SHIM_CONFIG_FILE": str(tmp_path / "config.toml")}
        endpoints = Endpoints((Endpoint(parse_url(f"{server.url}/simple/"), Origin("argv", "-i")),))

        def token(job: str) -> str:
            job_environ = {**environ, "GITHUB_RUN_ID": job, "PACKAGEMANAGER_IDENTITY_TOKEN_FILE": str(identity)}
            host = Host(job_environ, str(tmp_path))
            (answer,) = resolve(endpoints, load_settings(host), host)
            assert answer.credential is not None
            return answer.credential.secret.reveal()

        tokens = [token(job) for job in ("1", "1", "2")]

    assert tokens[0] == tokens[1]
    assert tokens[2] != tokens[0]
    assert len(server.requests) == 2


@pytest.mark.parametrize("written", ["file", "variables"])
def test_a_login_takes_the_way_of_the_users_pip_conf(written: str, tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "PIP_CONFIG_FILE": str(tmp_path / "pip.conf")}
    (tmp_path / "corp.pem").write_text("")
    if written == "file":
        (tmp_path / "pip.conf").write_text("[global]\nproxy = http://proxy.corp.example:3128\ncert = corp.pem\n")
    else:
        environ |= {"PIP_PROXY": "http://proxy.corp.example:3128", "PIP_CERT": "corp.pem"}
    route = route_for(None, Host(environ, str(tmp_path)))

    assert route.proxy == "http://proxy.corp.example:3128"
    assert route.authorities == (str(tmp_path / "corp.pem"),)
    assert not route.unchecked


def test_a_provider_behind_pips_proxy_with_pips_authority_is_asked(tmp_path: Path) -> None:
    authority = make_authority(tmp_path, "corp", "login.corp.example")
    with LoginServer() as server:
        authority.protect(server._server)
        host = Host({"HOME": str(tmp_path), "PIP_CERT": str(authority.certificate)}, str(tmp_path))
        with leading_to(server._server.server_address[1]) as (proxy, asked):
            (tmp_path / ".pip").mkdir()
            (tmp_path / ".pip" / "pip.conf").write_text(f"[global]\nproxy = {proxy}\n")
            reply = ask(parse_url("https://login.corp.example/.well-known/openid-configuration"), host, route_for(None, host), 10.0)

    assert reply.is_success, reply.error
    assert asked == ["login.corp.example:443"]
