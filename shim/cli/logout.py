"""`shim logout`: forget a credential everywhere we stored it."""

from __future__ import annotations

import argparse
import sys

from shim.cli.named_index import find_index
from shim.cli.usage import Parser
from shim.config.settings import load_settings
from shim.core.errors import ShimError, StoreError, UsageError, render
from shim.core.host import Host, write_stderr
from shim.core.urls import scope_of_index
from shim.credentials import purge
from shim.credentials.revoke import end_logins, read_whole_settings
from shim.credentials.sources import DEFAULT_USERNAME

HELP = "forget a credential everywhere shim stored it"
EXAMPLE = "shim logout corp"


def configure(parser: Parser) -> None:
    """Add the arguments of `shim logout`."""
    parser.add("index NAME|URL", "an [[index]] of the configuration, or an index's URL", nargs="?")
    parser.add("--all", "everything that shim stored")


def main(arguments: argparse.Namespace, host: Host) -> int:
    """Remove it wherever it may be, and say what was removed."""
    if bool(arguments.index) == arguments.all:
        raise UsageError("say which index, or --all", hint=EXAMPLE)
    url = scope = username = None
    problems: list[ShimError] = []
    settings = read_whole_settings(host, problems) if arguments.all else load_settings(host)
    if arguments.index:
        url, index, username = find_index(arguments.index, settings)
        username = username or DEFAULT_USERNAME
        scope = str((index and index.reach(url)) or scope_of_index(url))
    # Before the cache, where the tokens of logins are.
    removed = [f"login: {line}" for line in end_logins(url, settings, host, problems)]
    try:
        removed += purge.forget(host, url, scope, username, keyring_wait_s=settings.keyring_wait_s)
    except StoreError as error:
        problems.append(error)
    for problem in problems:
        write_stderr(render(problem))
    lines = "".join(f"removed from {line}\n" for line in removed)
    sys.stdout.write(lines or "nothing was stored\n")
    return problems[-1].exit_code if problems else 0
