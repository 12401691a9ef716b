"""Indexes that have answered without a login lately, so that nobody is asked about them again and
again. No secret is kept.
"""

from __future__ import annotations

import os

from shim.core.contextlib import suppress
from shim.core.host import Host
from shim.core.own_files import replace_atomically
from shim.core.urls import Url
from shim.storage.cache_files import cache_file, written_ago_s
from shim.storage.token_cache import key_of

SUFFIX = ".open"


def recall(url: Url, surroundings: str, keep_s: float, host: Host) -> float | None:
    """Return how many seconds ago the index answered a stranger, None if not, or too long ago."""
    ago_s = written_ago_s(_path(url, surroundings, host), host)
    is_late = ago_s is None or ago_s >= keep_s
    return None if is_late or host.is_set("SHIM_REFRESH") else ago_s


def remember(url: Url, surroundings: str, host: Host) -> None:
    """Write it down. Where that is impossible, the index is asked again next time."""
    path, now = _path(url, surroundings, host), host.clock()
    if path:
        with suppress(OSError):
            replace_atomically(path, b"")
            os.utime(path, (now, now))


def _path(url: Url, surroundings: str, host: Host) -> str | None:
    return cache_file(key_of(url.text, None, surroundings) + SUFFIX, host)
