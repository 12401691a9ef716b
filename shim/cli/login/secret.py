"""The secret of `shim login`, from the terminal or stdin, and what the index says to it."""

from __future__ import annotations

import argparse
import sys

from shim.config.index import IndexConfig
from shim.core import regex as re
from shim.core.errors import IndexUnreachable, Rejected, UsageError
from shim.core.host import Host
from shim.core.model import Credential, Secret
from shim.core.urls import Url
from shim.preflight.hints import hint_for_unreachable
from shim.preflight.rootless import verify_login
from shim.preflight.route import route_of_person
from shim.preflight.upload_endpoints import verify_endpoints

#: More than any token; a whole file on stdin is a mistake.
MAX_CHARACTERS = 32768
#: The endpoint is asked with and without, in this time.
TIMEOUT_S = 15.0


def read_secret(arguments: argparse.Namespace, url: Url, username: str, host: Host) -> Secret:
    """Return the secret from stdin or the terminal. Raises UsageError for what is no password."""
    if arguments.password_stdin:
        text = _read_stdin()
    elif host.interactive:
        from getpass import getpass

        try:
            text = getpass(f"password or token of {username} for {url}: ")
        except EOFError:
            text = ""
    else:
        raise UsageError(
            "there is no terminal to ask for the secret",
            hint=f"... | shim login {arguments.index} --password-stdin",
        )
    if not text:
        raise UsageError(
            "the secret is empty: nothing was stored", hint="type or pipe the password or token"
        )
    if len(text) > MAX_CHARACTERS or re.search(r"[\0-\x1f\x7f]", text):
        raise UsageError(
            "the secret is more than one line, or too long: nothing was stored",
            hint="give the password or token alone",
        )
    return Secret(text)


def _read_stdin() -> str:
    """Return what is piped in, without its last line end. Raises UsageError."""
    try:
        data = sys.stdin.buffer.read(4 * MAX_CHARACTERS + 1) if sys.stdin else b""
        return data.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise UsageError(
            "the secret is not UTF-8: nothing was stored",
            hint="pipe the password or token as UTF-8",
        ) from error


def verify_secret(url: Url, index: IndexConfig | None, credential: Credential, host: Host) -> str:
    """Return what was proved, in words. Raises Rejected or IndexUnreachable."""
    route = route_of_person(index, host)
    if index is not None and not index.scope.covers(url):  # its upload endpoint
        page = url
        (verdict,) = verify_endpoints([(page, credential, route)], host, TIMEOUT_S)
    else:
        page = index.verify_url if index else url
        verdict = verify_login(page, credential, host, route)
    if verdict.kind == "rejected":
        raise Rejected(
            f"{verdict.detail}: nothing was stored",
            hint="check the user name (--user) and the secret",
        )
    if verdict.kind == "unreachable":
        raise IndexUnreachable(
            f"{verdict.detail}: nothing was verified, nothing was stored",
            hint=hint_for_unreachable(verdict, page, index, host),
        )
    return verdict.detail
