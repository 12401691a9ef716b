"""`shim deactivate`: a function of an activated shell; anywhere else, there is nothing to undo."""

from __future__ import annotations

import argparse

from shim.cli.usage import Parser
from shim.core.errors import UsageError
from shim.core.host import Host

HELP = "take shim out of this shell again (after `shim activate`)"
EXAMPLE = "shim deactivate"


def configure(_parser: Parser) -> None:
    """Take no arguments."""


def main(_arguments: argparse.Namespace, _host: Host) -> int:
    """Say that this shell was not activated: no program can change the shell that started it."""
    raise UsageError(
        "this shell was not activated by `shim activate`, so there is nothing to undo",
        hint="take the launchers' folder off PATH",
    )
