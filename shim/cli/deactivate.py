"""`shim deactivate`: a function of an activated shell; anywhere else, there is nothing to undo."""

from __future__ import annotations

import argparse
import sys

from shim.cli.usage import Parser
from shim.core.errors import UsageError
from shim.core.host import Host
from shim.core.own_launchers import default_folder, faces_folder, hook_folder

HELP = "take shim out of this shell again (after `shim activate`)"
EXAMPLE = "shim deactivate"


def configure(parser: Parser) -> None:
    """Add what the shells' functions ask for, since they cannot read it themselves."""
    parser.add("--direnv", "print DIRENV_DIFF without our folders, and change nothing")


def main(arguments: argparse.Namespace, host: Host) -> int:
    """Say that this shell was not activated: no program can change the shell that started it."""
    if arguments.direnv and "DIRENV_DIFF" in host.environ:
        from shim.formats.direnv import without_folders

        shims = default_folder(host)
        folders = (shims, hook_folder(shims), faces_folder(shims))
        sys.stdout.write(without_folders(host.environ["DIRENV_DIFF"], folders) + "\n")
        return 0
    raise UsageError(
        "this shell was not activated by `shim activate`, so there is nothing to undo",
        hint="take the launchers' folder off PATH",
    )
