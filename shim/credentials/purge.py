"""Everything that is kept of a user's, in one place: forgotten for one index, or altogether."""

from __future__ import annotations

import os

from shim.core import regex as re
from shim.core.contextlib import suppress
from shim.core.errors import SourceError, StoreError
from shim.core.host import Host
from shim.core.private_folders import cache_folder, stored_folder
from shim.core.typing import Iterator
from shim.core.urls import Url
from shim.storage import approved_origins, keyring_cache, os_keyring, saved_logins, token_cache
from shim.storage.cache_files import discard
from shim.storage.record_format import is_record_name

#: What lies in the token cache's folder beside records. The names of the files in them hold a
#: digest as well, but for one.
FOLDERS = ("plans", "pads", "proofs", "authorities", "settings")
KEY = "key"
#: What lies in the state folder.
STATE_FILES = ("keyring-entries", "approved-origins")
STATE_FOLDERS = ("audit", "tokens")
#: The folders with a link to a running command's memory file, or with the named pipe in its place
#: (delivery/memory_file.py), beside the cache or in the data folder.
LINKS = ("descriptor-", "pipe-")


def forget(
    host: Host,
    url: Url | None = None,
    scope: str | None = None,
    username: str | None = None,
    *,
    keyring_wait_s: float | None = None,
) -> Iterator[str]:
    """Forget one index's credential, or all; yield in words what was removed, the keyring's last.

    Raises:
        StoreError: a file cannot be removed, or the keyring is locked or silent.
    """
    for token in token_cache.forget(host, scope):
        yield f"token cache: {token.scope} ({token.username})"
    for store, one in saved_logins.forget(host, scope):
        yield f"{store}: {one.scope} ({one.username})"
    for origin in approved_origins.forget(host, url):
        yield f"approved origins: {origin}"
    keyring_cache.forget(host)  # a copy of what the keyring keeps, whatever scopes it was for
    for service, name in _forget_in_keyring(host, url, username, keyring_wait_s):
        yield f"keyring: {service} ({name})"


def _forget_in_keyring(
    host: Host, url: Url | None, username: str | None, wait_s: float | None
) -> list[tuple[str, str]]:
    from shim.credentials.sources.keyring import allowed_s, in_time

    def work() -> list[tuple[str, str]]:
        return os_keyring.forget(host, url, username)

    try:
        return in_time(work, allowed_s(wait_s, host), has_person=host.interactive)
    except SourceError as error:
        message = f"{error.message}: nothing was removed from it"
        raise StoreError(message, hint=error.hint) from error


def remove_folders(host: Host) -> list[str]:
    """Remove our cache, our lists and the audit log, once `forget` is done; return what folders.

    SHIM_CACHE_DIR may be any folder: only what we put there goes, and then empty folders.
    """
    removed: list[str] = []
    cached, _ = cache_folder(host)
    if cached:
        _remove_cached(cached)
        removed += _remove_empty(cached)
        if not host.environ.get("SHIM_CACHE_DIR"):
            base = os.path.dirname(cached)
            _remove_links(base)
            _remove_links(os.path.join(base, "shim"))
            _remove_empty(os.path.join(base, "shim"))
            removed += _remove_empty(base)
    if host.state_home:
        state = os.path.join(host.state_home, "shim")
        for name in STATE_FOLDERS:
            _remove_files(os.path.join(state, name))
        for name in STATE_FILES:
            discard(os.path.join(state, name))
        removed += _remove_empty(*(os.path.join(state, name) for name in STATE_FOLDERS), state)
        if not host.environ.get("XDG_STATE_HOME"):
            _remove_empty(host.state_home)  # ours was perhaps the only one below ~/.local/state
    if folder := stored_folder(host, create=False):
        removed += _remove_empty(folder)
    if host.data_home:
        data = os.path.join(host.data_home, "shim")
        _remove_links(data)
        removed += _remove_empty(data)
    return removed


def _remove_cached(folder: str) -> None:
    for name in os.listdir(folder):
        if is_record_name(name):
            discard(os.path.join(folder, name))
    for name in FOLDERS:
        below = os.path.join(folder, name)
        if os.path.isdir(below) and not os.path.islink(below):
            for file in os.listdir(below):
                if re.search("[0-9a-f]{16}", file) or file == KEY:
                    discard(os.path.join(below, file))
            _remove_empty(below)


def _remove_files(folder: str) -> None:
    """Remove the files in a folder; one that is a link, or not there, is left alone."""
    if os.path.isdir(folder) and not os.path.islink(folder):
        for name in os.listdir(folder):
            discard(os.path.join(folder, name))


def _remove_links(folder: str) -> None:
    from shutil import rmtree

    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        if name.startswith(LINKS):
            rmtree(os.path.join(folder, name), ignore_errors=True)


def _remove_empty(*folders: str) -> list[str]:
    removed = []
    for folder in folders:
        with suppress(OSError):
            os.rmdir(folder)
            removed.append(folder)
    return removed
