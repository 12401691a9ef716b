"""`shim uninstall`: remove the launchers, and with `--purge` what is stored as well."""

from __future__ import annotations

import argparse
import sys

from shim.cli.usage import Parser
from shim.core.errors import ShimError, UsageError, render
from shim.core.host import Host, write_stderr
from shim.core.own_launchers import default_folder
from shim.credentials import purge
from shim.credentials.revoke import end_logins, read_whole_settings
from shim.install.launchers import remove_launchers
from shim.install.shells import remove_activation

HELP = "remove launchers"
EXAMPLE = "shim uninstall uv"


def configure(parser: Parser) -> None:
    """Add the arguments of `shim uninstall`."""
    parser.add("tools TOOL", "which (default: all, and the `shim` command's own)", nargs="*")
    parser.add("--shims DIR", "where (default: the launchers' own folder)")
    text = "first forget every credential that shim stored for you, and its lists and logs"
    parser.add("--purge", text)
    parser.add("--quiet", "say nothing")


def main(arguments: argparse.Namespace, host: Host) -> int:
    """Remove the launchers, and first of all, with `--purge`, what we keep of this user's.

    Raises:
        UsageError: `--purge` for some tools only.
        StoreError: something cannot be removed, and the launchers are still there.
    """
    if arguments.purge and arguments.tools:
        raise UsageError(
            "--purge is for all of shim, not for one tool", hint="shim uninstall --purge"
        )
    purged = _purge(host) if arguments.purge else []
    folder = host.path(arguments.shims) if arguments.shims else default_folder(host)
    removed = remove_launchers(folder, arguments.tools or None)
    if not arguments.tools:
        removed += remove_activation(folder)
    if not arguments.quiet:
        lines = purged + [f"removed {path}" for path in removed] or [f"no launchers in {folder}"]
        sys.stdout.write("".join(line + "\n" for line in lines))
    return 0


def _purge(host: Host) -> list[str]:
    """Forget everything and return it in words. A login that its server does not end is said."""
    problems: list[ShimError] = []
    settings = read_whole_settings(host, problems)
    places = [f"login: {line}" for line in end_logins(None, settings, host, problems)]
    places += purge.forget(host, keyring_wait_s=settings.keyring_wait_s)
    for problem in problems:
        write_stderr(render(problem))
    folders = purge.remove_folders(host)
    return [*(f"removed from {place}" for place in places), *(f"removed {one}" for one in folders)]
