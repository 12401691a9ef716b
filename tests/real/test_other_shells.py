"""Real tcsh, nushell, xonsh, elvish, ksh, mksh, yash, busybox and dash in a terminal: the launchers stay in front."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex
from tests.support import toolchains
from tests.support.hints import follows
from tests.support.installation import copy_installation
from tests.support.other_shells import SHELLS, Prompt, opened
from tests.support.world import CANARY, USER, World


def probe(folder: Path, name: str, label: str) -> None:
    """Put a tool into a folder that says who it is, and whether a launcher started it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f'#!/bin/sh\necho "{label} ${{_SHIM_DEPTH:+by launcher}}"\n')
    (folder / name).chmod(0o755)


def make_venv(python: Path, folder: Path, name: str, *options: str) -> None:
    """Make an environment with what the shell of that name activates."""
    subprocess.run([python, "-m", "venv", *options, folder], check=True)
    if SHELLS[name].has_uv_venv:
        subprocess.run([toolchains.uv().path, "venv", "--quiet", "--allow-existing", "--python", python, folder], check=True)


#: `tests/e2e/test_shells.py` does the same in those.
ELSEWHERE = ("busybox", "dash")
#: Debian's, for root and others: /etc/profile says no other.
LOGIN_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@pytest.fixture(params=[name for name in SHELLS if name not in ELSEWHERE])
def name(request: pytest.FixtureRequest) -> str:
    """The name of a shell that is here."""
    SHELLS[request.param].find()
    return str(request.param)


@pytest.fixture
def own(world: World, name: str) -> World:
    """The world with an installation of its own (a copy), since a hook may add launchers to it; each pip says who it is."""
    world.prefix = copy_installation(world.prefix, world.folder / "prefix")
    shims = world.prefix / "shims"
    subprocess.run([shims / "shim", "install", "--quiet", "--shims", shims, "pip"], check=True)
    for tool in ("uv", "uvx"):
        (shims / tool).unlink(missing_ok=True)
    make_venv(toolchains.python_for("3.11"), world.cwd / ".venv", name, "--without-pip")
    probe(world.folder / "base", "pip", "base")
    probe(world.cwd / ".venv" / "bin", "pip", "venv")
    world.environ |= {"PATH": f"{world.folder / 'base'}:/usr/bin:/bin", "TERM": "dumb", "PS1": "$ "}
    return world


@pytest.fixture
def prompt(name: str, own: World) -> Iterator[Prompt]:
    """A shell that was not activated yet."""
    with opened(name, own) as made:
        yield made


def test_a_venv_comes_and_goes_and_the_launcher_stays_in_front(prompt: Prompt) -> None:
    assert prompt.type("pip x").strip() == "base"
    assert prompt.activate() == ""
    assert prompt.type("pip x") == "base by launcher"
    prompt.type(prompt.shell.enter)
    assert prompt.type("pip x") == "venv by launcher"
    if prompt.shell.has_hook:
        assert prompt.type("sh -c 'pip x'") == "venv by launcher"
    prompt.type(prompt.shell.leave)
    assert prompt.type("pip x") == "base by launcher"
    if prompt.shell.is_at_once:
        assert prompt.type(f"{prompt.shell.enter} && pip x") == "venv by launcher"


def test_deactivate_gives_path_back_and_takes_the_hook_away(prompt: Prompt) -> None:
    before = prompt.type("printenv PATH")
    prompt.activate()
    assert prompt.activate() == ""
    assert prompt.type("pip x") == "base by launcher"
    assert prompt.type("shim deactivate") == ""

    assert prompt.type("printenv PATH") == before
    assert prompt.type("pip x").strip() == "base"
    prompt.type(prompt.shell.enter)
    assert prompt.type("pip x").strip() == "venv"


def test_shim_itself_is_typed_as_everywhere(prompt: Prompt, own: World) -> None:
    prompt.activate()

    assert prompt.type("shim which pip") == f"{own.folder}/base/pip"
    assert prompt.type("shim which pip | tr a-z A-Z") == f"{own.folder}/base/pip".upper()
    assert prompt.type("sh -c 'command -v shim'").endswith("/shim")


def test_a_tool_that_comes_with_a_venv_gets_its_launcher(prompt: Prompt, own: World) -> None:
    probe(own.cwd / ".venv" / "bin", "uv", "venv")
    prompt.activate()
    prompt.type(prompt.shell.enter)
    if not prompt.shell.has_hook:
        prompt.activate()

    assert prompt.type("uv x") == "venv by launcher"
    assert prompt.type("sh -c 'uv x'") == "venv by launcher"


@pytest.mark.parametrize("name", ["tcsh", "xonsh", "mksh", "ksh93", "yash"], indirect=True)
def test_the_status_of_shim_is_handed_on(prompt: Prompt) -> None:
    """nushell and elvish end the line at the first command that fails."""
    prompt.activate()

    assert prompt.type("shim which pip && echo right").endswith("\nright")
    assert prompt.type("shim which nosuch && echo wrong || echo right").endswith("\nright")


@follows("eval `shim activate tcsh`", "source {}", "execx($(shim activate xonsh))", "eval (shim activate elvish | slurp)")
@pytest.mark.parametrize("name", [name for name in SHELLS if SHELLS[name].has_hook], indirect=True)
def test_doctor_says_what_is_typed_in_this_shell(name: str, own: World) -> None:
    own.environ |= {"PATH": f"{own.environ['PATH']}:{own.prefix / 'shims'}", "SHELL": SHELLS[name].find()}
    findings = json.loads(own.shim("doctor", "--offline", "--json").stdout)["findings"]
    (hint,) = {one["command"] for one in findings if "stands before it on PATH" in one["text"]}
    with opened(name, own) as prompt:
        assert prompt.type("pip x").strip() == "base"
        assert prompt.type(hint) == ""
        assert prompt.type("pip x") == "base by launcher"


def test_after_an_uninstall_open_shells_go_on(prompt: Prompt, own: World) -> None:
    prompt.activate()
    assert prompt.type("pip x") == "base by launcher"
    shutil.rmtree(own.prefix)

    assert prompt.type("pip x").strip() == "base"
    assert prompt.type(prompt.shell.enter).strip() in ("", f'Activated "{own.cwd}/.venv".')
    assert prompt.type("pip x").strip() == "venv"


def test_a_private_package_is_installed_by_typing_what_everybody_types(name: str, prompt: Prompt, own: World, index: PrivateIndex) -> None:
    shutil.rmtree(own.cwd / ".venv")
    make_venv(toolchains.pip("newest").python, own.cwd / ".venv", name)
    vault = own.folder / "vault"
    vault.mkdir(mode=0o700)
    (vault / "secret").write_text(CANARY + "\n")
    (vault / "secret").chmod(0o600)
    own.vaults.append(vault)
    own.configure(
        f"[[index]]\nname = 'corp'\nurl = 'http://{index.netloc}/simple/'\nusername = '{USER}'\nfile = {{ password = '{vault}/secret' }}\n"
    )
    prompt.activate()
    prompt.type(prompt.shell.enter)
    said = prompt.type(f"pip install --disable-pip-version-check -i http://{index.netloc}/simple/ corp-lib")

    assert "Successfully installed corp-lib" in said
    assert list((own.cwd / ".venv" / "lib").glob("python3*/site-packages/corp_lib.py"))


def install(world: World, *flags: object, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run install.sh for this home, with uv on PATH, which makes the environment quickly."""
    path = f"{toolchains.uv().bin}:{toolchains.python_for().parent}:{world.environ['PATH']}"
    full = {**world.environ, "PATH": path, "UV_CACHE_DIR": str(world.folder / "uv-cache"), **environ}
    command = ["sh", toolchains.ROOT / "install.sh", *map(str, flags)]
    return subprocess.run(command, env=full, cwd=world.cwd, capture_output=True, text=True, check=False, timeout=300)


def wrote(prefix: Path) -> list[Path]:
    """Return the files that an installation has given lines to."""
    return [Path(line.removeprefix("wrote ")) for line in (prefix / "installed").read_text().splitlines() if line.startswith("wrote ")]


@pytest.mark.parametrize("name", SHELLS, indirect=True)
def test_install_writes_what_the_shell_reads_and_takes_it_out_again(name: str, own: World, wheels: Path) -> None:
    if name in ("dash", "busybox") and not shutil.which("pip", path=LOGIN_PATH):
        pytest.skip("a plain sh knows the tools that are there at its start, and no pip is where login shells look: apt install python3-pip")
    # xonsh replaces variables in what stands on PATH.
    prefix = own.folder / f'it\'s a {"" if name == "xonsh" else "$HOME"} "prefix" \\ `x` !'
    path = SHELLS[name].find()
    installed = install(own, "--wheels", wheels, "--prefix", prefix, SHELL=path)
    assert (installed.returncode, installed.stderr) == (0, "")
    files = wrote(prefix)
    assert files and not [file for file in files if not file.is_relative_to(own.folder)]

    with opened(name, own, bare=False) as prompt:
        prompt.type(prompt.shell.enter)
        assert prompt.type("pip x") == "venv by launcher"
    if SHELLS[name].one_command:
        found = own.run(path, *SHELLS[name].one_command, "sh -c 'command -v shim'")
        assert found.stdout == f"{prefix}/shims/shim\n", found.stderr

    removed = install(own, "--uninstall", "--prefix", prefix)
    assert removed.returncode == 0, removed.stderr
    assert [file for file in files if file.exists()] == []


@pytest.mark.parametrize(("shell", "there"), [("tcsh", ".cshrc"), ("xonsh", ".config/xonsh/rc.xsh")])
def test_no_file_is_made_that_would_be_read_in_place_of_the_users(shell: str, there: str, world: World, wheels: Path) -> None:
    file, prefix = world.folder / "home" / there, world.folder / "own"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("# mine, and no end")
    assert install(world, "--wheels", wheels, "--prefix", prefix, SHELL=f"/x/{shell}", XDG_CONFIG_HOME="").returncode == 0
    assert wrote(prefix) == [file]
    install(world, "--uninstall", "--prefix", prefix)

    assert file.read_text() == "# mine, and no end"


def test_an_unknown_shell_is_named_with_what_to_write(world: World, wheels: Path) -> None:
    prefix = world.folder / "own"
    result = install(world, "--wheels", wheels, "--prefix", prefix, "--quiet", SHELL="/opt/nosh")

    assert result.returncode == 0
    assert wrote(prefix) == []
    assert "there is no activation for nosh" in result.stderr
    line = result.stderr.rpartition("add: ")[2].strip()
    assert world.run("sh", "-c", f"{line}; env which shim", PATH="/usr/bin:/bin").stdout == f"{prefix}/shims/shim\n"


@pytest.mark.parametrize("alias", ["precmd", "postcmd"])
@pytest.mark.parametrize("name", ["tcsh"], indirect=True)
def test_an_alias_of_the_users_own_stays(name: str, alias: str, own: World) -> None:
    with opened(name, own) as prompt:
        prompt.type(f"""alias {alias} 'set seen = "it is  here"'""")
        before = prompt.type(f"alias {alias}")
        prompt.activate()
        prompt.type("set seen = no")
        assert prompt.type("echo $seen:q") == "it is  here"
        prompt.type("shim deactivate")
        assert prompt.type(f"alias {alias}") == before
