"""`shim uninstall`: remove the launchers. Stored credentials stay, unless `--purge` takes them as
well.
"""

from __future__ import annotations

import argparse
import sys

from shim.core.errors import ShimError, UsageError, render
from shim.core.host import Host, write_stderr
from shim.core.own_launchers import default_folder
from shim.credentials import purge
from shim.credentials.revoke import end_logins, read_whole_settings
from shim.install.launchers import remove_launchers
from shim.install.shells import remove_activation

HELP = "remove launchers"
EXAMPLE = "shim uninstall uv"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `shim uninstall`."""
    parser.add_argument(
        "tools",
        nargs="*",
        metavar="TOOL",
        help="which (default: all, and the `shim` command's own)",
    )
    parser.add_argument("--shims", metavar="DIR", help="where (default: the launchers' own folder)")
    parser.add_argument(
        "--purge",
        action="store_true",
        help="first forget every credential that shim stored for you, and its lists and logs",
    )
    parser.add_argument("--quiet", action="store_true", help="say nothing")


def main(arguments: argparse.Namespace, host: Host) -> int:
    """Remove files that carry our signature, and with `--purge` what we keep of this user's, first
    of all.

    Raises:
        UsageError: `--purge` for some tools only.
        StoreError: something cannot be removed (a locked keyring); the launchers are still there
            then.
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
    """Forget everything and return it in words. A login that its server does not end is said, and
    stops nothing.
    """
    problems: list[ShimError] = []
    settings = read_whole_settings(host, problems)
    lines = [f"removed from login: {line}" for line in end_logins(None, settings, host, problems)]
    lines += [
        f"removed from {line}"
        for line in purge.forget(host, keyring_wait_s=settings.keyring_wait_s)
    ]
    for problem in problems:
        write_stderr(render(problem))
    return lines + [f"removed {folder}" for folder in purge.remove_folders(host)]
