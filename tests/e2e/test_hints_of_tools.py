"""Hints about pips, the demo, the agent and a bug of ours: each is met with the real thing, followed, and the trouble is gone."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex
from tests.support import machine, toolchains
from tests.support.hints import follows
from tests.support.installation import copy_installation
from tests.support.world import CANARY, USER, World


def configure(world: World, index: PrivateIndex, more: str = "") -> str:
    """Configure the index, whose password is in a variable; return its URL."""
    url = f"http://{index.netloc}/simple/"
    world.configure(f'[[index]]\nname = "corp"\nurl = "{url}"\nusername = "{USER}"\nenv = {{ password = "CORP" }}\n{more}')
    return url


def hint_of(result: subprocess.CompletedProcess[str]) -> str:
    """Return the hint that a refused command ends with."""
    assert result.returncode != 0, result.stdout
    (hint,) = re.findall("^hint: (.*)$", result.stderr, re.MULTILINE)
    return str(hint)


def advice(world: World, pip: Path) -> str | None:
    """Return what `shim doctor` says to do about a pip, in a shell where our keyring is the first one."""
    path = world.environ["PATH"].replace("/shims:", f"/shims:{world.prefix}/faces:", 1)
    found = json.loads(world.shim("doctor", "--offline", "--json", PATH=path).stdout)["findings"]
    return next((str(one["command"]) for one in found if one["where"] == str(pip)), None)


@follows("{} -m pip install --upgrade pip")
@pytest.mark.parametrize("version", ["23.0.1", "23.1.2"])
def test_an_old_pip_asks_our_keyring_once_it_is_upgraded(version: str, world: World, index: PrivateIndex) -> None:
    del world.environ["PIP_NO_INPUT"]
    configure(world, index)
    pip = toolchains.own_copy(toolchains.pip(version), world.cwd / ".venv")
    command = advice(world, pip.path)
    assert command == f"{pip.bin}/python -m pip install --upgrade pip"
    links = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(toolchains.newest_wheel("pip").parent)}
    followed = world.run(*command.split(), **links)
    assert followed.returncode == 0, followed.stderr

    assert advice(world, pip.path) is None


def old_python() -> Path:
    """Return a Python whose pips all want a user name in the URL, or none that asks at all."""
    found = [toolchains.pythons()[name] for name in ("3.9", "3.8", "3.7") if name in toolchains.pythons()]
    machine.skip_without("" if found else "no Python from 3.7 to 3.9 is here: `pyenv install 3.9`")
    return found[0]


@follows("type `pip` in place of `python -m pip`: no pip for Python {}.{} asks without a user name")
def test_the_launcher_serves_a_pip_of_an_old_python(world: World, index: PrivateIndex) -> None:
    """`pip install --upgrade pip` brings Python 3.9 a pip 26.0 at most, which asks for no URL without a user name."""
    url, pip = configure(world, index), toolchains.bundled_pip(old_python())
    world.use(pip)
    release = pip.python.resolve().name.removeprefix("python")
    hint = advice(world, pip.path)
    assert hint == f"type `pip` in place of `python -m pip`: no pip for Python {release} asks without a user name"
    typed, said = re.findall("`(.*?)`", hint)
    words = ("install", "--target", "out", "-i", url, "corp-lib")
    environ = {"CORP": CANARY, "PATH": f"{world.prefix}/faces:{world.environ['PATH']}"}
    assert world.run(*said.split(), *words, **environ).returncode != 0
    followed = world.run(typed, *words, **environ)

    assert followed.returncode == 0, followed.stderr
    assert (world.cwd / "out" / "corp_lib.py").exists()


#: What replaces the maker of plans in our own package.
BUG = "\n\ndef make_plan(*_: object, **__: object):\n    return 1 // 0\n"


@follows("run it again with SHIM_DEBUG=1 and report what it prints; SHIM_BYPASS=1 runs it without shim")
def test_a_bug_shows_where_it_is_and_the_command_runs_without_us(world: World, index: PrivateIndex) -> None:
    world.prefix = copy_installation(world.prefix, world.folder / "own")
    (site,) = (world.prefix / "venv" / "lib").glob("python3*/site-packages")
    with (site / "shim" / "pipeline" / "plan.py").open("a") as stream:
        stream.write(BUG)
    world.use(toolchains.pip("newest"))
    url = configure(world, index).replace("//", f"//{USER}:{CANARY}@")
    line = ("pip", "install", "--no-cache-dir", "--target", "out", "-i", url, "corp-lib")
    names = re.findall(r"(SHIM_\w+)=1", hint_of(world.run(*line)))
    assert names == ["SHIM_DEBUG", "SHIM_BYPASS"]
    traced, bare = (world.run(*line, **{name: "1"}) for name in names)

    assert "return 1 // 0\n" in traced.stderr
    assert CANARY not in traced.stderr
    assert bare.returncode == 0, bare.stderr
    assert (world.cwd / "out" / "corp_lib.py").exists()


#: `shim agent` on a system that does not say who connects to a socket.
ELSEWHERE = "import socket, sys; del socket.SO_PEERCRED; from shim.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture
def runtime(world: World) -> Iterator[Path]:
    """A runtime directory with a short path: a socket's has room for 107 bytes."""
    with tempfile.TemporaryDirectory() as folder:
        world.environ["XDG_RUNTIME_DIR"] = folder
        yield Path(folder)


@follows("run it in the Linux machine that runs the containers")
def test_an_agent_serves_on_the_linux_machine(world: World, index: PrivateIndex, runtime: Path) -> None:
    url = configure(world, index, "agent = true\nagent-permanent = true\n")
    refused = world.run(world.prefix / "venv" / "bin" / "python", "-c", ELSEWHERE, "agent")
    assert hint_of(refused) == "run it in the Linux machine that runs the containers"
    environ = {**world.environ, "CORP": CANARY}
    with subprocess.Popen(["shim", "agent"], env=environ, cwd=world.cwd, stderr=subprocess.PIPE, text=True) as agent:
        try:
            assert agent.stderr is not None
            assert "agent for default gives corp" in agent.stderr.readline()
            container = {"XDG_CONFIG_HOME": "/nonexistent", "SHIM_AGENT_SOCKET": f"{runtime}/shim/agent/default/agent.sock"}
            followed = world.shim("token", url, **container)
        finally:
            agent.terminate()

    assert followed.stdout == f"{CANARY}\n", followed.stderr


@follows("install {} or uv, then run it again")
@machine.endpoints(machine.lacks_mounts() or machine.lacks_programs("dpkg-query"))
def test_a_demo_has_something_to_show_once_there_is_a_pip_or_a_uv(world: World) -> None:
    """A Debian without the package is played by an empty folder in its place. With it there is a pip, which test_demo.py shows at work."""
    python = (world.prefix / "venv" / "bin" / "python").resolve()
    ensurepip = Path(f"/usr/lib/{python.name}/ensurepip")
    machine.skip_without("" if ensurepip.is_dir() else f"{python} is not Debian's: apt install python3-venv")
    programs = world.folder / "programs"
    programs.mkdir()
    for name in ("env", "sh", "dirname", "readlink", "cat"):
        (programs / name).symlink_to(f"/usr/bin/{name}")
    world.environ |= {"PATH": f"{world.prefix / 'shims'}:{programs}", "PIP_NO_INDEX": "1"}
    hide = f'/usr/bin/mount -t tmpfs none {ensurepip} && exec "$@"'
    hidden = ("/usr/bin/unshare", "--mount", "/usr/bin/sh", "-c", hide, "sh")
    found = re.fullmatch("install (.*) or uv, then run it again", hint_of(world.run(*hidden, "shim", "demo")))
    assert found is not None
    owner = subprocess.run(["dpkg-query", "--search", ensurepip / "__init__.py"], check=True, capture_output=True, text=True)
    assert owner.stdout.startswith(f"{found[1]}: ")
    environment = world.folder / "environment"
    assert world.run(*hidden, python, "-m", "venv", environment).returncode != 0
    with_package = world.run(python, "-m", "venv", "--clear", environment)
    assert with_package.returncode == 0, with_package.stderr
    (programs / "uv").symlink_to(toolchains.uv().path)
    with_uv = world.run(*hidden, "shim", "demo", timeout=280)

    assert (environment / "bin" / "pip").exists()
    assert with_uv.returncode == 0, with_uv.stderr
    assert "Everything as promised" in with_uv.stdout
