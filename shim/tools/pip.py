"""pip: which of its commands ask an index, and what they ask.

Sources: pip 26.3 `_internal/cli/main_parser.py`, `commands/`; measured with pip 20.3.4 to 26.3.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace

from shim.host import Host
from shim.indexes import pip as index
from shim.indexes.pip_settings import Files, Mention, find_verb, read_settings, scan_command
from shim.indexes.pip_settings import find_places as find_places_of_command
from shim.model import Delivery, Invocation, Needs, Place, Target
from shim.targets import find_interpreter, find_release

NEEDLESS = (
    "",
    "-h",
    "--help",
    "-V",
    "--version",
    "help",
    "freeze",
    "inspect",
    "show",
    "check",
    "config",
    "cache",
    "debug",
    "completion",
    "hash",
)

#: pip takes a package from the next index when one refuses or is down.
FALLS_OPEN = True

#: Commands that ask an index whatever their options are.
_ALWAYS = frozenset({"install", "download", "wheel", "lock", "search"})


def read_invocation(name: str, argv: tuple[str, ...], host: Host, target: str) -> Invocation:
    """Return which pip command this is and whether it asks an index. `target` is the real pip's path."""
    general, position = find_verb(argv)
    said = {word.name for word in general}
    if position is None or said & {"help", "version"}:
        return _needless(name, argv, target, (), "help or version")
    verb = argv[position]
    try:
        words = scan_command(argv, position)
    except KeyError:
        return _needless(name, argv, target, (verb,), f"pip {verb} asks no index")
    if any(word.name == "help" for word in words):
        return _needless(name, argv, target, (verb,), "help")
    actions = tuple(word.value or "" for word in words if word.name is None)[:1] if verb == "index" else ()
    found = _find_target(target, [word.value for word in general if word.name == "python"], host)
    reason = _why_it_asks(verb, actions, argv, position, found, host)
    asks = reason is not None
    return Invocation(name, "pip", found, argv, (verb, *actions), asks, reason or f"pip {verb} asks no index here")


def read_needs(invocation: Invocation, host: Host) -> Needs:
    """Return every index and URL that the command will ask, in pip's order.

    Files that pip reads are read; remote ones are named in `unknown`, never fetched.
    """
    _, position = find_verb(invocation.argv)
    if position is None or not invocation.touches_index:
        return Needs()
    files = Files()
    settings = read_settings(invocation.argv, position, invocation.target.prefix, host, files)
    needs = index.read_needs(invocation.argv[position], settings, invocation.target.version, host, files)
    asked = {need.place for need in needs.items}
    return replace(needs, spare=tuple(place for place in find_places(invocation, host) if place not in asked))


def move_secrets(_: Invocation, delivery: Delivery) -> Delivery:
    """Return the delivery as it is: pip has no option that is a secret by itself."""
    return delivery


def find_places(invocation: Invocation, host: Host) -> tuple[Place, ...]:
    """Return every userinfo in argv and `PIP_*`, also those of URLs that are no need since pip will not ask them."""
    _, position = find_verb(invocation.argv)
    if position is None or not invocation.touches_index:
        return ()
    return find_places_of_command(invocation.argv, position, host)


def read_options(invocation: Invocation, host: Host, names: Iterable[str]) -> dict[str, list[Mention]]:
    """Return what argv, variables and pip.conf say together for each of the options, in pip's order."""
    _, position = find_verb(invocation.argv)
    if position is None or not invocation.touches_index:
        return {name: [] for name in names}
    settings = read_settings(invocation.argv, position, invocation.target.prefix, host, Files())
    return {name: settings.all(name) for name in names}


def _needless(name: str, argv: tuple[str, ...], target: str, verb: tuple[str, ...], reason: str) -> Invocation:
    return Invocation(name, "pip", Target(target), argv, verb, False, reason)


def _why_it_asks(verb: str, actions: tuple[str, ...], argv: tuple[str, ...], position: int, target: Target, host: Host) -> str | None:
    """Return why a command asks an index, None if it does not. Options may come from variables and pip.conf."""
    if verb in _ALWAYS:
        return f"pip {verb}"
    if verb == "index":
        return "pip index versions" if actions == ("versions",) else None
    settings = read_settings(argv, position, target.prefix, host, Files())
    if verb == "uninstall":
        return "pip uninstall with a requirements file" if settings.all("requirement") else None
    wanted = next((option for option in ("outdated", "uptodate") if settings.is_on(option)), None)
    return f"pip list --{wanted}" if wanted else None


def _find_target(path: str, pythons: list[str | None], host: Host) -> Target:
    """Return the target. `pip --python X` and PIP_PYTHON run the same pip with another interpreter and its prefix."""
    version, python, prefix = find_release(path, "pip", host)
    other = pythons[-1] if pythons else host.environ.get("PIP_PYTHON")
    if other and "_PIP_RUNNING_IN_SUBPROCESS" not in host.environ:
        other = os.path.join(host.cwd, other)
        interpreter = find_interpreter(os.path.join(other, "bin/python") if os.path.isdir(other) else other)
        python, prefix = interpreter.python, interpreter.prefix
    return Target(path, version, python, prefix)
