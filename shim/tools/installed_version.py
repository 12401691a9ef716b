"""Which release the real tool is, read from files on disk: its script's `#!` line, pyvenv.cfg,
site-packages.

Nothing is run. What cannot be told is None; the caller then takes the most careful way.

Sources: distlib 0.3.9 `scripts.py` and uv 0.9 `uv-install-wheel` (launcher scripts); CPython
`Lib/site.py`, `Modules/getpath.py` (search order); Debian `dist-packages`; the binary distribution
format (`.dist-info`); pyenv 2.4.
"""

from __future__ import annotations

import os

from shim.core import regex as re
from shim.core.files import is_file, names_in, read_head, real_path
from shim.core.host import Host, this_host
from shim.core.package_names import normal_name
from shim.core.typing import NamedTuple

Release = tuple[tuple[int, ...] | None, tuple[int, int] | None, str | None]

_UNKNOWN: Release = (None, None, None)
_TRAMPOLINE_START = "'''exec' "
#: Line 2 of a script whose interpreter's path is too long or holds blanks.
_TRAMPOLINE = r"""'''exec' (?:"(?P<double>/[^"]+)"|'(?P<single>/[^']+)'|(?P<bare>/\S+)) """
#: The same in a relocatable environment made by uv: the interpreter stands beside the script.
_RELOCATABLE = r"""'''exec' "\$\(dirname -- "\$\(realpath -- "\$0"\)"\)"/'?(?P<name>[\w.]+)'? """
_HEAD_BYTES = 4096
_MAX_DIGITS = 9


class Interpreter(NamedTuple):
    """A Python on disk: how it is started (`flags`: what its `#!` line adds), and what it is."""

    path: str
    flags: str
    prefix: str
    python: tuple[int, int] | None
    base: str
    sees_user_site: bool


def find_release(executable: str, distribution: str, host: Host | None = None) -> Release:
    """Return (release of `distribution`, its interpreter's (major, minor), the environment's
    prefix) for `executable`.

    `executable` is a script of a Python or, like uv, a binary beside one. Each part is None where
    files do not tell.
    """
    host = host or this_host()
    behind = _find_behind_pyenv(executable, host)
    if behind != executable:
        return find_release(behind, distribution, host) if behind else _UNKNOWN
    head = _read_head(executable)
    if not head.startswith("#!"):
        return _find_beside(executable, distribution) if head else _UNKNOWN
    started = _read_interpreter(executable, head, host)
    if started is None:
        return _UNKNOWN
    interpreter = find_interpreter(*started)
    for folder in _site_folders(interpreter, host):
        version = _find_version(folder, distribution)
        if version is not None:
            return (version or None, interpreter.python, interpreter.prefix)
    return (None, interpreter.python, interpreter.prefix)


def find_interpreter(path: str, flags: str = "") -> Interpreter:
    """Return what files tell about the Python started as `path`."""
    folder = os.path.dirname(path)
    real = real_path(path)
    base = os.path.dirname(os.path.dirname(real))
    for candidate in (os.path.dirname(folder), folder):
        settings = _read_settings(os.path.join(candidate, "pyvenv.cfg"))
        if settings is None:
            continue
        numbers = parse_version(settings.get("version_info") or settings.get("version") or "")
        python = (numbers[0], numbers[1]) if len(numbers) > 1 else _python_of(real, base)
        home = os.path.dirname(settings["home"]) if settings.get("home") else base
        sees_system = settings.get("include-system-site-packages", "false").lower() == "true"
        return Interpreter(
            path, flags, candidate, python, home if sees_system else candidate, sees_system
        )
    return Interpreter(path, flags, base, _python_of(real, base), base, True)


def parse_version(text: str) -> tuple[int, ...]:
    """Return the leading numbers of a version, maybe none: `26.0b1` is (26, 0)."""
    numbers: list[int] = []
    for part in text.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))][:_MAX_DIGITS]
        if digits:
            numbers.append(int(digits))
        if digits != part or not digits:
            break
    return tuple(numbers)


def _read_python_name(name: str) -> tuple[()] | tuple[int, int] | None:
    """Return what a name such as `python`, `python3` or `pypy3.11` says: None if it means no
    Python, () if it does not say (major, minor).
    """
    kind = next((kind for kind in ("python", "pypy") if name.startswith(kind)), None)
    if kind is None:
        return None
    numbers = name.removeprefix(kind).removesuffix("t").split(".")
    if numbers == [""] or (len(numbers) == 1 and numbers[0].isdecimal()):
        return ()
    if len(numbers) != 2 or not all(number.isdecimal() for number in numbers):
        return None
    return int(numbers[0]), int(numbers[1])


def _read_head(path: str) -> str:
    """Return the first bytes of a regular file as text, "" if it cannot be read."""
    return read_head(path, _HEAD_BYTES).decode("utf-8", "surrogateescape")


def _read_settings(path: str) -> dict[str, str] | None:
    """Return the `key = value` lines of a pyvenv.cfg, or None if there is no such file."""
    text = _read_head(path)
    if not text:
        return None
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key.strip().lower(): value.strip() for key, _, value in pairs}


def _read_interpreter(executable: str, head: str, host: Host) -> tuple[str, str] | None:
    """Return (path, flags) of the Python that a script's first lines start, if they do."""
    first, _, rest = head.partition("\n")
    program, _, argument = first[2:].strip().partition(" ")
    name = os.path.basename(program)
    if _read_python_name(name) is not None:
        return program, argument.strip()
    if name == "env":
        words = [word for word in argument.split() if word not in ("-S", "--") and "=" not in word]
        if not words or _read_python_name(words[0]) is None:
            return None
        found = next(host.programs(words[0]), None)
        found = _find_behind_pyenv(found, host) if found else None
        return (found, " ".join(words[1:])) if found else None
    if not rest.startswith(_TRAMPOLINE_START):
        return None
    trampoline = re.match(_TRAMPOLINE, rest) or re.match(_RELOCATABLE, rest)
    if trampoline is None:
        return None
    parts = trampoline.groupdict()
    if "name" in parts:
        return os.path.join(os.path.dirname(real_path(executable)), parts["name"]), ""
    return parts["double"] or parts["single"] or parts["bare"], ""


def _find_behind_pyenv(path: str, host: Host) -> str | None:
    """Return the program behind a pyenv shim, if it can be told, and any other path itself."""
    head = _read_head(path)
    shims = os.path.dirname(path)
    if "pyenv" not in head or os.path.basename(shims) != "shims" or not head.startswith("#!"):
        return path
    root = os.path.dirname(shims)
    for version in _read_pyenv_versions(root, host):
        candidate = os.path.join(root, "versions", version, "bin", os.path.basename(path))
        if is_file(candidate):
            return candidate
    return None


def _read_pyenv_versions(root: str, host: Host) -> list[str]:
    """Return pyenv's versions: `PYENV_VERSION`, the next `.python-version`, or the global ones."""
    if host.environ.get("PYENV_VERSION"):
        return host.environ["PYENV_VERSION"].split(":")
    folder = host.cwd
    while True:
        text = _read_head(os.path.join(folder, ".python-version"))
        if text or folder == os.path.dirname(folder):
            break
        folder = os.path.dirname(folder)
    text = text or _read_head(os.path.join(root, "version"))
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    return [word for line in lines for word in line.split()]


def _python_of(real: str, prefix: str) -> tuple[int, int] | None:
    """Return (major, minor) by the interpreter's name, else by the only library of its prefix."""
    named = _read_python_name(os.path.basename(real))
    if named:
        return named
    libraries = [
        python for python, folder in _libraries(prefix) if is_file(os.path.join(folder, "os.py"))
    ]
    return libraries[0] if len(set(libraries)) == 1 else None


def _libraries(prefix: str) -> list[tuple[tuple[int, int], str]]:
    """Return ((major, minor), folder) for each `lib/python3.X` below `prefix`."""
    found: list[tuple[tuple[int, int], str]] = []
    for library in ("lib", "lib64"):
        for name in names_in(os.path.join(prefix, library)):
            python = _read_python_name(name)
            if python:
                found.append((python, os.path.join(prefix, library, name)))
    return found


def _site_folders(interpreter: Interpreter, host: Host) -> list[str]:
    """Return where this Python looks for packages, in its order."""
    if interpreter.python is None:
        return []
    library = "python{}.{}".format(*interpreter.python)
    words = [word for word in interpreter.flags.split() if word.startswith("-")]
    flags = set("".join(word[1:] for word in words if word[1:2] != "-"))
    paths = "" if flags & set("EI") else host.environ.get("PYTHONPATH", "")
    folders = [host.path(folder) for folder in paths.split(":") if folder]
    prefixes = [interpreter.prefix]
    if interpreter.sees_user_site:
        if interpreter.prefix == interpreter.base:
            prefixes = []
        at_home = os.path.join(host.home, ".local") if host.home else None
        user_base = host.environ.get("PYTHONUSERBASE") or at_home
        if user_base and not flags & set("sI") and not host.environ.get("PYTHONNOUSERSITE"):
            prefixes.append(user_base)
        prefixes.append(interpreter.base)
    for prefix in prefixes:
        if prefix == "/usr":
            folders += [f"/usr/local/lib/{library}/dist-packages", "/usr/lib/python3/dist-packages"]
        for lib in ("lib", "lib64"):
            folders += [
                os.path.join(prefix, lib, library, kind)
                for kind in ("site-packages", "dist-packages")
            ]
    return folders


def _find_beside(executable: str, distribution: str) -> Release:
    """Return the release of a binary by the environment in whose `bin` it or its target is."""
    for path in dict.fromkeys((executable, real_path(executable))):
        prefix = os.path.dirname(os.path.dirname(os.path.abspath(path)))
        found = [
            (version, python)
            for python, folder in _libraries(prefix)
            for kind in ("site-packages", "dist-packages")
            if (version := _find_version(os.path.join(folder, kind), distribution))
        ]
        if len({version for version, _ in found}) == 1:
            return (found[0][0], found[0][1], prefix)
    return _UNKNOWN


def _find_version(folder: str, distribution: str) -> tuple[int, ...] | None:
    """Return a release in a site folder: None if it is not there, () if its metadata disagree."""
    wanted = normal_name(distribution)
    versions: set[tuple[int, ...]] = set()
    for entry in names_in(folder):
        stem, _, kind = entry.rpartition(".")
        name, _, rest = stem.partition("-")
        if kind in ("dist-info", "egg-info") and normal_name(name) == wanted:
            versions.add(parse_version(rest.partition("-")[0]))
    if not versions:
        return None
    return versions.pop() if len(versions) == 1 else ()
