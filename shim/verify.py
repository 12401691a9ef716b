"""Does an index accept a credential? Asked without it first: an index that answers everybody proves nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from shim.host import Host
from shim.http_client import Outcome, probe
from shim.model import Credential
from shim.urls import Url, scope_of


@dataclass(frozen=True, slots=True)
class Verdict:
    """`proven`: refused without, answered with the credential. `open`: answers everybody. `rejected`: refused with it too.

    `unreachable`: no usable answer; `detail` says why in words.
    """

    kind: Literal["proven", "open", "rejected", "unreachable"]
    detail: str


def verify(url: Url, credential: Credential, host: Host) -> Verdict:
    """Return what the index at `url` thinks of the credential. At most one failing login reaches the server.

    Many servers answer a stranger with a redirect to their login page, which then answers everybody: only an answer from
    the index itself, or one that the credential does not change, makes it an open one.
    """
    anonymous = probe(url, None, host)
    if anonymous.status is None:
        return Verdict("unreachable", f"{url}: {anonymous.error}")
    is_open = anonymous.is_success and anonymous.url.origin == url.origin
    if is_open and scope_of(url).covers(anonymous.url):
        return _open(url)
    outcome = probe(url, credential, host)
    if is_open and outcome.url == anonymous.url:
        return _open(url)
    if outcome.is_success and outcome.url.origin == url.origin:
        refusal = f"redirects everybody else to {anonymous.url}" if anonymous.is_success else f"refuses everybody else ({anonymous.status})"
        return Verdict("proven", f"{url} {refusal} and answers {credential.shown_username}")
    if outcome.status in (401, 403):
        return Verdict("rejected", f"{url} answers {outcome.status} to {credential.shown_username}")
    if outcome.is_success and anonymous.is_success and outcome.url.origin == anonymous.url.origin:
        return Verdict("rejected", f"{url} redirects {credential.shown_username} to {outcome.url}, as it does everybody else")
    return Verdict("unreachable", f"{url}: {_words(outcome)}")


def _open(url: Url) -> Verdict:
    return Verdict("open", f"{url} answers without login, so nothing could be verified")


def _words(outcome: Outcome) -> str:
    if outcome.error:
        return outcome.error
    if outcome.is_success:
        return f"it redirects to another server, {outcome.url.origin}"
    return f"it answers {outcome.status}"
