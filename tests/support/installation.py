"""Copies of the one installation that all tests share, for a test that changes it."""

from __future__ import annotations

import shutil
from pathlib import Path


def copy_installation(prefix: Path, copy: Path) -> Path:
    """Copy an installation to `copy`, with launchers that start the copy, and activations that lead to them; returns `copy`."""
    shutil.copytree(prefix, copy, symlinks=True)
    for folder in ("shims", "faces", "activate"):
        for file in (copy / folder).iterdir():
            file.write_text(file.read_text().replace(str(prefix), str(copy)))
    return copy
