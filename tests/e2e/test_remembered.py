"""A password from the OS keyring is on the hot path too: from the kernel's memory, until its time, and whatever changes ends it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex
from shim.core.host import Host
from shim.storage import keyring_cache
from tests.support import keyrings, machine, toolchains
from tests.support.long_way import is_hot, plans, warm_up
from tests.support.world import CANARY, USER, World

pytestmark = [
    machine.endpoints(machine.lacks_kernel_keyring()),
    machine.endpoints(keyrings.MISSING),
]
#: Letters that mean something in a netrc, in TOML, in a URL, or to a shell.
PASSWORD = f"{CANARY}:@/%41#$x&+~"
#: One for each way in which a password is written: a netrc, TOML, a URL in TOML.
TOOLS = ("pip", "uv-store", "uv-seed")


@pytest.fixture
def served(packages: tuple[str, dict[str, list[str]]]) -> Iterator[PrivateIndex]:
    with PrivateIndex(*packages, USER, PASSWORD) as index:
        yield index


@pytest.fixture
def own(world: World, served: PrivateIndex, watched_prefix: Path, keyring_daemon: dict[str, str]) -> World:
    """A world whose index's password is in a real gnome-keyring."""
    world.prefix = watched_prefix
    world.configure(f"[[index]]\nname = 'corp'\nurl = 'http://{served.netloc}/simple/'\nusername = '{USER}'\n")
    world.environ |= keyring_daemon
    stored = world.shim("login", "corp", "--password-stdin", input=PASSWORD)
    assert stored.returncode == 0, stored.stderr
    return world


def command_of(tool: str, world: World, index: PrivateIndex) -> list[str]:
    is_uv = tool.startswith("uv")
    world.use(toolchains.uv() if is_uv else toolchains.pip("newest"))
    if tool == "uv":
        world.environ["UV_NO_SYSTEM_CONFIG"] = "1"  # the store is taken
    if tool == "uv-seed":
        (world.folder / "xdg" / "uv").mkdir()
        (world.folder / "xdg" / "uv" / "uv.toml").write_text("")
    url = f"http://{index.netloc}/simple/"
    world.environ |= {"UV_DEFAULT_INDEX": url} if is_uv else {"PIP_INDEX_URL": url}
    words = ["uv", "pip", "install"] if is_uv else ["pip", "install", "--upgrade"]
    return [*words, "--target", str(world.folder / "installed"), "corp-lib"]


@pytest.mark.parametrize("tool", TOOLS)
def test_a_password_of_any_letters_is_replayed_and_lies_in_no_file(tool: str, own: World, served: PrivateIndex) -> None:
    command = command_of(tool, own, served)
    warm_up(own, command)
    shutil.rmtree(own.folder / "installed")
    served.requests.clear()

    assert is_hot(own, command)
    assert any(user == USER and status == 200 for _, user, status in served.requests)
    own.vaults.clear()
    assert own.leftovers() == []


def forget(world: World) -> None:
    keyring_cache.forget(Host(world.environ, str(world.cwd)))


def damage_pad(world: World) -> None:
    (pad,) = (world.folder / "runtime" / "shim" / "tokens" / "pads").iterdir()
    pad.write_bytes(bytes(byte ^ 1 for byte in pad.read_bytes()))


def store_anew(world: World) -> None:
    assert world.shim("login", "corp", "--password-stdin", input=PASSWORD).returncode == 0


def configure_keyring(world: World) -> None:
    file = world.folder / "config" / "python_keyring" / "keyringrc.cfg"
    file.parent.mkdir()
    file.write_text("")


#: What may happen between two runs, and makes the keyring be asked again.
CHANGES: dict[str, Callable[[World], object]] = {
    "its time is over": forget,
    "its other half is damaged": damage_pad,
    "somebody logged in again": store_anew,
    "a keyring changed on disk": lambda world: (world.folder / "data" / "keyrings").mkdir(),
    "another keyring is named": lambda world: world.environ.update({"KEYRING_PROPERTY_X": "y"}),
    "another keyring is configured": configure_keyring,
    "a backend was installed": lambda world: [os.utime(path) for path in world.prefix.glob("venv/lib/python3*/site-packages")],
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_could_change_the_keyrings_answer_leads_back_to_it(change: str, own: World, served: PrivateIndex) -> None:
    command = command_of("pip", own, served)
    warm_up(own, command)
    CHANGES[change](own)

    assert not is_hot(own, command)


def test_without_a_timeout_nothing_is_remembered_and_nothing_replayed(own: World, served: PrivateIndex) -> None:
    own.config.write_text("keyring-timeout = '0'\n" + own.config.read_text())
    command = command_of("pip", own, served)

    assert [is_hot(own, command) for _ in range(2)] == [False, False]
    assert not any(PASSWORD in plan.read_text() for plan in plans(own))
