"""Where `shim login` keeps a secret: as said, as config.toml says, or as the person answers."""

from __future__ import annotations

import os
import sys

from shim.config.settings import Settings
from shim.core.errors import SourceError, StoreError, UsageError
from shim.core.folding import fold
from shim.core.host import Host, write_stderr
from shim.core.model import Credential
from shim.core.urls import Url
from shim.credentials.login_stores import STORES, find_problem, find_reason, hint_without, offered
from shim.credentials.sources.keyring import allowed_s, in_time
from shim.storage import os_keyring, saved_logins
from shim.storage.token_cache import describe_duration

MAX_TRIES = 3


def choose_store(said: str | None, settings: Settings, host: Host) -> str:
    """Return the store to use.

    Raises:
        StoreError: the one that was said cannot be used, or none can and there is nobody to ask.
        UsageError: three answers that are none.
    """
    if said is not None:
        if problem := find_problem(said, settings.policy, host):
            raise problem
        return said
    problems = list[StoreError]()
    for store in settings.store:
        if (problem := find_problem(store, settings.policy, host)) is None:
            return store
        problems.append(problem)
    choices = offered(settings.policy, host)
    if not host.interactive or not choices:
        raise problems[0]
    return _ask_for_store(choices, find_reason(settings.store[0], settings.policy, host))


def _ask_for_store(choices: list[str], reason: StoreError | None) -> str:
    """Return which of the stores the person chooses."""
    what = reason.message if reason else "there is no OS keyring here"
    rows = "".join(
        fold(f"{number}  {store:<7}  {STORES[store]}", "   ", 2, 15)
        for number, store in enumerate(choices, 1)
    )
    for _ in range(MAX_TRIES):
        write_stderr(
            f"{what}. Where shall the secret be kept?\n{rows}   Number or word [{choices[0]}]: "
        )
        line = sys.stdin.readline()
        answer = line.strip()
        if not line:
            break
        if answer.isascii() and answer.isdigit() and 0 < int(answer) <= len(choices):
            return choices[int(answer) - 1]
        if answer in ("", *choices):
            return answer or choices[0]
    write_stderr("\n")
    raise UsageError(
        "nothing was stored: it was not said where to", hint=f"shim login NAME --store {choices[0]}"
    )


def keep(
    store: str, url: Url, credential: Credential, age_s: float, settings: Settings, host: Host
) -> str:
    """Keep the secret and return where that is, in words. Raises StoreError."""
    if store == "file":
        return f"{os.path.dirname(saved_logins.put(credential, host))} (in clear, for you alone)"
    if store == "memory":
        try:
            saved_logins.put_in_memory(credential, host, age_s)
        except StoreError as error:
            raise StoreError(
                error.message, hint=hint_without(store, settings.policy, host)
            ) from error
        return (
            f"the kernel's memory, for {describe_duration(age_s)} at most (a reboot or the end of"
            " your last session ends it)"
        )
    wait_s = allowed_s(settings.keyring_wait_s, host)
    try:
        return in_time(
            lambda: os_keyring.put(url, credential, host), wait_s, has_person=host.interactive
        )
    except SourceError as error:
        raise StoreError(f"{error.message}: nothing was stored", hint=error.hint) from error
