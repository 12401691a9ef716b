"""`shim login`: verify a secret against its index and keep it."""

from __future__ import annotations

import argparse
import sys

from shim.cli.login import sso, vendor
from shim.cli.login.secret import read_secret, verify_secret
from shim.cli.login.store import choose_store, keep
from shim.cli.named_index import find_index, index_of_page
from shim.cli.usage import Parser
from shim.config.checks import read_duration
from shim.config.index import IndexConfig
from shim.config.settings import Settings, load_settings
from shim.core.errors import ConfigError, Rejected, UsageError, printable
from shim.core.folding import fold
from shim.core.host import Host, write_stderr
from shim.core.model import Credential, Secret
from shim.core.typing import Callable
from shim.core.urls import Url, scope_of_index
from shim.credentials.sources import DEFAULT_USERNAME
from shim.storage import keyring_cache, verification_cache

HELP = "verify a password or token and keep it for an index"
EXAMPLE = "shim login corp --user alice"

#: How often a person may type a password.
MAX_TRIES = 3
#: How long `--store memory` keeps a secret: a working day.
MEMORY_AGE = "12h"
MAX_AGE_S = 366 * 86400.0


def configure(parser: Parser) -> None:
    """Add the arguments of `shim login`."""
    add = parser.add
    add("index NAME|URL", "an [[index]] of the configuration, or an index's URL", nargs="?")
    user = f"the user name (default: the configured one, else {DEFAULT_USERNAME})"
    parser.add_argument("-u", "--user", help=user)
    add("--password-stdin", "read the secret from stdin instead of asking")
    stores = (
        "where to keep it (memory: the kernel's, until --max-age or a reboot; file: in clear, for"
        " you alone)"
    )
    parser.add_argument("--store", choices=("keyring", "memory", "file"), help=stores)
    add("--max-age DURATION", f"how long --store memory keeps it (default: {MEMORY_AGE})")
    add("--no-verify", "keep it without asking the index")
    file = "move the passwords that stand in a file in clear, and take them out"
    add("--import FILE", file, dest="file")
    add("--backup", "with --import: leave FILE.bak, with the passwords in clear")


def main(arguments: argparse.Namespace, host: Host) -> int:
    """Ask for the secret, verify it, keep it, and say what was proved."""
    settings = load_settings(host)
    if (arguments.file is None) == (arguments.index is None):
        raise UsageError("say either which index, or which file to import", hint=EXAMPLE)
    if arguments.file is not None:
        from shim.cli.login.import_file import move_secrets

        def keep(url: Url, username: str | None, secret: Secret) -> None:
            own = argparse.Namespace(**vars(arguments) | {"user": username or arguments.user})
            login(url.text, settings, own, host, secret)

        return move_secrets(arguments.file, keep, host, backup=arguments.backup)
    return login(arguments.index, settings, arguments, host)


def login(
    name: str,
    settings: Settings,
    arguments: argparse.Namespace,
    host: Host,
    secret: Secret | None = None,
) -> int:
    """Verify and keep the secret (asked for if None) of an index; return the exit status."""
    url, index, username = find_index(name, settings)
    _refuse_url(url, index)
    for log_in in (sso.login, vendor.login) if secret is None else ():
        if (status := log_in(arguments, url, index, host)) is not None:
            return status
    username = arguments.user or username or DEFAULT_USERNAME
    if ":" in username or not username.isprintable():
        raise UsageError(
            "a user name has no colon and no control character", hint="shim login --help"
        )  # RFC 7617 section 2
    _read_age(arguments.max_age, arguments.store or "memory")
    if index and (note := _say_who_answers(index)):
        write_stderr(f"shim: warning: {note}\n")
    store = choose_store(arguments.store, settings, host)
    age_s = _read_age(arguments.max_age, store)
    ends_at = host.clock() + age_s if store == "memory" else None
    scope = (index and index.reach(url)) or scope_of_index(url)

    def make(secret: Secret) -> Credential:
        return Credential(username, secret, scope, "login", ends_at)

    credential, proved = _prove(make, secret, url, index, arguments, host)
    where = keep(store, url, credential, age_s, settings, host)
    verification_cache.forget("rejected", credential, verification_cache.place_of(url), host)
    keyring_cache.forget(host)  # whatever the keyring said before, "nothing" included
    found = f"pip, uv and all they start find it from now on{_caution(index, username, store)}"
    for line in (f"stored for {credential.scope} as {username}, in {where}: {proved}", found):
        sys.stdout.write(fold(line, "", 1))
    return 0


def _refuse_url(url: Url, index: IndexConfig | None) -> None:
    """Raise UsageError for a URL that no password is for."""
    if not url.is_confidential and not (index and index.insecure):
        hint = "use https, or set insecure = true for this [[index]]"
        raise UsageError(f"{url} is plain http: a password would travel in clear", hint=hint)
    if url.is_public and index is None:
        raise UsageError(
            f"{url.host} serves everybody: no credential is ever looked up for it",
            hint="give the URL of a private index",
        )
    if index is None and (parent := index_of_page(url)):
        raise UsageError(f"{url} is the page of one package", hint=f"shim login {parent}")


def _prove(
    make: Callable[[Secret], Credential],
    secret: Secret | None,
    url: Url,
    index: IndexConfig | None,
    arguments: argparse.Namespace,
    host: Host,
) -> tuple[Credential, str]:
    """Return the credential and what was proved. A person may type a wrong password again."""
    is_typed = secret is None and not arguments.password_stdin
    username = make(Secret("")).username
    for tries_left in reversed(range(MAX_TRIES)):
        credential = make(secret or read_secret(arguments, url, username, host))
        if arguments.no_verify:
            return credential, "not verified, as you asked"
        try:
            return credential, verify_secret(url, index, credential, host)
        except Rejected as error:
            if not is_typed or not tries_left:
                raise
            write_stderr(fold(f"{printable(error.message)}; try again", "", 2))
    raise AssertionError("unreachable")


def _read_age(said: str | None, store: str) -> float:
    """Return the seconds of --max-age. Raises UsageError."""
    if said and store != "memory":
        raise UsageError(
            f"--max-age is for --store memory: {store} keeps it until shim logout",
            hint="leave one of them out",
        )
    try:
        age_s = read_duration(said or MEMORY_AGE, "--max-age", "the command line", "shim login")
    except ConfigError:
        age_s = 0.0
    if not 0 < age_s <= MAX_AGE_S:
        raise UsageError(
            "--max-age is a time of at least one second and at most a year",
            hint="write a number and s, m, h or d, like 12h",
        )
    return age_s


def _say_who_answers(index: IndexConfig) -> str | None:
    """Return who answers for an index if nothing that is stored counts for it, or None."""
    if {"keyring", "stored"} & set(index.source):
        return None
    program = f" (`{index.command.argv[0]}`)" if index.command and "command" in index.source else ""
    return (
        f"the secret of [[index]] {index.name} comes from {', '.join(index.source)}{program}: what"
        " is stored here is not asked for it"
    )


def _caution(index: IndexConfig | None, username: str, store: str) -> str:
    """Return what stands against that: the configured sources, or the user name."""
    needed = "keyring" if store == "keyring" else "stored"
    if index and needed not in index.source:
        return (
            f", once the source of [[index]] {index.name} has {needed!r} in it (it is"
            f" {list(index.source)})"
        )
    if index and index.username not in (None, username):
        return (
            f" for URLs with {username}@ in them: [[index]] {index.name} says username ="
            f" {index.username!r}"
        )
    return ""
