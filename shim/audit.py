"""The audit log: one line of JSON for each release of a credential, owner-only, in the state directory. It never holds a secret.

A secret is told from another one by a keyed fingerprint; the key lies beside the log and never leaves this machine.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from shim.host import Host
from shim.model import Credential
from shim.settings import Settings
from shim.store.folders import private_folder
from shim.store.proofs import read_key

FILE = "audit.jsonl"
#: Beyond that the log becomes `audit.jsonl.1`, and what was there before is gone.
MAX_BYTES = 4 << 20


def record_release(credentials: Iterable[Credential], target: str, outcome: str, settings: Settings, host: Host) -> None:
    """Write one line for each credential that is given to `target`; `outcome` says how. A log that cannot be written stops nothing."""
    if settings.audit == "off":
        return
    folder = _folder(host)
    key = read_key(folder) if folder else None
    lines = [_render(credential, target, outcome, key, host) for credential in credentials] if folder and key else []
    if not lines or folder is None:
        return
    path = os.path.join(folder, FILE)
    with suppress(OSError):
        if os.path.exists(path) and os.path.getsize(path) > MAX_BYTES:
            os.replace(path, path + ".1")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, "".join(lines).encode())  # one call: lines of parallel commands do not mix
        finally:
            os.close(descriptor)


def _render(credential: Credential, target: str, outcome: str, key: bytes | None, host: Host) -> str:
    import time
    from json import dumps

    scope = str(credential.scope)
    entry = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(host.clock())),
        "scope": scope,
        "username": credential.username if credential.source != "url" else "",  # which may be the token itself
        "source": credential.source,
        "fingerprint": credential.secret.fingerprint(key or b"", scope)[:16],
        "target": target,
        "parent": _parent(),
        "outcome": outcome,
    }
    return dumps(entry) + "\n"


def read_entries(host: Host) -> list[dict[str, Any]]:
    """Return the entries, oldest first; lines that are not whole are left out."""
    from json import loads

    folder, entries = _folder(host), list[dict[str, Any]]()
    for name in (FILE + ".1", FILE):
        with suppress(OSError), open(os.path.join(folder or "/nonexistent", name), encoding="utf-8", errors="replace") as stream:
            for line in stream:
                with suppress(ValueError):
                    entry = loads(line)
                    entries += [entry] if isinstance(entry, dict) else []
    return entries


def _folder(host: Host) -> str | None:
    return (
        private_folder(os.path.join(host.state_home, "shim"), os.path.join(host.state_home, "shim", "audit")) if host.state_home else None
    )


def _parent() -> str:
    """Return the name and number of the process that started this command."""
    parent = os.getppid()
    with suppress(OSError), open(f"/proc/{parent}/comm", encoding="utf-8", errors="replace") as stream:
        return f"{stream.read().strip()} {parent}"
    return str(parent)
