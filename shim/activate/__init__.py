"""What `shim activate` prints: static text, made of one or two templates for each shell.

It puts the launchers and the `keyring` face in front of PATH, once, and in interactive shells keeps them there when a venv, conda
or mise puts something before them. `@SHIMS@`, `@HOOK@` and `@FACES@` become quoted folders, `@NAMES@` the tools.

Sources: bash 5.2 manual "Controlling the Prompt"; zsh 5.9 "Hook Functions" and `emulate`; fish 3.6 "Event handlers"; mise `hook_env.rs`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

from shim.errors import StoreError
from shim.reading import read_text

#: Shell -> templates in this folder. Adding a shell is one file and one line here.
SHELLS: dict[str, tuple[str, ...]] = {
    "bash": ("common.sh", "bash.sh", "start.sh"),
    "zsh": ("common.sh", "zsh.sh", "start.sh"),
    **dict.fromkeys(("sh", "dash", "ksh", "ash"), ("common.sh", "start.sh")),
    "fish": ("fish.fish",),
}

#: The shells whose text is kept in a file as well.
FILES = ("bash", "zsh", "sh", "fish")


def render_activation(shell: str, shims: str, hook: str, faces: str, names: Iterable[str]) -> str:
    """Return the text for one of SHELLS. The folders may have any name but one with a colon, which PATH cannot hold."""
    folder = os.path.dirname(__file__)
    text = ""
    for template in SHELLS[shell]:
        with open(os.path.join(folder, template), encoding="utf-8") as stream:
            text += stream.read()
    quote = _quote_fish if shell == "fish" else _quote
    values = {"SHIMS": quote(shims), "HOOK": quote(hook), "FACES": quote(faces), "NAMES": " ".join(names)}
    values["SHIM_QUOTED"] = _quote_twice(os.path.join(shims, "shim"))
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    # Functions that are defined so have zsh's own options, whatever the user's are (KSH_ARRAYS, WARN_CREATE_GLOBAL).
    return f"emulate zsh -c {_quote(text)}\n" if shell == "zsh" else text


def render_files(shims: str, hook: str, faces: str, names: Iterable[str]) -> dict[str, str]:
    """Return path -> text of the files beside the launchers' folder."""
    names = list(names)
    return {os.path.join(activation_folder(shims), shell): render_activation(shell, shims, hook, faces, names) for shell in FILES}


def is_current(shims: str, hook: str, faces: str, names: Iterable[str]) -> bool:
    """Return whether the files are there and what this release writes."""
    return all(_read(path) == text for path, text in render_files(shims, hook, faces, names).items())


def write_activation(shims: str, hook: str, faces: str, names: Iterable[str]) -> list[str]:
    """Write what `shim activate` prints into files beside the launchers' folder, for rc files to read; return the paths that changed.

    Raises:
        StoreError: the folder cannot be written.
    """
    changed = []
    try:
        os.makedirs(activation_folder(shims), mode=0o755, exist_ok=True)
        for path, text in render_files(shims, hook, faces, names).items():
            if _read(path) != text:
                with open(f"{path}.{os.getpid()}", "w", encoding="utf-8") as stream:
                    stream.write(text)
                os.chmod(stream.name, 0o644)
                os.replace(stream.name, path)
                changed.append(path)
    except OSError as error:
        raise StoreError(
            f"{activation_folder(shims)} cannot be written ({error.strerror})", hint="shim install --shims /some/other/folder"
        ) from error
    return changed


def remove_activation(shims: str) -> list[str]:
    """Remove those files, and the folder if it is empty then; return the paths removed."""
    paths = [os.path.join(activation_folder(shims), shell) for shell in FILES]
    removed = [path for path in paths if _read(path) is not None]
    for path in removed:
        os.unlink(path)
    with suppress(OSError):
        os.rmdir(activation_folder(shims))
    return removed


def activation_folder(shims: str) -> str:
    """Return the folder of the files that rc files read."""
    return os.path.join(os.path.dirname(shims), "activate")


def _read(path: str) -> str | None:
    return read_text(path)


def _quote(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _quote_twice(text: str) -> str:
    """Return a word that is still quoted after the shell has read it once: for `eval`."""
    return _quote(_quote(text))


def _quote_fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
