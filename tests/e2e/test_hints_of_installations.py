"""Hints about shim's own environment and its launchers: each is met on a real installation, followed, and the trouble is gone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex
from tests.support import machine, toolchains
from tests.support.hints import follows
from tests.support.installation import copy_installation
from tests.support.world import CANARY, USER, World

SCRIPT = toolchains.ROOT / "install.sh"


def hint_of(result: subprocess.CompletedProcess[str]) -> str:
    """Return the hint that a refused command ends with."""
    assert result.returncode != 0, result.stdout
    (hint,) = re.findall("^hint: (.*)$", result.stderr, re.MULTILINE)
    return str(hint)


def site_of(environment: Path) -> Path:
    (site,) = (environment / "lib").glob("python3*/site-packages")
    return site


@pytest.fixture(scope="session")
def links(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables by which pip and uv take all that is needed here from a folder."""
    folder = tmp_path_factory.mktemp("links")
    extra = [toolchains.newest_wheel(name) for name in ("keyrings.alt", "python-dotenv")]
    for wheel in [*wheels.glob("*.whl"), *extra]:
        (folder / wheel.name).symlink_to(wheel)
    (folder / "uv.toml").write_text(f'no-index = true\nfind-links = ["{folder}"]\n')
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "UV_CONFIG_FILE": str(folder / "uv.toml")}


@pytest.fixture
def own(world: World) -> World:
    """The world with an installation of its own, which may be changed, and nothing added to it."""
    world.prefix = copy_installation(world.prefix, world.folder / "own")
    for added in (path for word in ("dotenv", "keyrings") for path in site_of(world.prefix / "venv").glob(f"*{word}*")):
        shutil.rmtree(added)
    world.use(toolchains.uv())
    return world


def doctor(world: World, where: str, *words: str) -> str | None:
    """Return what `shim doctor` says to do about a place, or None if nothing is wrong there."""
    found = json.loads(world.shim("doctor", "--offline", "--json", *words).stdout)["findings"]
    return next((str(one["command"]) for one in found if one["where"] == where), None)


@follows("shim backend add python-dotenv")
def test_a_dotenv_file_is_read_once_its_reader_is_there(own: World, index: PrivateIndex, links: dict[str, str]) -> None:
    file = own.folder / "config" / ".env"
    file.write_text(f"CORP={CANARY}\nPIP_INDEX_URL=http://{index.netloc}/simple/\n")
    file.chmod(0o600)
    source = f'env = {{ password = "CORP", file = "{file}" }}'
    own.configure(f'[[index]]\nname = "corp"\nurl = "http://{index.netloc}/simple/"\nusername = "{USER}"\n{source}\n')
    lines = (("exec", "--env-file", file, "--", "env"), ("token", "corp"))
    hints = {hint_of(own.shim(*line)) for line in lines}
    assert hints == {"shim backend add python-dotenv"}
    followed = own.run(*hints.pop().split(), **links)
    assert followed.returncode == 0, followed.stderr

    environ, token = [own.shim(*line) for line in lines]
    assert f"PIP_INDEX_URL=http://{index.netloc}/simple/" in environ.stdout.splitlines()
    assert token.stdout == f"{CANARY}\n"


@follows("shim backend add {}")
def test_a_backend_that_a_variable_names_keeps_a_password_once_it_is_added(own: World, index: PrivateIndex, links: dict[str, str]) -> None:
    own.configure(f'[[index]]\nname = "corp"\nurl = "http://{index.netloc}/simple/"\nusername = "{USER}"\nsource = ["keyring"]\n')
    own.environ["PYTHON_KEYRING_BACKEND"] = "keyrings.alt.file.PlaintextKeyring"
    own.vaults.append(own.folder / "data" / "python_keyring")

    def login() -> subprocess.CompletedProcess[str]:
        return own.shim("login", "corp", "--password-stdin", "--store", "keyring", input=CANARY)

    hint = hint_of(login())
    assert hint == "shim backend add keyrings.alt"
    assert hint in own.shim("token", "corp").stderr
    followed = own.run(*hint.split(), **links)
    assert followed.returncode == 0, followed.stderr

    assert login().returncode == 0
    assert own.shim("token", "corp").stdout == f"{CANARY}\n"


#: A keyring backend that is broken, and says why.
BROKEN = """
from keyring.backend import KeyringBackend

class Keyring(KeyringBackend):
    priority = 1

    def get_password(self, service, username):
        raise RuntimeError("the vault is sealed")

    def set_password(self, service, username, password):
        self.get_password(service, username)
"""


def test_what_a_keyring_says_is_shown_by_the_command_in_the_hint(own: World) -> None:
    """install.sh leaves no script `keyring` in its environment, and the one on PATH may be another one: or ours, which asks us."""
    (site_of(own.prefix / "venv") / "broken_vault.py").write_text(BROKEN)
    own.configure('[[index]]\nname = "corp"\nurl = "https://pypi.corp.example/simple/"\nusername = "alice"\nsource = ["keyring"]\n')
    own.environ["PYTHON_KEYRING_BACKEND"] = "broken_vault.Keyring"
    login = ("login", "corp", "--password-stdin", "--store", "keyring", "--no-verify")
    for refused in (own.shim("token", "corp"), own.shim(*login, input=CANARY)):
        command, _, rest = hint_of(refused).partition(" shows what it says")
        assert rest == ""
        assert "the vault is sealed" in own.run("sh", "-c", command, input="x").stderr


@follows("run install.sh again, with --prefix {} --force")
def test_an_installation_whose_sources_are_gone_is_mended_from_others(own: World, links: dict[str, str]) -> None:
    stamp = own.prefix / "installed"
    stamp.write_text(stamp.read_text().replace(f"source {toolchains.ROOT}\n", "source /gone\n"))
    shutil.rmtree(site_of(own.prefix / "venv") / "keyring")
    command = doctor(own, "OS keyring")
    assert command == f"run install.sh again, with --prefix {own.prefix} --force"
    words = command.removeprefix("run install.sh again, with ")
    followed = own.run("sh", "-c", f"sh {SCRIPT} {words} --no-modify-path --quiet", **links)
    assert followed.returncode == 0, followed.stderr

    assert doctor(own, "OS keyring") is None or "install.sh" not in str(doctor(own, "OS keyring"))


@dataclass
class Way:
    """How another installer installs, how it does so once more, and where it puts the environment and `shim`."""

    install: str
    again: str
    environment: str
    shim: str
    environ: dict[str, str] = field(default_factory=dict)


WAYS = {
    "uv": Way("uv tool install", "uv tool install --reinstall", "tools/pip-uv-shim", "bin/shim"),
    "pipx": Way("pipx install", "pipx install --force", "pipx/venvs/pip-uv-shim", "bin/shim"),
    "pip": Way("pip install", "pip install --force-reinstall", "venv", "venv/bin/shim"),
}


@pytest.fixture
def elsewhere(world: World, links: dict[str, str]) -> World:
    """A world without an installation, and with what makes one. The pip is that of the environment that shim will be in."""
    pip = toolchains.own_copy(toolchains.pip("newest"), world.folder / "venv")
    programs = [pip.bin, toolchains.uv().bin, toolchains.program("pipx").bin]
    world.environ |= {**links, "PATH": ":".join([*map(str, programs), "/usr/bin:/bin"])}
    world.environ |= {"UV_TOOL_DIR": f"{world.folder}/tools", "UV_TOOL_BIN_DIR": f"{world.folder}/bin"}
    world.environ |= {"PIPX_HOME": f"{world.folder}/pipx", "PIPX_BIN_DIR": f"{world.folder}/bin"}
    return world


def install(world: World, command: str, what: str = "pip-uv-shim") -> None:
    """Install with another installer. A pip is called by its path: others lie on PATH, in environments that all tests share."""
    program, *words = command.split()
    done = world.run(world.folder / "venv" / "bin" / "pip" if program == "pip" else program, *words, what, timeout=300)
    assert done.returncode == 0, done.stderr


@follows("install pip-uv-shim{} again, as it was installed, with `{}`")
@pytest.mark.parametrize("name", WAYS)
def test_what_another_installer_installed_is_whole_once_it_is_installed_again(name: str, elsewhere: World) -> None:
    """Without the option they say that it is there already. What is optional and lacks is had in the same way."""
    way = WAYS[name]
    install(elsewhere, way.install)
    elsewhere.environ["PATH"] = f"{(elsewhere.folder / way.shim).parent}:{elsewhere.environ['PATH']}"
    elsewhere.configure('[[index]]\nname = "corp"\nurl = "https://pypi.corp.example/simple/"\nambient = { audience = "corp" }\n')
    keyring = site_of(elsewhere.folder / way.environment) / "keyring"
    shutil.rmtree(keyring)
    whole, more = doctor(elsewhere, "OS keyring"), doctor(elsewhere, "[[index]] corp")
    assert whole == f"install pip-uv-shim again, as it was installed, with `{way.again}`"
    assert more == whole.replace("shim", "shim[ci]", 1)
    install(elsewhere, way.install)
    assert not keyring.exists(), "the option is needed"
    install(elsewhere, way.again, "pip-uv-shim[ci]")

    assert keyring.exists()
    assert "pip-uv-shim" not in str(doctor(elsewhere, "OS keyring"))
    assert doctor(elsewhere, "[[index]] corp") is None


@follows("install it with install.sh, uv tool or pipx")
@pytest.mark.parametrize("name", ["install.sh", "uv", "pipx"])
def test_backends_are_added_once_shim_has_an_environment_of_its_own(name: str, elsewhere: World) -> None:
    """Before, it has a folder, as `pip install --target` makes one."""
    library = elsewhere.folder / "library"
    shutil.copytree(site_of(elsewhere.prefix / "venv"), library)
    add = ("backend", "add", "keyrings.alt")
    refused = elsewhere.run(toolchains.python_for(), "-m", "shim", *add, PYTHONPATH=str(library))
    assert hint_of(refused) == "install it with install.sh, uv tool or pipx"
    if name == "install.sh":
        shim = elsewhere.folder / "data" / "shim" / "shims" / "shim"
        assert elsewhere.run("sh", SCRIPT, "--no-modify-path", "--quiet").returncode == 0
    else:
        shim = elsewhere.folder / WAYS[name].shim
        install(elsewhere, WAYS[name].install)
    followed = elsewhere.run(shim, *add)

    assert followed.returncode == 0, followed.stderr
    assert "keyrings.alt: keyring has keyrings.alt." in followed.stdout


#: What `sudo` gives on Debian: no launchers, and none of another user's tools.
ROOTS_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NOBODY = 65534


@dataclass
class Machine:
    """A machine with an installation of root's in /mnt/shim, for all users. One of them has a tool that root has not."""

    folder: Path
    is_read_only: bool = False

    def run(self, *words: object, path: str = ROOTS_PATH, uid: int = 0, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a command there, as root or as another user."""
        lock = "mount -o remount,bind,ro /mnt && " if self.is_read_only else ""
        mount = f'mount --bind "$0" /mnt && {lock}exec "$@"'
        become = ["setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups"] if uid else []
        command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", mount, self.folder, *become, *words]
        home = "/nonexistent" if uid else f"{self.folder}-home"  # which uv makes for root
        full = {"PATH": path, "HOME": home, "LANG": "C.UTF-8", **environ}
        return subprocess.run([str(word) for word in command], env=full, cwd="/", text=True, capture_output=True, check=False, timeout=300)

    def doctor(self, where: str, *start: str, tools: str = "/mnt/tools:") -> str | None:
        """Return what `shim doctor` says to a user to do about a file in /mnt/shim."""
        words = (*(start or ("/mnt/shim/shims/shim",)), "doctor", "--offline", "--json")
        said = self.run(*words, path=f"/mnt/shim/shims:{tools}/usr/bin:/bin", uid=NOBODY)
        found = json.loads(said.stdout)["findings"]
        return next((str(one["command"]) for one in found if one["where"] == f"/mnt/shim/{where}"), None)

    def follow(self, hint: str) -> None:
        """Do as root what a hint says to do as root."""
        command, root, _ = hint.partition(", as root")
        assert root
        done = self.run("sh", "-c", command)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def installed(links: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What such a machine has in /mnt."""
    machine.skip_without(machine.lacks_mounts())
    made = Machine(tmp_path_factory.mktemp("machine"))
    (made.folder / "tools").mkdir()
    (made.folder / "tools" / "uv").write_text("#!/bin/sh\n")
    for path in (made.folder, made.folder / "tools", made.folder / "tools" / "uv"):
        path.chmod(0o755)
    cache = tmp_path_factory.mktemp("uv-cache")
    words = ("--prefix", "/mnt/shim", "--no-modify-path", "--quiet")
    done = made.run("sh", SCRIPT, *words, path=f"{toolchains.uv().bin}:{ROOTS_PATH}", UV_CACHE_DIR=str(cache), **links)
    assert done.returncode == 0, done.stderr
    return made.folder


@pytest.fixture
def shared(installed: Path, tmp_path: Path) -> Machine:
    return Machine(shutil.copytree(installed, tmp_path / "mnt", symlinks=True))


@follows("run this as the user who installed shim")
def test_a_backend_is_added_by_who_installed_shim(shared: Machine, links: dict[str, str]) -> None:
    path = f"/mnt/shim/shims:{toolchains.uv().bin}:{ROOTS_PATH}"
    add = ("shim", "backend", "add", "keyrings.alt")
    assert hint_of(shared.run(*add, path=path, uid=NOBODY)) == "run this as the user who installed shim"
    followed = shared.run(*add, path=path, uid=(shared.folder / "shim" / "venv").stat().st_uid, **links)

    assert followed.returncode == 0, followed.stderr
    assert "keyrings-alt" in shared.run("shim", "backend", "list", path=path, uid=NOBODY).stdout


@follows("run this before it is made read-only, as in an image's Dockerfile")
def test_a_backend_is_added_before_the_file_system_is_read_only(shared: Machine, links: dict[str, str]) -> None:
    """The user who installed shim, root, could do nothing about that."""
    path, add = f"{toolchains.uv().bin}:{ROOTS_PATH}", ("/mnt/shim/shims/shim", "backend", "add", "keyrings.alt")
    shared.is_read_only = True
    assert hint_of(shared.run(*add, path=path, **links)) == "run this before it is made read-only, as in an image's Dockerfile"
    shared.is_read_only = False
    followed = shared.run(*add, path=path, **links)
    shared.is_read_only = True

    assert followed.returncode == 0, followed.stderr
    assert "keyrings-alt" in shared.run("/mnt/shim/shims/shim", "backend", "list").stdout


@follows("{} install {}, as root", "{} uninstall {}, as root, if no user has them", "{}, as root")
def test_launchers_that_only_root_can_mend_are_mended_by_root(shared: Machine, links: dict[str, str]) -> None:
    """Root has another PATH: `shim` is not on it, and the tools of the user, who asked, are not."""
    launcher = shared.folder / "shim" / "shims" / "uv"
    shim = launcher.with_name("shim")
    launcher.unlink(missing_ok=True)
    for spoil in (lambda: None, lambda: launcher.write_text(launcher.read_text() + "# of another release\n")):
        spoil()
        said = shared.doctor("shims/uv")
        assert said is not None
        assert re.fullmatch(r"/mnt/shim/shims/shim install [\w. ]*uv, as root", said)
        shared.follow(said)
        assert shared.doctor("shims/uv") is None

    said = shared.doctor("shims", tools="")
    assert said is not None
    assert re.fullmatch(r"/mnt/shim/shims/shim uninstall ([\w.]+ )*uv( [\w.]+)*, as root, if no user has them", said)
    shared.follow(said)
    assert shared.doctor("shims", tools="") is None

    shim.unlink()
    start = ("/mnt/shim/venv/bin/python", "-m", "shim")
    said = shared.doctor("shims/shim", *start)
    assert said is not None
    assert said.endswith("--prefix /mnt/shim --force, as root")
    command = said.replace("run install.sh again, with", f"sh {SCRIPT}").partition(", as root")[0]
    done = shared.run(
        "sh", "-c", f"{command} --no-modify-path --quiet", path=f"{toolchains.uv().bin}:{ROOTS_PATH}", **links
    )
    assert done.returncode == 0, done.stderr
    assert shared.doctor("shims/shim", *start) is None
