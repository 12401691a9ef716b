"""`shim cache`: look at the token cache, or empty it."""

from __future__ import annotations

import argparse
import json
import sys

from shim.host import Host
from shim.store import cache
from shim.store.folders import cache_folder

HELP = "list or clear the token cache"
EXAMPLE = "shim cache list"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `shim cache`."""
    parser.add_argument("action", choices=("list", "clear"))
    parser.add_argument("--json", action="store_true", help="the same as JSON")


def main(arguments: argparse.Namespace, host: Host) -> int:
    """Print what is cached, or was; never a secret."""
    folder, kind = cache_folder(host)
    credentials = cache.forget(host) if arguments.action == "clear" else cache.entries(host)
    rows = [{"scope": str(one.scope), "username": one.username, "source": one.source, "expires_at": one.expires_at} for one in credentials]
    if arguments.json:
        sys.stdout.write(json.dumps({"folder": folder, "tokens": rows}, indent=2) + "\n")
        return 0
    verb = "removed " if arguments.action == "clear" else ""
    lines = [f"{verb}{one.scope} as {one.username}, from {one.source}, {_when(one.expires_at, host)}\n" for one in credentials]
    sys.stdout.write("".join(lines) or f"no tokens cached ({kind})\n")
    return 0


def _when(expires_at: float | None, host: Host) -> str:
    left_s = (expires_at or 0.0) - host.clock()
    return f"ends in {cache.describe_duration(left_s)}" if left_s > 0 else "expired"
