"""The token cache: one record for each scope, user name and source configuration. Only secrets with
a known end are kept.
"""

from __future__ import annotations

import os

from shim.core.contextlib import suppress
from shim.core.files import exists, identify, list_folder
from shim.core.host import Host
from shim.core.model import Credential, Secret
from shim.core.own_files import replace_atomically
from shim.core.private_folders import cache_folder
from shim.core.typing import NamedTuple
from shim.core.urls import Url
from shim.storage.cache_files import cache_file, cache_files, discard
from shim.storage.record_format import is_record_name, read_record, remove_leftovers, write_record

#: A token that ends sooner than this is asked for again: it must last for the installation that
#: begins now.
MIN_VALIDITY_S = 300.0
#: How far the clock may have been set back since a token was written.
SKEW_S = 60.0
SUFFIX = ".token"
#: An empty file of this name says that the last answer was of no use to other commands.
UNSHAREABLE_SUFFIX = ".lone"


class CachedToken(NamedTuple):
    """What the cache has: a credential that holds, or one that soon ends, and the outcome in words.

    `is_shareable` is false when the last answer of the source had no end, or a near one: then
    parallel commands would queue for something that none of them can hand on. `identity` tells one
    record from the next. `nobody` is true if what is known is that there is nothing.
    """

    credential: Credential | None
    ending: Credential | None
    outcome: str
    is_shareable: bool = True
    identity: object = None
    nobody: bool = False


def key_of(scope: str, username: str | None, configuration: str) -> str:
    """Return the record's name: a source configured anew never answers with an old token."""
    from shim.core.digests import sha256

    return sha256("\n".join([scope, username or "", configuration]).encode())


def find(key: str, host: Host) -> CachedToken:
    """Return what is cached under `key`."""
    folder, _ = cache_folder(host)
    if folder is None:
        return CachedToken(None, None, "no safe place for one", is_shareable=False)
    is_shareable = not exists(os.path.join(folder, key + UNSHAREABLE_SUFFIX))
    path = os.path.join(folder, key + SUFFIX)
    identity = identify(path)
    credential = read_record(path)
    if identity is None or credential is None or credential.expires_at is None:
        return CachedToken(None, None, "empty", is_shareable)
    now = host.clock()
    if now < identity[1] / 1e9 - SKEW_S:
        # An end that was reckoned from a wrong time says nothing, and could keep the token for
        # years.
        words = "written later than now: the clock went back"
        return CachedToken(None, None, words, is_shareable, identity)
    left_s = credential.expires_at - now
    left = describe_duration(abs(left_s))
    if left_s > MIN_VALIDITY_S:
        return CachedToken(credential, None, f"valid for {left}", identity=identity)
    if left_s > 0:
        return CachedToken(None, credential, f"ends in {left}", is_shareable, identity)
    return CachedToken(None, None, f"expired {left} ago", is_shareable, identity)


def put(key: str, credential: Credential, host: Host) -> bool:
    """Keep a credential that has an end; return whether it was kept, which need not be."""
    path = cache_file(key, host)
    if path is None:
        return False
    end = credential.expires_at
    is_unshareable = end is None or 0 < end - host.clock() <= MIN_VALIDITY_S
    with suppress(OSError):
        if is_unshareable:
            replace_atomically(path + UNSHAREABLE_SUFFIX, b"")
        else:
            discard(path + UNSHAREABLE_SUFFIX)
        if end is not None:
            write_record(path + SUFFIX, credential)
            return True
    return False


def forget(host: Host, scope: str | None = None) -> list[Credential]:
    """Remove the records of a scope, or all of them (and leftovers); return what they held."""
    folder, _ = cache_folder(host)
    forgotten = []
    if folder:
        remove_leftovers(folder)  # nobody knows what is in them
    for name in sorted(list_folder(folder)) if folder else ():
        path = os.path.join(folder or "", name)
        if name.endswith(".lock") or not is_record_name(name):
            # somebody may hold the lock, and a new file would be another one; what else lies here
            # is not ours
            continue
        credential = read_record(path) if name.endswith(SUFFIX) else None
        if scope is not None and (credential is None or str(credential.scope) != scope):
            continue
        discard(path)
        if credential:
            forgotten.append(credential)
    return forgotten


def drop(url: Url, secret: Secret, host: Host) -> bool:
    """Remove the records of a secret that the index has rejected; return whether there were any.

    Only what is cached is dropped: what the user stored is not ours to remove.
    """
    dropped = False
    for path in cache_files(SUFFIX, host):
        found = read_record(path)
        if found and found.scope.covers(url) and found.secret.same_as(secret):
            dropped = discard(path) or dropped
    return dropped


def entries(host: Host) -> list[Credential]:
    """Return every cached credential, soonest end first."""
    found = map(read_record, cache_files(SUFFIX, host))
    return sorted((one for one in found if one), key=lambda one: one.expires_at or 0.0)


def describe_duration(seconds: float) -> str:
    """Return a duration as a person says it: `40 s`, `3 min`, `5 h`, `2 d`."""
    for limit, unit, name in ((90, 1, "s"), (5400, 60, "min"), (129600, 3600, "h")):
        if seconds < limit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds / 86400:.0f} d"
