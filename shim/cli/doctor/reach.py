"""What our launchers and our `keyring` cannot serve here: pips of other programs that do not ask.

`python -m pip`, a venv's own pip and the pips of tox, nox, build, pipx and pre-commit pass no
launcher. They are served if they ask a `keyring` command, and if the first one on PATH is ours.

Sources: pip 23.1 (`--keyring-provider`), 26.2 (asks without a user name, #12543), network/auth.py
(`--no-input` turns `auto` off).
"""

from __future__ import annotations

import os
from itertools import islice

from shim.cli.doctor.check import Finding, find_shims
from shim.core import own_launchers
from shim.core.host import Host
from shim.core.model import Target
from shim.core.typing import Iterable, Iterator
from shim.install.shells import activating_command
from shim.tools.installed_version import find_release
from shim.tools.pip.settings import FileReader, PipSettings, read_settings

#: The first pip that can be told to ask a keyring command, and the first that does so for any URL.
FIRST_ASKING, FIRST_WITHOUT_NAME = (23, 1), (26, 2)
#: The first Python that the latter starts on.
FIRST_PYTHON = (3, 10)
VENV = "python3 -m venv .venv && . .venv/bin/activate"
#: Where a project's environment usually is.
USUAL = (".venv", "venv")


def find(host: Host) -> Iterator[Finding]:
    """Yield what stands between the pips here and our keyring, if an index is configured."""
    shims = find_shims(host)
    if shims is None:
        return
    faces = own_launchers.faces_folder(shims)
    activate = activating_command(host.environ.get("SHELL", ""), shims)
    keyring = next(host.programs(own_launchers.FACE), None)
    if keyring is None:
        text = (
            "our keyring is not on PATH, so `python -m pip` and what other programs start get no"
            " credential in this shell"
        )
        yield Finding("advice", os.path.join(faces, own_launchers.FACE), text, activate)
    elif not own_launchers.is_launcher(keyring):
        text = (
            "it stands before our keyring on PATH, so a pip of another environment asks it and not"
            " shim"
        )
        yield Finding("advice", keyring, text, activate)
    for pip in _find_pips(host):
        yield from _check_pip(pip, host)


def _check_pip(path: str, host: Host) -> Iterator[Finding]:
    """Yield why this pip, started as `python -m pip`, will not ask."""
    version, python, prefix = find_release(path, "pip", host)
    if version is None or find_release(path, "keyring", host)[0] is not None:
        return  # a keyring of its own is asked as without us
    release = ".".join(map(str, version))
    nothing = "as `python -m pip` it gets no credential"
    upgrade = _upgrade(path, python, prefix)
    if version < FIRST_ASKING:
        text = f"{nothing}: pip {release} asks no keyring command"
        yield Finding("advice", path, text, upgrade)
        return
    if version < FIRST_WITHOUT_NAME:
        text = (
            "as `python -m pip` it gets a credential only for an index URL with a user name"
            f" (USER@…): pip {release} asks for no other"
        )
        yield Finding("advice", path, text, upgrade)
    said = read_settings(("install",), 0, Target(path, version, python, prefix), host, FileReader())
    if reason := _silences(said):
        hint = "export PIP_KEYRING_PROVIDER=subprocess"
        yield Finding("advice", path, f"{nothing}: {reason}", hint)


def _upgrade(path: str, python: tuple[int, int] | None, prefix: str | None) -> str:
    """Return the command that gives this environment a newer pip; where its distribution keeps it
    (PEP 668), one that makes another. For an old Python there is no pip that asks.
    """
    minor = f"python{python[0]}.{python[1]}" if python else "python3"
    if prefix and os.path.isfile(os.path.join(prefix, "lib", minor, "EXTERNALLY-MANAGED")):
        return VENV
    if python and python < FIRST_PYTHON:
        return (
            "type `pip` in place of `python -m pip`: no pip for Python"
            f" {python[0]}.{python[1]} asks without a user name"
        )
    programs = [os.path.join(os.path.dirname(path), name) for name in ("python", "python3", minor)]
    program = next((program for program in programs if os.access(program, os.X_OK)), minor)
    return f"{program} -m pip install --upgrade pip"


def _silences(said: PipSettings) -> str | None:
    """Return which of pip's settings keeps it from asking a keyring command, or None."""
    mentions = said.all("keyring-provider")
    provider = mentions[-1].text if mentions else "auto"
    if provider in ("disabled", "import"):
        return f"{mentions[-1].origin} says keyring-provider {provider}"
    if provider == "auto" and said.is_on("no-input"):
        who = said.all("no-input")[-1].origin
        return f"{who} says no-input, and pip then asks no keyring that it is not told of"
    return None


def _find_pips(host: Host) -> Iterable[str]:
    """Return the pips of the active and usual environments, and the first on PATH, once each."""
    folders = [host.environ.get("VIRTUAL_ENV"), *(host.path(name) for name in USUAL)]
    found = [os.path.join(folder, "bin", "pip") for folder in folders if folder]
    others = (path for path in host.programs("pip") if not own_launchers.is_launcher(path))
    existing = [path for path in (*found, *islice(others, 1)) if os.access(path, os.X_OK)]
    return {os.path.realpath(os.path.dirname(path)): path for path in reversed(existing)}.values()
