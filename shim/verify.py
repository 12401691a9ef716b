"""Does an index accept a credential? It is asked without it as well: an index that answers everybody proves nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shim.host import Host
from shim.http_client import Asked, Outcome, probe, probe_all
from shim.model import BARE, Credential, Manner, Route, Secret
from shim.urls import Scope, Url, scope_of, scope_of_index
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


@dataclass(frozen=True, slots=True)
class Question:
    """What one index is asked: does it take the credential, in this manner? `page` is that of a package, as the tool will ask it."""

    url: Url
    credential: Credential | None
    route: Route
    manner: Manner = BARE
    page: Url | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of a question. `unserved` says why a tool that waits for a challenge would be answered as a stranger, if so.

    `challenged` tells that a stranger was seen to be challenged, whatever the index thinks of the credential, or has to show of itself.
    """

    verdict: Verdict
    unserved: str | None = None
    challenged: bool = False


def verify_all(questions: Sequence[Question], host: Host, timeout_s: float) -> list[Finding]:
    """Return what each index says, all of them asked at once, with and without the credential, in `timeout_s` together.

    Where there is no credential, an index that answers everybody is `open` and any other one `rejected`.
    """
    asked: list[Asked] = []
    for one in questions:
        encoding = one.manner.encoding
        asked += [Asked(one.url, None, one.route), Asked(one.url, one.credential, one.route, encoding)]
        asked += [Asked(one.page, _before_challenge(one), one.route, encoding)] if one.page and not one.manner.unasked else []
    outcomes = iter(probe_all(asked, host, timeout_s))
    findings = []
    for one in questions:
        anonymous, known = next(outcomes), next(outcomes)
        verdict = judge(one.url, one.credential, anonymous, known)
        first = next(outcomes) if one.page and not one.manner.unasked else None
        why = _why_unserved(one, verdict, anonymous, first) if first else None
        findings.append(Finding(verdict, why, first is not None and first.status is not None and why is None))
    return findings


def _before_challenge(question: Question) -> Credential | None:
    """Return as whom the tool asks before it is challenged."""
    if not question.manner.names_user or question.credential is None:
        return None
    return replace(question.credential, secret=Secret(""))


def _why_unserved(question: Question, verdict: Verdict, anonymous: Outcome, first: Outcome) -> str | None:
    """Return why the tool would never send the credential, or None: both the index and a package's page challenge a stranger.

    A redirect out of the index's scope is followed, and what it leads to taken for the answer.
    """
    if first.status is None and verdict.kind == "unreachable":
        return None  # the tool cannot ask either
    scope = scope_of_index(question.url)
    if first.status not in question.manner.challenges or not scope.covers(first.url):
        return f"{question.page} answers a stranger {_describe(first, scope)}, and the credential would not be sent"
    if anonymous.is_success and verdict.kind == "open" and not question.manner.files_only:
        return f"{question.url} shows strangers a view of its own, and the credential would not be sent"
    return None


def _describe(outcome: Outcome, scope: Scope) -> str:
    if outcome.status is None:
        return "nothing that we could read"
    return f"with {outcome.status}" if scope.covers(outcome.url) else f"from {outcome.url}"


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
        return Verdict("unreachable", f"{url}: {outcome.error}", outcome.trouble)
    if outcome.is_success:
        return Verdict("unreachable", f"{url}: it redirects to another server, {outcome.url.origin}", "elsewhere")
    return Verdict("unreachable", f"{url}: it answers {outcome.status}", _BY_STATUS.get(outcome.status or 0, "broken"))
