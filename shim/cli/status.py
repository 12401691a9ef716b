"""`shim status`: every index, upload endpoint and stored login, who answers for it, until when, and
what its server says to that.

Exit status 1 if one of them is not usable. No program is run and nobody is asked to log in.
"""

from __future__ import annotations

import argparse
import sys

from shim.cli.answer import write_json
from shim.config.settings import config_files, load_settings
from shim.core.errors import printable
from shim.core.folding import fold
from shim.core.host import Host
from shim.core.screen import Colour, paint
from shim.formats.times import render_time
from shim.preflight.index_states import Found, State, find_states, without_secrets
from shim.storage.token_cache import describe_duration

HELP = "show each index, who answers for it, until when, and whether its server takes that"
EXAMPLE = "shim status --json"

#: The exit status if something is not usable.
HAS_PROBLEM = 1
#: What a server's state is called, and in which colour.
WORDS: dict[State, tuple[str, Colour]] = {
    "answers": ("ok", "green"),
    "open": ("no login needed", "green"),
    "unasked": ("not asked", "yellow"),
    "refuses": ("refused", "red"),
    "unreachable": ("unreachable", "red"),
    "missing": ("no credential", "red"),
}
TITLES = {"index": "", "publish": " (uploads)", "login": " (stored by URL)"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `shim status`."""
    parser.add_argument("--json", action="store_true", help="the same as JSON")
    parser.add_argument("--offline", action="store_true", help="ask no server")


def main(arguments: argparse.Namespace, host: Host) -> int:
    """Print what was found; never a secret."""
    settings = load_settings(host)
    states = find_states(settings, host, offline=arguments.offline)
    if arguments.json:
        write_json(
            {"indexes": [_for_programs(found) for found in states], "files": list(settings.files)}
        )
    else:
        if not settings.indexes:
            files = " or ".join(config_files(host))
            sys.stdout.write(
                fold(
                    f"no [[index]] is configured (looked for {files}); `shim setup` writes one",
                    "",
                    1,
                )
            )
        sys.stdout.write("".join(render(found, host) for found in states))
    return 0 if all(found.is_usable for found in states) else HAS_PROBLEM


def _for_programs(found: Found) -> dict[str, object]:
    row = without_secrets(found)
    return row | {"expires_at": render_time(row["expires_at"]), "since": render_time(row["since"])}


def render(found: Found, host: Host) -> str:
    """Return the lines about one entry."""
    entry = found.entry
    title = (
        f"{paint(printable(entry.name), 'bold', 1, host)} "
        f" {entry.endpoint.url}{TITLES[entry.role]}\n"
    )
    word, colour = WORDS[found.state]
    lines = _say_files(found)
    lines += [printable(_say_source(found, host))] if entry.provided_by or entry.tried else []
    since = f" since {render_time(found.since)}" if found.since and found.state == "refuses" else ""
    said = f"{paint(word, colour, 1, host)}{since}" + (
        f": {printable(found.detail)}" if found.detail else ""
    )
    lines += [said] + ([printable(f"hint: {found.hint}")] if found.hint else [])
    return title + "".join(fold(line, "  ", 1) for line in lines)


def _say_files(found: Found) -> list[str]:
    """Return which file says what, where an index is made of several."""
    index = found.entry.index
    files = dict.fromkeys(file for _, file in index.keys) if index else {}
    if index is None or len(files) < 2:
        return []
    return [
        f"from {file}: {', '.join(key for key, said in index.keys if said == file)}"
        for file in files
    ]


def _say_source(found: Found, host: Host) -> str:
    """Return who answers here, in words."""
    entry, credential = found.entry, found.entry.credential
    if entry.provided_by is None:
        return "asked: " + ", ".join(f"{source} ({outcome})" for source, outcome in entry.tried)
    if credential is None:
        return f"answered by {entry.provided_by}: {entry.tried[-1][1]}"
    until = (
        f", ends in {describe_duration(credential.expires_at - host.clock())}"
        if credential.expires_at
        else ""
    )
    login = f"; login at {entry.login['at']}" if entry.login else ""
    account = f" as {entry.login['account']}" if entry.login and entry.login["account"] else ""
    return f"answered by {entry.provided_by} as {credential.shown_username}{until}{login}{account}"
