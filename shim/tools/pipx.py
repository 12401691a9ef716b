"""pipx: installs programs with pip or uv, which ask what their own settings say.

Sources: pipx 1.8 documentation; measured.
"""

from __future__ import annotations

from typing import Literal

from shim.host import Host
from shim.indexes.projects import pip_needs
from shim.model import Delivery, Invocation, Needs, Target
from shim.targets import find_release

NEEDLESS = ("", "-h", "--help", "--version", "list", "environment", "ensurepath", "completions", "uninstall", "uninstall-all")
#: It installs with pip, which takes a package from the next index when one refuses.
FALLS_OPEN = True
LOG_VERBS: frozenset[str] = frozenset()

#: Verbs that install or resolve; the others run the user's programs or ask nobody.
VERBS = frozenset(["inject", "install", "install-all", "reinstall", "reinstall-all", "upgrade", "upgrade-all", "upgrade-shared"])


def read_invocation(name: str, argv: tuple[str, ...], host: Host, target: str) -> Invocation:
    """Return which command this is, by its first argument."""
    verb = next((word for word in argv if not word.startswith("-")), "")
    asks = verb in VERBS and not {"-h", "--help"} & set(argv)
    version, python, prefix = find_release(target, "pipx", host)
    reason = f"pipx {verb} installs packages" if asks else "pipx asks no index here"
    return Invocation(name, "project", Target(target, version, python, prefix), argv, (verb,), asks, reason)


def read_needs(invocation: Invocation, host: Host) -> Needs:
    """Return the indexes of the project, and those of pip's own settings."""
    if not invocation.touches_index:
        return Needs()
    return pip_needs(host)


def read_demand(_invocation: Invocation, _host: Host) -> Literal["packages"]:
    """Return `packages`: what it installs could be taken from another index."""
    return "packages"


def move_secrets(_: Invocation, delivery: Delivery) -> Delivery:
    """Return the delivery as it is."""
    return delivery
