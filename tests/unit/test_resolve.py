"""Who answers, in which order, and how often anybody is asked."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from shim.config.settings import Settings, load_settings
from shim.core.errors import SourceError
from shim.core.host import Host
from shim.core.model import Credential, Endpoint, Endpoints, Origin, Resolution, Secret
from shim.core.urls import parse_url, scope_of_index
from shim.credentials.ask_once import cache_key
from shim.credentials.missing import hint_for
from shim.credentials.resolve import resolve
from shim.credentials.sources import Query, keyring, netrc, pypirc
from shim.preflight.index_states import find_states
from shim.storage import saved_logins, token_cache
from tests.support.calls import count_calls

BEGAN_AT = int(time.time())
URL = "https://pypi.corp.example/simple/"


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
    return Host(environ, str(tmp_path))


def configured(host: Host, *lines: str, url: str = URL) -> Settings:
    Path(host.environ["SHIM_CONFIG_FILE"]).write_text(f'[[index]]\nname = "corp"\nurl = "{url}"\n' + "\n".join(lines) + "\n")
    return load_settings(host)


def counting(tmp_path: Path, then: str = "echo token") -> tuple[str, Path]:
    """Return a `command = ...` line for a program that counts its calls, and the count's file."""
    program, calls = tmp_path / "give", tmp_path / "calls"
    program.write_text(f"#!/bin/sh\necho x >>{calls}\n{then}\n")
    program.chmod(0o700)
    calls.write_text("")
    return f'command = {{ argv = ["{program}"] }}', calls


def jwt(lifetime_s: int) -> str:
    """Return a token that says it ends `lifetime_s` after the tests began."""
    claims = json.dumps({"exp": BEGAN_AT + lifetime_s}).encode()
    return "ey." + base64.urlsafe_b64encode(claims).decode().rstrip("=") + ".x"


def ask(settings: Settings, host: Host, *texts: str, **fields: object) -> tuple[Resolution, ...]:
    return resolve(Endpoints(tuple(Endpoint(parse_url(text), Origin("argv", "-i"), **fields) for text in texts)), settings, host)


def test_the_users_own_password_wins_and_nobody_is_asked(host: Host, tmp_path: Path) -> None:
    line, calls = counting(tmp_path)
    (answer,) = ask(configured(host, line), host, URL, username="u", inline_password=Secret("typed"))

    assert answer.credential is not None
    assert (answer.credential.source, answer.credential.secret.reveal()) == ("url", "typed")
    assert calls.read_text() == ""


@pytest.mark.parametrize("url", ["https://pypi.org/simple/", "https://files.pythonhosted.org/x", "https://test.pypi.org/simple/"])
def test_nobody_is_asked_about_public_indexes(host: Host, url: str) -> None:
    (answer,) = ask(Settings(), host, url)

    assert (answer.credential, answer.tried) == (None, ())


def test_plain_http_is_never_resolved_unless_the_index_says_so(host: Host, tmp_path: Path) -> None:
    url = "http://pypi.corp.example/simple/"
    line, calls = counting(tmp_path)
    (refused,) = ask(configured(host, line, url=url), host, url)
    (allowed,) = ask(configured(host, line, "insecure = true", url=url), host, url)

    assert refused.credential is None
    assert "plain http" in refused.tried[0][1]
    assert allowed.credential is not None
    assert calls.read_text() == "x\n"


def test_needs_of_one_index_share_one_question(host: Host, tmp_path: Path) -> None:
    line, calls = counting(tmp_path)
    answers = ask(configured(host, line), host, URL, URL + "corp-lib/", "https://pypi.corp.example/files/x.whl")

    assert all(answer.credential for answer in answers)
    assert calls.read_text() == "x\n"


@pytest.mark.parametrize("entry", ["", "machine pypi.corp.example login u password p"])
@pytest.mark.parametrize("source", [netrc, pypirc, keyring])
def test_a_hundred_files_on_one_server_ask_a_source_that_goes_by_servers_once(
    host: Host, tmp_path: Path, entry: str, source: ModuleType
) -> None:
    (tmp_path / ".netrc").write_text(entry)
    texts = [f"https://pypi.corp.example/{number}/x-1.0-py3-none-any.whl" for number in range(100)]
    answers: list[Resolution] = []
    asked = count_calls(lambda: answers.extend(ask(load_settings(host), host, *texts, role="direct")), source.find)

    assert asked == (0 if entry and source is not netrc else 1)
    assert [answer.credential is not None for answer in answers] == 100 * [bool(entry)]


def test_a_file_that_only_a_stored_login_covers_is_found_among_files_that_none_does(host: Host) -> None:
    saved_logins.put(Credential("u", Secret("s"), scope_of_index(parse_url("https://pypi.corp.example/b/simple/")), "stored"), host)
    texts = [f"https://pypi.corp.example/{name}/x-1.0-py3-none-any.whl" for name in "abc"]
    answers = ask(load_settings(host), host, *texts, role="direct")
    assert [answer.credential is not None for answer in answers] == [False, True, False]
    index, file = (
        Endpoint(parse_url(text), Origin("argv", ""), role)
        for text, role in (("https://pypi.corp.example/simple/", "index"), (texts[1], "direct"))
    )
    assert [answer.credential is not None for answer in resolve(Endpoints((index, file)), load_settings(host), host)] == [False, True]


def test_the_longest_scope_wins(host: Host) -> None:
    host = Host({**host.environ, "WIDE": "wide", "NARROW": "narrow"}, host.cwd)
    Path(host.environ["SHIM_CONFIG_FILE"]).write_text(
        '[[index]]\nname = "wide"\nurl = "https://pypi.corp.example/"\nenv = { password = "WIDE" }\n'
        '[[index]]\nname = "narrow"\nurl = "https://pypi.corp.example/team/simple/"\nenv = { password = "NARROW" }\n'
    )
    narrow, wide = ask(load_settings(host), host, "https://pypi.corp.example/team/simple/", "https://pypi.corp.example/other/simple/")

    assert narrow.credential is not None
    assert wide.credential is not None
    assert (narrow.credential.secret.reveal(), wide.credential.secret.reveal()) == ("narrow", "wide")


def test_a_user_name_in_the_url_must_be_the_credentials(host: Host) -> None:
    saved_logins.put(Credential("bob", Secret("x"), scope_of_index(parse_url(URL)), "login"), host)
    (other,) = ask(Settings(), host, URL, username="alice")
    (same,) = ask(Settings(), host, URL, username="bob")

    assert other.credential is None
    assert same.credential is not None


def test_a_changed_source_never_answers_with_an_old_token(host: Host, tmp_path: Path) -> None:
    line, calls = counting(tmp_path)
    for more in ("", "", 'verify-url = "https://pypi.corp.example/x/"'):
        ask(configured(host, line, 'max-age = "1h"', more), host, URL)
    assert calls.read_text() == "x\n"
    (tmp_path / "again").mkdir()
    changed, calls = counting(tmp_path / "again")
    ask(configured(host, changed, 'max-age = "1h"'), host, URL)

    assert calls.read_text() == "x\n"


def test_a_token_that_ends_too_soon_is_asked_for_again_and_outlives_a_failing_refresh(
    host: Host, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    line, calls = counting(tmp_path)
    settings = configured(host, line, 'max-age = "10m"')
    (first,) = ask(settings, host, URL)
    later = Host(host.environ, host.cwd, clock=lambda: time.time() + 400)
    ask(settings, later, URL)
    assert calls.read_text() == "x\nx\n"

    Path(tmp_path / "give").write_text("#!/bin/sh\nexit 1\n")
    much_later = Host(host.environ, host.cwd, clock=lambda: time.time() + 800)
    (kept,) = ask(settings, much_later, URL)
    assert first.credential is not None
    assert kept.credential is not None
    assert kept.credential.secret.reveal() == "token"
    said = capfd.readouterr().err
    assert said.count("warning[source-failed]") == 1
    assert "the token from before, which ends in 3 min, is used" in said

    expired = Host(host.environ, host.cwd, clock=lambda: time.time() + 8000)
    with pytest.raises(SourceError, match="failed"):
        ask(settings, expired, URL)


def test_after_a_refresh_that_failed_the_old_token_is_used_for_a_while_without_asking_or_saying_it_again(
    host: Host, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    line, calls = counting(tmp_path, "exit 1")
    settings = configured(host, line, 'max-age = "10m"')
    query = Query(Endpoint(parse_url(URL), Origin("argv", "-i")), settings.indexes[0], host)
    old = Credential("__token__", Secret("old"), settings.indexes[0].scope, "command", time.time() + 250)
    assert token_cache.put(cache_key(query), old, host)
    for _ in range(3):
        (answer,) = ask(settings, host, URL)
        assert answer.credential is not None
        assert answer.credential.secret.reveal() == "old"
    assert calls.read_text() == "x\n"
    assert capfd.readouterr().err.count("warning[source-failed]") == 1

    a_minute_later = Host(host.environ, host.cwd, clock=lambda: time.time() + 61)
    ask(settings, a_minute_later, URL)
    assert calls.read_text() == "x\nx\n"
    (tmp_path / "give").write_text("#!/bin/sh\necho new\n")
    (answer,) = ask(settings, Host(host.environ, host.cwd, clock=lambda: time.time() + 125), URL)
    assert answer.credential is not None
    assert answer.credential.secret.reveal() == "new"


def test_shim_refresh_ignores_the_cache_once(host: Host, tmp_path: Path) -> None:
    line, calls = counting(tmp_path)
    settings = configured(host, line, 'max-age = "1h"')
    ask(settings, host, URL)
    ask(settings, Host({**host.environ, "SHIM_REFRESH": "1"}, host.cwd), URL)

    assert calls.read_text() == "x\nx\n"


def test_a_secret_without_an_end_is_never_written_down(host: Host, tmp_path: Path) -> None:
    line, _ = counting(tmp_path, "echo s3cr3t-canary-4711")
    ask(configured(host, line), host, URL)

    assert not list(tmp_path.rglob("*.token"))


def test_a_broken_source_of_the_default_chain_warns_once_and_the_chain_goes_on(
    host: Host, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".netrc").write_text("not a netrc\n")
    saved_logins.put(Credential("u", Secret("x"), scope_of_index(parse_url(URL)), "login"), host)
    answers = ask(Settings(), host, URL, "https://other.example/simple/")

    assert answers[0].credential is not None
    assert answers[0].credential.source == "stored"
    assert capfd.readouterr().err.count("warning[source-failed]") == 1


PROGRAM = """
import sys
sys.path.insert(0, {root!r})
from shim.core.host import this_host
from shim.core.model import *
from shim.credentials.resolve import resolve
from shim.config.settings import load_settings
from shim.core.urls import parse_url
host = this_host()
(answer,) = resolve(Endpoints((Endpoint(parse_url({url!r}), Origin("argv", "-i")),)), load_settings(host), host)
print(answer.credential.secret.reveal())
"""


def in_parallel(host: Host, count: int) -> list[str]:
    """Return what `count` processes that ask at the same time print."""
    command = [sys.executable, "-I", "-c", PROGRAM.format(root=str(Path(__file__).parents[2]), url=URL)]
    processes = [subprocess.Popen(command, env=dict(host.environ), stdout=subprocess.PIPE, text=True) for _ in range(count)]
    return [process.communicate(timeout=120)[0] for process in processes]


def test_processes_do_not_queue_for_a_secret_that_cannot_be_kept(host: Host, tmp_path: Path) -> None:
    line, calls = counting(tmp_path, f"sleep 2; echo end >>{tmp_path}/calls; echo token")
    ask(configured(host, line), host, URL)
    outputs = in_parallel(host, 4)

    assert outputs == ["token\n"] * 4
    assert calls.read_text().count("x\n") == 5
    assert "x\nx\n" in calls.read_text(), "one began before another had ended"


def test_processes_without_any_cached_token_make_one_request_for_a_jwt(host: Host, tmp_path: Path) -> None:
    line, calls = counting(tmp_path, f"sleep 1; echo {jwt(3600)}")
    configured(host, line)
    outputs = in_parallel(host, 4)

    assert len(set(outputs)) == 1
    assert calls.read_text() == "x\n"


def test_a_variable_before_a_command_counts_whatever_is_cached(host: Host, tmp_path: Path) -> None:
    line, calls = counting(tmp_path, f"echo {jwt(3600)}")
    settings = configured(host, line, 'env = { password = "TOKEN" }', 'source = ["env", "command"]')
    ask(settings, host, URL)
    for value in (jwt(4000), jwt(5000)):
        (answer,) = ask(settings, Host({**host.environ, "TOKEN": value}, host.cwd), URL)

        assert answer.credential is not None
        assert answer.credential.secret.reveal() == value
    assert ask(settings, host, URL)[0].credential.secret.reveal() == jwt(3600)  # type: ignore[union-attr]
    assert calls.read_text() == "x\n"


def test_a_token_that_says_it_has_ended_is_no_answer_and_the_chain_goes_on(host: Host, tmp_path: Path) -> None:
    line, _ = counting(tmp_path)
    settings = configured(host, line, 'env = { password = "TOKEN" }', 'source = ["env", "command"]')
    (answer,) = ask(settings, Host({**host.environ, "TOKEN": jwt(-7200)}, host.cwd), URL)

    assert answer.credential is not None
    assert answer.credential.source == "command"
    assert answer.tried[0] == ("env", "its token expired 2 h ago by this machine's clock")


def test_a_netrc_entry_of_another_user_than_the_configured_one_is_no_answer(host: Host, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine pypi.corp.example login bob password x\n")
    (other,) = ask(configured(host, 'username = "alice"'), host, URL)
    (same,) = ask(configured(host, 'username = "bob"'), host, URL)

    assert other.credential is None
    assert ("netrc", "has 'bob' for pypi.corp.example, not 'alice'") in other.tried
    assert same.credential is not None
    assert same.credential.found_by_tool


def test_a_netrc_that_is_a_pipe_is_left_for_the_tool(host: Host, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".netrc")
    (answer,) = ask(Settings(), host, URL)

    assert answer.credential is None


@pytest.mark.parametrize(
    ("lines", "hint"),
    [
        ((), "shim login corp"),
        (('source = ["stored"]',), "shim login corp --store file"),
        (('env = { password = "TOKEN" }',), "export TOKEN"),
        (('file = { password = "/run/secrets/corp" }',), "put the secret into /run/secrets/corp"),
        (('source = ["netrc", "pypirc"]',), "check the sources of [[index]] corp in "),
        (('ambient = { audience = "x" }',), "outside CI jobs it takes another source"),
    ],
)
def test_the_hint_is_something_that_the_sources_would_notice(lines: tuple[str, ...], hint: str, host: Host) -> None:
    settings = configured(host, *lines)
    (answer,) = ask(settings, host, URL)

    assert answer.credential is None
    assert hint_for(answer, settings.indexes[0]).startswith(hint)


def test_status_says_what_resolving_would(host: Host) -> None:
    plain = "http://pypi.corp.example/simple/"
    settings = configured(host, 'env = { password = "TOKEN" }', url=plain)
    asked = Host({**host.environ, "TOKEN": "x"}, host.cwd)

    (found,) = find_states(settings, asked, offline=True)
    assert found.entry.tried[0][0] == "scope"
    assert "plain http" in found.entry.tried[0][1]
    (found,) = find_states(configured(host, 'env = { password = "TOKEN" }'), asked, offline=True)
    assert found.entry.credential
    assert (found.entry.provided_by, found.entry.credential.username) == ("env", "__token__")


def test_twenty_processes_with_an_expired_token_make_one_request(host: Host, tmp_path: Path) -> None:
    line, calls = counting(tmp_path, "sleep 1; echo token")
    settings = configured(host, line, 'max-age = "1h"')
    query = Query(Endpoint(parse_url(URL), Origin("argv", "-i")), settings.indexes[0], host)
    old = Credential("__token__", Secret("old"), settings.indexes[0].scope, "command", time.time() - 10)
    assert token_cache.put(cache_key(query), old, host)
    outputs = in_parallel(host, 20)

    assert outputs == ["token\n"] * 20
    assert calls.read_text() == "x\n"
