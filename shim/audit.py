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
from shim.replay import append, parent_name
from shim.settings import Settings
from shim.store.folders import private_folder
from shim.store.proofs import read_key

FILE = "audit.jsonl"
#: Beyond that the log becomes `audit.jsonl.1`, and what was there before is gone.
MAX_BYTES = 4 << 20
TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def record_release(credentials: Iterable[Credential], target: str, outcome: str, settings: Settings, host: Host) -> None:
    """Write one line for each credential that is given to `target`; `outcome` says how. A log that cannot be written stops nothing."""
    import time

    now = time.strftime(TIME_FORMAT, time.gmtime(host.clock()))
    write_lines(*render_lines(credentials, target, outcome, settings, host, now, parent_name()))


def render_lines(
    credentials: Iterable[Credential], target: str, outcome: str, settings: Settings, host: Host, now: str, parent: str
) -> tuple[str, str]:
    """Return the log's path and the lines to write; both empty where the log is off or there is no place for it."""
    folder = _folder(host) if settings.audit == "on" else None
    key = read_key(folder) if folder else None
    if folder is None or key is None:
        return "", ""
    from json import dumps

    lines = []
    for credential in credentials:
        scope = str(credential.scope)
        entry = {
            "time": now,
            "scope": scope,
            "username": credential.username if credential.source != "url" else "",  # which may be the token itself
            "source": credential.source,
            "fingerprint": credential.secret.fingerprint(key, scope)[:16],
            "target": target,
            "parent": parent,
            "outcome": outcome,
        }
        lines.append(dumps(entry) + "\n")
    return os.path.join(folder, FILE), "".join(lines)


def write_lines(path: str, lines: str) -> None:
    """Add lines to the log; begin a new one where it has grown too large."""
    if not lines:
        return
    with suppress(OSError):
        if os.path.exists(path) and os.path.getsize(path) > MAX_BYTES:
            os.replace(path, path + ".1")
        append(path, lines)


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
