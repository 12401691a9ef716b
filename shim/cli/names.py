"""`shim names`: the names of the configured indexes, for shells that complete them."""

from __future__ import annotations

import argparse
import re
import sys

from shim.cli.usage import Parser
from shim.config.settings import load_settings
from shim.core.host import Host

HELP = "print the names of the configured indexes, one a line"
EXAMPLE = "shim names"
#: bash expands what it completes from: a name with other letters could be a command.
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")


def configure(_parser: Parser) -> None:
    """Take no arguments."""


def main(_arguments: argparse.Namespace, host: Host) -> int:
    """Print each name that a shell can take as it is."""
    names = dict.fromkeys(index.name for index in load_settings(host).indexes)
    sys.stdout.write("".join(f"{name}\n" for name in names if PLAIN.fullmatch(name)))
    return 0
