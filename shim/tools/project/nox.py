"""nox: its sessions install with pip or uv, which ask what their own settings say.

Sources: nox 2026 documentation "Command-line usage" (a noxfile chooses the installer of each session); measured.
"""

from __future__ import annotations

from typing import Literal

from shim.core.host import Host
from shim.core.model import Delivery, Invocation, Needs, Target
from shim.formats.optparse_scan import read_table, scan
from shim.tools.installed_version import find_release
from shim.tools.project.requests import installer_needs

NEEDLESS = ("-h", "--help", "--version", "-l", "--list", "--list-sessions", "--usage")
#: pip takes a package from the next index when one refuses.
FALLS_OPEN = True
LOG_VERBS: frozenset[str] = frozenset()

_TABLE = read_table(
    "-h --help\n--version\n-l --list-sessions --list\n--usage\n--no-install\n--no-venv\n-R --reuse-and-skip\n-f --noxfile ="
)
_IDLE = {"help", "version", "list-sessions", "usage", "no-install", "no-venv", "reuse-and-skip"}


def read_invocation(name: str, argv: tuple[str, ...], host: Host, target: str) -> Invocation:
    """Return which command this is: it has no verbs."""
    said = scan(argv[: argv.index("--")] if "--" in argv else argv, _TABLE)
    asks = not _IDLE & {word.name for word in said}
    version, python, prefix = find_release(target, "nox", host)
    reason = "nox may install packages" if asks else "nox asks no index here"
    return Invocation(name, "project", Target(target, version, python, prefix), argv, (), asks, reason)


def read_needs(invocation: Invocation, host: Host) -> Needs:
    """Return the indexes of pip's and uv's own settings."""
    return installer_needs(host, "pip", "uv") if invocation.touches_index else Needs()


def read_demand(_invocation: Invocation, _host: Host) -> Literal["packages"]:
    """Return `packages`: what it installs could be taken from another index."""
    return "packages"


def move_secrets(_: Invocation, delivery: Delivery) -> Delivery:
    """Return the delivery as it is: no option is a secret."""
    return delivery
