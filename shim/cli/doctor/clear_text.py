"""Secrets in clear: in configuration, in what pipx keeps, in the project's files, in rc files, in
variables.
"""

from __future__ import annotations

import os
from glob import escape, glob

from shim.cli.doctor.check import Finding
from shim.core.files import read_text
from shim.core.host import Host
from shim.core.typing import Iterator
from shim.formats.clear_text import Sighting, find_in_line, find_in_pypirc, find_secrets
from shim.tools.project import pipx_records

MAX_BYTES = 64 << 20
RC_FILES = (
    *(".bashrc", ".bash_profile", ".bash_login", ".profile"),
    *(".zshrc", ".zshenv", ".zprofile", ".config/fish/config.fish", ".envrc"),
)
CONFIG_FILES = ("pip/pip.conf", "uv/uv.toml", "pypoetry/auth.toml", "shim/config.toml")
PROJECT_FILES = (
    *("uv.toml", "pyproject.toml", "Pipfile", "Pipfile.lock", "uv.lock", "poetry.lock", "pdm.lock"),
    *("poetry.toml", "setup.cfg", "pip.conf", "tox.ini", "noxfile.py", ".env", ".envrc", ".pypirc"),
    "Dockerfile",
)
PROJECT_PATTERNS = (
    *("*requirements*.txt", "*requirements*.in", "requirements/*.txt"),
    *("constraints*.txt", "pylock*.toml"),
)
MACHINE_FILES = ("/etc/pip.conf", "/etc/uv/uv.toml", "/etc/xdg/pip/pip.conf", "/etc/xdg/uv/uv.toml")
TOOLS = ("PIP_", "UV_", "TWINE_", "POETRY_", "PDM_", "FLIT_", "HATCH_", "PIPENV_")
ROTATE = "it has been readable: change it at the index as well"


def find(host: Host) -> Iterator[Finding]:
    """Yield one finding for each secret in clear, without its value."""
    for path in files(host):
        for sighting in read_sightings(path):
            where = f"{path}:{sighting.line}"
            text = f"{sighting.what} holds a password in clear; {ROTATE}"
            yield Finding("problem", where, text, _command(path, sighting))
    exported = "it is exported, and every program that you start can read the password in it"
    for name, value in sorted(host.environ.items()):
        if name.startswith(TOOLS):
            for sighting in find_in_line(value if "://" in value else f"{name}={value}"):
                index = sighting.url or "URL of the index"
                command = f"shim login {index}, then take the variable out of what exports it"
                for_index = None if name.endswith("_PROXY") else command
                yield Finding("problem", name, f"{exported}; {ROTATE}", for_index)


def files(host: Host) -> list[str]:
    """Return every file that is looked at and exists."""
    found = [*MACHINE_FILES]
    if named := host.environ.get("PIP_CONFIG_FILE"):
        found.append(host.path(named))
    if host.config_home:
        found += [os.path.join(host.config_home, name) for name in CONFIG_FILES]
    if host.home:
        found += [os.path.join(host.home, name) for name in (".pip/pip.conf", ".pypirc", *RC_FILES)]
    if prefix := host.environ.get("VIRTUAL_ENV"):
        found.append(os.path.join(prefix, "pip.conf"))
    for home in pipx_records.homes("", host, is_global=False):
        found += sorted(glob(os.path.join(escape(home), "venvs", "*", pipx_records.FILE)))
    found += [os.path.join(host.cwd, name) for name in PROJECT_FILES]
    for pattern in PROJECT_PATTERNS:
        found += sorted(glob(os.path.join(escape(host.cwd), pattern)))
    return [path for path in dict.fromkeys(found) if os.path.isfile(path)]


def read_sightings(path: str) -> list[Sighting]:
    """Return the secrets in clear of one file; none for what cannot be read."""
    text = read_text(path, MAX_BYTES) or ""
    return list(find_in_pypirc(text) if os.path.basename(path) == ".pypirc" else find_secrets(text))


def _command(path: str, sighting: Sighting) -> str | None:
    if path.endswith(".lock"):
        return "lock again once the URL that it came from has no password"
    if sighting.url is None:
        return "shim login URL of the index, then remove the line"
    return f"shim login --import {path}"
