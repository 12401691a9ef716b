"""The launchers on disk: rendered from launcher.sh, written atomically, known by their signature.

Nothing here looks for a target: the launcher itself does that, in one place, and
`own_launchers.find_target` asks it.
"""

from __future__ import annotations

import contextlib
import os
import sys

from shim.core.errors import StoreError
from shim.core.files import names_in, read_head
from shim.core.host import Host
from shim.core.own_files import replace_atomically
from shim.core.own_launchers import COMMAND, FACE, faces_folder, hook_folder, is_launcher
from shim.core.typing import Iterable
from shim.tools import TOOLS, load_tool

#: dash drops entries of the environment whose names are no identifiers (exported functions
#: `BASH_FUNC_x%%`, `a.b`); `bash -p` keeps them unread and unchanged, for 0.4 ms.
SHELLS = ("/bin/bash", "/usr/bin/bash")
HINT = "shim install --shims /some/other/folder"


def render_launcher() -> str:
    """Return the text that all launchers of this installation share."""
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "launcher.sh"), encoding="utf-8") as stream:
        text = stream.read()
    values = {
        "SHELL": next((f"{path} -p" for path in SHELLS if os.access(path, os.X_OK)), "/bin/sh"),
        "PYTHON": quote(base_python()),
        "HOT": quote(os.path.join(os.path.dirname(here), "start.py")),
        "SITE": quote(site_folder()),
        "NEVER_NEEDS_INDEX": _render_needless(),
        "FALLS_BACK_TO_OTHER_INDEXES": _pattern(
            name for name in TOOLS if load_tool(name).falls_back_to_other_indexes
        ),
    }
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


def base_python() -> str:
    """Return the path of the interpreter itself: no venv's link, no shim of another tool."""
    return os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)


def site_folder() -> str:
    """Return the folder in which our dependencies are installed."""
    import filelock

    return os.path.dirname(os.path.dirname(os.path.abspath(filelock.__file__)))


def _render_needless() -> str:
    """Return the `case` that marks the commands which never ask an index."""
    lines = ["  case $_shim_name in"]
    for module in dict.fromkeys(TOOLS.values()):
        names = [name for name in TOOLS if TOOLS[name] == module]
        lines.append(f"    {_pattern(names)})")
        lines += [f"      {line}" for line in _render_words(load_tool(names[0]).never_needs_index)]
        lines.append("      ;;")
    return "\n".join([*lines, "  esac"])


def _render_words(never_needs_index: tuple[str, ...]) -> list[str]:
    """Return the inner `case`: single words by $1, pairs of words by $1 and then $2."""
    single, pairs = list[str](), dict[str, list[str]]()
    for entry in never_needs_index:
        first, blank, second = entry.partition(" ")
        (pairs.setdefault(first, []) if blank else single).append(quote(second or first))
    lines = ['case "${1-}" in', f"  {' | '.join(single)}) _shim_direct=1 ;;"]
    for first, seconds in pairs.items():
        words = " | ".join(seconds)
        lines.append(f'  {quote(first)}) case "${{2-}}" in {words}) _shim_direct=1 ;; esac ;;')
    return [*lines, "esac"]


def _pattern(names: Iterable[str]) -> str:
    """Return a `case` pattern for launcher names; `pip3` stands for `pip3.12` as well."""
    return " | ".join(f"{name} | {name}.*" if name.endswith("3") else name for name in names)


def quote(text: str) -> str:
    """Return a word in quotes for a shell, also one that needs none."""
    return "'" + text.replace("'", "'\\''") + "'"


def wrapped_names(folder: str, host: Host) -> list[str]:
    """Return the tools on PATH elsewhere: without `--all` these alone get a launcher."""
    found: set[str] = set()
    for entry in host.environ.get("PATH", os.defpath).split(":"):
        place = entry or "."
        if os.path.realpath(place) != os.path.realpath(folder):
            names = filter(is_wrapped, names_in(place))
            found.update(name for name in names if _is_program(os.path.join(place, name)))
    order = list(TOOLS)
    return sorted(found, key=lambda name: (order.index(name.partition(".")[0]), name))


def is_wrapped(name: str) -> bool:
    """Whether a program of that name is one of ours to wrap: in TOOLS, or a `pip3.12`."""
    base, dot, minor = name.partition(".")
    return base in TOOLS and (not dot or (base.endswith("3") and minor.isdigit()))


def _is_program(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK) and not is_launcher(path)


def write_launchers(folder: str, names: Iterable[str]) -> list[str]:
    """Write launchers for `names`, `shim` and the `keyring` face; return the paths that changed.

    Raises:
        StoreError: a folder or file cannot be written, or somebody else's file stands in the way.
    """
    text = render_launcher().encode()
    paths = [os.path.join(folder, name) for name in (COMMAND, *names)]
    paths.append(os.path.join(faces_folder(folder), FACE))
    changed = [path for path in paths if _write_one(path, text)]
    _write_hook(folder)
    return changed


def has_hook(folder: str) -> bool:
    """Return whether the second path to a folder of launchers leads there."""
    hook = hook_folder(folder)
    return os.path.isdir(hook) and os.path.samefile(hook, folder)


def _write_hook(folder: str) -> None:
    """Make the second path to the folder, or lead a link that is there back to it."""
    hook = hook_folder(folder)
    if has_hook(folder):
        return
    try:
        if os.path.islink(hook):
            os.unlink(hook)
        os.symlink(os.path.basename(folder), hook)
    except OSError as error:
        raise StoreError(f"{hook} cannot be made ({error.strerror})", hint=HINT) from error


def _write_one(path: str, text: bytes) -> bool:
    """Write one launcher if it differs; return whether it did."""
    try:
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        if os.path.lexists(path):
            if not is_launcher(path):
                raise StoreError(
                    f"{path} is not a launcher of ours and stands in the way", hint=f"rm {path}"
                )
            if read_head(path, len(text) + 1) == text and os.access(path, os.X_OK):
                return False
        replace_atomically(path, text, 0o755)  # everybody may run it
    except OSError as error:
        raise StoreError(f"{path} cannot be written ({error.strerror})", hint=HINT) from error
    return True


def remove_launchers(folder: str, names: Iterable[str] | None = None) -> list[str]:
    """Remove our launchers of `names` (None: all) and empty folders; return the paths removed.

    Raises:
        StoreError: a launcher cannot be removed.
    """
    faces, candidates = faces_folder(folder), [os.path.join(folder, name) for name in names or ()]
    if names is None:
        for place in (folder, faces):
            candidates += [os.path.join(place, name) for name in names_in(place)]
    removed = [path for path in candidates if is_launcher(path)]
    for path in removed:
        try:
            os.unlink(path)
        except OSError as error:
            raise StoreError(
                f"{path} cannot be removed ({error.strerror})", hint=f"ls -ld {folder}"
            ) from error
    hook = hook_folder(folder)
    if names is None and os.path.islink(hook):
        with contextlib.suppress(OSError):
            os.unlink(hook)
    for place in (folder, faces):
        # A folder that cannot be removed is harmless without launchers in it.
        if names_in(place) == [] and os.path.isdir(place):
            with contextlib.suppress(OSError):
                os.rmdir(place)
    return removed
