"""What `shim activate` prints: static text, one template per shell. `@SHIMS@` becomes the quoted folder of the launchers.

The text puts that folder in front of PATH, once: run again, it moves it to the front again. It starts no process.
"""

from __future__ import annotations

import os

#: Shell -> template in this folder. Adding a shell is one file and one line here.
SHELLS = {**dict.fromkeys(("bash", "zsh", "sh", "dash", "ksh", "ash"), "posix.sh"), "fish": "fish.fish"}


def render_activation(shell: str, shims: str) -> str:
    """Return the text for one of SHELLS. The folder may have any name but one with a colon, which PATH cannot hold."""
    with open(os.path.join(os.path.dirname(__file__), SHELLS[shell]), encoding="utf-8") as stream:
        text = stream.read()
    return text.replace("@SHIMS@", _quote_fish(shims) if shell == "fish" else _quote(shims))


def _quote(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _quote_fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
