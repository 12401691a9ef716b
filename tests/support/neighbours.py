"""Programs that change PATH beside us, each the real one: how a shell takes them up, goes into an environment, and leaves it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

from tests.support import machine, toolchains
from tests.support.world import World

WRAPPER = Path("/usr/share/virtualenvwrapper/virtualenvwrapper.sh")
MISE = ("@jdxcode/mise-linux-x64", "bin")
CODE = ("code-server", "lib/vscode/out/vs/workbench/contrib/terminal/common/scripts")
#: Shells with the text of `sh`, and what they have not.
PLAIN = ("dash", "busybox", "mksh", "ksh93", "yash")
NO_PROMPT = "a plain sh has no prompt hook"
SET_PYENV = {
    "fish": "set -gx PYENV_VERSION {}",
    "tcsh": "setenv PYENV_VERSION {}",
    "nu": "$env.PYENV_VERSION = '{}'",
    "xonsh": "$PYENV_VERSION = '{}'",
    "elvish": "set-env PYENV_VERSION {}",
    "": "export PYENV_VERSION={}",
}


def from_npm(package: str, members: str) -> Path:
    """Return the folder `members` of a package of npm's newest release, got once; none of its scripts is run."""
    machine.skip_without(machine.lacks_programs("npm"))
    toolchains.CACHE.mkdir(parents=True, exist_ok=True)
    folder = toolchains.CACHE / f"npm-{package.replace('/', '+')}"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            new = folder.with_name(f"{folder.name}.new")
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir()
            command = ["npm", "pack", package, "--silent", "--ignore-scripts", "--pack-destination", new]
            subprocess.run(command, check=True, capture_output=True, timeout=300)
            (archive,) = new.glob("*.tgz")
            subprocess.run(["tar", "-xzf", archive, "-C", new, f"package/{members}"], check=True, timeout=300)
            archive.unlink()
            new.rename(folder)
    return folder / "package" / members


def add_pip(environment: Path) -> None:
    """Give an environment without one the newest pip: what it installs goes into that environment."""
    (library,) = (environment / "lib").glob("python3*")
    (pip,) = (toolchains.pip("newest").bin.parent / "lib").glob("python3*")
    (library / "site-packages" / "pip.pth").write_text(f"{pip / 'site-packages'}\n")
    script = environment / "bin" / "pip"
    script.write_text(f"#!{environment}/bin/python\nimport sys\nfrom pip._internal.cli.main import main\nsys.exit(main())\n")
    script.chmod(0o755)


def make_venv(world: World, folder: Path) -> None:
    subprocess.run([toolchains.python_for("3.11"), "-m", "venv", "--without-pip", folder], check=True)


def make_virtualenv(world: World, folder: Path) -> None:
    command = [toolchains.program("virtualenv").path, "--no-pip", "--no-download", "--quiet", "--python", toolchains.python_for("3.11"), folder]
    subprocess.run(command, check=True, env=world.environ)


def make_uv_venv(world: World, folder: Path) -> None:
    command = [toolchains.uv().path, "venv", "--quiet", "--python", toolchains.python_for("3.11"), folder]
    subprocess.run(command, check=True, env=world.environ)


def make_wrapped(world: World, folder: Path) -> None:
    machine.skip_without("" if WRAPPER.exists() else "not installed here: apt install virtualenvwrapper")
    world.environ |= {"WORKON_HOME": str(folder.parent), "VIRTUALENVWRAPPER_PYTHON": "/usr/bin/python3"}
    make_virtualenv(world, folder)


def make_direnv(world: World, folder: Path) -> None:
    machine.skip_without(machine.lacks_programs("direnv"))
    make_venv(world, folder)
    (folder.parent / ".envrc").write_text(f'export VIRTUAL_ENV="{folder}"\nPATH_add "{folder}/bin"\n')
    subprocess.run(["direnv", "allow", folder.parent], check=True, env=world.environ)


def make_mise(world: World, folder: Path) -> None:
    programs = from_npm(*MISE)
    world.environ |= {"PATH": f"{world.environ['PATH']}:{programs}", "MISE_OFFLINE": "1", "MISE_QUIET": "1"}
    make_venv(world, folder)
    (folder.parent / "mise.toml").write_text(f'[tools]\npython = "path:{folder}"\n')
    subprocess.run([programs / "mise", "trust", "--quiet", folder.parent / "mise.toml"], check=True, env=world.environ)
    inner = {**world.environ, "PATH": f"{world.prefix}/shims:{world.environ['PATH']}"}  # as in a shell inside of an activated one
    with (world.folder / "mise.nu").open("wb") as stream:  # nushell reads no command's output
        subprocess.run([programs / "mise", "activate", "nu"], check=True, env=inner, stdout=stream)


def make_pyenv(world: World, folder: Path) -> None:
    pyenv = shutil.which("pyenv")
    machine.skip_without("" if pyenv else "no pyenv on PATH: https://github.com/pyenv/pyenv#installation")
    make_venv(world, folder)
    root = world.folder / "pyenv"
    (root / "versions").mkdir(parents=True)
    (root / "versions" / "own").symlink_to(folder)
    programs = str(Path(str(pyenv)).resolve().parent.parent / "bin")
    world.environ |= {"PATH": f"{world.environ['PATH']}:{programs}", "PYENV_ROOT": str(root), "PYENV_VERSION": "system"}
    add_pip(folder)
    subprocess.run(["pyenv", "rehash"], check=True, env=world.environ)


def make_code(world: World, folder: Path) -> None:
    world.environ |= {"CODE_SCRIPTS": str(from_npm(*CODE)), "VSCODE_INJECTION": "1", "TERM_PROGRAM": "vscode"}
    world.environ |= {"USER_ZDOTDIR": world.environ["HOME"], "VSCODE_NONCE": "x"}
    make_venv(world, folder)


SOURCE = {
    "fish": ". @ENVIRONMENT@/bin/activate.fish",
    "tcsh": "source @ENVIRONMENT@/bin/activate.csh",
    "nu": "overlay use @ENVIRONMENT@/bin/activate.nu",
    "xonsh": "source @ENVIRONMENT@/bin/activate.xsh",
    "": ". @ENVIRONMENT@/bin/activate",
}
NO_SCRIPT = {"elvish": "no environment has a script for elvish", "yash": "this script is no text that yash reads"}


@dataclass(frozen=True)
class Neighbour:
    """By shell, or "" for all others: its line in an rc file (if it has one), how an environment is entered and left."""

    make: Callable[[World, Path], None]
    enter: Mapping[str, str] = field(default_factory=lambda: SOURCE)
    leave: Mapping[str, str] = field(default_factory=lambda: {"": "deactivate"})
    line: Mapping[str, str] = field(default_factory=dict)
    cannot: Mapping[str, str] = field(default_factory=dict)
    """Shell -> why it has no such thing."""
    target: str = "@ENVIRONMENT@/bin/pip"
    """What the launcher runs inside."""

    def say(self, words: Mapping[str, str], shell: str, world: World, environment: Path) -> str:
        """Return what of `words` is typed in a shell."""
        text = words.get(shell, words.get("", "")).replace("@SHELL@", shell)
        return text.replace("@ENVIRONMENT@", str(environment)).replace("@WORLD@", str(world.folder))


def in_folder(make: Callable[[World, Path], None], line: Mapping[str, str], cannot: Mapping[str, str]) -> Neighbour:
    """Return one that acts on `cd`, by its hook."""
    return Neighbour(make, {"": "cd @ENVIRONMENT@/.."}, {"": "cd ../.."}, line, dict.fromkeys(PLAIN, NO_PROMPT) | cannot)


NEIGHBOURS = {
    "venv": Neighbour(
        make_venv,
        {**SOURCE, "xonsh": "vox activate @ENVIRONMENT@", "elvish": "set paths = [@ENVIRONMENT@/bin $@paths]"},
        {"xonsh": "vox deactivate", "elvish": "set paths = $before", "": "deactivate"},
        cannot={"nu": "`python -m venv` writes no script for nushell"},
    ),
    "virtualenv": Neighbour(make_virtualenv, cannot=NO_SCRIPT),
    "uv venv": Neighbour(make_uv_venv, cannot=NO_SCRIPT),
    "virtualenvwrapper": Neighbour(
        make_wrapped,
        {"": "workon own"},
        line={"": f". {WRAPPER}"},
        cannot=dict.fromkeys(("fish", "tcsh", "nu", "xonsh", "elvish", "dash", "busybox", "mksh", "yash"), "virtualenvwrapper is for bash, zsh and ksh"),
    ),
    "direnv": in_folder(
        make_direnv,
        {
            "fish": "direnv hook fish | source",
            "tcsh": "eval `direnv hook tcsh`",
            "elvish": "eval (direnv hook elvish | sed 's/} except/} catch/' | slurp)",  # as direnv 2.33 writes it
            "": 'eval "$(direnv hook @SHELL@)"',
        },
        dict.fromkeys(("nu", "xonsh"), "direnv has no hook for it"),
    ),
    "mise": in_folder(
        make_mise,
        {
            "fish": "mise activate fish | source",
            "nu": "use @WORLD@/mise.nu",
            "xonsh": "execx($(mise activate xonsh))",
            "elvish": "var mise: = (ns [&]); eval (mise activate elvish | slurp) &on-end={|ns| set mise: = $ns}; mise:activate",
            "": 'eval "$(mise activate @SHELL@)"',
        },
        {"tcsh": "mise has no hook for it"},
    ),
    "pyenv": Neighbour(
        make_pyenv,
        {name: text.format("own") for name, text in SET_PYENV.items()},
        {name: text.format("system") for name, text in SET_PYENV.items()},
        {
            "bash": 'eval "$(pyenv init - --no-rehash bash)"',
            "zsh": 'eval "$(pyenv init - --no-rehash zsh)"',
            "fish": "pyenv init - --no-rehash fish | source",
            "tcsh": "setenv PATH @WORLD@/pyenv/shims:$PATH",
            "nu": "$env.PATH = ($env.PATH | prepend @WORLD@/pyenv/shims)",
            "xonsh": '$PATH.insert(0, "@WORLD@/pyenv/shims")',
            "elvish": "set paths = [@WORLD@/pyenv/shims $@paths]",
            "": 'PATH="$PYENV_ROOT/shims:$PATH"',
        },
        target="@WORLD@/pyenv/shims/pip",
    ),
    "VS Code": Neighbour(
        make_code,
        line={
            "bash": '. "$CODE_SCRIPTS/shellIntegration-bash.sh"',
            "zsh": '. "$CODE_SCRIPTS/shellIntegration-rc.zsh"',
            "fish": 'source "$CODE_SCRIPTS/shellIntegration.fish"',
        },
        cannot=dict.fromkeys((*PLAIN, "tcsh", "nu", "xonsh", "elvish"), "VS Code has no integration for it that we know"),
    ),
}
