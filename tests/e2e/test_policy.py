"""The machine's policy at its real place, in a mount namespace where /etc/xdg is ours: other tests see nothing of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex
from tests.support import machine, toolchains
from tests.support.world import CANARY, USER, World

MOUNTED = 'mkdir -p /etc/xdg && mount -t tmpfs none /etc/xdg && mkdir /etc/xdg/shim && cp -p "$0" /etc/xdg/shim/policy.toml && exec "$@"'

pytestmark = machine.endpoints(machine.lacks_mounts())


def under(world: World, policy: str, *command: object, mode: int = 0o644, input: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command on a machine with that policy."""
    file = world.folder / "policy.toml"
    file.write_text(policy)
    file.chmod(mode)
    return world.run("unshare", "--mount", "sh", "-c", MOUNTED, file, *command, input=input)


@pytest.fixture
def install(world: World, index: PrivateIndex) -> list[object]:
    """A world with a configured index, and the words of an installation from it."""
    world.use(toolchains.pip("newest"))
    url = f"http://{index.netloc}/simple/"
    world.configure(f'[[index]]\nname = "corp"\nurl = "{url}"\nusername = "{USER}"\nenv = {{ password = "CORP_TOKEN" }}\n')
    world.environ["CORP_TOKEN"] = CANARY
    return ["pip", "install", "--target", world.folder / "out", "-i", url, "corp-lib"]


def test_a_policy_that_lists_the_index_changes_nothing(world: World, index: PrivateIndex, install: list[object]) -> None:
    result = under(world, f'indexes = ["http://{index.netloc}/"]\n', *install)
    assert result.returncode == 0, result.stderr
    assert (world.folder / "out" / "corp_lib.py").exists()


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ('indexes = ["https://pypi.corp.example/"]\n', "forbids a credential for"),
        ("allow-command = false\n", "forbids a command as source"),
        ("allow-comand = false\n", "unknown key 'allow-comand'"),
        ("allow-command = [\n", "is not valid TOML"),
    ],
)
def test_what_it_forbids_no_user_gets(policy: str, words: str, world: World, index: PrivateIndex, install: list[object]) -> None:
    if "command" in words:
        world.configure(world.config.read_text().replace("env = { password", 'command = { argv = ["/bin/true"] }\nenv = { password'))
    result = under(world, policy, *install)
    assert result.returncode == 78, result.stderr
    assert words in result.stderr
    assert "/etc/xdg/shim/policy.toml" in result.stderr
    assert index.requests == []


def test_one_that_others_can_write_forbids_everything(world: World, index: PrivateIndex, install: list[object]) -> None:
    result = under(world, "", *install, mode=0o666)
    assert result.returncode == 78, result.stderr
    assert "must be root's, and writable by nobody else" in result.stderr
    assert index.requests == []


def test_a_command_that_needs_no_credential_is_not_stopped_by_a_broken_one(world: World, install: list[object]) -> None:
    assert under(world, "allow-command = [\n", "pip", "--version").returncode == 0
    assert under(world, "allow-command = [\n", "pip", "install", "--no-index", "--dry-run", "pip").returncode == 0


def test_without_a_file_store_nothing_is_stored_and_what_was_is_not_read(world: World, index: PrivateIndex, install: list[object]) -> None:
    url = f"http://{index.netloc}/simple/"
    world.config.unlink()
    login = ["shim", "login", url, "--user", USER, "--store", "file", "--password-stdin"]
    refused = under(world, "allow-file-store = false\n", *login, input=f"{CANARY}\n")
    assert refused.returncode == 74, refused.stderr
    assert "forbids to keep secrets in files" in refused.stderr
    assert not list(Path(world.folder, "data").rglob("stored*/*"))

    assert under(world, "", *login, input=f"{CANARY}\n").returncode == 0
    assert under(world, "", *install).returncode == 0
    assert under(world, "allow-file-store = false\n", *install, "--upgrade").returncode != 0
