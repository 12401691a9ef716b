"""What a person sees: one story, played in a real terminal at two widths, becomes `docs/terminal.md`.

`tests/e2e/test_transcript.py` holds the page to what is played; SHIM_WRITE_TRANSCRIPT=1 with that test writes it anew.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from shim.cli.demo.server import PrivateIndex
from tests.support.installation import copy_installation
from tests.support.terminal import Terminal
from tests.support.toolchains import ROOT
from tests.support.world import CANARY, USER, World

PAGE = ROOT / "docs" / "terminal.md"
WIDTHS = (80, 40)
#: As long as what `tempfile` makes, so that lines are folded where they were.
HOME = "/home/alice-laptop"
OVER = "over-and-out"
INTRODUCTION = """# In a terminal

What `shim` says on the way from nothing to a password that changed, in a terminal of 80 columns and in one of 40. A test plays all of it and
compares; addresses and folders are exchanged for others of the same length. What stands after a question was typed, but for passwords.
"""


@dataclass(frozen=True)
class Scene:
    """A line that is typed, what is answered to each question, and what the scene shows. `is_loose`: some of it depends on the machine."""

    title: str
    line: str
    answers: Sequence[tuple[str, str]] = ()
    new_secret: bool = False
    is_loose: bool = False


STORY = (
    Scene(
        "Setup with the defaults",
        "shim setup --name corp",
        (("index: ", "{url}"), ("[login]: ", ""), ("[__token__]: ", USER), *((f"[{word}]", "") for word in ("no", "nowhere", "none", "Y/n"))),
    ),
    Scene("A command that has no credential", "shim explain -- pip install -i {url} corp-lib"),
    Scene(
        "A wrong password, three times", "shim login {name} --store file", (("/simple/: ", "1"), ("/simple/: ", "2"), ("/simple/: ", "3"))
    ),
    Scene("The right one", "shim login {name} --store file", (("/simple/: ", CANARY),)),
    Scene("Every index, and whether its server takes what is here", "shim status"),
    Scene("The same, after the password was changed at the index", "shim status", new_secret=True),
    Scene("What is wrong here", "shim doctor", is_loose=True),
)


def play(folder: Path, prefix: Path, packages: tuple[str, dict[str, list[str]]], columns: int) -> Iterator[tuple[Scene, str]]:
    """Yield each scene and what the terminal showed."""
    world = World(folder, copy_installation(prefix, folder / "shim"))
    tool = folder / "bin" / "pip"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho pip 26.2 from /x/pip \\(python 3.13\\)\n")
    tool.chmod(0o755)
    world.environ |= {
        "PATH": f"{world.prefix}/shims:{world.prefix}/faces:{tool.parent}:/usr/bin:/bin",
        "TERM": "xterm",
        "NO_COLOR": "1",
        "PS1": "",
    }
    world.environ |= {"COLUMNS": str(columns), "SHIM_CACHE_DIR": str(folder / "runtime")}
    world.shim("install")  # for the tools that are here
    with PrivateIndex(*packages, USER, CANARY) as index, Terminal(["/bin/sh"], world.environ, str(world.cwd)) as terminal:
        terminal.resize(24, columns)
        terminal.type("stty -echo")
        names = {"url": f"http://{index.netloc}/simple/", "name": "corp"}
        for scene in STORY:
            if scene.new_secret:
                index._header = "Basic changed"
            yield scene, tidy(type_scene(terminal, scene, names), folder, index)


def type_scene(terminal: Terminal, scene: Scene, names: dict[str, str]) -> str:
    """Type the scene's line and its answers; return what the terminal shows."""
    line = scene.line.format(**names)
    terminal.press(f"{line}; echo {OVER}\n")
    said = f"$ {line}\n"
    for ready, answer in scene.answers:
        question = terminal.until(ready)
        is_secret = "/simple/: " in ready
        said += question + ("" if is_secret else answer.format(**names) + "\n")
        terminal.press(answer.format(**names) + "\n")
    return said + terminal.until(OVER).partition(OVER)[0]


def tidy(text: str, folder: Path, index: PrivateIndex) -> str:
    """Return what was shown with other addresses, folders and times, each as long as it was, and without what was gone again."""
    text = re.sub(r"\r[^\n]*?\r\x1b\[K", "", text.replace("\r\n", "\n"))
    text = text.replace(index.netloc, "127.0.0.1:54321").replace(str(folder), HOME)
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "2026-01-02T03:04:05Z", text)
    text = re.sub(r"\b\d s ago", "0 s ago", text)
    return re.sub(r" +$", "", text, flags=re.MULTILINE).strip("\n") + "\n"


def render(played: dict[int, list[tuple[Scene, str]]]) -> str:
    """Return the page."""
    parts = [INTRODUCTION]
    for number, scene in enumerate(STORY):
        parts.append(f"## {scene.title}\n")
        parts += [f"```console\n{played[columns][number][1]}```\n" for columns in WIDTHS]
    return "\n".join(parts)


def new_folder() -> Path:
    """Return a folder of the user's whose path is as long as HOME."""
    return Path(tempfile.mkdtemp(prefix="shim-", dir="/tmp"))
