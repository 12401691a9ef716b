"""`shim exec --env-file`: indexes and passwords from a dotenv file reach pip and uv, and nothing else of it does."""

from __future__ import annotations

import os

import pytest

from shim.cli.demo.server import PrivateIndex
from tests.support import toolchains
from tests.support.world import CANARY, USER, World

#: What a command prints about its own environment and that of all processes above it, but not those of the test itself.
LOOK = "env; cat /proc/self/environ /proc/$PPID/environ /proc/self/cmdline /proc/$PPID/cmdline"


@pytest.fixture(scope="module", autouse=True)
def dotenv_is_there(prefix) -> None:
    """The installed shim has its optional reader."""
    import subprocess

    command = [str(prefix / "shims" / "shim"), "backend", "add", "python-dotenv"]
    environ = {**os.environ, "PATH": f"{toolchains.uv().bin}:{os.environ['PATH']}"}
    subprocess.run(command, check=True, timeout=300, env=environ)


def write(world: World, text: str, mode: int = 0o600) -> None:
    """Write the dotenv file, in the one folder of the world where the canary may lie."""
    (world.folder / "config" / ".env").write_bytes(os.fsencode(text))
    (world.folder / "config" / ".env").chmod(mode)


@pytest.mark.parametrize("version", ["newest", "23.1.2"])
def test_pip_by_name_installs_and_its_builds_see_no_password(world: World, index: PrivateIndex, version: str) -> None:
    world.use(toolchains.pip(version))
    write(world, f"export PIP_INDEX_URL='http://{USER}:{CANARY}@{index.netloc}/simple/' # corp\n")
    result = world.shim("exec", "--env-file", "../config/.env", "--", "pip", "install", "--target", world.folder / "a", "corp-lib")

    assert result.returncode == 0, result.stderr
    assert CANARY not in result.stdout + result.stderr
    assert any(user == USER for _, user, _ in index.requests)


def test_uv_by_name_installs_with_the_password_of_a_named_index(world: World, index: PrivateIndex) -> None:
    world.use(toolchains.uv())
    write(world, f"UV_INDEX=my-corp=http://{index.netloc}/simple/\nUV_INDEX_MY_CORP_USERNAME={USER}\nUV_INDEX_MY_CORP_PASSWORD={CANARY}\n")
    result = world.shim("exec", "--env-file", "../config/.env", "--", "uv", "pip", "install", "--target", world.folder / "a", "corp-lib")

    assert result.returncode == 0, result.stderr
    assert CANARY not in result.stdout + result.stderr


def test_any_program_starts_pip_and_uv_with_it_and_no_environment_has_the_password(world: World, index: PrivateIndex) -> None:
    url = f"http://{USER}:{CANARY}@{index.netloc}/simple/"
    write(world, f"PIP_INDEX_URL={url}\nUV_DEFAULT_INDEX={url}\n")
    pip, uv = toolchains.pip("newest"), toolchains.uv()
    world.use(pip)
    for command in (
        f"pip install --target {world.folder}/a corp-lib",
        f"{pip.python} -m pip install --target {world.folder}/b corp-lib",
        f"{toolchains.pip('23.1.2').python} -m pip install --target {world.folder}/c corp-lib",
        f"{uv.path} pip install --target {world.folder}/d corp-lib",
    ):
        result = world.shim("exec", "--env-file", "../config/.env", "--", "sh", "-c", f"{command} && {LOOK}")

        assert result.returncode == 0, (command, result.stderr)
        assert CANARY not in result.stdout + result.stderr
        assert f"{USER}@{index.netloc}" in result.stdout


def test_nothing_else_of_the_file_counts_and_the_environment_goes_first(world: World) -> None:
    write(
        world,
        "PATH=/evil\nPIP_TRUSTED_HOST=evil\nHTTPS_PROXY=http://evil\nSHIM_CONFIG_FILE=/evil\nPIP_INDEX_URL=http://127.0.0.1:1/file/\nUV_INDEX_URL=https://x.example/\n",
    )
    result = world.shim("exec", "--env-file", "../config/.env", "--", "env", PIP_INDEX_URL="http://127.0.0.1:1/mine/")

    assert "evil" not in result.stdout
    assert "PIP_INDEX_URL=http://127.0.0.1:1/mine/" in result.stdout.splitlines()
    assert "UV_INDEX_URL=https://x.example/" in result.stdout.splitlines()


@pytest.mark.parametrize(
    ("text", "mode", "code", "message"),
    [
        (f"PIP_INDEX_URL=http://u:{CANARY}@corp.example/simple/\n", 0o600, 64, "a password for plain http"),
        (f"PIP_INDEX_URL=https://u:{CANARY}@corp.example\\x/\n", 0o600, 64, "no usable URL"),
        (f"PIP_INDEX_URL=https://u:{CANARY}@corp.example/\n", 0o602, 69, "written by somebody else"),
        ("caf\udce9=1\n", 0o600, 69, "is not UTF-8"),
        ("#" * (1 << 20) + "#\n", 0o600, 69, "too large"),
        ("", None, 64, "there is no file"),
    ],
    ids=["plain http", "backslash", "writable", "latin-1", "huge", "missing"],
)
def test_a_bad_file_is_one_message_and_nothing_runs(world: World, text: str, mode: int | None, code: int, message: str) -> None:
    if mode is not None:
        write(world, text, mode)
    result = world.shim("exec", "--env-file", "../config/.env", "--", "echo", "started")

    assert result.returncode == code, result.stderr
    assert message in result.stderr
    assert "hint: " in result.stderr
    assert CANARY not in result.stdout + result.stderr
    assert "started" not in result.stdout


def test_a_file_that_everybody_can_read_is_used_with_a_warning(world: World) -> None:
    write(world, f"PIP_INDEX_URL=https://u:{CANARY}@corp.example/simple/\n", 0o644)
    result = world.shim("exec", "--env-file", "../config/.env", "--", "env")

    assert "can be read by everybody: chmod 600" in result.stderr
    assert "PIP_INDEX_URL=https://u@corp.example/simple/" in result.stdout
    assert CANARY not in result.stdout
