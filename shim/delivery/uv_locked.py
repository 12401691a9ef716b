"""Files that a lock names outside of every scope, on a server with several credentials: uv asks no
index for them, and would always take the same one of its credentials for that server.

Each is its index's own, and gets that one's credential.
"""

from __future__ import annotations

from shim.core.dataclass import replace
from shim.core.model import Credential, Endpoint
from shim.core.typing import NamedTuple
from shim.core.urls import scope_of
from shim.delivery import Case, same_login
from shim.delivery.reasons import Reason, Refusal
from shim.delivery.uv_realm import find_shared, find_unscoped, is_same_realm


class Locked(NamedTuple):
    """A URL below which such files lie, and the credential of their index."""

    endpoint: Endpoint
    credential: Credential


def find_locked(case: Case) -> list[Locked]:
    """Return what locks have so; nothing where no server has several credentials."""
    if not find_shared(case):
        return []
    return [
        Locked(endpoint, credential)
        for endpoint in find_unscoped(case)
        for credential in case.credentials
        if is_same_realm(credential.scope, endpoint.url)
        and credential.scope.covers_text(endpoint.registry)
    ]


def find_clash(case: Case, locked: list[Locked]) -> Refusal | None:
    """Return that uv would send the credential of such files to what is another one's, or None: of
    two URLs, one below the other, the shorter one decides.
    """
    pairs = [(scope_of(endpoint.url), credential) for endpoint, credential in locked]
    owners = dict(pairs)
    for scope, own in (*pairs, *((one.scope, one) for one in case.credentials)):
        for length in range(len(scope.segments) + 1):
            above = replace(scope, segments=scope.segments[:length])
            if (other := owners.get(above)) and not same_login(other, own):
                return Reason.NESTED.of(scope=above, url=scope)
    return None
