"""Broken configuration, cache, keyring and index: one clear message where a credential was needed, no effect where none was."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex
from tests.support import keyrings, machine, toolchains
from tests.support.world import CANARY, USER, World

GOOD = '[[index]]\nname = "corp"\nurl = "{url}"\nusername = "alice"\n'


def write(world: World, text: str | bytes, mode: int = 0o600) -> None:
    world.config.parent.mkdir(parents=True, exist_ok=True)
    world.config.write_bytes(text if isinstance(text, bytes) else text.encode())
    world.config.chmod(mode)


def replace(world: World, make: Callable[[Path], object]) -> None:
    """Put something in the configuration's place that is no file to read."""
    world.config.parent.mkdir(parents=True, exist_ok=True)
    world.config.unlink(missing_ok=True)
    make(world.config)


BROKEN: dict[str, tuple[Callable[[World, str], None], str, str]] = {
    "a misspelt key": (lambda world, good: write(world, good + 'sourse = ["keyring"]\n'), "unknown key 'sourse'", "did you mean 'source'?"),
    "a wrong type": (lambda world, good: write(world, good + "insecure = 1\n"), "insecure must be a boolean", "write insecure = false"),
    "a wrong word": (lambda world, good: write(world, 'channel = "loud"\n' + good), "channel must be one of", "auto"),
    "a list that is none": (
        lambda world, good: write(world, good + 'source = "keyring"\n'),
        "source must be an array of strings",
        '["keyring"]',
    ),
    "an unknown source": (
        lambda world, good: write(world, good + 'source = ["keyrin"]\n'),
        "unknown source 'keyrin'",
        "did you mean 'keyring'?",
    ),
    "no duration": (lambda world, good: write(world, good + 'max-age = "soon"\n'), "is not a duration", "12h"),
    "a password in the URL": (lambda world, good: write(world, good.replace("//", "//u:p@")), "holds a password", "shim login"),
    "no URL": (lambda world, good: write(world, '[[index]]\nname = "x"\n'), "has no url", "https://"),
    "not TOML": (lambda world, good: write(world, good + "[[["), "is not valid TOML", "correct that line"),
    "not UTF-8": (lambda world, good: write(world, good.encode() + b'\xff = "x"\n'), "is not UTF-8", "save it as UTF-8"),
    "brackets": (lambda world, good: write(world, good + "a = " + "[" * 100_000), "is not valid TOML", "correct that line"),
    "a key of many parts": (lambda world, good: write(world, good + "a." * 20_000 + "a = 1\n"), "keys of too many parts", "correct that line"),
    "a pipe": (lambda world, good: replace(world, os.mkfifo), "is a pipe", "hint: ls -l"),
    "a device": (lambda world, good: replace(world, lambda path: path.symlink_to("/dev/zero")), "is no regular file", "hint: ls -l"),
    "a folder": (lambda world, good: replace(world, Path.mkdir), "is a folder", "hint: ls -l"),
    "a huge file": (lambda world, good: replace(world, lambda path: (path.touch(), os.truncate(path, 1 << 40))), "is larger than", "hint: ls -l"),
    "others can write it": (lambda world, good: write(world, good, 0o666), "can be written by others (mode 0666)", "chmod go-w"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_config_is_one_message_where_a_credential_is_needed(case: str, world: World, index: PrivateIndex) -> None:
    breaking, message, hint = BROKEN[case]
    breaking(world, GOOD.format(url=f"http://{index.netloc}/simple/"))
    for tool, words in (
        (toolchains.pip("newest"), ["pip", "install", "-i"]),
        (toolchains.uv(), ["uv", "pip", "install", "--default-index"]),
    ):
        world.use(tool)
        result = world.run(*words, f"http://{index.netloc}/simple/", "corp-lib", "--target", world.folder / "out")

        assert result.returncode == 78, result.stderr
        assert result.stdout == ""
        lines = result.stderr.splitlines()
        assert len(lines) == 2, result.stderr
        assert lines[0].startswith("shim: error[bad-config]: ")
        assert message in lines[0]
        assert lines[1].startswith("hint: ")
        assert hint in lines[1]
        assert index.requests == []


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_config_has_no_effect_where_none_is_needed(case: str, world: World) -> None:
    BROKEN[case][0](world, GOOD.format(url="http://127.0.0.1:1/simple/"))
    world.use(toolchains.pip("newest"))
    local = toolchains.ROOT / "no-such-folder"
    for line in ("pip --version", "pip freeze", "pip list", f"pip install --no-index --find-links {local} nothing-here", "pip config list"):
        wrapped, bare = (world.run(*line.split(), bare=bare) for bare in (False, True))

        assert (wrapped.returncode, wrapped.stdout, wrapped.stderr) == (bare.returncode, bare.stdout, bare.stderr)


def test_a_config_that_is_named_and_missing_is_said(world: World, index: PrivateIndex) -> None:
    world.use(toolchains.pip("newest"))
    result = world.run("pip", "download", "-i", f"http://{index.netloc}/simple/", "corp-lib", SHIM_CONFIG_FILE="/nonexistent/config.toml")

    assert result.returncode == 78
    assert "does not exist" in result.stderr


@pytest.mark.parametrize("damage", ["cut short", "empty", "noise", "loose", "link", "huge"])
def test_a_damaged_cache_record_is_a_miss_and_is_replaced(damage: str, world: World, index: PrivateIndex) -> None:
    world.use(toolchains.pip("newest"))
    calls = world.folder / "calls"
    program = world.folder / "config" / "give"
    program.write_text(f"#!/bin/sh\necho x >>{calls}\necho {CANARY}\n")
    program.chmod(0o700)
    url = f"http://{index.netloc}/simple/"
    world.configure(GOOD.format(url=url) + f'max-age = "1h"\ncommand = {{ argv = ["{program}"] }}\n')
    assert world.shim("token", "corp").returncode == 0
    (record,) = (world.folder / "runtime" / "shim" / "tokens").glob("*.token")
    if damage == "cut short":
        record.write_bytes(record.read_bytes()[:-20])
    elif damage == "empty":
        record.write_bytes(b"")
    elif damage == "noise":
        record.write_bytes(b"\xff\0\n=")
    elif damage == "loose":
        record.chmod(0o644)
    elif damage == "link":
        moved = record.rename(record.with_suffix(".moved"))
        record.symlink_to(moved)
    else:
        record.write_bytes(b"x" * (2 << 20))
    result = world.run("pip", "download", "-q", "-d", world.folder / "out", "-i", url, "corp-lib")

    assert result.returncode == 0, result.stderr
    assert calls.read_text().count("x") == 2
    assert stat.S_IMODE(record.lstat().st_mode) == 0o600
    assert not record.is_symlink()
    assert world.shim("token", "corp").stdout == CANARY + "\n"
    assert calls.read_text().count("x") == 2


@machine.endpoints(keyrings.MISSING)
def test_a_locked_keyring_is_said_where_it_was_needed(world: World, index: PrivateIndex, tmp_path: Path) -> None:
    home = tmp_path / "config" / "daemon"
    home.mkdir(parents=True)
    backend = {"PYTHON_KEYRING_BACKEND": "keyring.backends.SecretService.Keyring"}
    world.use(toolchains.pip("newest"))
    url = f"http://{index.netloc}/simple/"
    world.configure(GOOD.format(url=url) + 'source = ["keyring"]\n')
    with keyrings.keyring_daemon(home) as variables:
        assert world.shim("login", "corp", "--password-stdin", input=CANARY, **variables, **backend).returncode == 0
    with keyrings.keyring_daemon(home, unlock=False) as variables:
        needed = world.run("pip", "download", "-i", url, "corp-lib", **variables, **backend)
        unneeded = world.run("pip", "freeze", **variables, **backend)

    assert needed.returncode == 69, needed.stderr
    assert needed.stderr.startswith("shim: error[source-failed]: the keyring is locked")
    assert "hint: unlock it" in needed.stderr
    assert unneeded.stderr == ""


FAULTS = f"""
import time
PARTS = {CANARY.split("-")}  # the file itself must not hold it
from keyring.backend import KeyringBackend
class Raising(KeyringBackend):
    priority = 1
    def get_password(self, service, username): raise RuntimeError("-".join(PARTS))
    get_credential = get_password
class Hanging(Raising):
    def get_password(self, service, username): time.sleep(600)
    get_credential = get_password
"""


@pytest.mark.parametrize("backend", ["Raising", "Missing"])
def test_a_keyring_that_fails_is_one_message_without_its_text(backend: str, world: World, index: PrivateIndex, prefix: Path) -> None:
    (site,) = (prefix / "venv" / "lib").glob("python3*/site-packages")
    module = site / "shim_test_faults.py"
    module.write_text(FAULTS)
    try:
        world.use(toolchains.pip("newest"))
        url = f"http://{index.netloc}/simple/"
        world.configure(GOOD.format(url=url) + 'source = ["keyring"]\n')
        result = world.run("pip", "download", "-i", url, "corp-lib", PYTHON_KEYRING_BACKEND=f"shim_test_faults.{backend}")
    finally:
        module.unlink()

    assert result.returncode == 69, result.stderr
    assert result.stderr.count("error[source-failed]: ") == 1
    assert f"shim_test_faults.{backend}" in result.stderr
    assert CANARY not in result.stderr


def test_an_index_that_is_down_is_pips_own_message_and_a_login_says_it_too(world: World) -> None:
    world.use(toolchains.pip("newest"))
    world.configure(GOOD.format(url="http://127.0.0.1:9/simple/") + 'env = { password = "CORP" }\n')
    result = world.run("pip", "download", "-i", "http://127.0.0.1:9/simple/", "corp-lib", CORP=CANARY)
    login = world.shim("login", "corp", "--password-stdin", "--store", "file", input=CANARY)

    assert result.returncode == 1
    assert "shim:" not in result.stderr
    assert login.returncode == 69
    assert "shim: error[index-unreachable]:" in login.stderr
    assert "nothing was stored" in login.stderr
    assert not list((world.folder / "data").rglob("*.secret"))


def test_a_bug_of_ours_does_not_stop_a_tool_that_cannot_fall_open(world: World, prefix: Path, tmp_path: Path) -> None:
    """Our own resolver is broken on purpose, in a copy of the installation."""
    copy = tmp_path / "copied"
    subprocess.run(["cp", "-a", prefix, copy], check=True)
    for launcher in [*(copy / "shims").iterdir()]:
        launcher.write_text(launcher.read_text().replace(str(prefix), str(copy)))
    (resolver,) = copy.glob("venv/lib/python3*/site-packages/shim/credentials/resolve.py")
    resolver.write_text(resolver.read_text() + f"\n\ndef resolve(*_):\n    raise ValueError('-'.join({CANARY.split('-')}))\n")
    os.utime(resolver, (1, 1))
    tool = toolchains.pip("newest")
    environ = {"PATH": f"{copy / 'shims'}:{tool.bin}:/usr/bin:/bin"}
    line = ["pip", "download", "--retries", "0", "-i", "http://127.0.0.1:9/simple/", "x"]
    unconfigured = world.run(*line, **environ)
    world.configure(GOOD.format(url="http://127.0.0.1:9/simple/"))
    configured = world.run(*line, **environ)

    assert unconfigured.returncode == 1
    assert unconfigured.stderr.startswith("shim: warning[internal]: ValueError in shim itself")
    assert configured.returncode == 70
    assert "SHIM_BYPASS=1" in configured.stderr
    assert CANARY not in unconfigured.stderr + configured.stderr
    assert USER not in configured.stderr
