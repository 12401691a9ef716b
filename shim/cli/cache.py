"""`shim cache`: look at the token cache and the remembered passwords, or empty them."""

from __future__ import annotations

import argparse
import sys

from shim.cli.answer import write_json
from shim.cli.usage import Parser
from shim.core.host import Host
from shim.core.model import Credential
from shim.core.private_folders import cache_folder
from shim.formats.times import render_time
from shim.storage import kernel_store, keyring_cache, token_cache

HELP = "list or clear the token cache"
EXAMPLE = "shim cache list"


def configure(parser: Parser) -> None:
    """Add the arguments of `shim cache`."""
    parser.add_argument("action", choices=("list", "clear"))
    parser.add("--json", "the same as JSON")


def main(arguments: argparse.Namespace, host: Host) -> int:
    """Print what is cached, or was; never a secret. What `shim login` stored stays."""
    folder, kind = cache_folder(host)
    clear = arguments.action == "clear"
    if clear:
        tokens, passwords = token_cache.forget(host), keyring_cache.forget(host)
    else:
        tokens, passwords = token_cache.entries(host), keyring_cache.entries(host)
    if arguments.json:
        document = {"folder": folder, "tokens": _rows(tokens), "passwords": _rows(passwords)}
        write_json(document | {"memory_problem": kernel_store.problem(host)})
        return 0
    rows = [(one, _when(one.expires_at, host)) for one in tokens]
    rows += [(one, "remembered in the kernel's memory") for one in passwords]
    verb = "removed " if clear else ""
    for one, where in rows:
        sys.stdout.write(f"{verb}{one.scope} as {one.username}, from {one.source}, {where}\n")
    if not rows:
        sys.stdout.write(f"no tokens cached ({kind})\n")
    return 0


def _rows(credentials: list[Credential]) -> list[dict[str, object]]:
    return [
        {
            "scope": str(one.scope),
            "username": one.shown_username,
            "source": one.source,
            "expires_at": render_time(one.expires_at),
        }
        for one in credentials
    ]


def _when(expires_at: float | None, host: Host) -> str:
    left_s = (expires_at or 0.0) - host.clock()
    return f"ends in {token_cache.describe_duration(left_s)}" if left_s > 0 else "expired"
