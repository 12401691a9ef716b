"""`shim backend`: keyring backends (and optional readers) in our own environment.

They are installed once, for every project and every tool, instead of in each venv. What was added
stands in a list, so that an upgrade, which makes a new environment, can bring them back.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from shim.cli.answer import write_json
from shim.cli.usage import Parser
from shim.core.contextlib import suppress
from shim.core.errors import SourceError, StoreError, UsageError
from shim.core.files import read_text
from shim.core.host import Host
from shim.core.own_files import replace_atomically
from shim.core.typing import TypedDict
from shim.credentials.helper_program import find_program

HELP = "add a keyring backend to shim's own environment, or list and remove them"
EXAMPLE = "shim backend add keyrings.alt"

#: Packages that add something else than a keyring backend.
OPTIONAL = ("python-dotenv",)
#: What keyring itself brings.
BUILT_IN = ("keyring",)
GROUP = "keyring.backends"
TIMEOUT_S = 600.0


class Offer(TypedDict):
    """What a package in our environment brings: its version, and its keyring backends' modules."""

    version: str
    backends: list[str]


def configure(parser: Parser) -> None:
    """Add the arguments of `shim backend`."""
    parser.add_argument("action", choices=("add", "list", "remove"))
    text = "names as on the package index, with a version if you like: keyrings.alt==5.0"
    parser.add("packages PACKAGE", text, nargs="*")
    parser.add("--json", "the list as JSON")


def main(arguments: argparse.Namespace, host: Host) -> int:
    """Do it with the pip or uv that there is, and say what keyring has to offer then."""
    if arguments.action == "list":
        if arguments.packages:
            raise UsageError("list takes no package", hint="shim backend list")
        return _list(as_json=arguments.json)
    if not arguments.packages:
        raise UsageError(f"say which package to {arguments.action}", hint=EXAMPLE)
    act = _add if arguments.action == "add" else _remove
    return act(arguments.packages, host)


def environment() -> str | None:
    """Return the prefix of the environment of our dependencies, None if it is not one of its own.

    The launchers start its base interpreter (for speed): `sys.prefix` says nothing about it.
    """
    from importlib.util import find_spec

    spec = find_spec("keyring")
    package = os.path.dirname(os.path.realpath(spec.origin)) if spec and spec.origin else ""
    prefix = os.path.normpath(os.path.join(os.path.dirname(package), "..", "..", ".."))
    return prefix if os.path.isfile(os.path.join(prefix, "pyvenv.cfg")) else None


def list_file() -> str:
    """Return the path of the list of added packages, one requirement a line."""
    prefix = environment() or "/nonexistent"
    parent = os.path.dirname(prefix)
    # install.sh replaces its environment: there the list is beside it.
    is_installed = os.path.isfile(os.path.join(parent, "installed"))
    return os.path.join(parent if is_installed else prefix, "backends")


def read_list() -> list[str]:
    """Return the requirements that were added."""
    return [line.strip() for line in (read_text(list_file()) or "").splitlines() if line.strip()]


def _add(packages: list[str], host: Host) -> int:
    requirements = {_name_of(package): package for package in packages}
    before = _offers()
    _install(["install", *packages], host)
    kept = [one for one in read_list() if _name_of(one) not in requirements]
    _write_list([*kept, *requirements.values()])
    after = _offers()
    new = ", ".join(sorted(set(after) - set(before)))
    for name, package in requirements.items():
        if name in after and after[name]["backends"]:
            sys.stdout.write(f"{package}: keyring has {', '.join(after[name]['backends'])} now\n")
        elif name in OPTIONAL:
            sys.stdout.write(f"{package}: shim can read dotenv files now\n")
        elif new:
            sys.stdout.write(f"{package}: keyring has what it depends on now: {new}\n")
        else:
            raise UsageError(
                f"{package} is installed, and has no keyring backend in it",
                hint=f"shim backend remove {name}",
            )
    return 0


def _remove(packages: list[str], host: Host) -> int:
    added = {_name_of(one) for one in read_list()}
    names = [_name_of(package) for package in packages]
    for name in names:
        if name not in added:
            raise UsageError(
                f"{name} was not added by shim backend",
                hint=f"added are: {', '.join(sorted(added)) or 'none'}",
            )
    _install(["uninstall", *names], host)
    _write_list([one for one in read_list() if _name_of(one) not in names])
    sys.stdout.write("".join(f"removed {name}\n" for name in names))
    return 0


def _list(*, as_json: bool) -> int:
    offers = sorted(_offers().items())
    if as_json:
        write_json({"packages": [{"name": name, **offer} for name, offer in offers]})
        return 0
    lines = [
        f"{name} {offer['version']}: {', '.join(offer['backends']) or 'reader of dotenv files'}\n"
        for name, offer in offers
    ]
    sys.stdout.write("".join(lines) or "none but keyring's own\n")
    return 0


def _offers() -> dict[str, Offer]:
    """Return what each package that brings backends, or is an optional reader, has to offer."""
    from importlib import invalidate_caches
    from importlib.metadata import distributions

    invalidate_caches()
    found: dict[str, Offer] = {}
    for distribution in distributions():
        name = _normal(distribution.name or "")
        points = distribution.entry_points.select(group=GROUP)
        backends = sorted({point.value.partition(":")[0] for point in points})
        if name not in BUILT_IN and (backends or name in OPTIONAL):
            found[name] = Offer(version=distribution.version, backends=backends)
    return found


def _name_of(package: str) -> str:
    """Return the normal name of a requirement. Raises UsageError for what is no plain one."""
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
    """Run a pip in our environment, or uv for it. Raises SourceError if that fails."""
    prefix = environment()
    if prefix is None:
        raise StoreError(
            "shim does not run in an environment of its own",
            hint="install it with install.sh, uv tool or pipx",
        )
    if os.statvfs(prefix).f_flag & os.ST_RDONLY:
        raise StoreError(
            f"{prefix} is on a read-only file system",
            hint="run this before it is made read-only, as in an image's Dockerfile",
        )
    if not os.access(prefix, os.W_OK):
        raise StoreError(
            f"{prefix} is not yours to change", hint="run this as the user who installed shim"
        )
    command = _installer(words, prefix, host)
    environ = {name: value for name, value in host.environ.items() if name not in STEERING}
    try:
        status = subprocess.run(
            command, cwd="/", env=environ, stdin=subprocess.DEVNULL, check=False, timeout=TIMEOUT_S
        ).returncode
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SourceError(
            f"{command[0]} could not do it ({type(error).__name__})", hint=" ".join(command)
        ) from error
    if status:
        raise SourceError(
            f"{os.path.basename(command[0])} failed (exit status {status})",
            hint="its own message is above",
        )


#: Variables by which a project or a shell would send packages elsewhere than to our environment.
STEERING = (
    *("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON", "PIP_USER"),
    *("UV_SYSTEM_PYTHON", "UV_PYTHON", "PYTHONPATH", "PYTHONHOME"),
)


def _installer(words: list[str], prefix: str, host: Host) -> list[str]:
    """Return the command line for `install NAME...` or `uninstall NAME...`.

    Python's own pip does it, else the uv or the pip that is first on PATH. Our launchers may be
    that, and unlock a private index for it. Where uv made our environment, it goes first.
    """
    from importlib.util import find_spec

    verb, *names = words
    python, path = os.path.join(prefix, "bin", "python"), host.environ.get("PATH", os.defpath)
    own_option = "--yes" if verb == "uninstall" else "--no-warn-script-location"
    options = ["--quiet", "--disable-pip-version-check", own_option]
    if find_spec("pip"):  # as pipx has it
        return [python, "-I", "-m", "pip", verb, *options, *names]
    own, uv, pip = _find_own_pip(), find_program("uv", path), find_program("pip", path)
    ways = [
        [python, "-I", own, verb, *options, *names] if own else [],
        [uv, "pip", verb, "--quiet", "--python", python, *names] if uv else [],
        [pip, "--python", python, verb, *options, *names] if pip else [],  # since pip 22.3
    ]
    if "\nuv = " in (read_text(os.path.join(prefix, "pyvenv.cfg")) or ""):
        ways.append(ways.pop(0))
    for command in filter(None, ways):
        return command
    raise SourceError(
        "this Python has no ensurepip (Debian: python3-venv), and neither uv nor pip is on PATH",
        hint="install uv or pip, and run this again",
    )


def _find_own_pip() -> str | None:
    """Return the pip in the wheel that Python makes environments with, or None.

    It runs from there, so that none has to be in ours.
    Sources: CPython, Lib/ensurepip/__init__.py (WHEEL_PKG_DIR, else `_bundled`);
    pip, src/pip/__main__.py (`python pip-*.whl/pip`).
    """
    from glob import escape, glob
    from sysconfig import get_config_var, get_path

    bundled = os.path.join(get_path("stdlib"), "ensurepip", "_bundled")
    for folder in (get_config_var("WHEEL_PKG_DIR"), bundled):
        if folder and (wheels := sorted(glob(os.path.join(escape(folder), "pip-*.whl")))):
            return os.path.join(wheels[-1], "pip")
    return None


def _write_list(requirements: list[str]) -> None:
    """Write the list; without it only an upgrade forgets them, so a failure is none."""
    text = "".join(f"{requirement}\n" for requirement in requirements)
    with suppress(OSError):
        replace_atomically(list_file(), text.encode(), 0o644)
