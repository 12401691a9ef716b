"""nox: its sessions install with pip or uv, which ask what their own settings say.

Sources: nox 2026 documentation "Command-line usage" (a noxfile chooses the installer of each
session); measured.
"""

from __future__ import annotations

from shim.core.host import Host
from shim.core.model import Endpoints, Invocation, Target
from shim.formats.optparse_scan import read_table, scan
from shim.tools import Tool
from shim.tools.installed_version import find_release
from shim.tools.project.own_files import named_endpoints
from shim.tools.project.requests import installer_endpoints, join

NEVER_NEEDS_INDEX = ("-h", "--help", "--version", "-l", "--list", "--list-sessions", "--usage")

_TABLE = read_table(
    "-h --help\n--version\n-l --list-sessions --list\n--usage\n--no-install\n--no-venv\n"
    "-R --reuse-and-skip\n-f --noxfile ="
)
_IDLE = {"help", "version", "list-sessions", "usage", "no-install", "no-venv", "reuse-and-skip"}


def read_invocation(name: str, argv: tuple[str, ...], host: Host, target: str) -> Invocation:
    """Return which command this is: it has no verbs."""
    said = scan(argv[: argv.index("--")] if "--" in argv else argv, _TABLE)
    asks = not _IDLE & {word.name for word in said}
    reason = "nox may install packages" if asks else "nox asks no index here"
    made = Target(target, *find_release(target, "nox", host))
    return Invocation(name, "project", made, argv, (), asks, reason)


def read_endpoints(invocation: Invocation, host: Host) -> Endpoints:
    """Return the indexes of pip's and uv's own settings, and those that a noxfile names."""
    return join(named_endpoints(invocation, host), installer_endpoints(host, "pip", "uv"))


TOOL = Tool(NEVER_NEEDS_INDEX, read_invocation, read_endpoints, falls_back_to_other_indexes=True)
