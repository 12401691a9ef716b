"""Source `stored`: what `shim login --store file` and `--store memory` keep, for machines without a keyring."""

from __future__ import annotations

from dataclasses import replace

from shim.model import Credential
from shim.sources import Query, make_credential
from shim.store import stored


def find(query: Query) -> Credential | None:
    """Return the stored credential whose scope covers the need, the longest scope first; None if there is none."""
    matching = [entry for entry in stored.entries(query.host) if entry.scope.covers(query.need.url)]
    if query.username is not None:
        matching = [entry for entry in matching if entry.username == query.username]
    if not matching:
        query.note("stored", f"nothing for {query.need.url.netloc}")
        return None
    entry = max(matching, key=lambda entry: len(entry.scope.segments))
    found = make_credential(query, "stored", entry.secret.reveal(), entry.username, entry.scope)
    return found if entry.expires_at is None else replace(found, expires_at=min(entry.expires_at, found.expires_at or entry.expires_at))
