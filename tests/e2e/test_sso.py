"""Single sign-on as a user meets it: on a real terminal, with real pips and uvs, many at once, beside posit-keyring and with a real provider."""

from __future__ import annotations

import re
import subprocess
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from shim.storage.record_format import read_record
from tests.support import machine, toolchains
from tests.support.glewlwyd import CLIENT, MISSING, Glewlwyd, glewlwyd
from tests.support.login_server import USER_CODE, LoginServer, jwt
from tests.support.terminal import Terminal
from tests.support.world import World

Packages = tuple[str, dict[str, list[str]]]


@pytest.fixture
def server(packages: Packages) -> Iterator[LoginServer]:
    with LoginServer(packages) as made:
        made.answers = ["authorization_pending"]
        yield made


@pytest.fixture
def world(world: World, server: LoginServer) -> World:
    world.configure(f'[[index]]\nname = "corp"\nurl = "{server.url}/simple/"\nposit = {{ address = "{server.url}" }}\n')
    return world


def terminal(world: World, **environ: str) -> Terminal:
    return Terminal(["bash", "--norc", "--noprofile", "-i"], {**world.environ, "PS1": "", "TERM": "xterm", **environ}, str(world.cwd))


def install(server: LoginServer, number: int = 0) -> str:
    return f"pip download -q --no-deps -d got-{number} -i {server.url}/simple/ corp-lib"


def tokens_of(world: World) -> dict[str, str]:
    document = tomllib.loads((world.folder / "home" / ".ppm" / "tokens.toml").read_text())
    return {entry["address"]: entry["token"] for entry in document["connections"]}


def test_pip_on_a_terminal_logs_in_first_and_then_runs(world: World, server: LoginServer) -> None:
    world.use(toolchains.pip("newest"))
    with terminal(world) as shell:
        shell.start(f"{install(server)}; echo status=$?", f"code  {USER_CODE}")
        shell.until("left (Ctrl-C gives up)")
        server.answers = ["ok"]
        said = shell.until("status=0")

    assert list((world.cwd / "got-0").glob("corp_lib-*"))
    assert "Traceback" not in said
    assert server.paths("/__api__/device") == 1
    assert tokens_of(world).keys() == {server.url}


def test_the_countdown_fits_a_narrow_terminal(world: World, server: LoginServer) -> None:
    world.use(toolchains.pip("newest"))
    with terminal(world) as shell:
        shell.resize(24, 40)
        text = shell.start(install(server), "waiting for you") + shell.until("\x1b[K")
        shell.press("\x03")

    lines = [line.removesuffix("\x1b[K") for line in re.split(r"[\r\n]+", text) if "waiting for you" in line]
    assert lines
    assert max(map(len, lines)) < 40, "a wider line would be written below itself every second"


def test_ctrl_c_ends_a_login_cleanly_and_leaves_nothing(world: World, server: LoginServer) -> None:
    world.use(toolchains.pip("newest"))
    with terminal(world) as shell:
        shell.start(f"{install(server)}; echo status=$?", "left (Ctrl-C gives up)")
        shell.press("\x03")
        said = shell.until("status=130")

    assert "Traceback" not in said
    assert "shim:" not in said
    assert not (world.folder / "home" / ".ppm").exists()
    assert not (world.cwd / "got-0").exists()


def test_a_second_command_waits_for_the_login_of_the_first_and_says_so(world: World, server: LoginServer) -> None:
    world.use(toolchains.pip("newest"))
    with terminal(world) as first, terminal(world) as second:
        first.start(f"{install(server, 1)}; echo first=$?", f"code  {USER_CODE}")
        second.start(
            f"{install(server, 2)}; echo second=$?",
            f"shim: another command is logging in at {server.url}, or renews that login: waiting for it",
        )
        server.answers = ["ok"]
        first.until("first=0")
        second.until("second=0")

    assert server.paths("/__api__/device") == 1


def test_twenty_commands_at_once_on_a_terminal_need_one_login(world: World, server: LoginServer) -> None:
    world.use(toolchains.pip("newest"))
    jobs = "".join(f"( {install(server, number)} && echo good >good-{number} ) & " for number in range(20))
    with terminal(world) as shell:
        shell.start(f"{jobs} wait; echo all=over", f"code  {USER_CODE}")
        server.answers = ["ok"]
        shell.until("all=over", timeout_s=240)

    assert len(list(world.cwd.glob("good-*"))) == 20
    assert server.paths("/__api__/device") == 1
    assert server.paths("/__api__/token") == 1


def test_twenty_commands_at_once_without_a_terminal_fail_at_once_and_ask_nobody(world: World, server: LoginServer) -> None:
    world.use(toolchains.pip("newest"))
    command = ["/usr/bin/env", *install(server).split()]
    began = time.monotonic()
    processes = [
        subprocess.Popen(command, env=world.environ, cwd=world.cwd, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for _ in range(20)
    ]
    outputs = [process.communicate(timeout=120)[1] for process in processes]
    print(f"twenty failures took {time.monotonic() - began:.1f} s")

    assert {process.returncode for process in processes} == {77}
    for said in outputs:
        assert "error[no-credential]: no credential for" in said
        assert "there is no terminal to ask at" in said
        assert said.endswith("hint: shim login corp\n")
    assert server.requests == []


@pytest.mark.parametrize("kind", ["pip", "uv"])
def test_a_variable_alone_is_enough_and_wins_over_a_stale_netrc(kind: str, world: World, server: LoginServer) -> None:
    world.config.unlink()
    server.answers = ["ok"]
    environ = {"PACKAGEMANAGER_ADDRESS": server.url}
    netrc = world.folder / "home" / ".netrc"
    netrc.write_text("machine 127.0.0.1 login __token__ password stale\n")
    netrc.chmod(0o600)
    logged_in = world.shim("login", f"{server.url}/simple/", **environ)
    assert logged_in.returncode == 0, logged_in.stderr
    assert "answers __token__" in logged_in.stdout

    world.use(toolchains.pip("newest") if kind == "pip" else toolchains.uv())
    venv = [toolchains.uv().path, "venv", "-q", "venv", "--python", toolchains.python_for()]
    assert world.run(*venv).returncode == 0
    index = f"{server.url}/simple/"
    uv = ["uv", "pip", "install", "-q", "--python", "venv", "--default-index", index, "corp-lib"]
    done = world.run(*(install(server).split() if kind == "pip" else uv), **environ)

    assert done.returncode == 0, done.stderr
    assert server.paths("/__api__/device") == 1


def test_login_status_and_logout_say_where_and_until_when_and_never_the_token(world: World, server: LoginServer) -> None:
    server.answers = ["ok"]
    logged_in = world.shim("login", "corp")
    (token,) = tokens_of(world).values()
    status = world.shim("status")
    with_json = world.shim("status", "--json")
    out = world.shim("logout", "corp")
    after = world.shim("status")

    assert f"logged in at {server.url} as alice, until 60 min from now" in logged_in.stdout
    assert re.search(r"as __token__, ends in (59|60) min; login at \S+ as alice", status.stdout)
    assert '"account": "alice"' in with_json.stdout
    assert f"removed from login: {server.url}: its token is forgotten" in out.stdout
    assert f"answered by posit: would ask for a login at {server.url}\n" in after.stdout
    assert "alice" not in after.stdout
    assert (world.folder / "home" / ".ppm" / "tokens.toml").read_text() == ""
    for said in (logged_in, status, with_json, out, after):
        assert token not in said.stdout + said.stderr
    assert world.shim("logout", "--all").stdout == "nothing was stored\n"


@pytest.mark.parametrize(("text", "status"), [("token", 0), ("not a token", 77), ("ey.but.no", 77), (None, 77)])
def test_an_identity_in_a_file_is_exchanged_if_it_is_one(text: str | None, status: int, world: World, server: LoginServer) -> None:
    file = world.folder / "config" / "identity"
    if text is not None:
        file.write_text(jwt(sub="job", exp=int(time.time()) + 600) if text == "token" else text)
        file.chmod(0o600)
    found = world.shim("token", "corp", PACKAGEMANAGER_IDENTITY_TOKEN_FILE=str(file), CI="true")

    assert server.paths("/__api__/device") == 0
    assert server.paths("/__api__/token") == (1 if status == 0 else 0), "what is no identity is sent nowhere"
    if status == 0:
        assert found.stdout.count(".") == 2
        assert not (world.folder / "home" / ".ppm").exists(), "a job's token is not a person's"
    else:
        assert found.returncode in (69, 77)
        assert str(file) in found.stderr


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Glewlwyd]:
    machine.skip_without(MISSING)
    folder = tmp_path / "glewlwyd"
    folder.mkdir()
    with glewlwyd(folder) as made:
        yield made


def post(url: str, **form: str) -> int:
    """Return the status of a POST."""
    try:
        with urlopen(url, urlencode(form).encode(), timeout=30) as response:
            return int(response.status)
    except HTTPError as error:
        with error:
            return error.code


def refresh_token(world: World) -> str:
    (file,) = (world.folder / "runtime" / "shim" / "tokens").glob("*.refresh")
    record = read_record(str(file))
    assert record is not None
    assert str(record.scope).startswith("http://127.0.0.1:"), "for the provider alone"
    return record.secret.reveal()


def test_a_real_provider_login_refresh_with_rotation_replay_refused_and_logout(
    world: World, server: LoginServer, provider: Glewlwyd
) -> None:
    world.configure(
        f'[[index]]\nname = "corp"\nurl = "{server.url}/simple/"\n'
        f'oidc = {{ issuer = "{provider.issuer}", client-id = "{CLIENT}", scopes = ["openid"] }}\n'
    )
    world.use(toolchains.pip("newest"))
    with terminal(world) as shell:
        shown = shell.start("shim login corp --no-verify; echo status=$?", "(compare")
        provider.approve(shown.partition("  code  ")[2].split()[0])
        said = shell.until("status=0")
    assert f"logged in at {provider.issuer}" in said

    first = refresh_token(world)
    token = world.shim("token", "corp").stdout.strip()
    server._tokens.add(token)
    done = world.run(*install(server).split())
    assert done.returncode == 0, done.stderr

    renewed = world.shim("token", "corp", SHIM_REFRESH="1").stdout.strip()
    second = refresh_token(world)
    assert renewed not in ("", token)
    assert second != first, "it was rotated"
    again = world.shim("token", "corp", SHIM_REFRESH="1").stdout.strip()
    third = refresh_token(world)
    assert again not in ("", renewed)
    assert third not in (first, second)

    out = world.shim("logout", "corp")
    assert re.search(rf"removed from login: {re.escape(provider.issuer)} \(\S+\): revoked", out.stdout), out.stdout + out.stderr
    form = {"grant_type": "refresh_token", "client_id": CLIENT}
    assert post(f"{provider.issuer}/token", **form, refresh_token=third) == 400, "it was really revoked"
    assert post(f"{provider.issuer}/token", **form, refresh_token=second) == 400, "and a used one is good for nothing"
    after = world.shim("token", "corp")
    assert (after.returncode, after.stdout) == (77, "")
    assert "hint: shim login corp" in after.stderr


def test_a_replayed_refresh_token_ends_the_session_and_we_ask_to_log_in_again(
    world: World, server: LoginServer, provider: Glewlwyd
) -> None:
    world.configure(
        f'[[index]]\nname = "corp"\nurl = "{server.url}/simple/"\n'
        f'oidc = {{ issuer = "{provider.issuer}", client-id = "{CLIENT}", scopes = ["openid"] }}\n'
    )
    with terminal(world) as shell:
        shown = shell.start("shim login corp --no-verify; echo status=$?", "(compare")
        provider.approve(shown.partition("  code  ")[2].split()[0])
        shell.until("status=0")
    stolen = refresh_token(world)
    kept = world.shim("token", "corp", SHIM_REFRESH="1").stdout
    assert post(f"{provider.issuer}/token", grant_type="refresh_token", client_id=CLIENT, refresh_token=stolen) == 400

    assert world.shim("token", "corp", SHIM_REFRESH="1").stdout == kept, "the token still holds, the login does not"
    world.shim("cache", "clear")
    after = world.shim("token", "corp")
    assert after.returncode == 77
    assert "hint: shim login corp" in after.stderr
