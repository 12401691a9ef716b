"""What time does to an installation, and the two commands that mend it: install.sh again, and `shim doctor --fix`; and its end."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex
from shim.core.host import Host
from shim.hotpath import kernel_keyring
from shim.storage import kernel_store
from tests.support import keyrings, machine, toolchains
from tests.support.world import CANARY, USER, World

SCRIPT = toolchains.ROOT / "install.sh"


@pytest.fixture
def installed(world: World, wheels: Path) -> World:
    """The world with an installation of its own, made by install.sh, and with lines in .bashrc."""
    (world.folder / "home" / ".bashrc").write_text("alias ll='ls -l'\n")
    world.prefix = world.folder / "prefix"
    world.use(toolchains.uv())
    result = script(world, wheels, "--prefix", world.prefix)
    assert result.returncode == 0, result.stderr
    return world


def script(world: World, wheels: Path, *flags: object) -> subprocess.CompletedProcess[str]:
    return world.run("sh", SCRIPT, "--quiet", "--wheels", wheels, *flags, SHELL="/bin/bash")


def findings(world: World) -> dict[str, str]:
    """Return where -> what for what is to be mended of the installation itself."""
    found = json.loads(world.shim("doctor", "--json").stdout)["findings"]
    return {
        finding["where"]: finding["text"]
        for finding in found
        if finding["where"].startswith(f"{world.prefix}")
    }


def break_python(world: World, python: str = "/nonexistent/python3.11") -> None:
    """Leave on disk what a removed base Python leaves: dangling links, and launchers that name it."""
    for link in (world.prefix / "venv" / "bin").glob("python*"):
        link.unlink()
        link.symlink_to(python)
    for launcher in [*(world.prefix / "shims").iterdir(), *(world.prefix / "faces").iterdir()]:
        lines = launcher.read_text().split("\n")
        launcher.write_text("\n".join(f"_shim_python='{python}'" if line.startswith("_shim_python=") else line for line in lines))


def test_a_removed_python_is_mended_by_install_sh(installed: World, wheels: Path) -> None:
    break_python(installed)
    before = installed.shim("doctor")
    assert before.returncode == 126
    assert "hint: run install.sh again" in before.stderr
    result = script(installed, wheels, "--prefix", installed.prefix)

    assert result.returncode == 0, result.stderr
    assert installed.run("uv", "--version").stderr == ""
    assert findings(installed) == {}


def move(world: World) -> Path:
    """Move the prefix; the shell that was open has the old place on PATH, a new one gets the new one."""
    old, world.prefix = world.prefix, world.folder / "moved" / "here"
    world.prefix.parent.mkdir()
    old.rename(world.prefix)
    world.use(toolchains.uv())
    return old


@pytest.mark.quick
def test_a_moved_prefix_works_at_once_and_doctor_mends_it(installed: World) -> None:
    old = move(installed)

    assert installed.shim("which", "uv").stdout == f"{toolchains.uv().path}\n"
    assert "folder was moved" in findings(installed)[str(installed.prefix / "shims" / "uv")]
    assert str(installed.prefix) in findings(installed)
    assert installed.shim("doctor", "--fix").stderr.count("wrote ") >= 3
    assert findings(installed) == {}
    texts = [path.read_text() for folder in ("shims", "faces", "activate") for path in (installed.prefix / folder).iterdir()]
    assert not [text for text in texts if str(old) in text]


def test_a_moved_prefix_is_mended_by_install_sh_and_leaves_nothing_where_it_was(installed: World, wheels: Path) -> None:
    home = installed.folder / "home"
    old = move(installed)
    result = script(installed, wheels, "--prefix", installed.prefix)

    assert result.returncode == 0, result.stderr
    assert str(old) not in (home / ".bashrc").read_text()
    assert f"'{installed.prefix}/activate/bash'" in (home / ".bashrc").read_text()
    assert findings(installed) == {}

    move_again = installed.folder / "third"
    installed.prefix.rename(move_again)
    assert script(installed, wheels, "--uninstall", "--prefix", move_again).returncode == 0
    assert (home / ".bashrc").read_text() == "alias ll='ls -l'\n"
    assert not move_again.exists()


def test_a_copy_is_no_move(installed: World, wheels: Path) -> None:
    copy = installed.folder / "copy"
    shutil.copytree(installed.prefix, copy, symlinks=True)
    assert script(installed, wheels, "--prefix", copy).returncode == 0
    text = (installed.folder / "home" / ".bashrc").read_text()

    assert f"'{installed.prefix}/activate/bash'" in text
    assert f"'{copy}/activate/bash'" in text


@pytest.mark.parametrize("again", ["install.sh", "doctor"])
def test_launchers_follow_the_tools_that_are_here(again: str, installed: World, wheels: Path) -> None:
    pip, uv = toolchains.pip("newest"), toolchains.uv()
    installed.environ["PATH"] = f"{installed.prefix / 'shims'}:{pip.bin}:/usr/bin:/bin"
    here = findings(installed)
    assert re.search(r"not on PATH: (.*, )?uv(,.*)?; `command -v` finds", here[str(installed.prefix / "shims")])
    assert "there is no launcher for" in here.get(str(installed.prefix / "shims" / "pip3"), "there is no launcher for")
    result = installed.shim("doctor", "--fix") if again == "doctor" else script(installed, wheels, "--prefix", installed.prefix)

    assert "Traceback" not in result.stderr
    assert findings(installed) == {}
    assert installed.run("sh", "-c", "command -v uv || uv --version").returncode == 127
    assert installed.run("sh", "-c", "command -v pip").stdout == f"{installed.prefix}/shims/pip\n"
    assert str(uv.bin) not in installed.environ["PATH"]


def test_an_installation_set_up_from_within_its_own_shell_is_the_same(installed: World) -> None:
    """In an activated shell the launchers stand on PATH by their second path, which must not become the first one."""
    files = {path: path.read_bytes() for path in (installed.prefix / "activate").iterdir()}
    installed.environ["PATH"] = f"{installed.prefix / 'hook'}:{installed.environ['PATH']}"

    assert installed.run("shim", "install", "--quiet").returncode == 0
    assert {path: path.read_bytes() for path in (installed.prefix / "activate").iterdir()} == files
    assert findings(installed) == {}


def test_two_installations_on_one_path_never_loop_and_doctor_names_the_other(installed: World, prefix: Path, index: PrivateIndex) -> None:
    """In both orders: the first one works, the other one is passed by, and the secret arrives."""
    uv = toolchains.uv()
    installed.configure(
        f"[[index]]\nname = 'corp'\nurl = 'http://{index.netloc}/simple/'\nusername = '{USER}'\nenv = {{ password = 'CORP' }}\n"
    )
    for first, second in ((installed.prefix, prefix), (prefix, installed.prefix)):
        installed.environ["PATH"] = f"{first}/shims:{second}/shims:{uv.bin}:/usr/bin:/bin"
        line = ["uv", "pip", "install", "--target", "lib", "--reinstall", "-i", f"http://{index.netloc}/simple/", "corp-lib"]
        result = installed.run(*line, CORP=CANARY, timeout=60)

        assert result.returncode == 0, result.stderr
        assert installed.run("shim", "which", "uv").stdout == f"{uv.path}\n"
        advice = json.loads(installed.shim("doctor", "--json").stdout)["findings"]
        assert [finding["where"] for finding in advice if "another copy of shim" in finding["text"]] == [f"{second}/shims"]


def store_everywhere(world: World, index: PrivateIndex) -> None:
    """Log in wherever this machine can store something."""
    for store in ["keyring", "file", *([] if kernel_keyring.problem() else ["memory"])]:
        name = f"{store}-index"
        text = f"[[index]]\nname = '{name}'\nurl = 'http://{index.netloc}/simple/'\nusername = '{USER}'\n"
        world.configure(text)
        result = world.shim("login", name, "--store", store, "--password-stdin", input=CANARY)
        assert result.returncode == 0, result.stderr
    assert world.run("uv", "pip", "install", "--target", "lib", "-i", f"http://{index.netloc}/simple/", "corp-lib").returncode == 0


@machine.endpoints(keyrings.MISSING)
def test_purge_takes_along_all_that_was_stored(installed: World, wheels: Path, index: PrivateIndex, keyring_daemon: dict[str, str]) -> None:
    installed.environ |= keyring_daemon
    home = installed.folder / "home"
    ours = kernel_store._name(Host(installed.environ, "/"), "", "").removesuffix("::")  # other tests have keys of theirs, all the time
    store_everywhere(installed, index)
    assert kernel_keyring.problem() or kernel_keyring.names(ours) != []
    url = f"http://{index.netloc}/simple/"
    result = installed.run("sh", SCRIPT, "--uninstall", "--purge", "--prefix", installed.prefix)

    assert result.returncode == 0, result.stderr
    assert f"removed from keyring: {url} ({USER})" in result.stdout
    assert "removed from file store: " in result.stdout
    assert kernel_keyring.problem() or kernel_keyring.names(ours) == []
    assert not installed.prefix.exists()
    assert (home / ".bashrc").read_text() == "alias ll='ls -l'\n"
    left = [path for name in ("data", "state", "runtime") for path in (installed.folder / name).rglob("*shim*")]
    assert left == []
    assert installed.config.exists(), "what the user wrote is the user's"


@machine.endpoints(keyrings.MISSING)
def test_nothing_is_uninstalled_while_the_keyring_is_locked(
    installed: World, wheels: Path, index: PrivateIndex, keyring_daemon: dict[str, str]
) -> None:
    installed.environ |= keyring_daemon
    store_everywhere(installed, index)
    backend = installed.prefix / "venv" / "lib"
    (site,) = backend.glob("python3*/site-packages")
    (site / "locked.py").write_text(
        "from keyring.backend import KeyringBackend\nfrom keyring.errors import KeyringLocked\n"
        "class Keyring(KeyringBackend):\n  priority = 9\n  def get_password(self, *a): raise KeyringLocked\n"
        "  set_password = delete_password = get_password\n"
    )
    result = installed.run("sh", SCRIPT, "--uninstall", "--purge", "--prefix", installed.prefix, PYTHON_KEYRING_BACKEND="locked.Keyring")

    assert result.returncode == 1
    assert result.stderr.startswith("install.sh: the keyring could not forget")
    assert "hint: unlock it" in result.stderr
    assert installed.shim("--version").stdout.startswith("shim ")
    assert installed.shim("logout", "--all").stdout.count("keyring: ") == 1


def test_purge_of_a_damaged_installation_says_to_mend_it_first(installed: World) -> None:
    break_python(installed)
    result = installed.run("sh", SCRIPT, "--uninstall", "--purge", "--prefix", installed.prefix)

    assert result.returncode == 1
    assert "damaged" in result.stderr
    assert f"hint: mend it first: ./install.sh --prefix '{installed.prefix}'" in result.stderr
    assert (installed.prefix / "shims" / "uv").exists()


def test_purge_leaves_what_else_lies_in_a_cache_folder_of_the_users_choice(installed: World, index: PrivateIndex) -> None:
    cache = installed.folder / "mine"
    cache.mkdir(mode=0o700)
    (cache / "precious").write_text("x")
    (cache / "precious.new").write_text("x")
    (cache / "plans").mkdir(mode=0o700)
    (cache / "plans" / "for next year").write_text("x")
    installed.environ["SHIM_CACHE_DIR"] = str(cache)
    installed.vaults.append(cache)
    store = ["login", f"http://{index.netloc}/simple/", "--user", USER, "--store", "file", "--password-stdin"]
    assert installed.shim(*store, input=CANARY).returncode == 0
    assert installed.run("uv", "pip", "install", "--target", "lib", "-i", f"http://{index.netloc}/simple/", "corp-lib").returncode == 0
    assert len(os.listdir(cache)) > 1
    assert installed.shim("cache", "clear").returncode == 0
    assert installed.shim("uninstall", "--purge").returncode == 0

    assert sorted(os.listdir(cache)) == ["plans", "precious", "precious.new"]
    assert os.listdir(cache / "plans") == ["for next year"]


def test_purge_belongs_to_uninstall(installed: World) -> None:
    assert "--purge belongs to --uninstall" in installed.run("sh", SCRIPT, "--purge").stderr
    assert installed.shim("uninstall", "--purge", "uv").returncode == 64
    assert (installed.prefix / "shims" / "uv").exists()
