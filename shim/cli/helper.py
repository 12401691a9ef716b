"""`shim helper PROTOCOL ACTION`: the credential helper that git, docker or bazel start."""

from __future__ import annotations

import argparse
import sys

from shim.cli.usage import Parser, repeatable
from shim.core.dataclass import replace
from shim.core.errors import ShimError, UsageError, render
from shim.core.host import Host, write_stderr
from shim.core.model import Credential
from shim.core.urls import Url
from shim.credentials.ask_once import drop
from shim.helpers import HELPERS, load_helper
from shim.helpers.lookup import find_credential

HELP = "answer git, docker or bazel, which ask for credentials by protocols of their own"
EXAMPLE = "git config --global credential.https://git.corp.example/.helper '!shim helper git'"

#: More than any question; what is longer is cut, and then no question.
MAX_BYTES = 65536


def configure(parser: Parser) -> None:
    """Add the arguments of `shim helper`."""
    parser.add_argument("protocol", choices=tuple(HELPERS))
    parser.add_argument("action", help="get, store, erase or list, as the protocol has it")


def main(arguments: argparse.Namespace, host: Host) -> int:
    """Answer one question and return the status that the protocol wants. Never asks a person."""
    helper = load_helper(arguments.protocol)
    # git wants unknown actions ignored: it may invent new ones, and starts every helper with them.
    if arguments.action not in helper.ACTIONS and arguments.protocol != "git":
        raise UsageError(
            f"{arguments.protocol} has no action {repeatable(arguments.action)}",
            hint=f"it has: {', '.join(helper.ACTIONS)}",
        )

    def find(url: Url, username: str | None) -> Credential | None:
        return find_credential(url, username, f"shim helper {arguments.protocol}", host)

    request = sys.stdin.buffer.read(MAX_BYTES) if sys.stdin else b""
    try:
        reply = helper.answer(arguments.action, request, find)
    except ShimError as error:
        write_stderr(render(error))
        reply = replace(helper.refuse(f"shim: {error.code}"), message="")  # which is said already
    if reply.message:
        write_stderr(f"shim: {reply.message}\n")
    if reply.rejected:
        drop(*reply.rejected, host)
    sys.stdout.buffer.write(reply.output.encode())  # UTF-8 for all three, whatever the locale
    return reply.status
