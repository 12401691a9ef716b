"""Does an index accept a credential? One that answers everybody proves nothing."""

from __future__ import annotations

import time

from shim.core.dataclass import dataclass, replace
from shim.core.host import Host
from shim.core.model import BARE, Credential, Manner, Route, Secret
from shim.core.typing import Sequence
from shim.core.urls import Scope, Url, scope_of, scope_of_index
from shim.core.verdict import Trouble, VerificationResult, unreachable
from shim.net.http_client import Asked, Outcome, probe, probe_all

#: Which statuses say that there is no page, to somebody who is let in.
NO_PAGE = (404, 405, 410, 501)
#: How long one index may take; how long the page that lists its packages may, alone and of all the
#: time. A server that stands for the public index lists a million.
TIMEOUT_S = 15.0
ROOT_S = 9.0
ROOT_SHARE = 0.6
SLOW = "slow"
_BY_STATUS: dict[int, Trouble] = {401: "refused", 403: "forbidden", 404: "hidden", 429: "busy"}


@dataclass(frozen=True, slots=True)
class VerificationRequest:
    """What one index is asked: does it take the credential, in this manner? `page` is that of a
    package, as the tool will ask it.

    `pages` of packages are asked where the index has none of its own; with `misses_openly`, one
    that is missing says that the credential was taken.
    """

    url: Url
    credential: Credential | None
    route: Route
    manner: Manner = BARE
    page: Url | None = None
    pages: tuple[Url, ...] = ()
    misses_openly: bool = False


@dataclass(frozen=True, slots=True)
class VerificationFinding:
    """What came of a question. `unserved` says why a tool that waits for a challenge would be
    answered as a stranger, if so.

    `challenged` tells that a stranger was seen to be challenged, whatever the index thinks of the
    credential, or has to show of itself. `told_by` is the page of a package that said it, where the
    index has none of its own.
    """

    verdict: VerificationResult
    unserved: str | None = None
    told_by: Url | None = None
    challenged: bool = False


def verify(question: VerificationRequest, host: Host) -> VerificationFinding:
    """Return what one index thinks of the credential. At most one failing login reaches the server,
    and a second one where the first answer (403, 404) may as well say that the index has no page of
    its own.

    The credential is not sent to an index that answers everybody.
    """
    url, credential, route = question.url, question.credential, question.route
    anonymous = probe(url, None, host, ROOT_S, route)
    if (anonymous.status is None and anonymous.trouble != SLOW) or _is_open(url, anonymous):
        return VerificationFinding(judge(url, credential, anonymous, anonymous))
    is_slow = anonymous.trouble == SLOW
    known = anonymous if is_slow else probe(url, credential, host, TIMEOUT_S, route)
    finding = VerificationFinding(judge(url, credential, anonymous, known))
    return _ask_packages([question], [(anonymous, known)], [finding], host, TIMEOUT_S)[0]


def verify_all(
    questions: Sequence[VerificationRequest], host: Host, timeout_s: float
) -> list[VerificationFinding]:
    """Return what each index says, all of them asked at once, with and without the credential, in
    `timeout_s` together.

    Where there is no credential, an index that answers everybody is `open` and any other one
    `rejected`.
    """
    asked: list[Asked] = []
    for one in questions:
        asked += [Asked(one.url, None, one.route), _asked(one, one.url, known=True)]
        if one.page and not one.manner.unasked:
            asked.append(Asked(one.page, _before_challenge(one), one.route, one.manner.encoding))
    deadline = time.monotonic() + timeout_s
    outcomes = iter(probe_all(asked, host, timeout_s * ROOT_SHARE))
    findings, pairs = [], []
    for one in questions:
        anonymous, known = next(outcomes), next(outcomes)
        pairs.append((anonymous, known))
        verdict = judge(one.url, one.credential, anonymous, known)
        first = next(outcomes) if one.page and not one.manner.unasked else None
        why = _why_unserved(one, verdict, anonymous, first) if first else None
        is_challenged = first is not None and first.status is not None and why is None
        findings.append(VerificationFinding(verdict, why, challenged=is_challenged))
    return _ask_packages(questions, pairs, findings, host, deadline - time.monotonic())


def _ask_packages(
    questions: Sequence[VerificationRequest],
    pairs: Sequence[tuple[Outcome, Outcome]],
    findings: list[VerificationFinding],
    host: Host,
    timeout_s: float,
) -> list[VerificationFinding]:
    """Return the findings, those of indexes without a page of their own as the page of a package
    has it.

    The first page of each goes alone: a login that fails there is not tried at the others.
    """
    deadline = time.monotonic() + timeout_s
    findings = list(findings)
    open_ = [number for number, one in enumerate(questions) if one.pages]
    open_ = [number for number in open_ if _has_no_page(*pairs[number])]
    for part in (slice(0, 1), slice(1, None)):
        due = [(number, page) for number in open_ for page in questions[number].pages[part]]
        if not due:
            break
        both = [(number, page, known) for number, page in due for known in (False, True)]
        asked = [_asked(questions[number], page, known=known) for number, page, known in both]
        outcomes = iter(probe_all(asked, host, max(deadline - time.monotonic(), 0.0)))
        for number, page in due:
            anonymous, known = next(outcomes), next(outcomes)
            verdict = _judge_page(questions[number], page, anonymous, known)
            if not verdict and known.status and findings[number].verdict.trouble == SLOW:
                endless = unreachable(questions[number].url, "no answer in time", "endless")
                findings[number] = replace(findings[number], verdict=endless)
            if verdict and number in open_:
                findings[number] = replace(findings[number], verdict=verdict, told_by=page)
                open_.remove(number)
    return findings


def _asked(question: VerificationRequest, page: Url, *, known: bool) -> Asked:
    who = question.credential if known else None
    return Asked(page, who, question.route, question.manner.encoding)


def _has_no_page(anonymous: Outcome, known: Outcome) -> bool:
    """Whether an index shows those it lets in no page: 404, a folder's 403, none in time."""
    if SLOW in (known.trouble, anonymous.trouble):
        return True
    return known.status in NO_PAGE or (known.status == 403 and anonymous.status == 401)


def _judge_page(
    question: VerificationRequest, page: Url, anonymous: Outcome, known: Outcome
) -> VerificationResult | None:
    """Return what a package's page tells, None if nothing: it may be another index's package."""
    verdict = judge(page, question.credential, anonymous, known)
    if verdict.kind != "unreachable":
        return verdict
    if not question.misses_openly or known.status != 404 or anonymous.status not in (401, 403, 404):
        return None
    if anonymous.status == 404:
        words = f"{page} is missing for everybody, so nothing could be verified"
        return VerificationResult("open", words)
    words = f"{page} refuses everybody else ({anonymous.status}), and there is no such package"
    return VerificationResult("proven", words)


def _before_challenge(question: VerificationRequest) -> Credential | None:
    """Return as whom the tool asks before it is challenged."""
    if not question.manner.names_user or question.credential is None:
        return None
    return replace(question.credential, secret=Secret(""))


def _why_unserved(
    question: VerificationRequest, verdict: VerificationResult, anonymous: Outcome, first: Outcome
) -> str | None:
    """Return why the tool would never send the credential, or None: both the index and a package's
    page challenge a stranger.

    A redirect out of the index's scope is followed, and what it leads to taken for the answer.
    """
    if first.status is None and verdict.kind == "unreachable":
        return None  # the tool cannot ask either
    scope = scope_of_index(question.url)
    if first.status not in question.manner.challenges or not scope.covers(first.url):
        answer = _describe(first, scope)
        return f"{question.page} answers a stranger {answer}, and the credential would not be sent"
    if anonymous.is_success and verdict.kind == "open" and not question.manner.files_only:
        view = "a view of its own, and the credential would not be sent"
        return f"{question.url} shows strangers {view}"
    return None


def _describe(outcome: Outcome, scope: Scope) -> str:
    if outcome.status is None:
        return "nothing that we could read"
    return f"with {outcome.status}" if scope.covers(outcome.url) else f"from {outcome.url}"


def judge(
    url: Url, credential: Credential | None, anonymous: Outcome, outcome: Outcome
) -> VerificationResult:
    """Return what two answers mean: to nobody in particular, and to the credential.

    Many servers answer a stranger with a redirect to their login page, which then answers
    everybody: only an index page from the index itself, or one that the credential does not change,
    makes it an open one. Others let strangers in and refuse a wrong password all the same, and the
    tool sends what it has.
    """
    if anonymous.status is None:
        return _unreachable(url, anonymous)
    is_open = _is_open(url, anonymous) or (
        _is_listing(url, anonymous) and outcome.url == anonymous.url and not outcome.is_form
    )
    if is_open and outcome.is_success:
        words = f"{url} answers without login, so nothing could be verified"
        return VerificationResult("open", words)
    who = credential.shown_username if credential else "everybody"
    if credential and _is_listing(url, outcome):
        refusal = f"refuses everybody else ({anonymous.status})"
        if anonymous.is_success:
            refusal = f"redirects everybody else to {anonymous.url}"
        return VerificationResult("proven", f"{url} {refusal} and answers {who}")
    if outcome.status in (401, 403):
        words = f"{url} answers {outcome.status} to {who}"
        return VerificationResult("rejected", words, _BY_STATUS[outcome.status])
    if outcome.is_success and (outcome.is_form or anonymous.url.origin == outcome.url.origin):
        words = f"{url} redirects {who} to {outcome.url}, as it does everybody else"
        if outcome.url == url:
            words = f"{url} shows {who} a login page instead of an index"
        return VerificationResult("rejected", words, "login-page")
    return _unreachable(url, outcome)


def _is_listing(url: Url, outcome: Outcome) -> bool:
    """Whether an answer is a page of the index's own server, and none that asks for a login."""
    return outcome.is_success and not outcome.is_form and outcome.url.origin == url.origin


def _is_open(url: Url, anonymous: Outcome) -> bool:
    return _is_listing(url, anonymous) and scope_of(url).covers(anonymous.url)


def _unreachable(url: Url, outcome: Outcome) -> VerificationResult:
    if outcome.error:
        return unreachable(url, outcome.error, outcome.trouble)
    if outcome.is_success:
        words = f"it redirects to another server, {outcome.url.origin}"
        return unreachable(url, words, "elsewhere")
    trouble = _BY_STATUS.get(outcome.status or 0, "broken")
    return unreachable(url, f"it answers {outcome.status}", trouble, outcome.status)
