"""pip: which of its commands ask an index, and what they ask.

Sources: pip 26.3 `_internal/cli/main_parser.py`, `commands/`; measured with pip 20.3.4 to 26.3.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal

from shim.core.files import is_folder
from shim.core.host import Host
from shim.core.model import Delivery, Endpoints, Invocation, Location, Secret, Target
from shim.formats.optparse_scan import drop_value
from shim.tools import Tool
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

#: `lock -o -` and `--report -` make data of what is a log by default; delivery/masking/policy.py
#: knows those.
LOG_VERBS = frozenset({"install", "download", "wheel", "lock", "uninstall"})

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?=$|[\s\[<>=!~;])")

#: Commands that ask an index whatever their options are.
_ALWAYS = frozenset({"install", "download", "wheel", "lock", "search"})
#: Those of them that take packages, and would take a stranger's.
_TAKING = frozenset({"install", "download", "wheel", "lock"})


def read_invocation(name: str, argv: tuple[str, ...], host: Host, target: str) -> Invocation:
    """Return which pip command this is and whether it asks an index. `target` is the real pip's
    path.
    """
    found = _find_target(target, argv, host)
    general, position = find_verb(argv, found.version)
    said = {word.name for word in general}
    if position is None or said & {"help", "version"}:
        return _needless(name, argv, target, (), "help or version")
    verb = argv[position]
    try:
        words = scan_command(argv, position, found.version)
    except KeyError:
        return _needless(name, argv, target, (verb,), f"pip {verb} asks no index")
    if any(word.name == "help" for word in words):
        return _needless(name, argv, target, (verb,), "help")
    actions = (
        tuple(word.value or "" for word in words if word.name is None)[:1]
        if verb == "index"
        else ()
    )
    reason = _why_it_asks(verb, actions, argv, position, found, host)
    asks = reason is not None
    return Invocation(
        name, "pip", found, argv, (verb, *actions), asks, reason or f"pip {verb} asks no index here"
    )


def read_endpoints(invocation: Invocation, host: Host) -> Endpoints:
    """Return every index and URL that the command will ask, in pip's order.

    Files that pip reads are read; remote ones are named in `unknown`, never fetched. What is unread
    says the worst.
    """
    _, position = find_verb(invocation.argv, invocation.target.version)
    if position is None or not invocation.touches_index:
        return Endpoints()
    files = FileReader()
    settings = read_settings(invocation.argv, position, invocation.target, host, files)
    endpoints = index.read_endpoints(
        invocation.argv[position], settings, invocation.target, host, files
    )
    asked = {endpoint.location for endpoint in endpoints.items}
    unused_userinfo = tuple(place for place in find_places(invocation, host) if place not in asked)
    return replace(
        endpoints,
        unused_userinfo=unused_userinfo,
        packages=tuple(_names(mention.text for mention in settings.arguments)),
    )


def read_demand(invocation: Invocation, host: Host) -> Literal["packages", "answers", "nothing"]:
    """Return `packages` for a command that will install or fetch some, `nothing` if all of them lie
    on this machine.
    """
    _, position = find_verb(invocation.argv, invocation.target.version)
    if position is None or invocation.argv[position] not in _TAKING:
        return "answers"
    settings = read_settings(invocation.argv, position, invocation.target, host, FileReader())
    return "packages" if takes_packages(settings, invocation.target, host) else "nothing"


def move_secrets(invocation: Invocation, delivery: Delivery) -> Delivery:
    """Return the delivery with a `--proxy` that has a password in PIP_PROXY instead of argv; the
    last one said is what counts.

    Everybody can read argv; the environment is the user's and the build backends'. `--isolated`
    makes pip ignore PIP_PROXY. pip itself puts it back into the argv of its child that installs
    build dependencies.
    """
    _, position = find_verb(delivery.argv, invocation.target.version)
    if position is None or not invocation.touches_index or is_isolated(delivery.argv):
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
    return replace(
        delivery,
        argv=argv,
        environ={**delivery.environ, "PIP_PROXY": Secret(proxies[-1].value or "")},
    )


def find_places(invocation: Invocation, host: Host) -> tuple[Location, ...]:
    """Return every userinfo in argv and `PIP_*`, also those of URLs that are no endpoint since pip
    will not ask them.
    """
    _, position = find_verb(invocation.argv, invocation.target.version)
    if position is None or not invocation.touches_index:
        return ()
    return find_places_of_command(invocation.argv, position, invocation.target.version, host)


def read_options(
    invocation: Invocation, host: Host, names: Iterable[str]
) -> dict[str, list[Mention]]:
    """Return what argv, variables and pip.conf say together for each of the options, in pip's
    order.
    """
    _, position = find_verb(invocation.argv, invocation.target.version)
    if position is None or not invocation.touches_index:
        return {name: [] for name in names}
    settings = read_settings(invocation.argv, position, invocation.target, host, FileReader())
    return {name: settings.all(name) for name in names}


def _names(arguments: Iterable[str]) -> Iterator[str]:
    """Yield the names of packages among the arguments, as their pages are called (PEP 503). A name
    with a dot may be a file's.
    """
    for text in arguments:
        found = _NAME.match(text)
        if (
            found
            and "/" not in text
            and ":" not in text
            and not (text[found.end() :] == "" and "." in text)
        ):
            yield re.sub(r"[-_.]+", "-", found[0]).lower()


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
    """Return why a command asks an index, None if it does not. Options may come from variables and
    pip.conf.
    """
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
    """Return the target. `pip --python X`, PIP_PYTHON and pip.conf's `[global] python` run the same
    pip with another interpreter.
    """
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
