"""What the OS keyring said lately: a password in the kernel's memory, or "nothing" in a file
without a secret.

One look-up costs some 150 ms and, where the keyring is locked, a dialog. So its answer is
remembered for `keyring-timeout`, by a key that changes with everything that could change the
answer; `shim login`, `shim logout` and SHIM_REFRESH end it at once.
"""

from __future__ import annotations

import os
import sys

from shim.core.contextlib import suppress
from shim.core.files import identify
from shim.core.host import Host
from shim.core.model import Credential, Secret
from shim.core.own_files import read_own, replace_atomically
from shim.core.typing import NamedTuple
from shim.core.urls import Url
from shim.storage import kernel_store
from shim.storage.cache_files import cache_file, cache_files, discard, written_ago_s
from shim.storage.token_cache import MIN_VALIDITY_S, CachedToken, describe_duration

KIND = "keyring"
NOBODY_SUFFIX = ".nobody"
#: Variables that choose a keyring or its place, or as whom a vendor's backend asks, by their
#: beginnings.
VARIABLES = (
    *("KEYRING", "PYTHON_KEYRING", "DBUS_SESSION_BUS_ADDRESS", "HOME", "XDG_DATA_HOME"),
    *("XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "AWS_", "GOOGLE_", "CLOUDSDK_", "AZURE_"),
    *("ARTIFACTS_", "VSS_", "PACKAGEMANAGER_", "PASSWORD_STORE_"),
)
#: What changes on disk when somebody changes a keyring without us: below the data folder, and below
#: the config folder.
DATA_PLACES = ("keyrings", "kwalletd", "python_keyring", "python_keyring/keyring_pass.cfg")
CONFIG_PLACES = ("python_keyring/keyringrc.cfg",)


class Recent(NamedTuple):
    """The keyring's answers of the last `keep_s` seconds."""

    keep_s: float

    def find(self, key: str, host: Host) -> CachedToken:
        """Return what is remembered under `key`; `nobody` is true if that is: nothing."""
        is_shareable = kernel_store.problem(host) is None
        if words := self._read_nobody(key, host):
            return CachedToken(None, None, words, is_shareable, identity=words, nobody=True)
        credential = kernel_store.find(KIND, key, host)
        end = credential.expires_at if credential else None
        if credential and (end is None or end - host.clock() > MIN_VALIDITY_S):
            identity = kernel_store.identity(KIND, key, host)
            return CachedToken(credential, None, "remembered", identity=identity)
        return CachedToken(None, None, "not remembered", is_shareable)

    def put(self, key: str, credential: Credential, host: Host) -> bool:
        """Remember a password; return whether that was possible. It never goes to a disk."""
        return kernel_store.put(KIND, key, credential, host, self.keep_s) is None

    def put_nobody(self, key: str, words: str, host: Host) -> None:
        """Remember that there is nothing; `words` say it to people."""
        if path := cache_file(key + NOBODY_SUFFIX, host):
            with suppress(OSError):
                replace_atomically(path, words.encode())

    def _read_nobody(self, key: str, host: Host) -> str | None:
        path = cache_file(key + NOBODY_SUFFIX, host)
        ago_s = written_ago_s(path, host)
        if path is None or ago_s is None or ago_s >= self.keep_s:
            return None
        words = (read_own(path) or b"").decode("utf-8", "replace")
        return f"{words}, {describe_duration(ago_s)} ago" if words else None


def forget(host: Host) -> list[Credential]:
    """Forget everything that is remembered, "nothing" included; return the credentials."""
    forgotten = kernel_store.entries(KIND, host)
    for key in forgotten:
        kernel_store.forget(KIND, key, host)
    for path in cache_files(NOBODY_SUFFIX, host):
        discard(path)
    return list(forgotten.values())


def drop(url: Url, secret: Secret, host: Host) -> bool:
    """Forget a password that the index at `url` has rejected; return whether there was one."""
    rejected = [
        key
        for key, one in kernel_store.entries(KIND, host).items()
        if one.scope.covers(url) and one.secret.same_as(secret)
    ]
    for key in rejected:
        kernel_store.forget(KIND, key, host)
    return bool(rejected)


def entries(host: Host) -> list[Credential]:
    """Return the credentials that are remembered now."""
    return list(kernel_store.entries(KIND, host).values())


def surroundings(host: Host, config_files: tuple[str, ...]) -> str:
    """Return all that could change the keyring's answer without us: variables, files, backends."""
    variables = sorted(item for item in host.environ.items() if item[0].startswith(VARIABLES))
    return repr((variables, [identify(path) for path in places(host, config_files)]))


def places(host: Host, config_files: tuple[str, ...]) -> tuple[str, ...]:
    """Return the files and folders whose state says whether the answer may have changed."""
    paths = [os.path.join(host.data_home or "/", place) for place in DATA_PLACES]
    paths += [os.path.join(host.config_home or "/", place) for place in CONFIG_PLACES]
    paths += [folder for folder in sys.path if folder.endswith("-packages")]
    return (*paths, *config_files)
