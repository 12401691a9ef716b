"""Does an index accept a credential? It is asked without it as well: an index that answers everybody proves nothing."""

from __future__ import annotations

from shim.host import Host
from shim.http_client import Outcome, probe, probe_all
from shim.model import Credential, Route
from shim.urls import Url, scope_of
from shim.verdict import Trouble, Verdict

_BY_STATUS: dict[int, Trouble] = {401: "refused", 403: "forbidden", 404: "hidden", 429: "busy"}


def verify(url: Url, credential: Credential, host: Host, route: Route | None = None) -> Verdict:
    """Return what the index at `url` thinks of the credential. At most one failing login reaches the server.

    The credential is not sent to an index that answers everybody.
    """
    anonymous = probe(url, None, host, route=route)
    if anonymous.status is None or _is_open(url, anonymous):
        return judge(url, credential, anonymous, anonymous)
    return judge(url, credential, anonymous, probe(url, credential, host, route=route))


def verify_all(questions: list[tuple[Url, Credential | None, Route]], host: Host, timeout_s: float) -> list[Verdict]:
    """Return a verdict for each index, all of them asked at once, with and without the credential, in `timeout_s` together.

    Where there is no credential, an index that answers everybody is `open` and any other one `rejected`.
    """
    asked = [(url, who, route) for url, credential, route in questions for who in (None, credential)]
    outcomes = probe_all(asked, host, timeout_s)
    pairs = zip(outcomes[::2], outcomes[1::2], strict=True)
    return [judge(url, who, anonymous, known) for (url, who, _), (anonymous, known) in zip(questions, pairs, strict=True)]


def judge(url: Url, credential: Credential | None, anonymous: Outcome, outcome: Outcome) -> Verdict:
    """Return what two answers mean: to nobody in particular, and to the credential.

    Many servers answer a stranger with a redirect to their login page, which then answers everybody: only an index page from
    the index itself, or one that the credential does not change, makes it an open one. Others let strangers in and refuse a wrong
    password all the same, and the tool sends what it has.
    """
    if anonymous.status is None:
        return _unreachable(url, anonymous)
    is_open = _is_open(url, anonymous) or (_is_listing(url, anonymous) and outcome.url == anonymous.url and not outcome.is_form)
    if is_open and outcome.is_success:
        return Verdict("open", f"{url} answers without login, so nothing could be verified")
    who = credential.shown_username if credential else "everybody"
    if credential and _is_listing(url, outcome):
        refusal = f"redirects everybody else to {anonymous.url}" if anonymous.is_success else f"refuses everybody else ({anonymous.status})"
        return Verdict("proven", f"{url} {refusal} and answers {who}")
    if outcome.status in (401, 403):
        return Verdict("rejected", f"{url} answers {outcome.status} to {who}", _BY_STATUS[outcome.status])
    if outcome.is_success and (outcome.is_form or anonymous.url.origin == outcome.url.origin):
        if outcome.url == url:
            return Verdict("rejected", f"{url} shows {who} a login page instead of an index", "login-page")
        return Verdict("rejected", f"{url} redirects {who} to {outcome.url}, as it does everybody else", "login-page")
    return _unreachable(url, outcome)


def _is_listing(url: Url, outcome: Outcome) -> bool:
    """Whether an answer is a page of the index's own server, and none that asks for a login."""
    return outcome.is_success and not outcome.is_form and outcome.url.origin == url.origin


def _is_open(url: Url, anonymous: Outcome) -> bool:
    return _is_listing(url, anonymous) and scope_of(url).covers(anonymous.url)


def _unreachable(url: Url, outcome: Outcome) -> Verdict:
    if outcome.error:
        return Verdict("unreachable", f"{url}: {outcome.error}", "tls" if outcome.is_tls else "down")
    if outcome.is_success:
        return Verdict("unreachable", f"{url}: it redirects to another server, {outcome.url.origin}", "elsewhere")
    return Verdict("unreachable", f"{url}: it answers {outcome.status}", _BY_STATUS.get(outcome.status or 0, "broken"))
