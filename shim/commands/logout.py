"""`shim logout`: forget a credential everywhere we stored it."""

from __future__ import annotations

import argparse
import sys

from shim.commands.named_index import find_index
from shim.errors import ShimError, StoreError, UsageError, render
from shim.host import Host, write_stderr
from shim.model import Need, Origin
from shim.settings import Settings, load_settings
from shim.sources import DEFAULT_USERNAME, Query, oidc, posit
from shim.store import approvals, cache, keys, recent, stored
from shim.urls import Url, scope_of_index

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
    problems: list[ShimError] = []
    settings = _read_settings(arguments, problems, host)
    if arguments.index:
        url, index, username = find_index(arguments.index, settings)
        username = username or DEFAULT_USERNAME
        scope = str((index and index.reach(url)) or scope_of_index(url))
    logins = _log_out(url, settings, problems, host)  # before the cache, where their tokens are
    removed = [f"token cache: {one.scope} ({one.username})" for one in cache.forget(host, scope)]
    removed += [f"{store}: {one.scope} ({one.username})" for store, one in stored.forget(host, scope)]
    removed += [f"login: {line}" for line in logins]
    removed += [f"approved origins: {origin}" for origin in approvals.forget(host, url)]
    recent.forget(host)  # a copy of what the keyring keeps; which scopes it was for does not matter
    try:
        removed += [f"keyring: {service} ({username})" for service, username in keys.forget(host, url, username)]
    except StoreError as error:
        problems.append(error)
    for problem in problems:
        write_stderr(render(problem))
    sys.stdout.write("".join(f"removed from {line}\n" for line in removed) or "nothing was stored\n")
    return problems[-1].exit_code if problems else 0


def _read_settings(arguments: argparse.Namespace, problems: list[ShimError], host: Host) -> Settings:
    """Return the settings; none if they are broken and everything is to be forgotten, which must be possible all the same."""
    try:
        return load_settings(host)
    except ShimError as error:
        if not arguments.all:
            raise
        problems.append(error)
        return Settings()


def _log_out(url: Url | None, settings: Settings, problems: list[ShimError], host: Host) -> list[str]:
    """End the logins of the index at `url`, or of all; return what was ended, in words. What fails is added to the problems."""
    ended: list[str] = []
    for index in settings.indexes:
        if url is not None and index is not settings.index_for(url):
            continue
        query = Query(Need(index.url, Origin("config", index.defined_in)), index, host)
        for way in (posit, oidc):
            try:
                ended += filter(None, [way.log_out(query)])
            except ShimError as error:
                problems.append(error)
    return ended
