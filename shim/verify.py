"""Does an index accept a credential? Asked without it first: an index that answers everybody proves nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from shim.host import Host
from shim.http_client import Outcome, probe
from shim.model import Credential
from shim.urls import Url


@dataclass(frozen=True, slots=True)
class Verdict:
    """`proven`: refused without, answered with the credential. `open`: answers everybody. `rejected`: refused with it too.

    `unreachable`: no usable answer; `detail` says why in words.
    """

    kind: Literal["proven", "open", "rejected", "unreachable"]
    detail: str


def verify(url: Url, credential: Credential, host: Host) -> Verdict:
    """Return what the index at `url` thinks of the credential. At most one failing login reaches the server."""
    anonymous = probe(url, None, host)
    if anonymous.is_success:
        return Verdict("open", f"{url} answers without login, so nothing could be verified")
    if anonymous.status is None:
        return Verdict("unreachable", f"{url}: {anonymous.error}")
    outcome = probe(url, credential, host)
    if outcome.is_success and outcome.url.origin == url.origin:
        return Verdict("proven", f"{url} refuses everybody else ({anonymous.status}) and answers {credential.username}")
    if outcome.status in (401, 403):
        return Verdict("rejected", f"{url} answers {outcome.status} to {credential.username}")
    return Verdict("unreachable", f"{url}: {_words(outcome)}")


def _words(outcome: Outcome) -> str:
    if outcome.error:
        return outcome.error
    if outcome.is_success:
        return f"it redirects to another server, {outcome.url.origin}"
    return f"it answers {outcome.status}"
