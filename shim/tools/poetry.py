"""poetry: the sources of pyproject.toml, asked by its own installer, which reads a netrc.

Sources: poetry 2 documentation "Repositories"; measured.
"""

from __future__ import annotations

from typing import Literal

from shim.host import Host
from shim.indexes.projects import project_needs
from shim.model import Delivery, Invocation, Needs, Target
from shim.targets import find_release

NEEDLESS = (
    "",
    "-h",
    "--help",
    "-V",
    "--version",
    "run",
    "env",
    "config",
    "shell",
    "check",
    "show",
    "version",
    "search",
    "init",
    "new",
    "about",
    "cache",
)
#: It stops by itself when an index refuses.
FALLS_OPEN = False
LOG_VERBS: frozenset[str] = frozenset()

#: Verbs that install or resolve; the others run the user's programs or ask nobody.
VERBS = frozenset(["add", "build", "install", "lock", "remove", "sync", "update"])


def read_invocation(name: str, argv: tuple[str, ...], host: Host, target: str) -> Invocation:
    """Return which command this is, by its first argument."""
    verb = next((word for word in argv if not word.startswith("-")), "")
    asks = verb in VERBS and not {"-h", "--help"} & set(argv)
    version, python, prefix = find_release(target, "poetry", host)
    reason = f"poetry {verb} installs packages" if asks else "poetry asks no index here"
    return Invocation(name, "project", Target(target, version, python, prefix), argv, (verb,), asks, reason)


def read_needs(invocation: Invocation, host: Host) -> Needs:
    """Return the indexes of the project, and those of pip's own settings."""
    if not invocation.touches_index:
        return Needs()
    return project_needs("pyproject.toml", ("tool", "poetry", "source"), host)


def read_demand(_invocation: Invocation, _host: Host) -> Literal["answers"]:
    """Return `answers`: it stops by itself when it is refused."""
    return "answers"


def move_secrets(_: Invocation, delivery: Delivery) -> Delivery:
    """Return the delivery as it is."""
    return delivery
