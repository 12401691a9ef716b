"""Completion and the manual page, written from the parsers by `tests/support/complete.py`."""

from __future__ import annotations

import os

#: Shell -> file in this folder.
COMPLETIONS = {"bash": "shim.bash", "zsh": "_shim", "fish": "shim.fish"}
MANUAL = "shim.1"


def read_template(name: str) -> str:
    """Return the text of one of these files."""
    with open(os.path.join(os.path.dirname(__file__), name), encoding="utf-8") as stream:
        return stream.read()
