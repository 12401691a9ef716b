"""pipx, pipenv, poetry and pdm through their launchers: a private package from a real server, the credential only with us.

Project and lock files are those that the bare tool writes with the credential in a netrc of the user's.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from shim.demo.server import PrivateIndex
from shim.demo.watch import ArgvWatch, find_in_files, is_in, needles
from tests.support import toolchains
from tests.support.world import CANARY, USER, World

FORMS = needles(USER, CANARY)


def pipx(folder: Path, url: str) -> list[str]:
    return ["pipx", "install", "--backend", "pip", "corp-tool"]


def pipenv(folder: Path, url: str) -> list[str]:
    (folder / "Pipfile").write_text(f'[[source]]\nurl = "{url}"\nverify_ssl = false\nname = "corp"\n\n[packages]\ncorp-lib = "*"\n')
    return ["pipenv", "lock"]


def poetry(folder: Path, url: str) -> list[str]:
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["corp-lib"]\n'
        f'[[tool.poetry.source]]\nname = "corp"\nurl = "{url}"\n'
    )
    return ["poetry", "lock", "--no-interaction"]


def pdm(folder: Path, url: str) -> list[str]:
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["corp-lib"]\n'
        f'[[tool.pdm.source]]\nname = "pypi"\nurl = "{url}"\nverify_ssl = true\n'
    )
    return ["pdm", "lock"]


#: pdm does not start with the newest releases of all that it depends on; these are the ones it was tested with.
REQUIREMENTS = {"pdm": ["pdm[locked]"]}
TOOLS: dict[str, Callable[[Path, str], list[str]]] = {function.__name__: function for function in (pipenv, poetry, pdm)}


@pytest.fixture
def own(world: World, index: PrivateIndex) -> World:
    """The world with launchers for these tools; the installation is a copy."""
    copy = world.folder / "prefix"
    shutil.copytree(world.prefix, copy, symlinks=True)
    for launcher in [*(copy / "shims").iterdir(), *(copy / "faces").iterdir()]:
        launcher.write_text(launcher.read_text().replace(str(world.prefix), str(copy)))
    world.prefix = copy
    assert world.shim("install", *TOOLS, "pipx", PATH=f"{copy}/shims:/usr/bin:/bin").returncode == 0
    program = world.folder / "config" / "give-secret"
    program.write_text(f"#!/bin/sh\necho {CANARY}\n")
    program.chmod(0o700)
    world.configure(
        f'[[index]]\nname = "corp"\nurl = "http://{index.netloc}/simple/"\nusername = "{USER}"\ncommand = {{ argv = ["{program}"] }}\n'
    )
    world.environ |= {"PIPENV_IGNORE_VIRTUALENVS": "1", "PIPENV_NOSPIN": "1", "POETRY_CACHE_DIR": str(world.folder / "poetry"), "CI": "1"}
    return world


def run(world: World, tool: str, folder: Path, words: list[str], **environ: str) -> tuple[int, str]:
    world.use(toolchains.program(tool, *REQUIREMENTS.get(tool, [tool])))
    del world.environ["VIRTUAL_ENV"]
    python = str(toolchains.python_for("3.11", "3.12", "3.13"))
    more = {"PIPENV_DEFAULT_PYTHON_VERSION": python, "PDM_PYTHON": python, "PIPENV_PYTHON": python}
    result = world.run("sh", "-c", 'cd "$0" && exec "$@"', folder, *words, **more, **environ)
    return result.returncode, result.stdout + result.stderr


@pytest.mark.parametrize("tool", TOOLS)
def test_a_lock_is_made_with_the_credential_of_the_index(tool: str, own: World, index: PrivateIndex) -> None:
    url = f"http://{index.netloc}/simple/"
    ours, bare = own.cwd / "ours", own.cwd / "bare"
    for folder in (ours, bare):
        folder.mkdir()
    words = TOOLS[tool](ours, url)
    TOOLS[tool](bare, url)
    with ArgvWatch(FORMS) as watch:
        status, output = run(own, tool, ours, words)
    assert status == 0, output
    assert any(user == USER for _, user, code in index.requests if code == 200)
    assert watch.seen == set()
    assert not is_in(output.encode(), FORMS)
    assert find_in_files(str(ours), FORMS, []) == []
    netrc = own.folder / "config" / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login {USER} password {CANARY}\n")
    status, output = run(own, tool, bare, words, NETRC=str(netrc), SHIM_BYPASS="1")

    assert status == 0, output
    written = {path.name: path.read_bytes() for path in bare.iterdir() if path.is_file()}
    assert {path.name: path.read_bytes() for path in ours.iterdir() if path.is_file()} == written
    assert len(written) == 2


@pytest.mark.parametrize("named", ["by its variable", "by use-as"])
def test_pipx_installs_a_program_from_the_private_index(named: str, own: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    from shim.demo.packages import build_wheel

    folder = str(tmp_path_factory.mktemp("program"))
    name = build_wheel(
        folder,
        "corp-tool",
        {
            "corp_tool.py": "def main():\n    print('it runs')\n",
            "corp_tool-1.0.dist-info/entry_points.txt": "[console_scripts]\ncorp-tool = corp_tool:main\n",
        },
    )
    # pipx brings its own pip up to date first, from the same index.
    pip = [toolchains.pip("newest").python, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, "pip"]
    subprocess.run([str(word) for word in pip], check=True, timeout=120)
    files = {"corp-tool": [name], "pip": [path.name for path in Path(folder).glob("pip-*.whl")]}
    with PrivateIndex(folder, files, USER, CANARY) as served:
        own.configure(
            own.config.read_text().replace(own.config.read_text().split('url = "')[1].split('"')[0], f"http://{served.netloc}/simple/")
            + ("use-as = 'default'\n" if named == "by use-as" else "")
        )
        said = {} if named == "by use-as" else {"PIP_INDEX_URL": f"http://{served.netloc}/simple/"}
        with ArgvWatch(FORMS) as watch:
            status, output = run(
                own, "pipx", own.cwd, pipx(own.cwd, ""), PIPX_HOME=str(own.folder / "pipx"), **said,
                PIPX_BIN_DIR=str(own.folder / "bin"),
            )  # fmt: skip

    assert status == 0, output
    assert own.run(own.folder / "bin" / "corp-tool").stdout == "it runs\n"
    assert watch.seen == set()
    assert not is_in(output.encode(), FORMS)
