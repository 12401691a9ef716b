"""`shim status`: every index, upload endpoint and stored login, and what its server says.

Exit status 1 if one of them is not usable. No program is run and nobody is asked to log in.
"""

from __future__ import annotations

import argparse
import sys

from shim.cli.answer import write_json
from shim.cli.usage import Parser
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


def configure(parser: Parser) -> None:
    """Add the arguments of `shim status`."""
    parser.add("--json", "the same as JSON")
    parser.add("--offline", "ask no server")


def main(arguments: argparse.Namespace, host: Host) -> int:
    """Print what was found; never a secret."""
    settings = load_settings(host)
    states = find_states(settings, host, offline=arguments.offline)
    if arguments.json:
        rows = [_for_programs(found) for found in states]
        write_json({"indexes": rows, "files": list(settings.files)})
    else:
        if not settings.indexes:
            files = " or ".join(config_files(host))
            text = f"no [[index]] is configured (looked for {files}); `shim setup` writes one"
            sys.stdout.write(fold(text, "", 1))
        sys.stdout.write("".join(render(found, host) for found in states))
    return 0 if all(found.is_usable for found in states) else HAS_PROBLEM


def _for_programs(found: Found) -> dict[str, object]:
    row = without_secrets(found)
    return row | {"expires_at": render_time(row["expires_at"]), "since": render_time(row["since"])}


def render(found: Found, host: Host) -> str:
    """Return the lines about one entry."""
    entry = found.entry
    name = paint(printable(entry.name), "bold", 1, host)
    word, colour = WORDS[found.state]
    lines = _say_files(found)
    lines += [printable(_say_source(found, host))] if entry.provided_by or entry.tried else []
    since = f" since {render_time(found.since)}" if found.since and found.state == "refuses" else ""
    detail = f": {printable(found.detail)}" if found.detail else ""
    lines.append(f"{paint(word, colour, 1, host)}{since}{detail}")
    lines += [printable(f"hint: {found.hint}")] if found.hint else []
    title = f"{name}  {entry.endpoint.url}{TITLES[entry.role]}\n"
    return title + "".join(fold(line, "  ", 1) for line in lines)


def _say_files(found: Found) -> list[str]:
    """Return which file says what, where an index is made of several."""
    files: dict[str, list[str]] = {}
    for key, file in found.entry.index.keys if found.entry.index else ():
        files.setdefault(file, []).append(key)
    if len(files) < 2:
        return []
    return [f"from {file}: {', '.join(keys)}" for file, keys in files.items()]


def _say_source(found: Found, host: Host) -> str:
    """Return who answers here, in words."""
    entry, credential = found.entry, found.entry.credential
    if entry.provided_by is None:
        return "asked: " + ", ".join(f"{source} ({outcome})" for source, outcome in entry.tried)
    if credential is None:
        return f"answered by {entry.provided_by}: {entry.tried[-1][1]}"
    text = f"answered by {entry.provided_by} as {credential.shown_username}"
    if credential.expires_at:
        text += f", ends in {describe_duration(credential.expires_at - host.clock())}"
    if entry.login:
        account = entry.login["account"]
        text += f"; login at {entry.login['at']}{f' as {account}' if account else ''}"
    return text
