"""Source `stored`: what `shim login --store file` and `--store memory` keep, for machines without a
keyring.
"""

from __future__ import annotations

from shim.config.policy import load_policy
from shim.core.dataclass import replace
from shim.core.model import Credential
from shim.credentials.sources import Query, Source, make_credential
from shim.storage import saved_logins


def find(query: Query) -> Credential | None:
    """Return the stored credential with the longest scope that covers the endpoint, or None."""
    policy = load_policy()  # files that were written before it forbade them are not read either
    entries = saved_logins.entries(query.host, with_files=policy.allow_file_store)
    matching = [entry for entry in entries if entry.scope.covers(query.endpoint.url)]
    if query.username is not None:
        matching = [entry for entry in matching if entry.username == query.username]
    if not matching:
        which = "" if policy.allow_file_store else f" outside files, which {policy.file} forbids"
        query.note("stored", f"nothing for {query.endpoint.url.netloc}{which}")
        return None
    entry = max(matching, key=lambda entry: len(entry.scope.segments))
    found = make_credential(query, "stored", entry.secret.reveal(), entry.username, entry.scope)
    if entry.expires_at is None:
        return found
    return replace(found, expires_at=min(entry.expires_at, found.expires_at or entry.expires_at))


SOURCE = Source(find)
