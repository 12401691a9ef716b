"""`shim install`: write the launchers, for tools that exist here or for all that may come."""

from __future__ import annotations

import argparse
import os
import sys

from shim.cli.usage import Parser, repeatable
from shim.core.errors import UsageError
from shim.core.host import Host
from shim.core.own_launchers import FACE, default_folder, faces_folder
from shim.install.launchers import is_wrapped
from shim.install.setup import all_names, set_up
from shim.tools import TOOLS

HELP = "write launchers for the tools on PATH"
EXAMPLE = "shim install pip uv"


def configure(parser: Parser) -> None:
    """Add the arguments of `shim install`."""
    parser.add("tools TOOL", "which (default: those that PATH has)", nargs="*")
    parser.add("--all", "for every known tool, before it is there")
    parser.add("--shims DIR", "where to (default: the launchers' own folder)")
    parser.add("--quiet", "say nothing")


def main(arguments: argparse.Namespace, host: Host) -> int:
    """Write and remove launchers until they are as they should be, and say what changed."""
    for name in arguments.tools:
        if not is_wrapped(name):
            raise UsageError(
                f"{repeatable(name)} cannot be wrapped", hint="known are: " + ", ".join(TOOLS)
            )
    if arguments.all and arguments.tools:
        raise UsageError("--all is for every tool, not for some", hint="shim install --all")
    folder = host.path(arguments.shims) if arguments.shims else default_folder(host)
    wanted = all_names(folder, host) if arguments.all else arguments.tools
    names, changed = set_up(folder, wanted, host)
    if not arguments.quiet:
        shown = ", ".join(names) or "no tool found on PATH"
        face = os.path.join(faces_folder(folder), FACE)
        lines = changed or [f"nothing changed: {shown} in {folder}, and {face}"]
        sys.stdout.write("".join(line + "\n" for line in lines))
    return 0
