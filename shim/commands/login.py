"""`shim login`: verify a secret against its index and keep it, in the OS keyring or where you say."""

from __future__ import annotations

import argparse
import os
import sys

from shim.commands import login_sso, login_vendor
from shim.commands.named_index import find_index
from shim.errors import ConfigError, IndexUnreachable, Rejected, SourceError, StoreError, UsageError
from shim.host import Host
from shim.model import Credential, Secret
from shim.setting_checks import read_duration
from shim.setting_indexes import IndexConfig
from shim.settings import Settings, load_settings
from shim.sources import DEFAULT_USERNAME
from shim.sources.keyring import in_time
from shim.store import keys, proofs, recent, stored
from shim.store.cache import describe_duration
from shim.urls import Url, scope_of_index

HELP = "verify a password or token and keep it for an index"
EXAMPLE = "shim login corp --user alice"

#: More than any token; a whole file on stdin is a mistake.
MAX_CHARACTERS = 32768
#: How long `--store memory` keeps a secret: a working day.
MEMORY_AGE = "12h"
MAX_AGE_S = 366 * 86400.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `shim login`."""
    parser.add_argument("index", metavar="NAME|URL", nargs="?", help="an [[index]] of the configuration, or an index's URL")
    parser.add_argument("-u", "--user", help=f"the user name (default: the configured one, else {DEFAULT_USERNAME})")
    parser.add_argument("--password-stdin", action="store_true", help="read the secret from stdin instead of asking")
    stores = "where to keep it (memory: the kernel's, until --max-age or a reboot; file: in clear, for you alone)"
    parser.add_argument("--store", choices=("keyring", "memory", "file"), default="keyring", help=stores)
    parser.add_argument("--max-age", metavar="DURATION", default=None, help=f"how long --store memory keeps it (default: {MEMORY_AGE})")
    parser.add_argument("--no-verify", action="store_true", help="keep it without asking the index")
    parser.add_argument("--import", dest="file", metavar="FILE", help="move the passwords that stand in a file in clear, and take them out")
    parser.add_argument("--backup", action="store_true", help="with --import: leave FILE.bak, with the passwords in clear")


def main(arguments: argparse.Namespace, host: Host) -> int:
    """Ask for the secret, verify it, keep it, and say what was proved."""
    settings = load_settings(host)
    if (arguments.file is None) == (arguments.index is None):
        raise UsageError("say either which index, or which file to import", hint=EXAMPLE)
    if arguments.file is not None:
        from shim.commands.login_import import move_secrets

        def keep(url: Url, username: str | None, secret: Secret) -> None:
            login(url.text, settings, argparse.Namespace(**vars(arguments) | {"user": username or arguments.user}), host, secret)

        return move_secrets(arguments.file, keep, host, backup=arguments.backup)
    return login(arguments.index, settings, arguments, host)


def login(name: str, settings: Settings, arguments: argparse.Namespace, host: Host, secret: Secret | None = None) -> int:
    """Verify and keep the secret (asked for if None) of an index, and say what was proved; return the exit status."""
    url, index, username = find_index(name, settings)
    if not url.is_confidential and not (index and index.insecure):
        hint = "use https, or set insecure = true for this [[index]]"
        raise UsageError(f"{url} is plain http: a password would travel in clear", hint=hint)
    if url.is_public and index is None:
        raise UsageError(f"{url.host} serves everybody: no credential is ever looked up for it", hint="give the URL of a private index")
    if secret is None and (status := login_sso.login(arguments, url, index, host)) is not None:
        return status
    if secret is None and (status := login_vendor.login(arguments, url, index, host)) is not None:
        return status
    username = arguments.user or username or DEFAULT_USERNAME
    if ":" in username or not username.isprintable():
        raise UsageError("a user name has no colon and no control character", hint="shim login --help")  # RFC 7617 section 2
    age_s = _read_age(arguments)
    if arguments.store == "file" and not settings.policy.allow_file_store:
        raise StoreError(f"{settings.policy.file} forbids to keep secrets in files", hint="shim login NAME, into the OS keyring")
    if arguments.store == "keyring":
        keys.require_keyring(host)
    elif arguments.store == "memory":
        stored.require_memory(host)
    secret = secret or _read_secret(arguments, url, username, host)
    ends_at = host.clock() + age_s if arguments.store == "memory" else None
    credential = Credential(username, secret, (index and index.reach(url)) or scope_of_index(url), "login", ends_at)
    proved = "not verified, as you asked" if arguments.no_verify else _verify(url, index, credential, host)
    where = _keep(arguments.store, url, credential, age_s, host)
    proofs.forget("rejected", credential, proofs.place_of(url), host)
    recent.forget(host)  # whatever the keyring said before, "nothing" included
    sys.stdout.write(f"stored for {credential.scope} as {username}, in {where}: {proved}\n")
    sys.stdout.write(f"pip, uv and all they start find it from now on{_caution(index, username, arguments.store)}\n")
    return 0


def _read_secret(arguments: argparse.Namespace, url: Url, username: str, host: Host) -> Secret:
    """Return the secret from stdin or the terminal. Raises UsageError for one that cannot be a password."""
    if arguments.password_stdin:
        text = _read_stdin()
    elif host.interactive:
        from getpass import getpass

        try:
            text = getpass(f"password or token of {username} for {url}: ")
        except EOFError:
            text = ""
    else:
        raise UsageError("there is no terminal to ask for the secret", hint=f"... | shim login {arguments.index} --password-stdin")
    if not text:
        raise UsageError("the secret is empty: nothing was stored", hint="type or pipe the password or token")
    if len(text) > MAX_CHARACTERS or any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise UsageError("the secret is more than one line, or too long: nothing was stored", hint="give the password or token alone")
    return Secret(text)


def _read_stdin() -> str:
    """Return what is piped in, without its last line end; "" if stdin is closed. Raises UsageError for what is not UTF-8."""
    try:
        data = sys.stdin.buffer.read(4 * MAX_CHARACTERS + 1) if sys.stdin else b""
        return data.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise UsageError("the secret is not UTF-8: nothing was stored", hint="pipe the password or token as UTF-8") from error


def _verify(url: Url, index: IndexConfig | None, credential: Credential, host: Host) -> str:
    """Return what was proved, in words. Raises Rejected or IndexUnreachable: then nothing is stored."""
    from shim.route import route_of_person
    from shim.verify import verify

    verdict = verify(index.verify_url if index else url, credential, host, route_of_person(index, host))
    if verdict.kind == "rejected":
        raise Rejected(f"{verdict.detail}: nothing was stored", hint="check the user name (--user) and the secret")
    if verdict.kind == "unreachable":
        raise IndexUnreachable(f"{verdict.detail}: nothing was verified, nothing was stored", hint="--no-verify stores it all the same")
    return verdict.detail


def _read_age(arguments: argparse.Namespace) -> float:
    """Return the seconds of --max-age. Raises UsageError."""
    if arguments.max_age and arguments.store != "memory":
        raise UsageError(f"--max-age is for --store memory: {arguments.store} keeps it until shim logout", hint="leave one of them out")
    try:
        age_s = read_duration(arguments.max_age or MEMORY_AGE, "--max-age", "the command line", "shim login")
    except ConfigError:
        age_s = 0.0
    if not 0 < age_s <= MAX_AGE_S:
        raise UsageError("--max-age is a time of at least one second and at most a year", hint="write a number and s, m, h or d, like 12h")
    return age_s


def _keep(store: str, url: Url, credential: Credential, age_s: float, host: Host) -> str:
    if store == "file":
        return f"{os.path.dirname(stored.put(credential, host))} (in clear, for you alone)"
    if store == "memory":
        stored.put_in_memory(credential, host, age_s)
        return f"the kernel's memory, for {describe_duration(age_s)} at most (a reboot or the end of your last session ends it)"
    if host.interactive:
        return keys.put(url, credential, host)  # a person may take their time to unlock it
    try:
        return in_time(lambda: keys.put(url, credential, host))
    except SourceError as error:
        raise StoreError(f"{error.message}: nothing was stored", hint="unlock it, or use --store file") from error


def _caution(index: IndexConfig | None, username: str, store: str) -> str:
    """Return what stands against that: the configured sources would not look there, or for another user."""
    needed = "keyring" if store == "keyring" else "stored"
    if index and needed not in index.source:
        return f", once the source of [[index]] {index.name} has {needed!r} in it (it is {list(index.source)})"
    if index and index.username not in (None, username):
        return f" for URLs with {username}@ in them: [[index]] {index.name} says username = {index.username!r}"
    return ""
