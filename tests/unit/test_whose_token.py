"""Whose token it is, when it ends and by whose clock, and what a source that fails means for those behind it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Thread

import pytest

import shim
from shim.config.settings import Settings, load_settings
from shim.core.dataclass import replace
from shim.core.errors import ShimError, SourceError
from shim.core.host import Host
from shim.core.model import Credential, Endpoint, Endpoints, Origin, Resolution, Secret
from shim.core.urls import parse_url, scope_of_index
from shim.credentials.jwt import read_expiry
from shim.credentials.known_hosts import find_known
from shim.credentials.resolve import resolve
from shim.credentials.sources import known
from shim.net.http_client import probe
from shim.pipeline.conditions import render_variables
from shim.pipeline.expiring import find_expiring
from shim.pipeline.observing import Observed
from shim.storage import os_keyring, saved_logins
from tests.support.hints import follows
from tests.support.listening import QuietServer
from tests.support.vendors import Vendors

URL = "https://pypi.corp.example/simple/"
AWS = "https://my-team-123456789012.d.codeartifact.eu-west-1.amazonaws.com/pypi/repo/simple/"
NOW = 1_800_000_000.0
#: Nobody answers for any host: no test may ask a vendor's real one.
NOWHERE = {"HTTPS_PROXY": "http://127.0.0.1:9", "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    for name, value in NOWHERE.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "tokens").mkdir(mode=0o700)
    (tmp_path / "config.toml").write_text("")
    fixed = {"HOME": str(tmp_path), "SHIM_CACHE_DIR": str(tmp_path / "tokens"), "SHIM_CONFIG_FILE": str(tmp_path / "config.toml")}
    return Host({**fixed, **NOWHERE, "PATH": "/usr/bin:/bin"}, str(tmp_path))


def program(folder: Path, text: str) -> Path:
    made = folder / "give"
    made.write_text(f"#!/bin/sh\necho x >>{folder}/calls\n{text}\n")
    made.chmod(0o700)
    return made


def configured(host: Host, *lines: str) -> Settings:
    Path(host.environ["SHIM_CONFIG_FILE"]).write_text(f'[[index]]\nname = "corp"\nurl = "{URL}"\n' + "\n".join(lines) + "\n")
    return load_settings(host)


def ask(settings: Settings, host: Host, url: str = URL, **fields: object) -> Resolution:
    origin = fields.pop("origin", Origin("argv", "-i"))
    return resolve(Endpoints((Endpoint(parse_url(url), origin, **fields),)), settings, host)[0]  # type: ignore[arg-type]


def calls(folder: Path) -> int:
    return len((folder / "calls").read_text().split())


def with_environ(host: Host, **environ: str) -> Host:
    return replace(host, environ={**host.environ, **environ})


def test_a_command_that_obeys_a_variable_is_asked_again_when_that_changes(host: Host, tmp_path: Path) -> None:
    give = program(tmp_path, 'echo "{\\"password\\": \\"of-$CORP_ACCOUNT\\", \\"expires_in\\": 3600}"')
    settings = configured(host, f'command = {{ argv = ["{give}"], protocol = "json", obeys = ["CORP_*"] }}')
    secrets = []
    for who in ("work", "publisher", "work"):
        credential = ask(settings, with_environ(host, CORP_ACCOUNT=who)).credential
        secrets.append(credential.secret.reveal() if credential else None)

    assert secrets == ["of-work", "of-publisher", "of-work"]
    assert calls(tmp_path) == 2


@pytest.mark.parametrize(
    ("url", "command", "variable"),
    [
        (AWS, "aws", "AWS_PROFILE"),
        (AWS, "aws", "AWS_ACCESS_KEY_ID"),
        ("https://europe-west1-python.pkg.dev/project/repo/simple/", "gcloud", "CLOUDSDK_ACTIVE_CONFIG_NAME"),
        ("https://europe-west1-python.pkg.dev/project/repo/simple/", "gcloud", "GOOGLE_APPLICATION_CREDENTIALS"),
        ("https://pkgs.dev.azure.com/corp/_packaging/feed/pypi/simple/", "az", "AZURE_CONFIG_DIR"),
    ],
)
@pytest.mark.parametrize("role", ["index", "publish"])
def test_a_vendors_token_is_of_those_surroundings_alone(
    url: str, command: str, variable: str, role: str, host: Host, tmp_path: Path
) -> None:
    vendors = Vendors(tmp_path, "canary")
    logged_in = with_environ(host, PATH=vendors.path)
    for value in ("work", "publisher", "work"):
        assert ask(Settings(), with_environ(logged_in, **{variable: value}), url, role=role).credential is not None

    assert len(vendors.calls()) == 2
    assert {call.split()[0] for call in vendors.calls()} == {command}


@pytest.mark.parametrize("file", [".aws/config", ".aws/credentials"])
def test_a_file_that_says_who_asks_counts_as_well(file: str, host: Host, tmp_path: Path) -> None:
    vendors = Vendors(tmp_path, "canary")
    logged_in = with_environ(host, PATH=vendors.path)
    for text in ("[default]\n", "[default]\n", "[default]\nrole_arn = x\n"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        if not (tmp_path / file).exists() or (tmp_path / file).read_text() != text:
            (tmp_path / file).write_text(text)
        ask(Settings(), logged_in, AWS)

    assert len(vendors.calls()) == 2


def test_a_record_of_a_plan_knows_all_variables_that_begin_so_present_or_not() -> None:
    environ = Observed([("AWS_REGION", "x")])
    Host(environ, "/").variables(("AWS_*",))

    lines = render_variables(environ, asked_keyring=False)
    assert lines is not None
    assert any(line.split("\x1f") == ["prefix", "AWS_"] for line in lines)


@pytest.mark.parametrize("breaks", ['command = { argv = ["false"] }', 'file = { password = "/" }'])
def test_a_source_that_fails_does_not_keep_the_later_ones_from_being_asked(
    breaks: str, host: Host, capfd: pytest.CaptureFixture[str]
) -> None:
    name = breaks.split()[0]
    saved_logins.put(Credential("__token__", Secret("kept"), scope_of_index(parse_url(URL)), "login"), host)
    settings = configured(host, breaks, f'source = ["{name}", "stored"]')
    answer = ask(settings, host)

    assert answer.credential is not None
    assert answer.credential.source == "stored"
    assert capfd.readouterr().err.count("shim: warning[source-failed]") == 1


def test_if_none_of_them_has_anything_the_first_failure_is_the_error(host: Host) -> None:
    settings = configured(host, 'command = { argv = ["false"] }', 'source = ["command", "stored"]')
    with pytest.raises(SourceError, match="the command `false` failed") as caught:
        ask(settings, host)

    assert [source for source, _ in caught.value.tried] == ["cache", "stored"]


def test_a_token_issued_just_now_is_used_though_our_clock_says_that_it_has_ended(host: Host, tmp_path: Path) -> None:
    give = program(tmp_path, f'echo \'{{"password": "new", "expires": {NOW - 7200:.0f}}}\'')
    settings = configured(host, f'command = {{ argv = ["{give}"], protocol = "json" }}')
    ahead = replace(host, clock=lambda: NOW)
    answer = ask(settings, ahead)
    (warning,) = find_expiring((answer,), frozenset(), ahead)

    assert answer.credential is not None
    assert "ended 2 h ago by this machine's clock (2027-01-15 08:00 UTC): it is used all the same" in warning.message
    assert warning.hint == "set the clock if it is wrong"


def test_what_lay_around_and_has_ended_is_not_used(host: Host) -> None:
    ended = "eyJhbGciOiJub25lIn0.eyJleHAiOjEwMDAwMDAwMDB9.x"
    answer = ask(configured(host, 'env = { password = "CORP" }'), with_environ(host, CORP=ended))

    assert answer.credential is None
    assert "by this machine's clock" in answer.tried[0][1]


@pytest.mark.parametrize(("left_s", "renewed", "count"), [(120, False, 1), (120, True, 0), (3600, False, 0), (-60, True, 1), (None, False, 0)])
def test_a_token_that_ends_soon_is_said_where_nobody_gives_a_new_one(left_s: float | None, renewed: bool, count: int, host: Host) -> None:
    ends_at = None if left_s is None else NOW + left_s
    credential = Credential("u", Secret("s"), scope_of_index(parse_url(URL)), "command", ends_at)
    answer = Resolution(Endpoint(parse_url(URL), Origin("argv", "-i")), credential)

    assert len(find_expiring((answer,), frozenset({URL} if renewed else ()), replace(host, clock=lambda: NOW))) == count


def test_a_vendors_host_that_nobody_can_answer_for_says_so(host: Host, tmp_path: Path) -> None:
    vendors = Vendors(tmp_path, "canary")
    vendors.log_out("aws")
    ended = ask(Settings(), with_environ(host, PATH=vendors.path), AWS)
    project = ask(Settings(), with_environ(host, PATH=vendors.path), AWS, origin=Origin("file", "requirements.txt", project=True, line=1))
    without = ask(Settings(), host, AWS)

    assert ended.blocked is not None
    assert ended.blocked.hint == "log in: aws sso login"
    assert project.blocked is not None
    assert without.blocked is None, "who has nothing of that vendor's runs as without us"


class Everybodys(BaseHTTPRequestHandler):
    """Answers each request with the status that the path names."""

    def do_GET(self) -> None:
        self.send_response(int(self.path.rpartition("/")[2] or 200))
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_CONNECT = do_GET  # noqa: N815 (the name that http.server looks for)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def proxy() -> Iterator[str]:
    server = QuietServer(("127.0.0.1", 0), type("Refusing", (Everybodys,), {"do_CONNECT": lambda self: self.send_error(407)}))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_a_login_is_named(scheme: str, proxy: str, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{scheme}_proxy", proxy)
    monkeypatch.delenv("NO_PROXY", raising=False)
    outcome = probe(parse_url(f"{scheme}://pypi.corp.example/407"), None, host, 10.0)

    assert outcome.status is None
    assert outcome.error is not None
    assert outcome.error == f"the proxy {proxy} ({scheme}_proxy) wants a login (407)"


def left_behind(folder: Path, age_s: float, url: str = AWS) -> ShimError | None:
    (folder / "pip.conf").write_text("x")
    os.utime(folder / "pip.conf", (NOW - age_s, NOW - age_s))
    endpoint = Endpoint(parse_url(url), Origin("config", f"{folder}/pip.conf", line=2), username="aws", inline_password=Secret("canary"))
    return known.find_left_behind(endpoint, Host({}, "/", clock=lambda: NOW))


def test_a_token_that_aws_wrote_into_pip_conf_is_said_to_be_stale_after_twelve_hours(tmp_path: Path) -> None:
    stale = left_behind(tmp_path, 13 * 3600)

    assert stale is not None
    assert "pip.conf:2" in stale.message
    assert "canary" not in stale.message
    assert left_behind(tmp_path, 11 * 3600) is None
    assert left_behind(tmp_path, 13 * 3600, URL) is None


@follows("take what stands before the @ out of that URL: then shim gets a new token whenever one is needed")
def test_the_url_without_the_stale_token_gets_a_new_one(host: Host, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pip.conf").write_text("x")
    os.utime(tmp_path / "pip.conf", (NOW - 13 * 3600, NOW - 13 * 3600))
    asked = replace(with_environ(host, PATH=Vendors(tmp_path, "fresh").path), clock=lambda: NOW)
    origin = Origin("config", f"{tmp_path}/pip.conf", line=2)
    ask(Settings(), asked, AWS, origin=origin, username="aws", inline_password=Secret("canary"))
    assert "hint: take what stands before the @ out of that URL" in capfd.readouterr().err

    mended = ask(Settings(), asked, AWS, origin=origin)
    assert capfd.readouterr().err == ""
    assert mended.credential is not None
    assert mended.credential.secret.reveal() == "fresh"


def test_an_encrypted_token_may_say_its_end_in_its_header() -> None:
    """RFC 7519 section 5.3: {"alg":"A128GCMKW","enc":"A128GCM","exp":4102444800}."""
    header = "eyJhbGciOiJBMTI4R0NNS1ciLCJlbmMiOiJBMTI4R0NNIiwiZXhwIjo0MTAyNDQ0ODAwfQ"

    assert read_expiry(f"{header}.a.b.c.d") == 4102444800.0
    assert read_expiry(f"{header}.a.b.c") is None


def test_the_dual_stack_host_of_codeartifact_is_known_and_what_looks_like_it_is_not() -> None:
    own = "https://my-team-123456789012.codeartifact.eu-west-1.on.aws/pypi/repo/simple/"
    assert [one.name for one in find_known(parse_url(own), {})] == ["AWS CodeArtifact"]
    for url in (own.replace(".on.aws", ".on.aws.evil.example"), own.replace(".codeartifact.", ".lambda-url."), own.replace("-123", ".x-123")):
        assert list(find_known(parse_url(url), {})) == []


BACKENDS = {
    "keyrings.alt.file.NoSuchKeyring": "shim backend add keyrings.alt",
    "keyring_pass.PasswordStoreBackend": "shim backend add keyring-pass",
    "keyrings.gauth.GooglePythonAuth": "shim backend add keyrings.google-artifactregistry-auth",
    "keyring.backends.nothing.Keyring": "unset PYTHON_KEYRING_BACKEND",
    "": "unset PYTHON_KEYRING_BACKEND",
}


@pytest.mark.parametrize(("backend", "hint"), BACKENDS.items())
def test_a_backend_that_is_not_here_comes_with_the_command_that_mends_it(backend: str, hint: str, tmp_path: Path) -> None:
    text = "from shim.storage import os_keyring as keys\ntry:\n    keys.load_keyring()\nexcept keys.UnusableBackend as error:\n    print(error.hint, end='')"
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": str(Path(shim.__file__).parents[1]), "PYTHON_KEYRING_BACKEND": backend}
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True, env=environ)

    assert done.stdout == hint


def test_a_backend_that_does_not_encrypt_says_in_clear() -> None:
    class PlaintextKeyring:
        scheme = "no encryption"

    class Chain:
        backends = (PlaintextKeyring(),)

    assert os_keyring.describe(PlaintextKeyring()).endswith(", in clear, in a file")
    assert os_keyring.describe(Chain()).endswith(", in clear, in a file")
    assert "in clear" not in os_keyring.describe(object())


def test_the_chain_wins_a_tie_with_one_of_its_own(tmp_path: Path) -> None:
    """As with posit-keyring, whose priority is the chain's: the other backends would not be asked any more, or would, by chance."""
    text = (
        "import keyring, keyring.backend\n"
        "class First(keyring.backend.KeyringBackend):\n    priority = 10\n    def get_password(self, service, username): return None\n"
        "    def set_password(self, service, username, password): raise NotImplementedError\n"
        "class Second(First):\n    priority = 5\n"
        "import keyring.core\n"
        "rings = {type(one).__name__: one for one in keyring.backend.get_all_keyring()}\n"
        "keyring.set_keyring(rings['First'])\n"
        "from shim.storage import os_keyring as keys\n"
        "print(type(keys.load_keyring().get_keyring()).__name__, end='')"
    )
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": str(Path(shim.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True, env=environ)

    assert done.stdout == "ChainerBackend"


@pytest.mark.parametrize(("age_s", "is_good"), [(11 * 3600, True), (13 * 3600, False)])
def test_a_token_that_aws_wrote_into_a_pypirc_ends_after_twelve_hours(age_s: float, is_good: bool, host: Host, tmp_path: Path) -> None:
    head = "[distutils]\nindex-servers = codeartifact\n"
    (tmp_path / ".pypirc").write_text(f"{head}[codeartifact]\nrepository = {AWS.replace('simple/', '')}\nusername = aws\npassword = written\n")
    (tmp_path / ".pypirc").chmod(0o600)
    os.utime(tmp_path / ".pypirc", (NOW - age_s, NOW - age_s))
    vendors = Vendors(tmp_path, "fresh")
    asked = replace(with_environ(host, PATH=vendors.path), clock=lambda: NOW)
    answer = ask(Settings(), asked, AWS, role="publish")
    credential = answer.credential

    assert credential is not None, answer.tried
    assert credential.source == ("pypirc" if is_good else "known")
    assert credential.secret.reveal() == ("written" if is_good else "fresh")


@pytest.mark.parametrize(("line", "wait_s"), [("", None), ('keyring-wait = "2m"\n', 120.0), ('keyring-wait = "0"\n', None)])
def test_how_long_a_keyring_may_take_is_a_setting(line: str, wait_s: float | None, host: Host) -> None:
    Path(host.environ["SHIM_CONFIG_FILE"]).write_text(line)

    assert load_settings(host).keyring_wait_s == wait_s
