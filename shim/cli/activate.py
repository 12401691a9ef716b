"""`shim activate`: what `eval` in a shell's rc file takes to put the launchers first on PATH."""

from __future__ import annotations

import argparse
import os
import sys

from shim.cli.usage import Parser
from shim.core.errors import UsageError
from shim.core.host import Host
from shim.core.own_launchers import default_folder, faces_folder, hook_folder
from shim.install.shells import SHELLS, print_activation
from shim.tools import TOOLS

HELP = "print the shell lines that put the launchers first on PATH"
EXAMPLE = 'eval "$(shim activate bash)"'


def configure(parser: Parser) -> None:
    """Add the arguments of `shim activate`."""
    parser.add(
        "shell SHELL",
        "bash, zsh, fish, sh, tcsh, nu, xonsh or elvish (default: by $SHELL)",
        nargs="?",
    )
    parser.add("--shims DIR", "the launchers' folder (default: our own)")


def main(arguments: argparse.Namespace, host: Host) -> int:
    """Print the text; it holds no secret and starts no process."""
    shell = arguments.shell or os.path.basename(host.environ.get("SHELL", "sh"))
    if shell not in SHELLS:
        raise UsageError(f"no activation for {shell}", hint="known are: " + ", ".join(SHELLS))
    folder = host.path(arguments.shims) if arguments.shims else default_folder(host)
    if ":" in folder:
        raise UsageError(
            f"PATH cannot hold {folder}: it has a colon",
            hint="install with --prefix to another folder",
        )
    text = print_activation(shell, folder, hook_folder(folder), faces_folder(folder), TOOLS)
    sys.stdout.write(text)
    return 0
