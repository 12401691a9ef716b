"""The picture of a terminal in README: a first installation, played in a real terminal, becomes `docs/terminal.svg`.

`tests/e2e/test_transcript.py` holds the picture to what is played; SHIM_WRITE_TRANSCRIPT=1 with that test draws it anew.
"""

from __future__ import annotations

import re
from html import escape

from shim.cli.demo.server import PrivateIndex
from tests.support.terminal import Terminal
from tests.support.toolchains import ROOT
from tests.support.transcript import Scene, type_scene
from tests.support.world import CANARY, USER, World

PICTURE = ROOT / "docs" / "terminal.svg"
COLUMNS = 88
CONFIGURATION = '[[index]]\nname = "corp"\nurl = "{url}"\nusername = "alice"\n'
STORY = (
    Scene("", "pip install corp-lib", (("[Y/n] ", ""), ("/simple/: ", CANARY))),
    Scene("", "uv pip install --target lib corp-lib"),
    Scene("", "shim status"),
)
#: What the tools say in other words with each release of theirs.
CHATTER = re.compile("Looking in|Collecting|  Downloading|Installing collected|Using |Resolved|Prepared|Installed")
#: What shim says itself, and not the tool. A line that is moved in belongs to the one above it.
OURS = re.compile("shim: |Log in to|password or|stored for|pip, uv and|corp  ")
#: A character's width and a line's height, in a type of 14 pixels; what is left free around the text, and above it for the bar.
WIDTH, HEIGHT, MARGIN, BAR = 8.43, 20, 20, 36
STYLE = """\
.paper { fill: #ffffff; stroke: #d0d7de } text { fill: #57606a; white-space: pre } .typed { fill: #1f2328; font-weight: bold } .shim { fill: #0550ae } .dot { fill: #d0d7de }
@media (prefers-color-scheme: dark) {
.paper { fill: #0d1117; stroke: #30363d } text { fill: #9198a1 } .typed { fill: #f0f6fc } .shim { fill: #79c0ff } .dot { fill: #30363d }
}"""


def play(world: World, index: PrivateIndex) -> str:
    """Return what the terminal shows, with an example's address in the place of this machine's."""
    url = f"http://{index.netloc}/simple/"
    world.configure(CONFIGURATION.format(url=url))
    del world.environ["PIP_NO_INPUT"]
    world.environ |= {"PIP_INDEX_URL": url, "UV_DEFAULT_INDEX": url, "TERM": "xterm", "NO_COLOR": "1", "PS1": "", "PIP_PROGRESS_BAR": "off", "UV_NO_PROGRESS": "1"}
    with Terminal(["/bin/sh"], world.environ, str(world.cwd)) as terminal:
        terminal.resize(24, COLUMNS)
        terminal.type("stty -echo")
        shown = "\n".join(type_scene(terminal, scene, {"url": url}) for scene in STORY)
    shown = re.sub(r"\r[^\n]*?\r\x1b\[K", "", shown.replace("\r\n", "\n"))
    shown = shown.replace(f"http://{index.netloc}", "https://pypi.corp.example").replace(index.netloc, "pypi.corp.example").replace(USER, "alice")
    return re.sub(r" +$", "", re.sub(r"[\d.]+ms\b", "12ms", shown), flags=re.MULTILINE).strip("\n") + "\n"


def draw(text: str) -> str:
    """Return an SVG of the text: a window whose colours follow the reader's."""
    lines = text.splitlines()
    width, height = COLUMNS * WIDTH + 2 * MARGIN, BAR + len(lines) * HEIGHT + MARGIN
    drawn, name = [], ""
    for number, line in enumerate(lines):
        if not line.startswith(" "):
            name = "typed" if line.startswith("$ ") else "shim" if OURS.match(line) else "tool"
        place = f'x="{MARGIN}" y="{BAR + (number + 1) * HEIGHT - 6}"'
        drawn += [f'<text class="{name}" {place}>{escape(line, quote=False)}</text>'] if line else []
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" height="{height}" role="img"'
    font = 'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace" font-size="14">'
    paper = f'<rect class="paper" x="0.5" y="0.5" width="{width - 1:.0f}" height="{height - 1}" rx="8"/>'
    dots = [f'<circle class="dot" cx="{MARGIN + 4 + 18 * number}" cy="18" r="5"/>' for number in range(3)]
    title = "<title>pip finds no password, offers the login and installs; uv installs; shim status asks the server</title>"
    return "\n".join([f"{head} {font}", title, f"<style>{STYLE}</style>", paper, *dots, *drawn, "</svg>"]) + "\n"


def read(picture: str) -> list[str]:
    """Return the lines of text in a picture."""
    return [line.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") for line in re.findall(r"<text [^>]*>(.*?)</text>", picture)]
