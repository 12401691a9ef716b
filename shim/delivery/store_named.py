"""Channel `store_named`: the store, and a user name in each URL that stands in argv or in a
variable.

For a server that shows strangers another page, and for two credentials on one server: uv sends what
the store has with the first request for a page of an index whose URL has a user name, as early as a
password in that URL would go.

Sources: uv 0.13.8, crates/uv-auth/src/middleware.rs; measured on 0.9.30 and later.
"""

from __future__ import annotations

from shim.core.model import Delivery, Endpoint, Manner
from shim.delivery import Case, store
from shim.delivery.reasons import Refusal


def fits(case: Case) -> Refusal | None:
    """Return None if the store can carry every credential to URLs with users, else why not."""
    return store.fits(case, adds_names=True)


def manner(case: Case, endpoint: Endpoint) -> Manner:
    """Return how it is sent: unasked with each page."""
    return store.manner(case, endpoint, adds_names=True)


def deliver(case: Case) -> Delivery:
    """Return the store's delivery with user names in argv and variables."""
    return store.deliver(case, adds_names=True)
