"""The commonest failure, said once: a password that has changed or ended, at an index that no other
one could stand in for.

pip then says that there is no such package, uv that a request failed. Nothing is stopped: the tool
runs, and one line of ours says why it will not work and what mends it. A proof counts as long as
for a cached token, so that a replayed command asks nobody.

A secret that was refused is not handed over for a minute: a tool sends it with each of its
requests, and a directory locks an account after a few. So a command, or a loop of them, costs one
failing login in that time. That holds only where the index was seen to refuse strangers (401, 403)
for whatever package: the tool is then refused as with the wrong password. Elsewhere it would be
shown, as a stranger, another package of that name, and so it gets the secret, as bare.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from shim.config.index import IndexConfig
from shim.core.errors import ShimError
from shim.core.host import Host
from shim.core.model import Endpoint, Resolution, Route
from shim.core.verdict import VerificationResult
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
    """The warnings, until when (UTC epoch seconds) there is nothing to ask again, and the endpoints
    whose secrets are not to be sent.
    """

    warnings: tuple[ShimError, ...] = ()
    valid_until: float = math.inf
    withheld: tuple[Endpoint, ...] = ()


def find_refused(tool: Tool, choice: Choice, resolutions: tuple[Resolution, ...]) -> Said:
    """Return a warning for each index that refuses what it is about to be given, unless somebody
    has judged that already.
    """
    case = choice.case
    demand = tool.read_demand(case.invocation, case.host)
    if demand == "nothing":
        return Said()
    asks = demand == "packages"  # else a refusal that is remembered counts, and nothing is asked
    ours = [
        resolution
        for resolution in resolutions
        if _is_delivered(resolution) and not _may_fail(choice, resolution)
    ]
    if len(ours) > MAX_ASKED:
        return Said()
    routes = [
        route_to(resolution.endpoint.url, _index_of(choice, resolution), case.invocation, case.host)
        for resolution in ours
    ]
    places = [
        place_of_proof(resolution.endpoint, choice.manner(resolution.endpoint), route, case.host)
        for resolution, route in zip(ours, routes, strict=True)
    ]
    verdicts = _judge(choice, ours, routes, places, asks=asks)
    refused = [
        (resolution, verdict)
        for resolution, verdict in zip(ours, verdicts, strict=True)
        if verdict and verdict.kind == "rejected"
    ]
    ages_s = (
        [
            _age_s(resolution, place, case.host)
            for resolution, place in zip(ours, places, strict=True)
        ]
        if asks
        else []
    )
    ways = dict(zip((resolution.endpoint for resolution in ours), routes, strict=True))
    withheld = tuple(
        resolution.endpoint
        for resolution, _ in refused
        if _refuses_strangers(choice, resolution, ways[resolution.endpoint])
    )
    warnings = tuple(
        refusal(
            resolution,
            _index_of(choice, resolution),
            verdict,
            None,
            withheld=resolution.endpoint in withheld,
        )
        for resolution, verdict in refused
    )
    return Said(
        warnings, case.host.clock() + RELAXED_PROOF_S - max(ages_s, default=-math.inf), withheld
    )


def _refuses_strangers(choice: Choice, resolution: Resolution, route: Route) -> bool:
    """Whether the index refuses whoever shows no credential the page of a package, and that of one
    that there is not.
    """
    host, where = choice.case.host, verification_cache.place_of(resolution.endpoint.url)
    seen = verification_cache.recall("proven", None, f"{REFUSES_STRANGERS} {where}", host)
    if seen and seen.ago_s <= PROFILE_S:
        return True
    from shim.formats.index_pages import UNLIKELY_PACKAGE, page_of_package
    from shim.net.http_client import Asked, probe_all
    from shim.preflight.outcome import package_page

    pages = dict.fromkeys(
        (
            package_page(resolution.endpoint, choice),
            page_of_package(resolution.endpoint.url, UNLIKELY_PACKAGE),
        )
    )
    outcomes = probe_all([Asked(page, None, route) for page in pages], host, DEADLINE_S)
    refuses = all(outcome.status in REFUSING for outcome in outcomes)
    if refuses:
        verification_cache.remember(
            "proven", None, f"{REFUSES_STRANGERS} {where}", REFUSES_STRANGERS, host
        )
    return refuses


def _is_delivered(resolution: Resolution) -> bool:
    """Whether it is we who give the index a credential: what stands in a URL or in the tool's own
    files is the user's affair.
    """
    credential = resolution.credential
    return (
        bool(credential and not credential.found_by_tool and credential.source != "url")
        and resolution.endpoint.role in PLACES
    )


def _may_fail(choice: Choice, resolution: Resolution) -> bool:
    """Whether the configuration says that a failure of this index does not matter."""
    index = _index_of(choice, resolution)
    return index is not None and index.on_failure == "pass"


def _index_of(choice: Choice, resolution: Resolution) -> IndexConfig | None:
    return choice.case.settings.index_named(resolution.index) if resolution.index else None


def _age_s(resolution: Resolution, place: str, host: Host) -> float:
    seen = resolution.credential and verification_cache.recall(
        "proven", resolution.credential, place, host
    )
    return seen.ago_s if seen and seen.ago_s <= RELAXED_PROOF_S else 0.0


def _judge(
    choice: Choice, ours: list[Resolution], routes: list[Route], places: list[str], *, asks: bool
) -> list[VerificationResult | None]:
    """Return the verdict of each: None where it is known to be good; all others are asked at once,
    for a short time, if at all.
    """
    host, verdicts, due = choice.case.host, dict[int, VerificationResult](), list[int]()
    for number, resolution in enumerate(ours):
        if _age_s(resolution, places[number], host):
            continue
        seen = resolution.credential and verification_cache.recall_refusal(
            resolution.credential, resolution.endpoint.url, host
        )
        if seen:
            verdicts[number] = VerificationResult("rejected", seen.words, "refused")
        elif asks:
            due.append(number)
    for number, verdict in zip(
        due, _ask(choice, [(ours[number], routes[number]) for number in due]), strict=True
    ):
        _remember(ours[number], places[number], verdict, host)
        verdicts[number] = verdict
    return [verdicts.get(number) for number in range(len(ours))]


def _ask(choice: Choice, due: list[tuple[Resolution, Route]]) -> list[VerificationResult]:
    if not due:
        return []
    from shim.preflight.outcome import package_page, page_of_index
    from shim.preflight.rootless import names_of_command, with_packages
    from shim.preflight.verify import Question, verify_all

    names_some = bool(choice.case.endpoints.packages)
    questions = [
        Question(
            page_of_index(resolution.endpoint, _index_of(choice, resolution)),
            resolution.credential,
            route,
            choice.manner(resolution.endpoint),
            package_page(resolution.endpoint, choice) if names_some else None,
        )
        for resolution, route in due
    ]
    host, names = choice.case.host, tuple(names_of_command(choice))
    questions = [with_packages(question, names, host) for question in questions]
    return [finding.verdict for finding in verify_all(questions, host, DEADLINE_S)]


def _remember(resolution: Resolution, place: str, verdict: VerificationResult, host: Host) -> None:
    credential, where = resolution.credential, verification_cache.place_of(resolution.endpoint.url)
    if credential is None:
        return
    if verdict.kind in PASSING:
        verification_cache.remember("proven", credential, place, verdict.kind, host)
        verification_cache.forget("rejected", credential, where, host)
    elif verdict.kind == "rejected":
        verification_cache.remember("rejected", credential, where, verdict.detail, host)
