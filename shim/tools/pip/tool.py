"""pip: which of its commands ask an index, and what they ask.

Sources: pip 26.3 `_internal/cli/main_parser.py`, `commands/`; measured with pip 20.3.4 to 26.3.
"""

from __future__ import annotations

import os

from shim.core.dataclass import replace
from shim.core.files import is_folder
from shim.core.host import Host
from shim.core.model import Delivery, Endpoints, Invocation, Location, Secret, Target
from shim.core.package_names import normal_name
from shim.core.typing import Iterable, Iterator
from shim.formats.optparse_scan import drop_value
from shim.tools import Demand, Tool, words
from shim.tools.installed_version import find_interpreter, find_release
from shim.tools.pip import requests as index
from shim.tools.pip.demand import takes_packages
from shim.tools.pip.settings import (
    FileReader,
    Mention,
    find_other_python,
    find_verb,
    is_isolated,
    read_settings,
    scan_command,
)
from shim.tools.pip.settings import find_places as find_places_of_command

NEVER_NEEDS_INDEX = (
    "",
    *words("-h --help -V --version help freeze inspect show check config cache debug completion"),
    "hash",
)

#: `lock -o -` and `--report -` make data of what is a log by default; delivery/masking/policy.py
#: knows those.
LOG_VERBS = frozenset({"install", "download", "wheel", "lock", "uninstall"})

_NAME_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
_BEHIND_NAME = "[<>=!~;"

#: Commands that take packages, and would take a stranger's.
_TAKING = frozenset({"install", "download", "wheel", "lock"})
#: Those that ask an index whatever their options are.
_ALWAYS = _TAKING | {"search"}


def read_invocation(name: str, argv: tuple[str, ...], host: Host, target: str) -> Invocation:
    """Return which pip command this is and whether it asks an index."""
    found = _find_target(target, argv, host)
    general, position = find_verb(argv, found.version)
    said = {word.name for word in general}
    if position is None or said & {"help", "version"}:
        return _needless(name, argv, target, (), "help or version")
    verb = argv[position]
    try:
        typed = scan_command(argv, position, found.version)
    except KeyError:
        return _needless(name, argv, target, (verb,), f"pip {verb} asks no index")
    if any(word.name == "help" for word in typed):
        return _needless(name, argv, target, (verb,), "help")
    arguments = [word.value or "" for word in typed if word.name is None]
    actions = tuple(arguments[:1]) if verb == "index" else ()
    reason = _why_it_asks(verb, actions, argv, position, found, host)
    why = reason or f"pip {verb} asks no index here"
    return Invocation(name, "pip", found, argv, (verb, *actions), reason is not None, why)


def read_endpoints(invocation: Invocation, host: Host) -> Endpoints:
    """Return every index and URL that the command will ask, in pip's order. Nothing is fetched."""
    position = _position_of(invocation)
    if position is None:
        return Endpoints()
    files = FileReader()
    settings = read_settings(invocation.argv, position, invocation.target, host, files)
    endpoints = index.read_endpoints(
        invocation.argv[position], settings, invocation.target, host, files
    )
    asked = {endpoint.location for endpoint in endpoints.items}
    unused_userinfo = tuple(place for place in find_places(invocation, host) if place not in asked)
    packages = tuple(_names(mention.text for mention in settings.arguments))
    return replace(endpoints, unused_userinfo=unused_userinfo, packages=packages)


def read_demand(invocation: Invocation, host: Host) -> Demand:
    """Return what the command wants: `nothing` if all its packages lie on this machine."""
    _, position = find_verb(invocation.argv, invocation.target.version)
    if position is None or invocation.argv[position] not in _TAKING:
        return "answers"
    settings = read_settings(invocation.argv, position, invocation.target, host, FileReader())
    return "packages" if takes_packages(settings, invocation.target, host) else "nothing"


def move_secrets(invocation: Invocation, delivery: Delivery) -> Delivery:
    """Return the delivery with a `--proxy` that has a password in PIP_PROXY instead of argv.

    Everybody can read argv; the environment is the user's and the build backends'. `--isolated`
    makes pip ignore PIP_PROXY. pip itself puts it back into the argv of its child that installs
    build dependencies.
    """
    position = _position_of(invocation, delivery.argv)
    if position is None or is_isolated(delivery.argv):
        return delivery
    proxies = [
        word
        for word in scan_command(delivery.argv, position, invocation.target.version)
        if word.name == "proxy"
    ]
    if not any("@" in (word.value or "") for word in proxies):
        return delivery
    argv = delivery.argv
    for word in reversed(proxies):  # from the end, so that positions stay true
        argv = drop_value(argv, word)
    environ = {**delivery.environ, "PIP_PROXY": Secret(proxies[-1].value or "")}
    return replace(delivery, argv=argv, environ=environ)


def find_places(invocation: Invocation, host: Host) -> tuple[Location, ...]:
    """Return every userinfo in argv and `PIP_*`, also of URLs that pip will not ask."""
    position = _position_of(invocation)
    if position is None:
        return ()
    return find_places_of_command(invocation.argv, position, invocation.target.version, host)


def read_options(
    invocation: Invocation, host: Host, names: Iterable[str]
) -> dict[str, list[Mention]]:
    """Return what argv, variables and pip.conf say for each of the options, in pip's order."""
    position = _position_of(invocation)
    if position is None:
        return {name: [] for name in names}
    settings = read_settings(invocation.argv, position, invocation.target, host, FileReader())
    return {name: settings.all(name) for name in names}


def _position_of(invocation: Invocation, argv: tuple[str, ...] | None = None) -> int | None:
    """Return where in argv the verb of a command stands, None for one that asks no index."""
    if not invocation.touches_index:
        return None
    argv = invocation.argv if argv is None else argv
    return find_verb(argv, invocation.target.version)[1]


def _names(arguments: Iterable[str]) -> Iterator[str]:
    """Yield the normal names of packages among the arguments. One with a dot may be a file's."""
    for text in arguments:
        rest = text.lstrip(_NAME_LETTERS)
        name = text.removesuffix(rest)
        is_name = name.strip("._-") == name and (
            not rest or rest[0] in _BEHIND_NAME or rest[0].isspace()
        )
        if name and is_name and not {"/", ":"} & set(text) and (rest or "." not in text):
            yield normal_name(name)


def _needless(
    name: str, argv: tuple[str, ...], target: str, verb: tuple[str, ...], reason: str
) -> Invocation:
    return Invocation(name, "pip", Target(target), argv, verb, False, reason)


def _why_it_asks(
    verb: str,
    actions: tuple[str, ...],
    argv: tuple[str, ...],
    position: int,
    target: Target,
    host: Host,
) -> str | None:
    """Return why a command asks an index, None if it does not; an option may be in pip.conf."""
    if verb in _ALWAYS:
        return f"pip {verb}"
    if verb == "index":
        return "pip index versions" if actions == ("versions",) else None
    settings = read_settings(argv, position, target, host, FileReader())
    if verb == "uninstall":
        return "pip uninstall with a requirements file" if settings.all("requirement") else None
    wanted = next((option for option in ("outdated", "uptodate") if settings.is_on(option)), None)
    return f"pip list --{wanted}" if wanted else None


def _find_target(path: str, argv: tuple[str, ...], host: Host) -> Target:
    """Return the target, with the other interpreter that `--python` and its like have pip use."""
    version, python, prefix = find_release(path, "pip", host)
    target = Target(path, version, python, prefix)
    other = find_other_python(argv, target, host)
    if other is None:
        return target
    other = os.path.join(host.cwd, other)
    interpreter = find_interpreter(os.path.join(other, "bin/python") if is_folder(other) else other)
    return Target(path, version, interpreter.python, interpreter.prefix)


TOOL = Tool(
    NEVER_NEEDS_INDEX,
    read_invocation,
    read_endpoints,
    falls_back_to_other_indexes=True,
    log_verbs=LOG_VERBS,
    move_secrets=move_secrets,
    demand=read_demand,
)
