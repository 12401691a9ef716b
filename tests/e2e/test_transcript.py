"""`docs/terminal.md` is what a terminal shows, 80 and 40 columns wide, and `docs/terminal.svg` is what one shows of a first installation."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from shim.cli.demo.server import PrivateIndex
from tests.support import picture, toolchains, transcript
from tests.support.documents import blocks
from tests.support.world import CANARY, World

#: What is copied, a question with what was typed, and what is written into a file.
STAY_WHOLE = ("hint: ", "    ", "1. The URL", "password or token of", "to be added to", "   Where do you upload", "   Which names come only", "written; to undo")


def test_the_page_is_what_a_terminal_shows(prefix: Path, packages: tuple[str, dict[str, list[str]]]) -> None:
    played = {}
    for columns in transcript.WIDTHS:
        folder = transcript.new_folder()
        try:
            played[columns] = list(transcript.play(folder, prefix, packages, columns))
        finally:
            shutil.rmtree(folder)
    if os.environ.get("SHIM_WRITE_TRANSCRIPT"):
        transcript.PAGE.write_text(transcript.render(played))
    shown_on_page = [block.text for block in blocks("docs/terminal.md", "console")]

    assert len(shown_on_page) == len(transcript.STORY) * len(transcript.WIDTHS)
    for columns, scenes in played.items():
        for scene, shown in scenes:
            assert shown in shown_on_page or scene.is_loose, scene.title
            for line in shown.splitlines()[1:]:
                assert len(line) <= columns or len(line.split()) <= 2 or line.startswith(STAY_WHOLE), line
    assert "shim login corp --store file" in " ".join(played[80][-1][1].split())


@pytest.fixture
def newcomer(world: World, keyring_daemon: dict[str, str]) -> Iterator[World]:
    """Who has a venv, uv and a keyring, and has not logged in."""
    venv = world.cwd / ".venv"
    subprocess.run([toolchains.python_for(), "-m", "venv", venv], check=True)
    world.environ |= {**keyring_daemon, "VIRTUAL_ENV": str(venv), "PATH": f"{world.prefix}/shims:{venv}/bin:{toolchains.uv().bin}:/usr/bin:/bin"}
    yield world
    world.shim("logout", "corp")


def test_the_picture_is_what_a_terminal_shows(newcomer: World, index: PrivateIndex) -> None:
    shown = picture.play(newcomer, index)
    drawn = picture.draw(shown)
    if os.environ.get("SHIM_WRITE_TRANSCRIPT"):
        picture.PICTURE.write_text(drawn)

    assert CANARY not in drawn
    assert ElementTree.fromstring(drawn).tag.endswith("svg")
    kept, played = ([line for line in lines if line and not picture.CHATTER.match(line)] for lines in (picture.read(picture.PICTURE.read_text()), shown.splitlines()))
    assert kept == played
