"""The commonest failure, said once: a password that has changed or ended, at an index that no other one could stand in for.

pip then says that there is no such package, uv that a request failed. Nothing is stopped: the tool runs, and one line of ours says why
it will not work and what mends it. A proof counts as long as for a cached token, so that a replayed command asks nobody.

A secret that was refused is not handed over for a minute: a tool sends it with each of its requests, and a directory locks an account
after a few. So a command, or a loop of them, costs one failing login in that time. That holds only where the index was seen to refuse
strangers (401, 403) for whatever package: the tool is then refused as with the wrong password. Elsewhere it would be shown, as a
stranger, another package of that name, and so it gets the secret, as bare.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from shim.config.index import IndexConfig
from shim.core.errors import ShimError
from shim.core.host import Host
from shim.core.model import Answer, Need, Route
from shim.core.verdict import Verdict
from shim.delivery import Choice
from shim.preflight.failures import refusal
from shim.preflight.guarded_command import PLACES, RELAXED_PROOF_S
from shim.preflight.outcome import place_of_proof
from shim.preflight.preflight import PASSING, PROFILE_S
from shim.preflight.route import route_to
from shim.storage import verification_cache
from shim.tools import Tool

#: The command waits for it. Who has not answered by then is no matter for a warning.
DEADLINE_S = 5.0
#: A command with more indexes than people look after one by one is told by its tool.
MAX_ASKED = 8
REFUSING = (401, 403)
#: What is remembered of an index that refuses strangers, as a proof of nobody's.
REFUSES_STRANGERS = "refuses strangers"


class Said(NamedTuple):
    """The warnings, until when (UTC epoch seconds) there is nothing to ask again, and the needs whose secrets are not to be sent."""

    warnings: tuple[ShimError, ...] = ()
    valid_until: float = math.inf
    withheld: tuple[Need, ...] = ()


def find_refused(tool: Tool, choice: Choice, answers: tuple[Answer, ...]) -> Said:
    """Return a warning for each index that refuses what it is about to be given, unless somebody has judged that already."""
    case = choice.case
    demand = tool.read_demand(case.invocation, case.host)
    if demand == "nothing":
        return Said()
    asks = demand == "packages"  # else a refusal that is remembered counts, and nothing is asked
    ours = [answer for answer in answers if _is_delivered(answer) and not _may_fail(choice, answer)]
    if len(ours) > MAX_ASKED:
        return Said()
    routes = [route_to(answer.need.url, _index_of(choice, answer), case.invocation, case.host) for answer in ours]
    places = [
        place_of_proof(answer.need, choice.manner(answer.need), route, case.host) for answer, route in zip(ours, routes, strict=True)
    ]
    verdicts = _judge(choice, ours, routes, places, asks=asks)
    refused = [(answer, verdict) for answer, verdict in zip(ours, verdicts, strict=True) if verdict and verdict.kind == "rejected"]
    ages_s = [_age_s(answer, place, case.host) for answer, place in zip(ours, places, strict=True)] if asks else []
    ways = dict(zip((answer.need for answer in ours), routes, strict=True))
    withheld = tuple(answer.need for answer, _ in refused if _refuses_strangers(choice, answer, ways[answer.need]))
    warnings = tuple(
        refusal(answer, _index_of(choice, answer), verdict, None, withheld=answer.need in withheld) for answer, verdict in refused
    )
    return Said(warnings, case.host.clock() + RELAXED_PROOF_S - max(ages_s, default=-math.inf), withheld)


def _refuses_strangers(choice: Choice, answer: Answer, route: Route) -> bool:
    """Whether the index refuses whoever shows no credential the page of a package, and that of one that there is not."""
    host, where = choice.case.host, verification_cache.place_of(answer.need.url)
    seen = verification_cache.recall("proven", None, f"{REFUSES_STRANGERS} {where}", host)
    if seen and seen.ago_s <= PROFILE_S:
        return True
    from shim.formats.index_pages import UNLIKELY_PACKAGE, page_of_package
    from shim.net.http_client import Asked, probe_all
    from shim.preflight.outcome import package_page

    pages = dict.fromkeys((package_page(answer.need, choice), page_of_package(answer.need.url, UNLIKELY_PACKAGE)))
    outcomes = probe_all([Asked(page, None, route) for page in pages], host, DEADLINE_S)
    refuses = all(outcome.status in REFUSING for outcome in outcomes)
    if refuses:
        verification_cache.remember("proven", None, f"{REFUSES_STRANGERS} {where}", REFUSES_STRANGERS, host)
    return refuses


def _is_delivered(answer: Answer) -> bool:
    """Whether it is we who give the index a credential: what stands in a URL or in the tool's own files is the user's affair."""
    credential = answer.credential
    return bool(credential and not credential.kept_by_tool and credential.source != "url") and answer.need.role in PLACES


def _may_fail(choice: Choice, answer: Answer) -> bool:
    """Whether the configuration says that a failure of this index does not matter."""
    index = _index_of(choice, answer)
    return index is not None and index.on_failure == "pass"


def _index_of(choice: Choice, answer: Answer) -> IndexConfig | None:
    return choice.case.settings.index_named(answer.index) if answer.index else None


def _age_s(answer: Answer, place: str, host: Host) -> float:
    seen = answer.credential and verification_cache.recall("proven", answer.credential, place, host)
    return seen.ago_s if seen and seen.ago_s <= RELAXED_PROOF_S else 0.0


def _judge(choice: Choice, ours: list[Answer], routes: list[Route], places: list[str], *, asks: bool) -> list[Verdict | None]:
    """Return the verdict of each: None where it is known to be good; all others are asked at once, for a short time, if at all."""
    host, verdicts, due = choice.case.host, dict[int, Verdict](), list[int]()
    for number, answer in enumerate(ours):
        if _age_s(answer, places[number], host):
            continue
        seen = answer.credential and verification_cache.recall_refusal(answer.credential, answer.need.url, host)
        if seen:
            verdicts[number] = Verdict("rejected", seen.words, "refused")
        elif asks:
            due.append(number)
    for number, verdict in zip(due, _ask(choice, [(ours[number], routes[number]) for number in due]), strict=True):
        _remember(ours[number], places[number], verdict, host)
        verdicts[number] = verdict
    return [verdicts.get(number) for number in range(len(ours))]


def _ask(choice: Choice, due: list[tuple[Answer, Route]]) -> list[Verdict]:
    if not due:
        return []
    from shim.preflight.outcome import package_page, page_of_index
    from shim.preflight.rootless import names_of_command, with_packages
    from shim.preflight.verify import Question, verify_all

    names_some = bool(choice.case.needs.packages)
    questions = [
        Question(
            page_of_index(answer.need, _index_of(choice, answer)),
            answer.credential,
            route,
            choice.manner(answer.need),
            package_page(answer.need, choice) if names_some else None,
        )
        for answer, route in due
    ]
    host, names = choice.case.host, tuple(names_of_command(choice))
    questions = [with_packages(question, names, host) for question in questions]
    return [finding.verdict for finding in verify_all(questions, host, DEADLINE_S)]


def _remember(answer: Answer, place: str, verdict: Verdict, host: Host) -> None:
    credential, where = answer.credential, verification_cache.place_of(answer.need.url)
    if credential is None:
        return
    if verdict.kind in PASSING:
        verification_cache.remember("proven", credential, place, verdict.kind, host)
        verification_cache.forget("rejected", credential, where, host)
    elif verdict.kind == "rejected":
        verification_cache.remember("rejected", credential, where, verdict.detail, host)
