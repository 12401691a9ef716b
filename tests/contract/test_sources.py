"""One suite for every source: None for what is not theirs, a credential for what is, an error for what is theirs and broken."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from shim.errors import SourceError
from shim.host import Host
from shim.model import Credential, Need, Origin, Secret
from shim.settings import CommandSource, IndexConfig, Lookup
from shim.sources import SOURCES, Query, load_source
from shim.store import stored
from shim.urls import parse_url, scope_of_index

URL = "https://pypi.corp.example/team/simple/"
SECRETS = ["plain", ": @/%# 'x'", "t" * 2000, "pässwörd€"]


def index_config(**fields: object) -> IndexConfig:
    url = parse_url(URL)
    values = dict(
        name="corp",
        url=url,
        scope=scope_of_index(url),
        username=None,
        source=("env",),
        source_is_explicit=True,
        insecure=False,
        max_age_s=None,
        on_failure="stop",
        verify_url=url,
        command=None,
        env=None,
        file=None,
        defined_in="/etc/xdg/shim/config.toml",
    )
    return IndexConfig(**{**values, **fields})  # type: ignore[arg-type]


def host_in(folder: Path, **environ: str) -> Host:
    return Host({"HOME": str(folder), "PATH": "/usr/bin:/bin", **environ}, str(folder))


def query(host: Host, url: str = URL, username: str | None = None, **fields: object) -> Query:
    return Query(Need(parse_url(url), Origin("argv", "-i"), username=username), index_config(**fields), host)


Prepared = tuple[Query, Query]
"""A query that the source can answer, and the same for a host of which it knows nothing."""


def with_env(folder: Path, secret: str) -> Prepared:
    fields = {"env": Lookup("CORP_PASSWORD", None)}
    return query(host_in(folder, CORP_PASSWORD=secret), **fields), query(host_in(folder), **fields)


def with_file(folder: Path, secret: str) -> Prepared:
    (folder / "secret").write_text(secret + "\n")
    (folder / "secret").chmod(0o600)
    found, missing = ({"file": Lookup(str(folder / name), None)} for name in ("secret", "none"))
    return query(host_in(folder), **found), query(host_in(folder), **missing)


def with_command(folder: Path, secret: str) -> Prepared:
    (folder / "secret").write_text(secret + "\n")
    command = CommandSource(("/bin/cat", str(folder / "secret")), 10.0, False)
    return query(host_in(folder), command=command), query(host_in(folder))


def with_netrc(folder: Path, secret: str) -> Prepared:
    escaped = secret.replace("\\", "\\\\").replace('"', '\\"')
    (folder / ".netrc").write_text(f'machine pypi.corp.example login __token__ password "{escaped}"\ndefault login x password y\n')
    host = host_in(folder)
    return query(host), query(host, "https://other.example/simple/")


def with_stored(folder: Path, secret: str) -> Prepared:
    host = host_in(folder)
    stored.put(Credential("__token__", Secret(secret), scope_of_index(parse_url(URL)), "login"), host)
    return query(host), query(host, "https://other.example/simple/")


def with_keyring(folder: Path, secret: str) -> Prepared:
    """A backend in this process: the contract is about our side of it; tests/e2e asks a real gnome-keyring."""
    import keyring
    from keyring.backend import KeyringBackend
    from keyring.credentials import SimpleCredential

    class Backend(KeyringBackend):
        priority = 1

        def get_password(self, service: str, username: str) -> str | None:
            return secret if (service, username) == (URL, "__token__") else None

        def set_password(self, service: str, username: str, password: str) -> None:
            raise NotImplementedError

        def get_credential(self, service: str, username: str | None) -> SimpleCredential | None:
            return SimpleCredential("__token__", secret) if service == URL else None

    keyring.set_keyring(Backend())
    host = host_in(folder)
    elsewhere = Query(Need(parse_url("https://other.example/simple/"), Origin("argv", "-i")), None, host)
    return query(host), elsewhere


PREPARE: dict[str, Callable[[Path, str], Prepared]] = {
    "env": with_env,
    "file": with_file,
    "command": with_command,
    "netrc": with_netrc,
    "keyring": with_keyring,
    "stored": with_stored,
}


@pytest.fixture(autouse=True)
def no_real_keyring(monkeypatch: pytest.MonkeyPatch):
    import keyring

    before = keyring.get_keyring()
    yield
    keyring.set_keyring(before)


def test_every_source_is_held_by_this_suite() -> None:
    assert set(PREPARE) == set(SOURCES)


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("secret", SECRETS, ids=["plain", "awkward", "2000 characters", "letters"])
def test_it_gives_the_secret_unchanged_with_a_scope_that_covers_the_index(name: str, secret: str, tmp_path: Path) -> None:
    asked, _ = PREPARE[name](tmp_path, secret)
    found = load_source(name).find(asked)

    assert found is not None
    assert found.secret.reveal() == secret
    assert found.username == "__token__"
    assert found.source == name
    assert found.scope.covers(parse_url(URL))
    assert not found.scope.covers(parse_url("https://pypi.corp.example:8443/team/simple/"))
    assert not found.scope.covers(parse_url("http://pypi.corp.example/team/simple/"))


@pytest.mark.parametrize("name", SOURCES)
def test_it_has_nothing_where_it_knows_nothing_and_says_so(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    _, elsewhere = PREPARE[name](tmp_path, "canary")

    assert load_source(name).find(elsewhere) is None
    assert all(source == name for source, _ in elsewhere.notes)
    assert "canary" not in repr(elsewhere.notes)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["env", "keyring", "stored"])
@pytest.mark.parametrize("secret", ["canary\nmachine evil login x password y", "can\0ary", "canary\r", "canary\x7f"])
def test_a_secret_with_a_control_character_is_refused(name: str, secret: str, tmp_path: Path) -> None:
    asked, _ = PREPARE[name](tmp_path, secret)
    with pytest.raises(SourceError, match="control character") as caught:
        load_source(name).find(asked)

    assert "canary" not in caught.value.message


@pytest.mark.parametrize("name", SOURCES)
def test_it_says_the_end_of_a_jwt(name: str, tmp_path: Path) -> None:
    jwt = "eyJhbGciOiJub25lIn0.eyJleHAiOjQxMDI0NDQ4MDB9.x"
    asked, _ = PREPARE[name](tmp_path, jwt)
    found = load_source(name).find(asked)

    assert found is not None
    assert found.expires_at == (None if name == "netrc" else 4102444800.0), "a netrc is read by the tool"


BROKEN: dict[str, tuple[Callable[[Path], Query], str]] = {
    "file: loose": (lambda folder: _file(folder, b"x\n", 0o644), "can be read by everybody (mode 0644)"),
    "file: empty": (lambda folder: _file(folder, b"\n"), "does not hold exactly one line"),
    "file: two lines": (lambda folder: _file(folder, b"a\nb\n"), "does not hold exactly one line"),
    "file: not UTF-8": (lambda folder: _file(folder, b"\xff\n"), "is not UTF-8"),
    "file: huge": (lambda folder: _file(folder, b"x" * 70000), "too large"),
    "file: a folder": (lambda folder: query(host_in(folder), file=Lookup(str(folder), None)), "cannot be read"),
    "command: fails": (lambda folder: _command(folder, "exit 3"), "failed (exit status 3)"),
    "command: nothing": (lambda folder: _command(folder, "true"), "printed nothing"),
    "command: two lines": (lambda folder: _command(folder, "echo a; echo b"), "printed 2 lines"),
    "command: NUL": (lambda folder: _command(folder, "printf 'a\\0b\\n'"), "printed 1 lines"),
    "command: too much": (lambda folder: _command(folder, "yes"), "more than 65536 bytes"),
    "command: too slow": (lambda folder: _command(folder, "sleep 60", 0.5), "took longer than 0.5 s"),
    "command: leaves a child": (lambda folder: _command(folder, "sleep 60 & sleep 60", 0.5), "took longer than 0.5 s"),
    "command: closes its output": (lambda folder: _command(folder, "echo a; exec >&-; sleep 60", 0.5), "took longer than 0.5 s"),
    "command: missing": (lambda folder: query(host_in(folder), command=CommandSource(("no-such-program",), 5.0, False)), "is not on PATH"),
    "command: relative": (lambda folder: query(host_in(folder), command=CommandSource(("./give",), 5.0, False)), "is a relative path"),
    "command: escape": (lambda folder: _command(folder, "printf 'canary\\033[2J'"), "control character"),
    "netrc: broken": (lambda folder: _netrc(folder, "machine x login y passwd canary\n"), "line 1, is not understood"),
}


def _file(folder: Path, data: bytes, mode: int = 0o600) -> Query:
    (folder / "secret").write_bytes(data)
    (folder / "secret").chmod(mode)
    return query(host_in(folder), file=Lookup(str(folder / "secret"), None))


def _command(folder: Path, script: str, timeout_s: float = 10.0) -> Query:
    return query(host_in(folder), command=CommandSource(("/bin/sh", "-c", script), timeout_s, False))


def _netrc(folder: Path, text: str) -> Query:
    (folder / ".netrc").write_text(text)
    return query(host_in(folder))


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_broken_is_one_error_with_a_hint_and_without_the_secret(case: str, tmp_path: Path) -> None:
    prepare, message = BROKEN[case]
    with pytest.raises(SourceError) as caught:
        load_source(case.partition(":")[0]).find(prepare(tmp_path))

    assert message in caught.value.message
    assert caught.value.hint
    assert "canary" not in caught.value.message


def test_a_docker_secret_may_be_readable_by_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from shim.sources import file

    monkeypatch.setattr(file, "SHARED", f"{tmp_path}/")
    found = file.find(_file(tmp_path, b"canary\n", 0o444))

    assert found is not None


def test_a_command_runs_in_the_root_without_git_and_with_a_safe_path(tmp_path: Path) -> None:
    loose = tmp_path / "loose"
    loose.mkdir()
    loose.chmod(0o777)
    host = host_in(tmp_path, GIT_DIR="/evil", PATH=f"relative:{loose}::/usr/bin:/bin")
    script = 'echo "$PWD|${GIT_DIR-none}|$PATH|$INDEX_URL|$INDEX_HOST"'
    found = load_source("command").find(query(host, command=CommandSource(("/bin/sh", "-c", script), 10.0, False)))

    assert found is not None
    assert found.secret.reveal() == f"/|none|/usr/bin:/bin|{URL}|pypi.corp.example"


@pytest.mark.parametrize("start", ["sleep 7 &", "setsid sleep 7 &"])
def test_an_agent_that_a_command_leaves_behind_is_not_waited_for(start: str, tmp_path: Path) -> None:
    began = time.monotonic()
    found = load_source("command").find(_command(tmp_path, f"{start} echo token", 5.0))

    assert found is not None
    assert found.secret.reveal() == "token"
    assert time.monotonic() - began < 4


def test_a_command_that_is_too_slow_is_given_up_in_time_whatever_it_left_behind(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(SourceError, match="took longer"):
        load_source("command").find(_command(tmp_path, "setsid sleep 7 & sleep 60", 0.5))

    assert time.monotonic() - began < 4


def test_a_command_may_print_a_secret_in_pieces(tmp_path: Path) -> None:
    found = load_source("command").find(_command(tmp_path, "printf tok; sleep 0.3; echo en"))

    assert found is not None
    assert found.secret.reveal() == "token"


def test_max_age_gives_a_commands_secret_an_end(tmp_path: Path) -> None:
    asked, _ = with_command(tmp_path, "token")
    aged = query(Host(asked.host.environ, "/", clock=lambda: 1000.0), command=asked.index.command, max_age_s=60.0)  # type: ignore[union-attr]
    found = load_source("command").find(aged)

    assert found is not None
    assert found.expires_at == 1060.0


def test_a_hanging_keyring_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    from threading import Event

    from shim.sources import keyring as source

    monkeypatch.setattr(source, "TIMEOUT_S", 0.2)
    released = Event()
    try:
        with pytest.raises(SourceError, match="did not answer within"):
            source.in_time(lambda: released.wait(60))
    finally:
        released.set()
