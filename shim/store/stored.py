"""What `shim login --store file` keeps: one record for each scope and user name, in clear, 0600 in a 0700 folder."""

from __future__ import annotations

import os

from shim.errors import StoreError
from shim.host import Host
from shim.model import Credential
from shim.store.folders import stored_folder
from shim.store.records import read_record, write_record

SUFFIX = ".secret"


def put(credential: Credential, host: Host) -> str:
    """Keep the credential and return the path. Raises StoreError."""
    folder = stored_folder(host, create=True)
    if folder is None:
        hint = "check the owner and mode (0700) of ~/.local/share/shim/stored"
        raise StoreError("there is no folder of yours alone to store it in", hint=hint)
    path = _path(folder, credential)
    try:
        write_record(path, credential)
    except OSError as error:
        raise StoreError(f"{path} cannot be written ({error.strerror})", hint=f"ls -ld {folder}") from error
    return path


def forget(host: Host, scope: str | None = None) -> list[Credential]:
    """Remove what is stored for a scope, or everything; return what it was. Raises StoreError."""
    folder = stored_folder(host, create=False)
    forgotten = [one for one in entries(host) if scope is None or str(one.scope) == scope]
    for credential in forgotten:
        path = _path(folder or "", credential)
        try:
            os.unlink(path)
        except OSError as error:
            raise StoreError(f"{path} cannot be removed ({error.strerror})", hint=f"ls -ld {folder}") from error
    return forgotten


def entries(host: Host) -> list[Credential]:
    """Return everything stored."""
    folder = stored_folder(host, create=False)
    names = sorted(name for name in os.listdir(folder) if name.endswith(SUFFIX)) if folder else []
    return [one for name in names if (one := read_record(os.path.join(folder or "", name)))]


def _path(folder: str, credential: Credential) -> str:
    from hashlib import sha256

    return os.path.join(folder, sha256(f"{credential.scope}\n{credential.username}".encode()).hexdigest() + SUFFIX)
