"""`docs/terminal.md` is what a terminal shows, 80 and 40 columns wide."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.support import transcript
from tests.support.documents import blocks

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
