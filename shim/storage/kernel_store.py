"""Credentials in the kernel's memory, gone after a time of our choosing or with a reboot; no byte
of a secret is ever on a disk.

A user's kernel keyring is also that of every container that runs under the same number without a
user namespace of its own. So what the kernel keeps is the record XORed with as many random bytes (a
one-time pad), and those lie in our private folder: neither half says anything, only this user on
this side of the container has both, and the kernel ends them at its time.

Names: `pip-uv-shim:HOME:KIND:KEY`, where HOME stands for the user's data folder: another HOME is
another world, as for files.
"""

from __future__ import annotations

import os

from shim.core.contextlib import suppress
from shim.core.files import list_folder, read_status, see
from shim.core.host import Host
from shim.core.model import Credential
from shim.core.own_files import create
from shim.core.private_folders import cache_folder, private_folder
from shim.hotpath import kernel_keyring
from shim.hotpath.sealed_record import NUMBER_CHARACTERS, digest, read_sealed, xor
from shim.storage.cache_files import cache_file, discard
from shim.storage.record_format import parse_record, render_record

#: The folder of pads, in that of the token cache.
PADS = "pads"
#: How long after its time a pad is removed; between writing a pad and dating it, a moment passes.
GRACE_S = 60.0


def problem(host: Host) -> str | None:
    """Return why nothing can be kept in memory here, in words, or None if it can."""
    folder, words = cache_folder(host)
    if folder is None or not host.data_home:
        return words if folder is None else "there is no home folder"
    reason = kernel_keyring.problem()
    return f"the kernel keyring: {reason}" if reason else None


def put(kind: str, key: str, credential: Credential, host: Host, timeout_s: float) -> str | None:
    """Keep a credential for `timeout_s` seconds; return why not (what was there stays), or None."""
    folder = _pads(host)
    if folder is None or not host.data_home:
        return problem(host)
    text = render_record(credential).encode()
    data = digest(text) + text  # so that nobody who lacks the secret can change what is around it
    if len(data) + NUMBER_CHARACTERS > kernel_keyring.MAX_BYTES:
        return f"the secret is too long for the kernel ({len(data)} bytes)"
    pad, number = os.urandom(len(data)), os.urandom(NUMBER_CHARACTERS // 2).hex()
    now = host.clock()
    _sweep(folder, now)
    try:
        _write_pad(os.path.join(folder, f"{kind}-{key}.{number}"), pad, now + timeout_s)
    except OSError as error:
        return f"{folder}: {error.strerror}"
    return kernel_keyring.put(_name(host, kind, key), number.encode() + xor(data, pad), timeout_s)


def find(kind: str, key: str, host: Host) -> Credential | None:
    """Return the credential kept under `kind` and `key`, or None."""
    place = place_of(kind, key, host)
    if place and (number := identity(kind, key, host)):
        see(place[1] + number)
    text = read_sealed(*place) if place else None
    try:
        return parse_record(text.decode("utf-8")) if text is not None else None
    except UnicodeDecodeError:
        return None


def place_of(kind: str, key: str, host: Host) -> tuple[str, str] | None:
    """Return the halves' places: the kernel's name, the pad's path up to its number, or None."""
    folder = _pads(host)
    if folder and host.data_home:
        return (_name(host, kind, key), os.path.join(folder, f"{kind}-{key}."))
    return None


def identity(kind: str, key: str, host: Host) -> str | None:
    """Return what tells one record under a key from the next, or None if there is none."""
    data = kernel_keyring.get(_name(host, kind, key)) if host.data_home else None
    return data[:NUMBER_CHARACTERS].decode("ascii", "replace") if data else None


def entries(kind: str, host: Host) -> dict[str, Credential]:
    """Return key -> credential for everything kept of one kind."""
    prefix = _name(host, kind, "")
    names = kernel_keyring.names(prefix) if host.data_home else ()
    keys = [name.removeprefix(prefix) for name in names]
    return {key: one for key in keys if (one := find(kind, key, host))}


def forget(kind: str, key: str, host: Host) -> bool:
    """Forget one credential; return whether there was one."""
    removed = bool(host.data_home) and kernel_keyring.remove(_name(host, kind, key))
    folder = _pads(host)
    for name in list_folder(folder) if folder else ():
        if name.startswith(f"{kind}-{key}."):
            discard(os.path.join(folder or "", name))
    return removed


def _name(host: Host, kind: str, key: str) -> str:
    world = digest((host.data_home or "").encode("utf-8", "surrogateescape")).hex()
    return f"pip-uv-shim:{world}:{kind}:{key}"


def _pads(host: Host) -> str | None:
    pads = cache_file(PADS, host)
    return private_folder(pads) if pads else None


def _write_pad(path: str, pad: bytes, until: float) -> None:
    """Write a pad whose modification time says how long it is needed. Raises OSError."""
    see(path)  # the record of the command finds the pad by that
    create(path, pad)
    os.utime(path, (until, until))


def _sweep(folder: str, now: float) -> None:
    """Remove the pads whose time is over."""
    for name in list_folder(folder):
        path = os.path.join(folder, name)
        with suppress(OSError):
            if read_status(path).st_mtime < now - GRACE_S:
                os.unlink(path)
