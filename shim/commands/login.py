"""`shim login`: verify a secret against its index and keep it, in the OS keyring or where you say."""

from __future__ import annotations

import argparse
import os
import sys

from shim.commands.named_index import find_index
from shim.errors import IndexUnreachable, Rejected, UsageError
from shim.host import Host
from shim.model import Credential, Secret
from shim.settings import IndexConfig, load_settings
from shim.sources import DEFAULT_USERNAME
from shim.store import keys, stored
from shim.urls import Url, scope_of_index

HELP = "verify a password or token and keep it for an index"
EXAMPLE = "shim login corp --user alice"

#: More than any token; a whole file on stdin is a mistake.
MAX_CHARACTERS = 32768


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `shim login`."""
    parser.add_argument("index", metavar="NAME|URL", help="an [[index]] of the configuration, or an index's URL")
    parser.add_argument("-u", "--user", help=f"the user name (default: the configured one, else {DEFAULT_USERNAME})")
    parser.add_argument("--password-stdin", action="store_true", help="read the secret from stdin instead of asking")
    parser.add_argument("--store", choices=("keyring", "file"), default="keyring", help="where to keep it (file: in clear, for you alone)")
    parser.add_argument("--no-verify", action="store_true", help="keep it without asking the index")


def main(arguments: argparse.Namespace, host: Host) -> int:
    """Ask for the secret, verify it, keep it, and say what was proved."""
    settings = load_settings(host)
    url, index, username = find_index(arguments.index, settings)
    if not url.is_confidential and not (index and index.insecure):
        hint = "use https, or set insecure = true for this [[index]]"
        raise UsageError(f"{url} is plain http: a password would travel in clear", hint=hint)
    username = arguments.user or username or DEFAULT_USERNAME
    if arguments.store == "keyring":
        keys.require_keyring()
    secret = _read_secret(arguments, url, username, host)
    credential = Credential(username, secret, index.scope if index else scope_of_index(url), "login")
    proved = "not verified, as you asked" if arguments.no_verify else _verify(index.verify_url if index else url, credential, host)
    where = _keep(arguments.store, url, credential, host)
    sys.stdout.write(f"stored for {credential.scope} as {username}, in {where}: {proved}\n")
    sys.stdout.write(f"pip, uv and all they start find it from now on{_caution(index, arguments.store)}\n")
    return 0


def _read_secret(arguments: argparse.Namespace, url: Url, username: str, host: Host) -> Secret:
    """Return the secret from stdin or the terminal. Raises UsageError for one that cannot be a password."""
    if arguments.password_stdin:
        text = sys.stdin.read(MAX_CHARACTERS + 1).removesuffix("\n").removesuffix("\r")
    elif host.interactive:
        from getpass import getpass

        text = getpass(f"password or token of {username} for {url}: ")
    else:
        raise UsageError("there is no terminal to ask for the secret", hint=f"... | shim login {arguments.index} --password-stdin")
    if not text:
        raise UsageError("the secret is empty: nothing was stored", hint="type or pipe the password or token")
    if len(text) > MAX_CHARACTERS or any(character in text for character in "\0\r\n"):
        raise UsageError("the secret is more than one line: nothing was stored", hint="give the password or token alone")
    return Secret(text)


def _verify(url: Url, credential: Credential, host: Host) -> str:
    """Return what was proved, in words. Raises Rejected or IndexUnreachable: then nothing is stored."""
    from shim.verify import verify

    verdict = verify(url, credential, host)
    if verdict.kind == "rejected":
        raise Rejected(f"{verdict.detail}: nothing was stored", hint="check the user name (--user) and the secret")
    if verdict.kind == "unreachable":
        raise IndexUnreachable(f"{verdict.detail}: nothing was verified, nothing was stored", hint="--no-verify stores it all the same")
    return verdict.detail


def _keep(store: str, url: Url, credential: Credential, host: Host) -> str:
    if store == "file":
        return f"{os.path.dirname(stored.put(credential, host))} (in clear, for you alone)"
    return keys.put(url, credential, host)


def _caution(index: IndexConfig | None, store: str) -> str:
    """Return what stands against that, if the configured sources would not look there."""
    needed = "stored" if store == "file" else "keyring"
    if index and needed not in index.source:
        return f", once the source of [[index]] {index.name} has {needed!r} in it (it is {list(index.source)})"
    return ""
