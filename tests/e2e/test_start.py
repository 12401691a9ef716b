"""README and docs/start.md as a new user reads them: each line is typed in a terminal, against a private index on this machine."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex
from tests.support import toolchains, transcript
from tests.support.documents import blocks
from tests.support.first_install import prepare
from tests.support.terminal import Terminal
from tests.support.transcript import STORY, type_scene
from tests.support.world import CANARY, USER, World

#: A verb -> what is answered to its questions. Commands that name no index are to ask this one.
ANSWERS = {
    "shim setup": tuple((asked, "default" if asked == "[no]" else answer) for asked, answer in STORY[0].answers),
    "shim login corp": (("Number or word [", "file"), ("/simple/: ", CANARY)),
    "shim login corp --store file": (("/simple/: ", CANARY),),
}


#: The blocks of a page from the installation to the first package.
PAGES = {"README.md": blocks("README.md", "console"), "docs/start.md": blocks("docs/start.md", "console")[:-2]}


@pytest.fixture
def newcomer(world: World, wheels: Path) -> World:
    """Who has a checkout, a venv and uv, and nothing of ours; install.sh takes our packages from a folder."""
    venv = world.folder / "python"
    subprocess.run([toolchains.python_for(), "-m", "venv", venv], check=True)
    prepare(world, wheels, venv / "bin", toolchains.uv().bin)
    del world.environ["UV_CONFIG_FILE"]
    world.environ |= {"VIRTUAL_ENV": str(venv), "TERM": "dumb", "PS1": ""}
    return world


def install(world: World, line: str, wheels: Path) -> str:
    """Run a line of a page that calls install.sh, in this checkout or in one that it makes."""
    links = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "UV_NO_INDEX": "1", "UV_FIND_LINKS": str(wheels)}
    folder = toolchains.ROOT if line.startswith("./") else world.cwd
    clone = f"git -c safe.directory='*' clone --quiet '{toolchains.ROOT}' pip-uv-shim"
    result = world.run("bash", "-ec", f"cd '{folder}'; {line.replace('git clone …', clone)}", **links, timeout=280)
    assert result.returncode == 0, f"{line}\n{result.stdout}{result.stderr}"
    return result.stdout


def type_lines(shell: Terminal, lines: list[str], index: PrivateIndex, stdin: str = "") -> str:
    """Type lines with the answers to their questions, none of which may fail; return what the terminal shows."""
    said = ""
    for line in lines:
        answers = ANSWERS.get(line, ())
        command = line.replace("shim setup", "shim setup --name corp")
        scene = transcript.Scene("", command + ("" if answers else stdin), answers)
        said += type_scene(shell, scene, {"url": f"http://{index.netloc}/simple/"})
    return said


@pytest.mark.parametrize("page", PAGES)
def test_a_newcomer_types_what_a_page_says(page: str, newcomer: World, index: PrivateIndex, wheels: Path) -> None:
    """install.sh in one shell, all the rest in a new one, which reads the rc file."""
    first, *rest = (line for block in PAGES[page] for line in block.typed)
    install(newcomer, first, wheels)
    with Terminal(["bash", "--noediting", "-i"], newcomer.environ, str(newcomer.cwd)) as shell:
        shell.type("stty -echo")
        said = type_lines(shell, rest, index)

    assert "Successfully installed corp-lib-1.0" in said
    assert re.search(r"(Audited|Checked) 1 package", said)
    assert {user for _, user, status in index.requests if status == 200} == {USER}


#: What differs each time.
LUCK = re.compile(r"(Downloading|target|version|Python) +\S+|/proc/\S+|[\d.]+(?=ms| bytes)")


def without_luck(text: str) -> list[str]:
    return [LUCK.sub("…", line.rstrip()) for line in text.splitlines()]


@pytest.mark.quick
def test_a_session_looks_as_the_page_shows_it(world: World, index: PrivateIndex) -> None:
    *_, session, _ = blocks("docs/start.md", "console")
    world.use(toolchains.pip("newest"))
    world.environ |= {"PIP_INDEX_URL": f"http://{index.netloc}/simple/", "UV_INDEX_URL": f"http://{index.netloc}/simple/", "PS1": "", "TERM": "dumb"}
    world.environ["PATH"] += f":{toolchains.uv().bin}"
    world.configure(f'[[index]]\nname = "corp"\nurl = "http://{index.netloc}/simple/"\nusername = "{USER}"\n')
    with Terminal(["/bin/sh"], world.environ, str(world.cwd)) as shell:
        shell.type("stty -echo")
        said = type_lines(shell, session.typed, index, stdin=" </dev/null")

    names = {f"http://{index.netloc}": "https://pypi.corp.example", index.netloc: "pypi.corp.example", "127.0.0.1": "pypi.corp.example"}
    for ours, example in {**names, world.environ["XDG_DATA_HOME"]: "~/.local/share"}.items():
        said = said.replace(ours, example)
    assert [line for line in without_luck("\n".join(session.shown)) if line not in without_luck(said)] == []
