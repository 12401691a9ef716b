"""`shim backend`: keyring backends (and optional readers) in our own environment, where the source `keyring` finds them.

They are installed once, for every project and every tool, instead of in each venv. What was added stands in a list beside our
environment, so that an upgrade, which makes a new one, can bring them back.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from contextlib import suppress
from typing import cast

from shim.errors import SourceError, StoreError, UsageError
from shim.host import Host
from shim.programs import find_program

HELP = "add a keyring backend to shim's own environment, or list and remove them"
EXAMPLE = "shim backend add keyrings.alt"

#: Packages that add something else than a keyring backend.
OPTIONAL = ("python-dotenv",)
#: What keyring itself brings.
BUILT_IN = ("keyring",)
GROUP = "keyring.backends"
TIMEOUT_S = 600.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `shim backend`."""
    parser.add_argument("action", choices=("add", "list", "remove"))
    parser.add_argument(
        "packages", nargs="*", metavar="PACKAGE", help="names as on the package index, with a version if you like: keyrings.alt==5.0"
    )
    parser.add_argument("--json", action="store_true", help="the list as JSON")


def main(arguments: argparse.Namespace, host: Host) -> int:
    """Do it with the pip or uv that there is, and say what keyring has to offer then."""
    if arguments.action == "list":
        if arguments.packages:
            raise UsageError("list takes no package", hint="shim backend list")
        return _list(as_json=arguments.json)
    if not arguments.packages:
        raise UsageError(f"say which package to {arguments.action}", hint=EXAMPLE)
    return _add(arguments.packages, host) if arguments.action == "add" else _remove(arguments.packages, host)


def list_file() -> str:
    """Return the path of the list of added packages, one requirement a line, beside our environment."""
    return os.path.join(os.path.dirname(os.path.abspath(sys.prefix)), "backends")


def read_list() -> list[str]:
    """Return the requirements that were added."""
    try:
        with open(list_file(), encoding="utf-8") as stream:
            return [line.strip() for line in stream if line.strip()]
    except (OSError, UnicodeDecodeError):
        return []


def _add(packages: list[str], host: Host) -> int:
    requirements = {_name_of(package): package for package in packages}
    before = _offers()
    _install(["install", *packages], host)
    _write_list([one for one in read_list() if _name_of(one) not in requirements] + list(requirements.values()))
    after = _offers()
    for name, package in requirements.items():
        offered = cast(list[str], after.get(name, {}).get("backends", []))
        if offered:
            sys.stdout.write(f"{package}: keyring has {', '.join(offered)} now\n")
        elif name in OPTIONAL:
            sys.stdout.write(f"{package}: shim can read dotenv files now\n")
        elif set(after) - set(before):
            sys.stdout.write(f"{package}: keyring has what it depends on now: {', '.join(sorted(set(after) - set(before)))}\n")
        else:
            raise UsageError(f"{package} is installed, and has no keyring backend in it", hint=f"shim backend remove {name}")
    return 0


def _remove(packages: list[str], host: Host) -> int:
    added = {_name_of(one) for one in read_list()}
    names = [_name_of(package) for package in packages]
    for name in names:
        if name not in added:
            raise UsageError(f"{name} was not added by shim backend", hint=f"added are: {', '.join(sorted(added)) or 'none'}")
    _install(["uninstall", *names], host)
    _write_list([one for one in read_list() if _name_of(one) not in names])
    sys.stdout.write("".join(f"removed {name}\n" for name in names))
    return 0


def _list(*, as_json: bool) -> int:
    rows = [{"name": name, **offer} for name, offer in sorted(_offers().items())]
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return 0
    lines = [f"{row['name']} {row['version']}: {', '.join(row['backends']) or 'optional reader'}\n" for row in rows]  # type: ignore[arg-type]
    sys.stdout.write("".join(lines) or "none but keyring's own\n")
    return 0


def _offers() -> dict[str, dict[str, object]]:
    """Return name -> version and backend modules, for each package in our environment that brings some, or is an optional reader."""
    from importlib import invalidate_caches
    from importlib.metadata import distributions

    invalidate_caches()
    found: dict[str, dict[str, object]] = {}
    for distribution in distributions():
        name = _normal(distribution.name or "")
        backends = sorted({point.value.partition(":")[0] for point in distribution.entry_points if point.group == GROUP})
        if name not in BUILT_IN and (backends or name in OPTIONAL):
            found[name] = {"version": distribution.version, "backends": backends}
    return found


def _name_of(package: str) -> str:
    """Return the normal form of a requirement's name. Raises UsageError for what is no plain requirement."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirement = Requirement(package)
    except InvalidRequirement:
        raise UsageError(f"{package!r} is not the name of a package", hint=EXAMPLE) from None
    if requirement.url:
        raise UsageError(f"{requirement.name}: only packages of your index, no URLs", hint=EXAMPLE)
    return _normal(requirement.name)


def _normal(name: str) -> str:
    from packaging.utils import canonicalize_name

    return str(canonicalize_name(name))


def _install(words: list[str], host: Host) -> None:
    """Run our environment's pip, or uv for it; their output is the user's. Raises SourceError if that fails."""
    if os.path.realpath(sys.prefix) == os.path.realpath(sys.base_prefix):
        raise StoreError("shim does not run in an environment of its own", hint="install it with install.sh, or with uv tool or pipx")
    if not os.access(sys.prefix, os.W_OK):
        raise StoreError(f"{sys.prefix} is not yours to change", hint="run this as the user who installed shim")
    command = _installer(words, host)
    environ = {name: value for name, value in host.environ.items() if name not in STEERING}
    try:
        status = subprocess.run(command, cwd="/", env=environ, stdin=subprocess.DEVNULL, check=False, timeout=TIMEOUT_S).returncode
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SourceError(f"{command[0]} could not do it ({type(error).__name__})", hint=" ".join(command)) from error
    if status:
        raise SourceError(f"{os.path.basename(command[0])} failed (exit status {status})", hint="its own message is above")


#: Variables by which a project or a shell would send packages to another place than our environment.
STEERING = frozenset(
    {"PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON", "PIP_USER", "UV_SYSTEM_PYTHON", "UV_PYTHON", "PYTHONPATH", "PYTHONHOME"}
)


def _installer(words: list[str], host: Host) -> list[str]:
    """Return the command line for `install NAME...` or `uninstall NAME...`: by the pip in our environment, else by uv, by way of our
    launcher if that is first on PATH, so that a private index is unlocked for it like for any other command.
    """
    from importlib.util import find_spec

    verb, *names = words
    quiet = ["--quiet"]
    if find_spec("pip"):
        asks = ["--yes"] if verb == "uninstall" else ["--no-warn-script-location"]
        return [sys.executable, "-I", "-m", "pip", verb, *quiet, "--disable-pip-version-check", *asks, *names]
    uv = find_program("uv", host.environ.get("PATH", os.defpath))
    if uv is None:
        raise SourceError(
            "there is neither pip in shim's environment nor uv on PATH", hint="install uv, or run install.sh again without it"
        )
    return [uv, "pip", verb, *quiet, "--python", sys.executable, *names]


def _write_list(requirements: list[str]) -> None:
    """Write the list; without it only an upgrade forgets them, so a failure is none."""
    with suppress(OSError):
        temporary = f"{list_file()}.{os.getpid()}"
        with open(temporary, "w", encoding="utf-8") as stream:
            stream.write("".join(f"{requirement}\n" for requirement in requirements))
        os.replace(temporary, list_file())
