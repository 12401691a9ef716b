"""What `shim login` keeps when it is no OS keyring: one record for each scope and user name.

`--store file` keeps it in clear, 0600 in a 0700 folder; `--store memory` in the kernel's memory,
until a time or a reboot.
"""

from __future__ import annotations

import os

from shim.core.errors import FOLDER_HINT, HOME_HINT, StoreError
from shim.core.files import list_folder
from shim.core.host import Host
from shim.core.model import Credential
from shim.core.private_folders import stored_folder
from shim.storage import kernel_store
from shim.storage.record_format import read_record, remove_leftovers, write_record

SUFFIX = ".secret"
KIND = "login"


def put(credential: Credential, host: Host) -> str:
    """Keep the credential in a file and return the path. Raises StoreError."""
    folder = stored_folder(host, create=True)
    if folder is None:
        wanted = FOLDER_HINT.format(folder=f"{host.data_home}/shim/stored")
        hint = wanted if host.data_home else HOME_HINT
        raise StoreError("there is no folder of yours alone to store it in", hint=hint)
    path = os.path.join(folder, _key(credential) + SUFFIX)
    try:
        write_record(path, credential)
    except OSError as error:
        message = f"{path} cannot be written ({error.strerror})"
        raise StoreError(message, hint=f"ls -ld {folder}") from error
    return path


def put_in_memory(credential: Credential, host: Host, timeout_s: float) -> None:
    """Keep the credential in the kernel's memory for `timeout_s` seconds. Raises StoreError."""
    if reason := kernel_store.put(KIND, _key(credential), credential, host, timeout_s):
        raise StoreError(f"it cannot be kept in memory ({reason}): nothing was stored")


def forget(host: Host, scope: str | None = None) -> list[tuple[str, Credential]]:
    """Remove what is stored for a scope, or all; return (store, credential). Raises StoreError."""
    folder = stored_folder(host, create=False)
    forgotten: list[tuple[str, Credential]] = []
    for key, credential in kernel_store.entries(KIND, host).items():
        if scope in (None, str(credential.scope)) and kernel_store.forget(KIND, key, host):
            forgotten.append(("memory", credential))
    if folder:
        remove_leftovers(folder)
    for credential in _files(host):
        if scope not in (None, str(credential.scope)):
            continue
        path = os.path.join(folder or "", _key(credential) + SUFFIX)
        try:
            os.unlink(path)
        except OSError as error:
            message = f"{path} cannot be removed ({error.strerror})"
            raise StoreError(message, hint=f"ls -ld {folder}") from error
        forgotten.append(("file store", credential))
    return forgotten


def entries(host: Host, *, with_files: bool = True) -> list[Credential]:
    """Return what is stored, what is in memory first, since it was meant for now."""
    return [*kernel_store.entries(KIND, host).values(), *(_files(host) if with_files else ())]


def _files(host: Host) -> list[Credential]:
    folder = stored_folder(host, create=False)
    names = sorted(name for name in list_folder(folder) if name.endswith(SUFFIX)) if folder else []
    return [one for name in names if (one := read_record(os.path.join(folder or "", name)))]


def _key(credential: Credential) -> str:
    from shim.core.digests import sha256

    return sha256(f"{credential.scope}\n{credential.username}".encode())
