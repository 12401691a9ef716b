"""Scans a uv.lock for the servers it names, without a TOML parse: 5 MB of it would take 1.6 s.

Sources: uv 0.13.8 crates/uv-resolver/src/lock/mod.rs (`source = { registry = "..." }`, `url = "..."`).
"""

from __future__ import annotations

import re

_URL = re.compile(rb'\b(registry|url) = "(https?://[^"\n]+)"')


def find_locked_urls(data: bytes) -> list[str]:
    """Return the registries as they stand, and of the files one URL for each folder, in order and without repeats."""
    found: dict[str, None] = {}
    for kind, raw in _URL.findall(data):
        url = raw.decode("utf-8", "replace")
        if kind == b"url":
            scheme, _, rest = url.partition("://")
            # One server and the first two folders tell repositories apart; a lock names thousands of files.
            url = f"{scheme}://" + "/".join(rest.split("/")[:-1][:3]) + "/"
        found.setdefault(url)
    return list(found)
