"""`shim cache`: look at the token cache and the remembered passwords, or empty them."""

from __future__ import annotations

import argparse
import sys

from shim.cli.answer import write_json
from shim.core.host import Host
from shim.core.model import Credential
from shim.core.private_folders import cache_folder
from shim.formats.times import render_time
from shim.storage import kernel_store, keyring_cache, token_cache

HELP = "list or clear the token cache"
EXAMPLE = "shim cache list"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `shim cache`."""
    parser.add_argument("action", choices=("list", "clear"))
    parser.add_argument("--json", action="store_true", help="the same as JSON")


def main(arguments: argparse.Namespace, host: Host) -> int:
    """Print what is cached, or was; never a secret. What `shim login` stored stays."""
    folder, kind = cache_folder(host)
    clear = arguments.action == "clear"
    if clear:
        tokens, passwords = token_cache.forget(host), keyring_cache.forget(host)
    else:
        tokens, passwords = token_cache.entries(host), keyring_cache.entries(host)
    if arguments.json:
        rows = {
            "folder": folder,
            "tokens": _rows(tokens),
            "passwords": _rows(passwords),
            "memory_problem": kernel_store.problem(host),
        }
        write_json(rows)
        return 0
    verb = "removed " if clear else ""
    lines = [
        f"{verb}{one.scope} as {one.username}, from {one.source}, {_when(one.expires_at, host)}\n"
        for one in tokens
    ]
    lines += [
        f"{verb}{one.scope} as {one.username}, from {one.source}, remembered in the kernel's"
        " memory\n"
        for one in passwords
    ]
    sys.stdout.write("".join(lines) or f"no tokens cached ({kind})\n")
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
