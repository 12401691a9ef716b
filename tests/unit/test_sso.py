"""Logging in at a stand-in for a provider: every way in which that ends well or badly, and what is kept of it."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from shim.config.settings import load_settings
from shim.core.dataclass import replace
from shim.core.errors import ConfigError, SourceError
from shim.core.host import Host
from shim.core.model import Credential, Endpoint, Endpoints, Origin, Resolution
from shim.core.urls import parse_url
from shim.credentials.ask_once import drop
from shim.credentials.missing import hint_for
from shim.credentials.oauth import device_flow, prompt
from shim.credentials.resolve import resolve
from shim.storage import verification_cache
from tests.support.login_server import USER_CODE, LoginServer


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


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the stand-in be asked more often than a real server would like."""
    monkeypatch.setattr(device_flow, "MIN_INTERVAL_S", 0.05)


def with_(host: Host, **environ: str) -> Host:
    return replace(host, environ={**host.environ, **environ})


def alone(host: Host) -> Host:
    return replace(host, interactive=False)


def at(host: Host, seconds: float) -> Host:
    """Return the host so many seconds later."""
    return replace(host, clock=lambda: time.time() + seconds)


def configure(host: Host, server: LoginServer, kind: str, more: str = "", top: str = "") -> None:
    tables = {
        "posit": f'posit = {{ address = "{server.url}" }}',
        "oidc": f'oidc = {{ issuer = "{server.url}", client-id = "pip"{more} }}',
        "exchange": f'oidc = {{ issuer = "{server.url}", client-id = "pip", exchange-url = "{server.url}/exchange"{more} }}',
    }
    text = f'{top}\n[[index]]\nname = "corp"\nurl = "{server.url}/simple/"\n{tables[kind]}\n'
    Path(host.environ["SHIM_CONFIG_FILE"]).write_text(text)


def ask(host: Host, server: LoginServer) -> Resolution:
    endpoint = Endpoint(parse_url(f"{server.url}/simple/"), Origin("argv", "-i"))
    return resolve(Endpoints((endpoint,)), load_settings(host), host)[0]


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


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_that_logs_people_in_is_loaded_while_a_token_is_cached(kind: str, host: Host, server: LoginServer) -> None:
    configure(host, server, kind)
    token(host, server)
    token(host, server)  # the shared file has changed with the login: now the cache knows its new state
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from shim.core.host import this_host\nfrom shim.core.model import *\nfrom shim.credentials.resolve import resolve\n"
        "from shim.config.settings import load_settings\nfrom shim.core.urls import parse_url\nhost = this_host()\n"
        "(answer,) = resolve(Endpoints((Endpoint(parse_url(sys.argv[2]), Origin('argv', '-i')),)), load_settings(host), host)\n"
        "assert answer.credential, answer\n"
        "print([name for name in sys.modules if name.startswith(('shim.credentials.oauth', 'shim.http', 'urllib.request', 'ssl', 'id'))])"
    )
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-I", "-c", program, root, f"{server.url}/simple/"]
    done = subprocess.run(command, env=dict(host.environ), capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("interactive", "environ", "top", "reason"),
    [
        (False, {}, "", "there is no terminal to ask at"),
        (True, {}, 'login = "manual"', 'login = "manual"'),
        (True, {"SHIM_NO_INPUT": "1"}, "", "SHIM_NO_INPUT is set"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_command_begins_no_login_where_nobody_sits_and_names_the_command_that_does(
    kind: str, interactive: bool, environ: dict[str, str], top: str, reason: str, host: Host, server: LoginServer
) -> None:
    configure(host, server, kind, top=top)
    answer = ask(replace(with_(host, **environ), interactive=interactive), server)

    assert answer.credential is None
    assert any(reason in outcome for _, outcome in answer.tried)
    assert hint_for(answer, load_settings(host).indexes[0]) == "shim login corp"
    assert server.requests == []


def test_slow_down_and_429_lengthen_the_interval_for_good(host: Host, server: LoginServer, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(device_flow, "time", SimpleNamespace(sleep=waits.append, monotonic=time.monotonic))
    configure(host, server, "oidc")
    server.interval = 2
    server.answers = ["authorization_pending", "slow_down", "authorization_pending", "429", "ok"]
    token(host, server)

    assert waits == [2, 2, 7, 7, 12]


FAULTS = {
    "begin_fault": {
        "html": "with a web page instead of JSON",
        "429": "it answers 429",
        "500": "it answers 500",
        "redirect": "it redirects to another place",
        "huge": "more than 262144 bytes",
        "list": "something else instead of JSON",
        "empty": "without a code or an https page",
        "invalid_client": "invalid_client",
    },
    "answers": {
        "access_denied": "was denied",
        "expired_token": "nobody confirmed the login",
        "html": "with a web page instead of JSON",
        "redirect": "it redirects to another place",
        "invalid_grant": "invalid_grant",
    },
}


@pytest.mark.parametrize(("where", "fault"), [(where, fault) for where, faults in FAULTS.items() for fault in faults])
@pytest.mark.parametrize("kind", ["posit", "oidc"])
def test_each_fault_is_one_message_with_a_hint_and_without_codes(
    kind: str, where: str, fault: str, host: Host, server: LoginServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_flow, "MAX_SILENCE_S", 0.0)
    configure(host, server, kind)
    setattr(server, where, [fault] if where == "answers" else fault)
    with pytest.raises(SourceError) as caught:
        ask(host, server)

    assert FAULTS[where][fault] in caught.value.message
    assert caught.value.hint
    assert "device-1" not in caught.value.message
    assert not list(Path(host.environ["HOME"]).rglob("*.token"))


def test_a_code_that_nobody_confirms_ends_by_our_own_clock(host: Host, server: LoginServer) -> None:
    configure(host, server, "posit")
    server.answers, server.expires_in = ["authorization_pending"], 2
    with pytest.raises(SourceError, match="nobody confirmed"):
        ask(host, server)


def test_a_server_that_is_away_for_a_moment_does_not_end_the_login(host: Host, server: LoginServer) -> None:
    configure(host, server, "posit")
    server.answers = ["500", "ok"]

    assert takes(server, token(host, server))


@pytest.mark.parametrize(("silence_s", "expires_in"), [(2.0, 60), (60.0, 2)], ids=["for long", "until the code ends"])
def test_a_server_that_stays_away_in_the_middle_ends_it(
    silence_s: float, expires_in: int, host: Host, server: LoginServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_flow, "MAX_SILENCE_S", silence_s)
    configure(host, server, "posit")
    server.answers, server.expires_in = ["500"], expires_in
    with pytest.raises(SourceError, match="was gone in the middle of the login"):
        ask(host, server)


@pytest.mark.parametrize(
    ("fault", "hint"), [("html", "the right server"), ("429", "wait a little"), ("500", "network"), ("access_denied", "may this account")]
)
def test_an_exchange_that_fails_has_a_hint_that_is_true(fault: str, hint: str, host: Host, server: LoginServer) -> None:
    configure(host, server, "exchange")
    server.answers, server.token_fault = ["ok"], fault
    with pytest.raises(SourceError, match="does not exchange the token") as caught:
        ask(host, server)

    assert hint in (caught.value.hint or "")


def test_a_server_that_cannot_be_reached_is_said_to_be_so(host: Host, server: LoginServer) -> None:
    configure(host, server, "oidc")
    server.__exit__()
    server.__enter__ = lambda: server  # type: ignore[method-assign]
    try:
        with pytest.raises(SourceError, match="it refuses the connection"):
            ask(host, server)
    finally:
        server.__exit__ = lambda *_: None  # type: ignore[method-assign]


@pytest.mark.parametrize("issuer", ["https://other.example", "", "http://127.0.0.1:1"])
def test_metadata_of_another_issuer_are_refused(issuer: str, host: Host, server: LoginServer) -> None:
    configure(host, server, "oidc")
    server.issuer = issuer or " "
    with pytest.raises(SourceError, match="of another issuer"):
        ask(host, server)

    assert server.paths("/oauth/device") == 0


@pytest.mark.parametrize("name", ["token_endpoint", "device_authorization_endpoint"])
def test_an_endpoint_on_plain_http_gets_nothing(name: str, host: Host, server: LoginServer) -> None:
    configure(host, server, "oidc")
    server.metadata = {name: "http://login.corp.example/token"}
    with pytest.raises(SourceError, match="is not https"):
        ask(host, server)


def test_a_provider_without_a_device_flow_is_said_to_be_so(host: Host, server: LoginServer) -> None:
    configure(host, server, "oidc")
    server.metadata = {"device_authorization_endpoint": None}
    with pytest.raises(SourceError, match="offers no login with a code"):
        ask(host, server)


@pytest.mark.parametrize(
    ("login", "message"),
    [
        ('oidc = { issuer = "http://login.corp.example", client-id = "pip" }', "is plain http"),
        ('oidc = { issuer = "https://login.corp.example" }', "has no client-id"),
        ('oidc = { issuer = "https://u:p@login.corp.example", client-id = "pip" }', "user name in it"),
        ('oidc = { issuer = "https://login.corp.example", client-id = "pip", exchange-url = "http://x.example/" }', "is plain http"),
        ('oidc = { issuer = "https://login.corp.example", client-id = "pip", token = "refresh_token" }', "must be one of"),
        ('oidc = { issuer = "https://login.corp.example?x=1", client-id = "pip" }', "query or a fragment"),
        ('posit = { address = "http://pypi.corp.example" }', "is plain http"),
        ('posit = { address = "https://other.example" }', "not below the address of posit"),
        ("posit = { }", "has no address"),
        ('posit = { adress = "x" }', "unknown key"),
        ('source = ["oidc"]', "needs a key oidc"),
        ("ambient = { }", "has no audience"),
    ],
)
def test_a_login_that_is_configured_wrongly_is_refused(login: str, message: str, host: Host) -> None:
    Path(host.environ["SHIM_CONFIG_FILE"]).write_text(f'[[index]]\nname = "corp"\nurl = "https://pypi.corp.example/simple/"\n{login}\n')
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        load_settings(host)

    assert caught.value.hint
    assert "u:p" not in caught.value.message


@pytest.mark.parametrize("kind", ["oidc", "exchange"])
def test_a_refresh_token_renews_without_a_person_and_is_kept_before_it_is_used(kind: str, host: Host, server: LoginServer) -> None:
    configure(host, server, kind)
    first = token(host, server)
    later = at(alone(host), 3590)
    second = token(later, server)

    assert not second.secret.same_as(first.secret)
    assert takes(server, second)
    assert server.paths("/oauth/device") == 1
    third = token(at(alone(host), 7190), server)
    assert takes(server, third)
    assert server.replays == 0


def test_a_renewed_refresh_token_is_there_even_if_what_follows_fails(host: Host, server: LoginServer) -> None:
    configure(host, server, "exchange")
    token(host, server)
    later = at(alone(host), 3700)
    server.metadata = {}
    exchange, server._exchange = server._exchange, lambda form: (500, "text/html", b"<html>", {})  # type: ignore[method-assign]
    with pytest.raises(SourceError, match="does not exchange"):
        ask(later, server)
    server._exchange = exchange  # type: ignore[method-assign]

    assert takes(server, token(later, server))
    assert server.replays == 0


def test_a_refresh_token_that_is_not_replaced_stays(host: Host, server: LoginServer) -> None:
    server.rotates = False
    configure(host, server, "oidc")
    token(host, server)
    for hours in (1, 2, 3):
        assert takes(server, token(at(alone(host), hours * 3590), server))
    assert server.paths("/oauth/device") == 1


def test_a_session_that_the_provider_has_ended_leads_to_a_new_login_or_says_so(host: Host, server: LoginServer) -> None:
    configure(host, server, "oidc")
    token(host, server)
    server.end_sessions()
    server.answers = ["ok"]
    later = at(host, 3700)
    answer = ask(alone(later), server)

    assert answer.credential is None
    outcome = next(text for source, text in answer.tried if source == "oidc")
    assert "has ended (invalid_grant: **** is no token)" in outcome, "the server told the token back"
    assert server.paths("/oauth/device") == 1
    assert takes(server, token(later, server))
    assert server.paths("/oauth/device") == 2


def test_a_refresh_that_fails_leaves_the_token_that_still_holds_in_use(host: Host, server: LoginServer) -> None:
    configure(host, server, "oidc")
    first = token(host, server)
    server.token_fault = "500"
    ending = token(at(alone(host), 3400), server)

    assert ending.secret.same_as(first.secret)
    with pytest.raises(SourceError, match="could not be renewed"):
        ask(at(alone(host), 3700), server)
    server.token_fault = None
    assert takes(server, token(at(alone(host), 3800), server)), "the refresh token was not thrown away"


def test_processes_that_need_a_new_token_at_once_refresh_once(host: Host, server: LoginServer) -> None:
    configure(host, server, "oidc")
    token(host, server)
    found: list[Credential] = []
    later = at(alone(host), 3700)
    threads = [threading.Thread(target=lambda: found.append(token(later, server))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({credential.secret.reveal() for credential in found}) == 1
    assert len(found) == 8
    assert server.replays == 0


@pytest.mark.parametrize("lifetime_s", [120, 299])
def test_tokens_that_live_for_less_than_five_minutes_are_used_for_half_of_that(lifetime_s: int, host: Host, server: LoginServer) -> None:
    server.lifetime_s = lifetime_s
    configure(host, server, "oidc")
    first = token(host, server)
    second = token(at(alone(host), lifetime_s * 0.3), server)
    third = token(at(alone(host), lifetime_s * 0.7), server)

    assert second.secret.same_as(first.secret)
    assert not third.secret.same_as(first.secret)


@pytest.mark.parametrize("ahead_s", [-7200, 7200])
@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_clock_is_said_and_does_not_matter(
    kind: str, ahead_s: float, host: Host, server: LoginServer, capfd: pytest.CaptureFixture[str]
) -> None:
    server.clock_ahead_s = -ahead_s
    configure(host, server, kind)
    first = token(host, server)
    second = token(alone(host), server)

    assert second.secret.same_as(first.secret), "not taken for expired"
    assert first.expires_at is not None
    assert abs(first.expires_at - time.time() - 3600) < 30
    assert capfd.readouterr().err.count(f"clock is 2 h {'ahead of' if ahead_s > 0 else 'behind'} the server") == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_that_the_index_rejects_is_not_used_again(kind: str, host: Host, server: LoginServer) -> None:
    configure(host, server, kind)
    first = token(host, server)
    url = parse_url(f"{server.url}/simple/")
    server.revoke_all()
    verification_cache.remember("rejected", first, verification_cache.place_of(url), "it answers 401", host)
    assert drop(url, first.secret, host)
    server.answers = ["ok"]

    assert takes(server, token(host, server))


def test_an_opaque_token_is_kept_for_as_long_as_the_server_says(host: Host, server: LoginServer) -> None:
    server.opaque = True
    configure(host, server, "oidc")
    first = token(host, server)

    assert first.expires_at is not None
    assert token(alone(host), server).secret.same_as(first.secret)
    assert server.paths("/oauth/token") == 1


def test_the_id_token_can_be_the_password(host: Host, server: LoginServer) -> None:
    configure(host, server, "oidc", ', token = "id_token"')

    assert takes(server, token(host, server))


def test_shim_refresh_renews_and_never_takes_away_what_still_works(host: Host, server: LoginServer) -> None:
    configure(host, server, "oidc")
    first = token(host, server)
    again = with_(alone(host), SHIM_REFRESH="1")
    renewed = token(again, server)
    server.end_sessions()
    kept = token(again, server)

    assert not renewed.secret.same_as(first.secret)
    assert kept.secret.same_as(renewed.secret)


def test_a_page_elsewhere_is_shown_and_not_opened(
    host: Host, server: LoginServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    configure(host, server, "oidc")
    opened = browser(tmp_path)
    desktop = with_(host, BROWSER=str(tmp_path / "browser"))
    server.page = "https://elsewhere.example/device"
    token(desktop, server)

    assert "open  https://elsewhere.example/device" in capfd.readouterr().err
    time.sleep(0.3)
    assert not opened.exists()


@pytest.mark.parametrize(
    "page", ["http://login.corp.example/device", "javascript:alert(1)", "https://x.example/\x1b[2J", "file:///etc/passwd"]
)
def test_a_page_that_is_not_https_is_refused(page: str, host: Host, server: LoginServer) -> None:
    configure(host, server, "posit")
    server.page = page
    with pytest.raises(SourceError, match="without a code or an https page"):
        ask(host, server)


def browser(folder: Path) -> Path:
    """Make a program that notes what it is told to open; return where."""
    program, opened = folder / "browser", folder / "opened"
    program.write_text(f'#!/bin/sh\nprintf "%s|%s" "$PWD" "$1" >{opened}.new && mv {opened}.new {opened}\n')
    program.chmod(0o700)
    return opened


def test_a_browser_is_opened_where_there_is_one(host: Host, server: LoginServer, tmp_path: Path) -> None:
    configure(host, server, "oidc")
    opened = browser(tmp_path)
    token(with_(host, BROWSER=str(tmp_path / "browser")), server)
    deadline = time.monotonic() + 20
    while not opened.exists() and time.monotonic() < deadline:
        time.sleep(0.05)

    assert opened.read_text() == f"/|{server.url}/activate?user_code={USER_CODE}"


def test_without_a_desktop_no_browser_is_looked_for(host: Host, tmp_path: Path) -> None:
    (tmp_path / "xdg-open").write_text("#!/bin/sh\n")
    (tmp_path / "xdg-open").chmod(0o700)
    page = parse_url("https://login.corp.example/device")
    here = with_(host, PATH=str(tmp_path))

    assert prompt.find_opener(page, page, here) is None
    assert prompt.find_opener(page, page, with_(here, DISPLAY=":0")) == str(tmp_path / "xdg-open")


def test_records_of_a_login_are_the_users_alone(host: Host, server: LoginServer, tmp_path: Path) -> None:
    configure(host, server, "oidc")
    token(host, server)
    folder = tmp_path / "runtime" / "shim" / "tokens"
    records = [path for path in folder.iterdir() if path.suffix in (".session", ".refresh", ".token")]

    assert {path.suffix for path in records} == {".session", ".refresh", ".token"}
    assert {path.stat().st_mode & 0o777 for path in records} == {0o600}
