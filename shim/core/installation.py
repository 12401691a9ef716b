"""What install.sh wrote down about this installation: how it is mended, and which commit it is."""

from __future__ import annotations

import os

from shim.core.files import is_file, read_text

#: What another installer leaves in an environment -> how it installs what is there already.
MAKERS = {
    "uv-receipt.toml": "uv tool install --reinstall",
    "pipx_metadata.json": "pipx install --force",
}


def repair_command(extra: str = "") -> str:
    """Return the command line that installs again what is damaged, or what to do where its sources
    are gone or something else than install.sh installed it.

    `extra` names optional packages as pip does, in brackets; install.sh brings all of them.
    """
    from shlex import quote

    prefix, said = _read_stamp()
    if not said:
        return f"install pip-uv-shim{extra} again, as it was installed, with `{_reinstall()}`"
    script = os.path.join(said.get("source", "/nonexistent"), "install.sh")
    if not is_file(script):
        return f"run install.sh again, with --prefix {quote(prefix)} --force"
    wheels = f" --wheels {quote(said['wheels'])}" if said.get("wheels") else ""
    return f"sh {quote(script)} --prefix {quote(prefix)}{wheels} --force"


def _reinstall() -> str:
    """Return the beginning of a command that installs what seems to be installed already."""
    environment = os.path.abspath(__file__)
    for _ in range(6):  # ENVIRONMENT/lib/pythonX.Y/site-packages/shim/core/installation.py
        environment = os.path.dirname(environment)
    return next(
        (words for name, words in MAKERS.items() if is_file(os.path.join(environment, name))),
        "pip install --force-reinstall",
    )


def find_commit() -> str | None:
    """Return the commit of the checkout that install.sh installed this from, if it did."""
    return _read_stamp()[1].get("commit")


def _read_stamp() -> tuple[str, dict[str, str]]:
    """Return the prefix, and what PREFIX/installed says; nothing where there is none."""
    prefix = os.path.abspath(__file__)
    for _ in range(7):  # PREFIX/venv/lib/pythonX.Y/site-packages/shim/core/installation.py
        prefix = os.path.dirname(prefix)
    text = read_text(os.path.join(prefix, "installed")) or ""
    return prefix, dict(line.partition(" ")[::2] for line in text.splitlines())
