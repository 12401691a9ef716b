"""`shim uninstall`: remove the launchers. Stored credentials stay; `shim logout --all` forgets them."""

from __future__ import annotations

import argparse
import sys

from shim.activate import remove_activation
from shim.host import Host
from shim.launchers import default_folder, remove_launchers

HELP = "remove launchers"
EXAMPLE = "shim uninstall uv"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `shim uninstall`."""
    parser.add_argument("tools", nargs="*", metavar="TOOL", help="which (default: all, and the `shim` command's own)")
    parser.add_argument("--shims", metavar="DIR", help="where (default: the launchers' own folder)")
    parser.add_argument("--quiet", action="store_true", help="say nothing")


def main(arguments: argparse.Namespace, host: Host) -> int:
    """Remove files that carry our signature, and nothing else."""
    folder = host.path(arguments.shims) if arguments.shims else default_folder(host)
    removed = remove_launchers(folder, arguments.tools or None)
    if not arguments.tools:
        removed += remove_activation(folder)
    if not arguments.quiet:
        lines = [f"removed {path}" for path in removed] or [f"no launchers in {folder}"]
        sys.stdout.write("".join(line + "\n" for line in lines))
    return 0
