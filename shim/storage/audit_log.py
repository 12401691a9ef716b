"""The audit log: one line of JSON for each release of a credential, owner-only, in the state
directory, and with `audit = "syslog"` in the system's log as well. It never holds a secret.

A secret is told from another one by a keyed fingerprint; the key lies beside the log and never
leaves this machine.
"""

from __future__ import annotations

import os

from shim.core.contextlib import suppress
from shim.core.files import exists, read_status
from shim.core.host import Host
from shim.core.model import Credential
from shim.core.private_folders import private_folder
from shim.core.typing import Any, Iterable
from shim.hotpath.replay import append, parent_name
from shim.storage.verification_cache import read_key

FILE = "audit.jsonl"
#: What containers asked `shim agent`: apart, since they could ask until older lines are gone.
AGENT_FILE = "agent.jsonl"
#: Beyond that the log becomes `audit.jsonl.1`, and what was there before is gone.
MAX_BYTES = 4 << 20
TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def record_release(
    credentials: Iterable[Credential],
    target: str,
    outcome: str,
    mode: str,
    host: Host,
    *,
    parent: str = "",
    file: str = FILE,
) -> None:
    """Write one line for each credential that `target` is given; a log that fails stops nothing.

    `parent` is who asked (default: the process that started us), `file` the log.
    """
    parent = parent or parent_name()
    path, lines = render_lines(credentials, target, outcome, mode, host, _now(host), parent)
    write_lines(path and os.path.join(os.path.dirname(path), file), lines, find_socket(mode))


def record_refusal(
    scope: str, target: str, outcome: str, mode: str | None, host: Host, parent: str
) -> None:
    """Write one line for a container's question that was refused; `mode` None: no configuration."""
    folder = _folder(host) if mode != "off" else None
    if folder is not None:
        from json import dumps

        asked = {"scope": scope, "target": target, "parent": parent, "outcome": outcome}
        entry = {"time": _now(host), **asked}
        write_lines(os.path.join(folder, AGENT_FILE), dumps(entry) + "\n", find_socket(mode))


def find_socket(mode: str | None) -> str:
    """Return the socket of the system's log if lines go there as well, else ""."""
    if mode != "syslog":
        return ""
    from shim.hotpath import system_log

    return system_log.SOCKET


def _now(host: Host) -> str:
    import time

    return time.strftime(TIME_FORMAT, time.gmtime(host.clock()))


def render_lines(
    credentials: Iterable[Credential],
    target: str,
    outcome: str,
    mode: str,
    host: Host,
    now: str,
    parent: str,
) -> tuple[str, str]:
    """Return the log's path and the lines to write; both empty where there is no log."""
    folder = _folder(host) if mode != "off" else None
    key = read_key(folder) if folder else None
    if folder is None or key is None:
        return "", ""
    lines = []
    for credential in credentials:
        scope = str(credential.scope)
        entry = {
            "time": now,
            "scope": scope,
            # A URL's may be the token itself.
            "username": credential.shown_username if credential.source != "url" else "",
            "source": credential.source,
            "fingerprint": credential.secret.fingerprint(key, scope)[:16],
            "target": target,
            "parent": parent,
            "outcome": outcome,
        }
        rendered = (f'"{name}": {_quote(value)}' for name, value in entry.items())
        lines.append(f"{{{', '.join(rendered)}}}\n")
    return os.path.join(folder, FILE), "".join(lines)


def _quote(text: str) -> str:
    """Return a text as JSON has it. Its library is asked only for what needs an escape."""
    if text.isascii() and text.isprintable() and not {*'"\\'}.intersection(text):
        return f'"{text}"'
    from json import dumps

    return dumps(text)


def write_lines(path: str, lines: str, socket: str) -> None:
    """Add lines to the log and to the system's; begin a new one where it has grown too large."""
    if not lines:
        return
    if socket:
        from shim.hotpath import system_log

        system_log.send(socket, lines)
    with suppress(OSError):
        if exists(path) and read_status(path).st_size > MAX_BYTES:
            os.replace(path, path + ".1")
        append(path, lines)


def read_entries(host: Host) -> list[dict[str, Any]]:
    """Return the entries of both logs, oldest first; lines that are not whole are left out."""
    from json import loads

    folder, entries = _folder(host) or "/nonexistent", list[dict[str, Any]]()
    for name in (FILE + ".1", FILE, AGENT_FILE + ".1", AGENT_FILE):
        path = os.path.join(folder, name)
        with suppress(OSError), open(path, encoding="utf-8", errors="replace") as stream:
            for line in stream:
                with suppress(ValueError):
                    entry = loads(line)
                    entries += [entry] if isinstance(entry, dict) else []
    return sorted(entries, key=lambda entry: str(entry.get("time", "")))


def _folder(host: Host) -> str | None:
    state = os.path.join(host.state_home, "shim") if host.state_home else None
    return private_folder(state, os.path.join(state, "audit")) if state else None
