"""One suite for every source: None for what is not theirs, a credential for what is, an error for what is theirs and broken."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shim.config.index import CommandSource, IndexConfig, Lookup
from shim.config.logins import AmbientLogin, Logins, OidcLogin, read_address
from shim.core.errors import SourceError
from shim.core.host import Host
from shim.core.model import Credential, Endpoint, Origin, Secret
from shim.core.urls import parse_url, scope_of_index
from shim.credentials.oauth import token_session
from shim.credentials.sources import SOURCES, Query, load_source, oidc
from shim.net.json_api import JsonResponse
from shim.storage import saved_logins
from tests.support import machine
from tests.support.agents import serve
from tests.support.login_server import LoginServer, jwt

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
    return Query(Endpoint(parse_url(url), Origin("argv", "-i"), username=username), index_config(**fields), host)


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
    saved_logins.put(Credential("__token__", Secret(secret), scope_of_index(parse_url(URL)), "login"), host)
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
    elsewhere = Query(Endpoint(parse_url("https://other.example/simple/"), Origin("argv", "-i")), None, host)
    return query(host), elsewhere


def with_pypirc(folder: Path, secret: str) -> Prepared:
    section = "[corp]\nrepository = https://pypi.corp.example/team/upload/\n"
    (folder / ".pypirc").write_text(f"[distutils]\nindex-servers = corp\n{section}username = __token__\npassword = {secret}\n")
    (folder / ".pypirc").chmod(0o600)
    host = host_in(folder)
    return query(host), query(host, "https://other.example/simple/")


def with_known(folder: Path, secret: str) -> Prepared:
    """GitLab's job token, for the server that runs the job: the one known host that can have any name."""
    host = host_in(folder, CI_SERVER_URL="https://pypi.corp.example", CI_JOB_TOKEN=secret)
    return query(host, username="gitlab-ci-token"), query(host, "https://other.example/simple/")


def with_agent(folder: Path, secret: str) -> Prepared:
    """A real agent, whose host has the secret in a variable."""
    (folder / "host.toml").write_text(f'[[index]]\nurl = "{URL}"\nagent = true\nagent-permanent = true\nenv = {{ password = "CORP" }}\n')
    (folder / "host.toml").chmod(0o600)
    path = serve(host_in(folder, CORP=secret, SHIM_CONFIG_FILE=str(folder / "host.toml")))
    host = host_in(folder, SHIM_AGENT_SOCKET=path)
    return query(host), query(host, "https://other.example/simple/")


def with_posit(folder: Path, secret: str) -> Prepared:
    """As R and posit-keyring leave it."""
    (folder / ".ppm").mkdir(mode=0o700)
    file = folder / ".ppm" / "tokens.toml"
    file.write_text(f'[[connections]]\naddress = "https://pypi.corp.example"\ntoken = "{secret}"\nauth_type = "sso"\n')
    file.chmod(0o600)
    host = host_in(folder)
    known, unknown = (Logins(posit=read_address(f"https://{name}", "test")) for name in ("pypi.corp.example", "other.example"))
    return query(host, logins=known), query(host, logins=unknown)


def with_oidc(folder: Path, secret: str) -> Prepared:
    """As a login leaves it."""
    (folder / "runtime").mkdir(mode=0o700)
    host = host_in(folder, XDG_RUNTIME_DIR=str(folder / "runtime"))
    known, unknown = (Logins(oidc=OidcLogin(parse_url("https://login.example"), client)) for client in ("pip", "other"))
    asked = query(host, logins=known)
    token_session.keep("session", oidc.make_login(asked).key, token_session.make_token(asked, "oidc", Secret(secret), JsonResponse(200)), host)  # type: ignore[union-attr]
    return asked, query(host, logins=unknown)


EXCHANGE = LoginServer()


def with_ambient(folder: Path, secret: str) -> Prepared:
    """As in a job of GitLab, whose identity the index exchanges."""
    EXCHANGE.exchanged = secret
    ambient = AmbientLogin("corp", parse_url(f"{EXCHANGE.url}/exchange"))
    host = host_in(folder)
    return query(host, logins=Logins(ambient=ambient)), query(host)


@pytest.fixture(autouse=True, scope="module")
def exchange() -> Iterator[None]:
    with EXCHANGE:
        yield


@pytest.fixture(autouse=True)
def gitlab(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package `id` reads this process's environment, which no other source does."""
    monkeypatch.setenv("GITLAB_CI", "true")
    monkeypatch.setenv("CORP_ID_TOKEN", jwt(aud="corp"))


PREPARE: dict[str, Callable[[Path, str], Prepared]] = {
    "env": with_env,
    "file": with_file,
    "command": with_command,
    "posit": with_posit,
    "oidc": with_oidc,
    "ambient": with_ambient,
    "netrc": with_netrc,
    "pypirc": with_pypirc,
    "known": with_known,
    "keyring": with_keyring,
    "stored": with_stored,
    "agent": with_agent,
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
    assert found.username == ("gitlab-ci-token" if name == "known" else "__token__")
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
    "command: 100 MB": (lambda folder: _command(folder, "head -c 100000000 /dev/zero"), "more than 65536 bytes"),
    "command: dies": (lambda folder: _command(folder, "kill -9 $$"), "failed (exit status -9)"),
    "command: not UTF-8": (lambda folder: _command(folder, "printf '\\377'"), "not UTF-8"),
    "command: not JSON": (lambda folder: _command(folder, "echo canary", protocol="json"), "printed what is not JSON"),
    "command: a line break in JSON": (
        lambda folder: _command(folder, "printf '%s' '{\"password\": \"canary\\nx\"}'", protocol="json"),
        "control character",
    ),
    "command: empty in JSON": (lambda folder: _command(folder, 'echo \'{"password": ""}\'', protocol="json"), "an empty secret"),
    "command: no expiry": (
        lambda folder: _command(folder, 'echo \'{"password": "canary"}\'', protocol="json", fields=(("expires", "a.b"),)),
        "without a field 'a.b'",
    ),
    "command: git stops": (lambda folder: _command(folder, "echo quit=1", protocol="git"), "refuses to go on"),
    "command: docker fails": (lambda folder: _command(folder, "echo canary; exit 1", protocol="docker"), "failed (exit status 1)"),
    "command: bazel nothing": (lambda folder: _command(folder, "true", protocol="bazel"), "printed nothing"),
    "file: somebody else's": (lambda folder: _given_to(folder, 65534, 0o600, uid=65534), "belongs to another user (uid 65534)"),
    "file: a link to somebody else's": (lambda folder: _linked(_given_to(folder, 65534, 0o600, uid=65534)), "belongs to another user"),
    "file: a pipe without a writer": (lambda folder: _pipe(folder), "into which nobody writes"),  # noqa: PLW0108 (defined below)
    "file: a device": (lambda folder: query(host_in(folder), file=Lookup("/dev/zero", None)), "is not a file"),
    "file: relative": (lambda folder: query(host_in(folder), file=Lookup("secret", None)), "is not an absolute path"),
    "file: no home": (lambda folder: query(Host({}, str(folder)), file=Lookup("~/secret", None)), "is not an absolute path"),
    "env: loose dotenv": (lambda folder: _dotenv(folder, b"CORP=canary\n", 0o644), "can be read by everybody"),
    "env: dotenv not UTF-8": (lambda folder: _dotenv(folder, b"CORP=\xff\n"), "is not UTF-8"),
    "env: huge dotenv": (lambda folder: _dotenv(folder, b"#" * (1 << 20) + b"#"), "too large for a dotenv file"),
    "env: dotenv without the user name": (lambda folder: _dotenv(folder, b"CORP=canary\n", username="CORP_USER"), "CORP_USER is not"),
    "env: relative dotenv": (lambda folder: query(host_in(folder), env=Lookup("CORP", None, ".env")), "is not an absolute path"),
    "command: escape": (lambda folder: _command(folder, "printf 'canary\\033[2J'"), "control character"),
    "netrc: huge": (lambda folder: _netrc(folder, "#" * (1 << 20) + "\n"), "too large for a netrc"),
    "netrc: not UTF-8": (lambda folder: _netrc(folder, "machine x login y password canary\udcff\n"), "is not UTF-8"),
    "netrc: broken": (lambda folder: _netrc(folder, "machine x login y passwd canary\n"), "line 1, is not understood"),
}


def _file(folder: Path, data: bytes, mode: int = 0o600) -> Query:
    (folder / "secret").write_bytes(data)
    (folder / "secret").chmod(mode)
    return query(host_in(folder), file=Lookup(str(folder / "secret"), None))


def _command(folder: Path, script: str, timeout_s: float = 10.0, **fields: object) -> Query:
    return query(host_in(folder), command=CommandSource(("/bin/sh", "-c", script), timeout_s, False, **fields))  # type: ignore[arg-type]


def _given_to(folder: Path, gid: int, mode: int, uid: int) -> Query:
    machine.skip_without(machine.lacks_root())
    asked = _file(folder, b"canary\n")
    os.chown(folder / "secret", uid, gid)
    (folder / "secret").chmod(mode)
    return asked


def _linked(asked: Query) -> Query:
    folder = Path(asked.host.cwd)
    (folder / "link").symlink_to("secret")
    return query(asked.host, file=Lookup(str(folder / "link"), None))


def _pipe(folder: Path) -> Query:
    os.mkfifo(folder / "pipe", 0o600)
    return query(host_in(folder), file=Lookup(str(folder / "pipe"), None))


def _dotenv(folder: Path, data: bytes, mode: int = 0o600, username: str | None = None) -> Query:
    (folder / ".env").write_bytes(data)
    (folder / ".env").chmod(mode)
    return query(host_in(folder), env=Lookup("CORP", username, "~/.env"))


def _netrc(folder: Path, text: str) -> Query:
    (folder / ".netrc").write_bytes(os.fsencode(text))
    return query(host_in(folder))


@pytest.mark.parametrize(
    "text",
    [
        "machine pypi.corp.example\n  login alice\n  password p#1\ndefault login x password y\n",
        "# machine pypi.corp.example login x password y\nmachine pypi.corp.example login alice password p#1 # mine\n",
        'machine pypi.corp.example login "alice" password "p#1"\n',
        "macdef init\nmachine pypi.corp.example login x password y\n\nmachine pypi.corp.example login alice password p#1\n",
        "machine pypi.corp.example login old password y\nmachine pypi.corp.example login alice password p#1\n",
        "machine xpypi.corp.example login x password y machine pypi.corp.example login alice account z password p#1",
    ],
    ids=["lines", "comments", "quotes", "macdef", "twice", "one line"],
)
def test_a_netrc_is_read_as_the_tools_read_it(text: str, tmp_path: Path) -> None:
    found = load_source("netrc").find(_netrc(tmp_path, text))

    assert found is not None
    assert (found.username, found.secret.reveal(), found.found_by_tool) == ("alice", "p#1", True)


def test_a_truncated_netrc_has_no_password(tmp_path: Path) -> None:
    asked = _netrc(tmp_path, "machine pypi.corp.example login alice password")

    assert load_source("netrc").find(asked) is None
    assert asked.notes == [("netrc", "no password for pypi.corp.example")]


def test_the_default_of_a_netrc_is_for_nobody(tmp_path: Path) -> None:
    asked = _netrc(tmp_path, "default login alice password p\n")

    assert load_source("netrc").find(asked) is None
    assert asked.notes == [("netrc", "no entry for pypi.corp.example")]


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "/"])
def test_a_netrc_that_is_no_file_is_left_to_the_tool(path: str, tmp_path: Path) -> None:
    asked = query(host_in(tmp_path, NETRC=path))

    assert load_source("netrc").find(asked) is None


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_broken_is_one_error_with_a_hint_and_without_the_secret(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from shim.storage import private_files

    monkeypatch.setattr(private_files, "PIPE_TIMEOUT_S", 0.2)
    prepare, message = BROKEN[case]
    with pytest.raises(SourceError) as caught:
        load_source(case.partition(":")[0]).find(prepare(tmp_path))

    assert message in caught.value.message
    assert caught.value.hint
    assert "canary" not in caught.value.message


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "flawed"),
    [
        (0o600, 1000, 1000, False),
        (0o640, 1000, 1000, False),
        (0o640, 1000, 27, True),
        (0o620, 1000, 27, True),
        (0o640, 0, 27, False),
        (0o604, 0, 0, True),
        (0o602, 1000, 1000, True),
        (0o600, 1001, 1001, True),
    ],
    ids=["own", "private group", "group", "group writes", "root's gift", "everybody", "everybody writes", "foreign"],
)
def test_who_else_may_read_or_write_a_secrets_file(mode: int, uid: int, gid: int, flawed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    from shim.storage.private_files import find_flaw

    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    status = os.stat_result((0o100000 | mode, 0, 0, 1, uid, gid, 0, 0, 0, 0))

    assert (find_flaw(status, "/home/alice/secret") is not None) is flawed


def test_a_pipe_gives_what_its_writer_writes_in_pieces(tmp_path: Path) -> None:
    asked = _pipe(tmp_path)
    writer = subprocess.Popen(["/bin/sh", "-c", f"exec >{tmp_path}/pipe; printf tok; sleep 0.2; echo en"])
    found = load_source("file").find(asked)
    writer.wait(timeout=20)

    assert found is not None
    assert found.secret.reveal() == "token"


def test_a_dotenv_file_has_what_the_environment_has_not_and_is_taken_as_it_stands(tmp_path: Path) -> None:
    asked = _dotenv(tmp_path, b"export CORP='${HOME} # x' # comment\nCORP_USER=bob\n", username="CORP_USER")
    found = load_source("env").find(asked)
    own = query(host_in(tmp_path, CORP="mine", CORP_USER="me"), env=asked.index.env)  # type: ignore[union-attr]
    mine = load_source("env").find(own)

    assert found is not None
    assert mine is not None
    assert (found.username, found.secret.reveal()) == ("bob", "${HOME} # x")
    assert (mine.username, mine.secret.reveal()) == ("me", "mine")


def test_a_dotenv_file_that_is_not_there_is_no_answer(tmp_path: Path) -> None:
    asked = query(host_in(tmp_path), env=Lookup("CORP", None, "~/.env"))

    assert load_source("env").find(asked) is None
    assert asked.notes == [("env", "CORP is not set, nor in ~/.env")]


NOTHING = {
    "git": ("exit 128", "git"),
    "git, silent": ("true", "git"),
    "docker": ("echo credentials not found in native keychain; exit 1", "docker"),
    "bazel": ("echo '{\"headers\": {}}'", "bazel"),
}


@pytest.mark.parametrize("case", NOTHING)
def test_a_helper_that_has_nothing_is_not_broken(case: str, tmp_path: Path) -> None:
    script, protocol = NOTHING[case]
    asked = _command(tmp_path, script, protocol=protocol)

    assert load_source("command").find(asked) is None
    assert asked.notes == [("command", "/bin/sh has nothing for pypi.corp.example")]


def test_a_helper_reads_its_question_and_may_also_leave_it(tmp_path: Path) -> None:
    script = 'read -r first; [ "$first" = protocol=https ] && echo password=token; echo password_expiry_utc=4102444800'
    found = load_source("command").find(_command(tmp_path, script, protocol="git"))
    deaf = load_source("command").find(_command(tmp_path, "exec <&-; echo password=token", protocol="git"))

    assert found is not None
    assert deaf is not None
    assert (found.secret.reveal(), found.expires_at, found.username) == ("token", 4102444800.0, "__token__")


def test_a_docker_secret_may_be_readable_by_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from shim.credentials.sources import file
    from shim.storage import private_files

    monkeypatch.setattr(private_files, "SHARED", (f"{tmp_path}/",))
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


@pytest.mark.parametrize("start", ["sleep 60 &", "setsid sleep 60 &"])
def test_an_agent_that_a_command_leaves_behind_is_not_waited_for(start: str, tmp_path: Path) -> None:
    began = time.monotonic()
    found = load_source("command").find(_command(tmp_path, f"{start} echo token", 5.0))

    assert found is not None
    assert found.secret.reveal() == "token"
    assert time.monotonic() - began < 40


def test_a_command_that_is_too_slow_is_given_up_in_time_whatever_it_left_behind(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(SourceError, match="took longer"):
        load_source("command").find(_command(tmp_path, "setsid sleep 60 & sleep 60", 0.5))

    assert time.monotonic() - began < 40


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

    from shim.credentials.sources import keyring as source

    monkeypatch.setattr(source, "TIMEOUT_S", 0.2)
    released = Event()
    try:
        with pytest.raises(SourceError, match="did not answer within"):
            source.in_time(lambda: released.wait(60))
    finally:
        released.set()
