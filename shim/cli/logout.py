"""`shim logout`: forget a credential everywhere we stored it."""

from __future__ import annotations

import argparse
import sys

from shim.cli.named_index import find_index
from shim.config.settings import load_settings
from shim.core.errors import ShimError, StoreError, UsageError, render
from shim.core.host import Host, write_stderr
from shim.core.urls import scope_of_index
from shim.credentials import purge
from shim.credentials.revoke import end_logins, read_whole_settings
from shim.credentials.sources import DEFAULT_USERNAME

HELP = "forget a credential everywhere shim stored it"
EXAMPLE = "shim logout corp"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `shim logout`."""
    parser.add_argument(
        "index",
        nargs="?",
        metavar="NAME|URL",
        help="an [[index]] of the configuration, or an index's URL",
    )
    parser.add_argument("--all", action="store_true", help="everything that shim stored")


def main(arguments: argparse.Namespace, host: Host) -> int:
    """Remove it from the keyring, the memory, the file store and the token cache, and say what was
    removed.
    """
    if bool(arguments.index) == arguments.all:
        raise UsageError("say which index, or --all", hint=EXAMPLE)
    url = scope = username = None
    problems: list[ShimError] = []
    settings = read_whole_settings(host, problems) if arguments.all else load_settings(host)
    if arguments.index:
        url, index, username = find_index(arguments.index, settings)
        username = username or DEFAULT_USERNAME
        scope = str((index and index.reach(url)) or scope_of_index(url))
    removed = [
        f"login: {line}" for line in end_logins(url, settings, host, problems)
    ]  # before the cache, where their tokens are
    try:
        removed.extend(
            purge.forget(host, url, scope, username, keyring_wait_s=settings.keyring_wait_s)
        )
    except StoreError as error:
        problems.append(error)
    for problem in problems:
        write_stderr(render(problem))
    sys.stdout.write(
        "".join(f"removed from {line}\n" for line in removed) or "nothing was stored\n"
    )
    return problems[-1].exit_code if problems else 0
