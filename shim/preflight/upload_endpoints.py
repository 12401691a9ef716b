"""Does an upload endpoint take a credential? It is asked with an empty upload, which no server
takes and each answers differently to who may upload and who may not. An index page tells nothing
about it.

Sources: the legacy upload API (a form without `:action` is refused with 400); pypiserver 2.x,
devpi-server 6, Nexus 3, warehouse.
"""

from __future__ import annotations

from shim.core.host import Host
from shim.core.model import Credential, Route
from shim.core.urls import Url
from shim.core.verdict import Trouble, VerificationResult, unreachable
from shim.net.http_client import Asked, Outcome, probe_all

REFUSING = (401, 403)
NO_ENDPOINT = (404, 405)


def verify_endpoints(
    questions: list[tuple[Url, Credential | None, Route]], host: Host, timeout_s: float
) -> list[VerificationResult]:
    """Return each endpoint's verdict, all asked at once, also without the credential."""
    asked = [
        Asked(url, who, route, method="POST", follows=False)
        for url, credential, route in questions
        for who in (None, credential)
    ]
    outcomes = probe_all(asked, host, timeout_s)
    pairs = zip(outcomes[::2], outcomes[1::2], strict=True)
    return [
        judge(url, who, anonymous, known)
        for (url, who, _), (anonymous, known) in zip(questions, pairs, strict=True)
    ]


def judge(
    url: Url, credential: Credential | None, anonymous: Outcome, outcome: Outcome
) -> VerificationResult:
    """Return what the answers to an empty upload mean: to nobody, and to the credential."""
    who = credential.shown_username if credential else "everybody"
    if outcome.status is None:
        return unreachable(url, str(outcome.error), outcome.trouble)
    if outcome.status in REFUSING:
        trouble: Trouble = "refused" if outcome.status == 401 else "forbidden"
        return VerificationResult("rejected", f"{url} answers {outcome.status} to {who}", trouble)
    if outcome.hops:
        return unreachable(url, "it redirects uploads, which no tool follows", "elsewhere")
    if outcome.status in NO_ENDPOINT:
        return unreachable(url, f"it takes no uploads ({outcome.status})", "hidden")
    if outcome.status >= 500:
        return unreachable(url, f"it answers {outcome.status}", "broken", outcome.status)
    if anonymous.status in REFUSING:
        words = f"{url} refuses uploads of everybody else ({anonymous.status}) and answers {who}"
        return VerificationResult("proven", words)
    words = "asks nobody for a login before it has read an upload, so nothing could be verified"
    return VerificationResult("open", f"{url} {words}")
