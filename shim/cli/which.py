"""`shim which TOOL`: the program behind a launcher."""

from __future__ import annotations

import argparse
import sys

from shim.cli.usage import Parser
from shim.core.host import Host
from shim.core.own_launchers import find_target

HELP = "print the real program behind a launcher"
EXAMPLE = "shim which pip"


def configure(parser: Parser) -> None:
    """Add the arguments of `shim which`."""
    parser.add("tool TOOL", "a name such as pip or uv")


def main(arguments: argparse.Namespace, host: Host) -> int:
    """Print the path that the launcher would run; 127 if there is none."""
    sys.stdout.write(find_target(arguments.tool, host) + "\n")
    return 0
