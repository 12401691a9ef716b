"""The audit log: one line of JSON for each release of a credential, owner-only, in the state directory. It never holds a secret.

A secret is told from another one by a keyed fingerprint; the key lies beside the log and never leaves this machine.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from shim.host import Host
from shim.model import Credential
from shim.replay import TIME_FORMAT, read_parent
from shim.settings import Settings
from shim.store.folders import private_folder
from shim.store.proofs import read_key

FILE = "audit.jsonl"
#: Beyond that the log becomes `audit.jsonl.1`, and what was there before is gone.
MAX_BYTES = 4 << 20


def record_release(credentials: Iterable[Credential], target: str, outcome: str, settings: Settings, host: Host) -> None:
    """Write one line for each credential that is given to `target`; `outcome` says how. A log that cannot be written stops nothing."""
    moment = time.strftime(TIME_FORMAT, time.gmtime(host.clock()))
    found = render_release(credentials, target, outcome, (moment, read_parent()), settings, host)
    if found is None:
        return
    path, text = found
    with suppress(OSError):
        if os.path.exists(path) and os.path.getsize(path) > MAX_BYTES:
            os.replace(path, path + ".1")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, text.encode())  # one call: lines of parallel commands do not mix
        finally:
            os.close(descriptor)


def render_release(
    credentials: Iterable[Credential], target: str, outcome: str, moment: tuple[str, str], settings: Settings, host: Host
) -> tuple[str, str] | None:
    """Return the log's path and the lines for it, `moment` being the time and the parent process; None where nothing is written."""
    folder = _folder(host) if settings.audit != "off" else None
    key = read_key(folder) if folder else None
    if folder is None or key is None:
        return None
    text = "".join(_render(credential, target, outcome, moment, key) for credential in credentials)
    return (os.path.join(folder, FILE), text) if text else None


def _render(credential: Credential, target: str, outcome: str, moment: tuple[str, str], key: bytes) -> str:
    from json import dumps

    scope = str(credential.scope)
    entry = {
        "time": moment[0],
        "scope": scope,
        "username": credential.username if credential.source != "url" else "",  # which may be the token itself
        "source": credential.source,
        "fingerprint": credential.secret.fingerprint(key, scope)[:16],
        "target": target,
        "parent": moment[1],
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
