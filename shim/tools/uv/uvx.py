"""uvx: `uv tool run` under its own name. The real uvx starts the uv beside it, not the one on PATH, so it is wrapped itself."""

from __future__ import annotations

from shim.core.host import Host
from shim.core.model import Delivery, Invocation, Needs
from shim.tools.uv.requests import read_command_needs
from shim.tools.uv.tool import invocation_of, parse, read_demand

__all__ = ["FALLS_OPEN", "NEEDLESS", "move_secrets", "read_demand", "read_invocation", "read_needs"]

NEEDLESS = ("", "-h", "--help", "-V", "--version")
FALLS_OPEN = False
LOG_VERBS: frozenset[str] = frozenset()

VERB = ("tool", "run")


def read_invocation(name: str, argv: tuple[str, ...], host: Host, target: str) -> Invocation:
    """Return the invocation of `uvx ARGV`."""
    return invocation_of(name, parse(argv, VERB), argv, host, target)


def read_needs(invocation: Invocation, host: Host) -> Needs:
    """Return every index and URL that the command may ask, in uv's order."""
    if not invocation.touches_index:
        return Needs()
    return read_command_needs(parse(invocation.argv, VERB).of_release(invocation.target.version), host)


def move_secrets(_: Invocation, delivery: Delivery) -> Delivery:
    """Return the delivery as it is: uvx has no option that is a secret by itself."""
    return delivery
