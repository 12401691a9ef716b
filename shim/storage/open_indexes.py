"""Indexes that have answered without a login lately, so that nobody is asked about them again and
again. No secret is kept.
"""

from __future__ import annotations

import os
from contextlib import suppress

from shim.core.files import read_status
from shim.core.host import Host
from shim.core.own_files import replace_atomically
from shim.core.urls import Url
from shim.storage.cache_files import cache_file
from shim.storage.token_cache import key_of

SUFFIX = ".open"


def recall(url: Url, surroundings: str, keep_s: float, host: Host) -> float | None:
    """Return how many seconds ago the index answered a stranger, None if not, or too long ago."""
    path = _path(url, surroundings, host) or "/nonexistent"
    try:
        ago_s = host.clock() - read_status(path).st_mtime
    except OSError:
        return None
    return ago_s if 0 <= ago_s < keep_s and not host.is_set("SHIM_REFRESH") else None


def remember(url: Url, surroundings: str, host: Host) -> None:
    """Write it down. Where that is impossible, the index is asked again next time."""
    path, now = _path(url, surroundings, host), host.clock()
    if path:
        with suppress(OSError):
            replace_atomically(path, b"")
            os.utime(path, (now, now))


def _path(url: Url, surroundings: str, host: Host) -> str | None:
    return cache_file(key_of(url.text, None, surroundings) + SUFFIX, host)
