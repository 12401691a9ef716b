"""Which names an index has and has not, for some minutes, so that the next command need not ask:
one small private file for each index and credential, beside the proofs. It holds names and times,
and no secret.
"""

from __future__ import annotations

import json
import os

from shim.core.contextlib import suppress
from shim.core.files import CannotRead, read_regular
from shim.core.host import Host
from shim.core.model import AskedIndex
from shim.core.own_files import replace_atomically
from shim.core.private_folders import cache_folder, private_folder
from shim.storage.verification_cache import NOBODY, read_key

KEPT_S = 300.0
MAX_BYTES = 1 << 20


class RememberedNames:
    """What is remembered of one index; nothing where nothing can be kept."""

    def __init__(self, asked: AskedIndex, host: Host) -> None:
        self._host = host
        self._path = _path_of(asked, host)
        self._known: dict[str, tuple[float, bool]] = (
            read(self._path) if self._path and not host.is_set("SHIM_REFRESH") else {}
        )

    def recall(self, name: str) -> bool | None:
        """Return whether the index has a name; None if it has to be asked."""
        at, is_there = self._known.get(name, (0.0, False))
        return is_there if 0.0 <= self._host.clock() - at < KEPT_S else None

    def remember(self, name: str, *, is_there: bool) -> None:
        """Write down what the index said. Of two commands at once, one is forgotten."""
        now = self._host.clock()
        kept = {other: seen for other, seen in self._known.items() if now - seen[0] < KEPT_S}
        self._known = {**kept, name: (now, is_there)}
        if self._path is None:
            return
        with suppress(OSError):
            replace_atomically(self._path, json.dumps(self._known).encode())


def _path_of(asked: AskedIndex, host: Host) -> str | None:
    tokens, _ = cache_folder(host)
    folder = private_folder(os.path.join(tokens, "proofs")) if tokens else None
    key = read_key(folder) if folder else None
    if folder is None or key is None:
        return None
    who = asked.credential
    secret, username = (who.secret, who.username) if who else (NOBODY, "")
    name = secret.fingerprint(key, username, asked.url.text, repr(asked.route))
    return os.path.join(folder, f"names-{name}")


def read(path: str) -> dict[str, tuple[float, bool]]:
    """Return name -> when it was asked for, and if it was there; nothing for a strange file."""
    try:
        document = json.loads(read_regular(path, MAX_BYTES) or b"{}")
        rows = document.items()
        return {str(name): (float(at), is_there is True) for name, (at, is_there) in rows}
    except (CannotRead, RecursionError, ValueError, TypeError, AttributeError):
        return {}
