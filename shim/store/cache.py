"""The token cache: one record for each scope, user name and source configuration. Only secrets with a known end are kept."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from shim.host import Host
from shim.model import Credential
from shim.store.folders import cache_folder
from shim.store.records import read_record, write_record

#: A token that ends sooner than this is asked for again: it must last for the installation that begins now.
MIN_VALIDITY_S = 300.0
SUFFIX = ".token"
#: An empty file of this name says that the last answer was of no use to other commands.
LONE_SUFFIX = ".lone"


@dataclass(frozen=True, slots=True)
class Found:
    """What the cache has: a credential that still holds long enough, or one that is about to end, and the outcome in words.

    `is_worth_waiting` is false when the last answer of the source had no end, or a near one: then parallel commands would queue
    for something that none of them can hand on.
    """

    credential: Credential | None
    ending: Credential | None
    outcome: str
    is_worth_waiting: bool = True


def key_of(scope: str, username: str | None, configuration: str) -> str:
    """Return the record's name. `configuration` describes the source, so that a changed source never answers with an old token."""
    from hashlib import sha256

    return sha256("\n".join([scope, username or "", configuration]).encode()).hexdigest()


def find(key: str, host: Host) -> Found:
    """Return what is cached under `key`."""
    folder, _ = cache_folder(host)
    if folder is None:
        return Found(None, None, "no safe place for one", is_worth_waiting=False)
    is_worth_waiting = not os.path.exists(os.path.join(folder, key + LONE_SUFFIX))
    credential = read_record(os.path.join(folder, key + SUFFIX))
    if credential is None or credential.expires_at is None:
        return Found(None, None, "empty", is_worth_waiting)
    left_s = credential.expires_at - host.clock()
    if left_s > MIN_VALIDITY_S:
        return Found(credential, None, f"valid for {describe_duration(left_s)}")
    if left_s > 0:
        return Found(None, credential, f"ends in {describe_duration(left_s)}", is_worth_waiting)
    return Found(None, None, f"expired {describe_duration(-left_s)} ago", is_worth_waiting)


def put(key: str, credential: Credential, host: Host) -> bool:
    """Keep a credential that has an end; return whether it was kept. A cache that cannot be written is no failure."""
    folder, _ = cache_folder(host)
    if folder is None:
        return False
    is_lone = credential.expires_at is None or 0 < credential.expires_at - host.clock() <= MIN_VALIDITY_S
    with suppress(OSError):
        _mark_lone(os.path.join(folder, key + LONE_SUFFIX), is_lone)
        if credential.expires_at is not None:
            write_record(os.path.join(folder, key + SUFFIX), credential)
            return True
    return False


def _mark_lone(path: str, is_lone: bool) -> None:
    if is_lone:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    else:
        with suppress(FileNotFoundError):
            os.unlink(path)


def forget(host: Host, scope: str | None = None) -> list[Credential]:
    """Remove the records of a scope, or all of them (and leftovers); return what they held."""
    folder, _ = cache_folder(host)
    forgotten = []
    for name in sorted(os.listdir(folder)) if folder else ():
        path = os.path.join(folder or "", name)
        credential = read_record(path) if name.endswith(SUFFIX) else None
        if scope is not None and (credential is None or str(credential.scope) != scope):
            continue
        with suppress(OSError):
            os.unlink(path)
        if credential:
            forgotten.append(credential)
    return forgotten


def entries(host: Host) -> list[Credential]:
    """Return every cached credential, soonest end first."""
    folder, _ = cache_folder(host)
    names = [name for name in os.listdir(folder) if name.endswith(SUFFIX)] if folder else []
    found = [read_record(os.path.join(folder or "", name)) for name in names]
    return sorted((one for one in found if one), key=lambda one: one.expires_at or 0.0)


@contextmanager
def lock(key: str, host: Host, timeout_s: float) -> Iterator[bool]:
    """Hold the lock of one key; yields whether it was got. After `timeout_s` the run goes on without it.

    The lock file is never the record itself: locking a file that is replaced by renaming would lock nothing.
    """
    folder, _ = cache_folder(host)
    if folder is None:
        yield False
        return
    from filelock import FileLock, Timeout

    holder = FileLock(os.path.join(folder, key + ".lock"), timeout=timeout_s, mode=0o600)
    try:
        holder.acquire()
    except (Timeout, OSError):
        yield False
        return
    try:
        yield True
    finally:
        holder.release()


def describe_duration(seconds: float) -> str:
    """Return a duration as a person says it: `40 s`, `3 min`, `5 h`, `2 d`."""
    for limit, unit, name in ((90, 1, "s"), (5400, 60, "min"), (129600, 3600, "h")):
        if seconds < limit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds / 86400:.0f} d"
