"""`shim logout`: forget a credential everywhere we stored it."""

from __future__ import annotations

import argparse
import sys

from shim.commands.named_index import find_index
from shim.errors import StoreError, UsageError
from shim.host import Host, write_stderr
from shim.settings import load_settings
from shim.sources import DEFAULT_USERNAME
from shim.store import purge
from shim.urls import scope_of_index

HELP = "forget a credential everywhere shim stored it"
EXAMPLE = "shim logout corp"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `shim logout`."""
    parser.add_argument("index", nargs="?", metavar="NAME|URL", help="an [[index]] of the configuration, or an index's URL")
    parser.add_argument("--all", action="store_true", help="everything that shim stored")


def main(arguments: argparse.Namespace, host: Host) -> int:
    """Remove it from the keyring, the memory, the file store and the token cache, and say what was removed."""
    if bool(arguments.index) == arguments.all:
        raise UsageError("say which index, or --all", hint=EXAMPLE)
    url = scope = username = None
    if arguments.index:
        url, index, username = find_index(arguments.index, load_settings(host))
        username = username or DEFAULT_USERNAME
        scope = str((index and index.reach(url)) or scope_of_index(url))
    removed: list[str] = []
    status = 0
    try:
        removed.extend(purge.forget(host, url, scope, username))
    except StoreError as error:
        from shim.errors import render

        write_stderr(render(error))
        status = error.exit_code
    sys.stdout.write("".join(f"removed from {line}\n" for line in removed) or "nothing was stored\n")
    return status
