"""What `shim activate` prints: static text, made of one or two templates for each shell.

It puts the launchers and the `keyring` face in front of PATH, once, and in interactive shells keeps
them there when a venv, conda or mise puts something before them, and lead to what completes `shim`.
`@SHIMS@`, `@HOOK@`, `@FACES@` and `@COMPLETE@` become quoted folders, `@NAMES@` the tools.

Sources: bash 5.2 manual "Controlling the Prompt"; zsh 5.9 "Hook Functions" and `emulate`; fish 3.6
"Event handlers"; mise `hook_env.rs`.
"""

from __future__ import annotations

import os

from shim.core.contextlib import suppress
from shim.core.dataclass import dataclass
from shim.core.errors import StoreError
from shim.core.files import read_text
from shim.core.own_files import replace_atomically
from shim.core.typing import Callable, Iterable
from shim.install.completion import COMPLETIONS, MANUAL, read_template
from shim.install.launchers import quote


def _quote_escaped(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _quote_doubled(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _quote_csh(text: str) -> str:
    return quote(text).replace("!", "\\!")  # which is history there, in quotes too


def _quote_raw(text: str) -> str:
    return f"r#'{text}'#"


@dataclass(frozen=True)
class Activation:
    """One text: its templates in this folder, and how a word is quoted in it."""

    templates: tuple[str, ...]
    quote: Callable[[str], str] = quote
    #: Whether it only works when it is read from its file: tcsh's `eval` makes one line of all.
    is_sourced: bool = False


#: The texts, each of which is kept in a file of that name as well. Adding a shell is one file, one
#: line here, and one in each table of install.sh.
TEXTS = {
    "bash": Activation(("common.sh", "prompt.sh", "bash.sh", "start.sh")),
    "zsh": Activation(("common.sh", "prompt.sh", "zsh.sh", "start.sh")),
    "sh": Activation(("common.sh", "start.sh")),
    "fish": Activation(("fish.fish",), _quote_escaped),
    "tcsh": Activation(("tcsh.tcsh",), _quote_csh, is_sourced=True),
    "nu": Activation(("nu.nu",), _quote_raw),
    "xonsh": Activation(("xonsh.xsh",), _quote_escaped),
    "elvish": Activation(("elvish.elv",), _quote_doubled),
}
#: The name of a shell's program -> its text.
SHELLS = {
    **{name: name for name in TEXTS},
    **dict.fromkeys(("dash", "ash", "busybox", "ksh", "ksh93", "mksh", "yash"), "sh"),
}

#: Text -> what is typed in its shell to activate it; the first one where there is no other.
ACTIVATE = {
    "sh": 'eval "$(shim activate)"',
    "tcsh": "eval `shim activate tcsh`",
    "nu": "source {file}",
    "xonsh": "execx($(shim activate xonsh))",
    "elvish": "eval (shim activate elvish | slurp)",
}

#: Functions for completion must have the options of zsh's completion instead.
ZSH_COMPLETION = (
    'if [[ -o interactive && -n "${functions[compdef]-}" ]]; then autoload -Uz _shim; compdef _shim'
    " shim; fi\n"
)


def activating_command(shell: str, shims: str) -> str:
    """Return what is typed to activate the shell with the path `shell` ($SHELL)."""
    name = SHELLS.get(os.path.basename(shell), "sh")
    file = TEXTS[name].quote(os.path.join(activation_folder(shims), name))
    return ACTIVATE.get(name, ACTIVATE["sh"]).replace("{file}", file)


def print_activation(shell: str, shims: str, hook: str, faces: str, names: Iterable[str]) -> str:
    """Return what `shim activate` prints for one of SHELLS."""
    name = SHELLS[shell]
    if TEXTS[name].is_sourced:
        return f"source {TEXTS[name].quote(os.path.join(activation_folder(shims), name))}\n"
    return render_activation(name, shims, hook, faces, names)


def render_activation(name: str, shims: str, hook: str, faces: str, names: Iterable[str]) -> str:
    """Return one of TEXTS. PATH cannot hold a folder with a colon in its name."""
    folder = os.path.dirname(__file__)
    text = ""
    for template in TEXTS[name].templates:
        with open(os.path.join(folder, template), encoding="utf-8") as stream:
            text += stream.read()
    quoted = TEXTS[name].quote
    values = {
        "SHIMS": quoted(shims),
        "HOOK": quoted(hook),
        "FACES": quoted(faces),
        "NAMES": " ".join(names),
        "COMPLETE": quoted(_complete_folder(shims)),
        "FILE": quoted(os.path.join(activation_folder(shims), name)),
        "SHIM": quoted(os.path.join(shims, "shim")),
    }
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    # Functions that are defined so have zsh's own options, whatever the user's are (KSH_ARRAYS,
    # WARN_CREATE_GLOBAL).
    return f"emulate zsh -c {quote(text)}\n{ZSH_COMPLETION}" if name == "zsh" else text


def render_files(shims: str, hook: str, faces: str, names: Iterable[str]) -> dict[str, str]:
    """Return path -> text of what rc files read, of completion, and of the manual page."""
    names = list(names)
    templates = map(read_template, (*COMPLETIONS.values(), MANUAL))
    texts = [*(render_activation(name, shims, hook, faces, names) for name in TEXTS), *templates]
    return dict(zip(_paths(shims), texts, strict=True))


def _paths(shims: str) -> list[str]:
    """Return the paths of those files, in the order of their texts."""
    paths = [os.path.join(activation_folder(shims), name) for name in TEXTS]
    paths += [os.path.join(_complete_folder(shims), name) for name in COMPLETIONS.values()]
    return [*paths, os.path.join(_manual_folder(shims), MANUAL)]


def is_current(shims: str, hook: str, faces: str, names: Iterable[str]) -> bool:
    """Return whether the files are there and what this release writes."""
    return all(
        read_text(path) == text for path, text in render_files(shims, hook, faces, names).items()
    )


def write_activation(shims: str, hook: str, faces: str, names: Iterable[str]) -> list[str]:
    """Write what `shim activate` prints into files beside the launchers' folder, for rc files to
    read; return the paths that changed.

    Raises:
        StoreError: the folder cannot be written.
    """
    changed = []
    try:
        for path, text in render_files(shims, hook, faces, names).items():
            if read_text(path) != text:
                os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
                replace_atomically(path, text.encode(), 0o644)
                changed.append(path)
    except OSError as error:
        raise StoreError(
            f"{os.path.dirname(shims)} cannot be written ({error.strerror})",
            hint="shim install --shims /some/other/folder",
        ) from error
    return changed


def remove_activation(shims: str) -> list[str]:
    """Remove those files, and their folders if they are empty then; return the paths removed."""
    removed = [path for path in _paths(shims) if read_text(path) is not None]
    for path in removed:
        os.unlink(path)
    manual = _manual_folder(shims)
    folders = (activation_folder(shims), _complete_folder(shims), manual, os.path.dirname(manual))
    for folder in folders:
        with suppress(OSError):
            os.rmdir(folder)
    return removed


def activation_folder(shims: str) -> str:
    """Return the folder of the files that rc files read."""
    return os.path.join(os.path.dirname(shims), "activate")


def _complete_folder(shims: str) -> str:
    return os.path.join(os.path.dirname(shims), "complete")


def _manual_folder(shims: str) -> str:
    """`man` looks into the folder `man` beside each folder on PATH."""
    return os.path.join(os.path.dirname(shims), "man", "man1")
