"""What Positron, VS Code and PyCharm do to a terminal, done to a real bash: rc files, PATH, prompt and venv, as their scripts have it.

Sources: posit-dev/positron and microsoft/vscode `shellIntegration-bash.sh`; JetBrains/intellij-community `bash-integration.bash`;
both editors read the environment of a login shell at their start (`$SHELL -i -l -c`).
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex
from tests.support import toolchains
from tests.support.installation import copy_installation
from tests.support.terminal import Terminal
from tests.support.world import CANARY, USER, World

#: `bash --init-file` of VS Code and Positron: rc file, PATH of the Python extension in front, a DEBUG trap, its own prompt command around the user's.
CODE = """
. ~/.bashrc
export PATH="$VSCODE_VENV/bin:$PATH"
trap ': "$_"' DEBUG
code_original=${PROMPT_COMMAND:-}
code_prompt() { local status=$?; for command in "${code_original[@]}"; do eval "${command:-}"; done; return $status; }
PROMPT_COMMAND=code_prompt
"""
#: The same where the extension types the command of the venv instead.
CODE_TYPED = CODE.replace('export PATH="$VSCODE_VENV/bin:$PATH"\n', "")
#: `bash --rcfile` of JetBrains: rc file, a PATH that is forced in front, then the venv's script.
PYCHARM = '. ~/.bashrc\nexport PATH="$VSCODE_VENV/bin:$PATH"\nsource "$VSCODE_VENV/bin/activate"\n'


@pytest.fixture
def own(world: World, index: PrivateIndex) -> World:
    """A copy of the installation, a home whose rc file activates it, a real venv, and one index as the default of all tools."""
    copy = copy_installation(world.prefix, world.folder / "prefix")
    world.prefix = copy
    home = Path(world.environ["HOME"])
    (home / ".bashrc").write_text(f'case $- in *i*) ;; *) return ;; esac\neval "$({copy}/shims/shim activate bash)"\n')
    (home / ".profile").write_text(". ~/.bashrc\n")
    tool = toolchains.pip_environment(toolchains.pip("newest"), world.cwd / ".venv")
    (tool.bin / "activate").write_text(f'VIRTUAL_ENV={tool.bin.parent}\nexport VIRTUAL_ENV\nPATH="$VIRTUAL_ENV/bin:$PATH"\nexport PATH\n')
    secret = world.folder / "config" / "secret"
    secret.write_text(CANARY)
    secret.chmod(0o600)
    world.configure(
        f"[[index]]\nname = 'corp'\nurl = 'http://{index.netloc}/simple/'\nusername = '{USER}'\nuse-as = 'default'\nfile = {{ password = '{secret}' }}\n"
    )
    uv = toolchains.uv()
    world.environ |= {
        "PATH": f"{uv.bin}:/usr/bin:/bin", "TERM": "dumb", "PS1": "$ ", "PIP_CONFIG_FILE": os.devnull, "VSCODE_VENV": str(tool.bin.parent)
    }  # fmt: skip
    return world


def terminal(own: World, script: str) -> Terminal:
    path = own.folder / "config" / "editor.bash"
    path.write_text(script)
    return Terminal(["bash", "--noprofile", "--init-file", str(path), "-i"], own.environ, str(own.cwd))


@pytest.mark.parametrize(
    ("script", "typed"), [(CODE, None), (CODE_TYPED, ". .venv/bin/activate"), (PYCHARM, None)], ids=["variables", "typed", "PyCharm"]
)
def test_pip_and_uv_in_an_editors_terminal_are_the_launchers_with_its_venv(script: str, typed: str | None, own: World) -> None:
    with terminal(own, script) as shell:
        if typed:
            shell.type(typed)
        pip, uv = (shell.type(f"type -P {name}").splitlines()[-1] for name in ("pip", "uv"))
        installed = shell.type("pip install --target installed corp-lib; echo status=$?")
        by_uv = shell.type("uv pip install -p .venv --target by-uv corp-lib; echo status=$?")

    assert {Path(path).resolve().parent for path in (pip, uv)} == {own.prefix / "shims"}
    assert installed.endswith("status=0"), installed
    assert by_uv.endswith("status=0"), by_uv
    assert (own.cwd / "installed" / "corp_lib.py").is_file()
    assert (own.cwd / "by-uv" / "corp_lib.py").is_file()


@pytest.mark.parametrize("marker", ["VSCODE_RESOLVING_ENVIRONMENT", "INTELLIJ_ENVIRONMENT_READER"])
def test_the_environment_that_an_editor_reads_at_its_start_has_the_launchers_in_front(marker: str, own: World) -> None:
    result = own.run("bash", "-i", "-l", "-c", "env", **{marker: "1"})
    path = next(line for line in result.stdout.splitlines() if line.startswith("PATH=")).removeprefix("PATH=").split(":")

    assert path[0] == str(own.prefix / "shims")
    assert str(own.prefix / "faces") in path
    assert CANARY not in result.stdout


@pytest.mark.parametrize("command", ["pip install --target installed", "uv pip install -p .venv --target installed"])
def test_who_sets_the_tools_own_variables_in_the_editors_settings_needs_nothing_else(command: str, own: World, index: PrivateIndex) -> None:
    """`terminal.integrated.env.linux` in VS Code and Positron, "Environment variables" in PyCharm."""
    own.configure(own.config.read_text().replace("use-as = 'default'\n", ""))
    url = f"http://{index.netloc}/simple/"
    own.environ |= {"PIP_INDEX_URL": url, "UV_INDEX_URL": url}
    with terminal(own, CODE) as shell:
        output = shell.type(f"{command} corp-lib; echo status=$?")

    assert output.endswith("status=0"), output
    assert (own.cwd / "installed" / "corp_lib.py").is_file()
