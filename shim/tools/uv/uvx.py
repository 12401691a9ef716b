"""uvx: `uv tool run` under its own name. The real uvx starts the uv beside it, not the one on PATH,
so it is wrapped itself.
"""

from __future__ import annotations

from shim.core.host import Host
from shim.core.model import Endpoints, Invocation
from shim.tools import Tool
from shim.tools.uv.requests import read_command_endpoints
from shim.tools.uv.tool import invocation_of, parse, read_demand

NEVER_NEEDS_INDEX = ("", "-h", "--help", "-V", "--version")

VERB = ("tool", "run")


def read_invocation(name: str, argv: tuple[str, ...], host: Host, target: str) -> Invocation:
    """Return the invocation of `uvx ARGV`."""
    return invocation_of(name, parse(argv, VERB), argv, host, target)


def read_endpoints(invocation: Invocation, host: Host) -> Endpoints:
    """Return every index and URL that the command may ask, in uv's order."""
    command = parse(invocation.argv, VERB)._replace(version=invocation.target.version)
    return read_command_endpoints(command, host)


TOOL = Tool(NEVER_NEEDS_INDEX, read_invocation, read_endpoints, demand=read_demand)
