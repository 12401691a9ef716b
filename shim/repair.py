"""How this very installation is mended: the command that put it here, run again."""

from __future__ import annotations

import os
from shlex import quote


def repair_command() -> str:
    """Return the command line that installs again what is damaged, or what to run where its sources are gone."""
    prefix = os.path.dirname(__file__)
    for _ in range(5):  # PREFIX/venv/lib/pythonX.Y/site-packages/shim
        prefix = os.path.dirname(prefix)
    try:
        with open(os.path.join(prefix, "installed"), encoding="utf-8", errors="surrogateescape") as stream:
            said = dict(line.rstrip("\n").partition(" ")[::2] for line in stream)
    except OSError:
        return "install pip-uv-shim again, as it was installed"
    script = os.path.join(said.get("source", "/nonexistent"), "install.sh")
    if not os.path.isfile(script):
        return f"run install.sh again, with --prefix {quote(prefix)} --force"
    wheels = f" --wheels {quote(said['wheels'])}" if said.get("wheels") else ""
    return f"sh {quote(script)} --prefix {quote(prefix)}{wheels} --force"
