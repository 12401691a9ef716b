"""Posit Package Manager as its other clients know it: the real posit-keyring beside us, and a server that others made the rules of."""

from __future__ import annotations

import json
import re
import subprocess
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import toolchains
from tests.support.long_way import is_hot
from tests.support.package_manager import PackageManager, package_managers
from tests.support.world import World

Packages = tuple[str, dict[str, list[str]]]
NOBODY = "[no-credential]: no credential for"


@pytest.fixture(scope="module")
def servers(packages: Packages) -> Iterator[list[PackageManager]]:
    with package_managers(8, packages[0]) as made:
        yield made


@pytest.fixture
def server(servers: list[PackageManager]) -> PackageManager:
    return servers[0]


@pytest.fixture
def world(world: World, server: PackageManager) -> World:
    world.configure(f'[[index]]\nname = "corp"\nurl = "{server.url}/simple/"\nposit = {{ address = "{server.url}" }}\n')
    return world


def tokens_file(world: World) -> Path:
    return world.folder / "home" / ".ppm" / "tokens.toml"


def tokens_of(world: World) -> dict[str, str]:
    return {entry["address"]: entry["token"] for entry in tomllib.loads(tokens_file(world).read_text())["connections"]}


@contextmanager
def running(world: World, *command: object, **environ: str) -> Iterator[subprocess.Popen[str]]:
    """Start a command without a terminal; what it says can be read while it runs."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    words = ["/usr/bin/env", *map(str, command)]
    with subprocess.Popen(words, env={**world.environ, **environ}, stdin=subprocess.DEVNULL, text=True, **pipes) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.kill()


def shown_code(process: subprocess.Popen[str]) -> str:
    """Return the code that a login shows: two times four letters, after which it waits."""
    assert process.stderr
    for line in process.stderr:
        for word in line.split():
            if len(word) == 9 and word[4] == "-" and word.replace("-", "").isupper():
                return word
    raise AssertionError("it shows no code")


def log_in(world: World, server: PackageManager, answer: str = "yes") -> tuple[int, str]:
    """Log in as `shim login` does; return its status and what else it said."""
    with running(world, "shim", "login", "corp") as process:
        server.answer(shown_code(process), answer)
        said, more = process.communicate(timeout=60)
    return process.returncode, said + more


def test_posit_keyring_and_we_read_what_the_other_wrote(world: World, server: PackageManager) -> None:
    other = toolchains.program("keyring", "keyring", "posit-keyring", "toml", "requests", "setuptools<81")
    environ = {"PACKAGEMANAGER_ADDRESS": server.url, "PYTHON_KEYRING_BACKEND": "posit_keyring.backends.PackageManagerKeyring"}
    get = [other.path, "get", server.netloc, "__token__"]
    file = tokens_file(world)
    file.parent.mkdir(mode=0o700)
    file.write_text('# others\n[[connections]]\naddress = "https://other.example"\ntoken = "theirs"\nauth_type = "sso"\n')
    file.chmod(0o600)
    begun = server.asked("/__api__/device")

    assert log_in(world, server)[0] == 0
    theirs = world.run(*map(str, get), **environ)
    assert theirs.stdout.strip() == tokens_of(world)[server.url], theirs.stderr
    assert server.asked("/__api__/device") == begun + 1, "it found ours, and the server takes it"
    assert file.read_text().startswith("# others\n")

    assert world.shim("logout", "corp").returncode == 0
    with running(world, *get, **environ) as process:
        server.answer(shown_code(process))
        written = process.communicate(timeout=60)[0].strip()
    world.use(toolchains.pip("newest"))
    done = world.run("pip", "download", "-q", "--no-deps", "-d", "got", "-i", f"{server.url}/simple/", "corp-lib")
    assert (done.returncode, done.stderr) == (0, ""), "pip installs with theirs"
    assert server.asked("/__api__/device") == begun + 2, "we found theirs"
    assert tokens_of(world) == {"https://other.example": "theirs", server.url: written}


def test_a_login_that_somebody_denies_is_over_and_writes_nothing(world: World, server: PackageManager) -> None:
    status, said = log_in(world, server, "no")

    assert status == 69
    assert f"the login at {server.url} was denied" in said
    assert "hint: " in said
    assert not tokens_file(world).exists()


def end_tokens(world: World, expires_at: float) -> None:
    """Let every token that was kept end then."""
    folder = world.folder / "runtime" / "shim" / "tokens"
    for record in (path for path in folder.iterdir() if path.suffix in (".token", ".session")):
        record.write_text(re.sub(r"(?m)^expires_at=.*$", f"expires_at={expires_at}", record.read_text()))


def test_a_record_ends_with_its_token_and_a_login_makes_the_next_command_right(
    world: World, server: PackageManager, watched_prefix: Path
) -> None:
    world.prefix = watched_prefix
    world.use(toolchains.uv())
    index, target = f"{server.url}/simple/", str(world.folder / "installed")
    command = ["uv", "pip", "install", "--no-deps", "--target", target, "--default-index", index, "corp-lib"]
    assert log_in(world, server)[0] == 0
    assert [is_hot(world, command) for _ in range(2)] == [False, True]
    end_tokens(world, time.time() + 200)
    assert not is_hot(world, command), "it could end before the command does"
    end_tokens(world, time.time() - 1)
    assert NOBODY in world.run(*command).stderr

    assert log_in(world, server)[0] == 0
    assert [is_hot(world, command) for _ in range(2)] == [False, True]
    text = tokens_file(world).read_text()
    tokens_file(world).write_text("")  # as R's `ppm_sso_logout()` does
    assert NOBODY in world.run(*command).stderr, "a record is nobody's login"
    tokens_file(world).write_text(text)
    assert not is_hot(world, command), "who has logged in elsewhere is logged in here"


def test_explain_audit_and_doctor_know_a_login(world: World, server: PackageManager) -> None:
    world.use(toolchains.pip("newest"))
    command = ["pip", "download", "--no-deps", "-d", "got", "-i", f"{server.url}/simple/", "corp-lib"]
    begun = server.asked("/__api__/device")
    before = world.shim("explain", "--", *command)
    assert "posit (nobody is logged in at" in before.stdout + before.stderr
    assert server.asked("/__api__/device") == begun, "it asked nobody to log in"

    assert log_in(world, server)[0] == 0
    token = tokens_of(world)[server.url]
    assert re.search(r"answered by (posit|cache) as __token__", world.shim("explain", "--", *command).stdout)
    assert world.run(*command).returncode == 0
    (entry,) = json.loads(world.shim("doctor", "--audit", "--json").stdout)["entries"]
    assert (entry["source"], entry["username"], entry["scope"]) == ("posit", "__token__", f"{server.url}/")
    assert token not in json.dumps(entry)

    for text, mode, said in [
        ("[[", 0o600, "is not valid TOML"),
        ("version = 2\n", 0o600, "of a newer version"),
        ("", 0o644, "can be read"),
    ]:
        tokens_file(world).write_text(text)
        tokens_file(world).chmod(mode)
        findings = json.loads(world.shim("doctor", "--json").stdout)["findings"]
        (found,) = (finding for finding in findings if finding["where"] == "tokens.toml")
        assert (found["level"], said in found["text"]) == ("problem", True), found


def test_eight_logins_to_eight_servers_at_once_keep_all_eight_entries(world: World, servers: list[PackageManager]) -> None:
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    processes = [
        subprocess.Popen(
            ["/usr/bin/env", "shim", "login", "--no-verify", each.url],
            env={**world.environ, "PACKAGEMANAGER_ADDRESS": each.url},
            **pipes,  # type: ignore[call-overload]
        )
        for each in servers
    ]
    codes = [shown_code(process) for process in processes]
    for server, code in zip(servers, codes, strict=True):
        server.answer(code)
    said = [process.communicate(timeout=120)[1] for process in processes]

    assert [process.returncode for process in processes] == [0] * 8, said
    assert tokens_of(world).keys() == {each.url for each in servers}
