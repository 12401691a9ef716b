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

from shim.config.index import IndexConfig
from shim.core.errors import ShimError
from shim.core.host import Host
from shim.core.model import FOREVER, Credential, Endpoint, Resolution, Route
from shim.core.typing import NamedTuple
from shim.core.verdict import VerificationResult
from shim.delivery import Choice
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


class RefusedCredentials(NamedTuple):
    """Warnings, until when (epoch seconds) nothing is to ask, and whose secrets to withhold."""

    warnings: tuple[ShimError, ...] = ()
    valid_until: float = FOREVER
    withheld: tuple[Endpoint, ...] = ()


class _Delivered(NamedTuple):
    """An index that we give a credential, the way to it, and where a proof of it counts."""

    resolution: Resolution
    credential: Credential
    config: IndexConfig | None
    route: Route
    place: str


def find_refused(
    tool: Tool, choice: Choice, resolutions: tuple[Resolution, ...]
) -> RefusedCredentials:
    """Return a warning for each index that refuses what it is to be given, unless judged before."""
    case = choice.case
    demand = tool.read_demand(case.invocation, case.host)
    if demand == "nothing":
        return RefusedCredentials()
    asks = demand == "packages"  # else a refusal that is remembered counts, and nothing is asked
    delivered = [(one, mine) for one in resolutions if (mine := _find_ours(choice, one))]
    if len(delivered) > MAX_ASKED:
        return RefusedCredentials()
    ours = [_find_way(choice, *pair) for pair in delivered]
    verdicts = _judge(choice, ours, asks=asks)
    refused = [(ours[number], one) for number, one in verdicts.items() if one.kind == "rejected"]
    ages_s = [_age_s(one, case.host) for one in ours] if asks else []
    withheld = [one.resolution.endpoint for one, _ in refused if _refuses_strangers(choice, one)]
    warnings = [_warning(one, verdict, withheld) for one, verdict in refused]
    valid_until = case.host.clock() + RELAXED_PROOF_S - max(ages_s, default=-FOREVER)
    return RefusedCredentials(tuple(warnings), valid_until, tuple(withheld))


def _warning(one: _Delivered, verdict: VerificationResult, withheld: list[Endpoint]) -> ShimError:
    from shim.preflight.failures import refusal

    is_withheld = one.resolution.endpoint in withheld
    return refusal(one.resolution, one.config, verdict, None, withheld=is_withheld)


def _find_ours(choice: Choice, resolution: Resolution) -> Credential | None:
    """Return the credential if it is we who give it to an index whose failure matters. What stands
    in a URL or in the tool's own files is the user's affair.
    """
    credential, index = resolution.credential, choice.case.settings.index_named(resolution.index)
    if credential is None or credential.found_by_tool or credential.source == "url":
        return None
    may_fail = index is not None and index.on_failure == "pass"
    return credential if resolution.endpoint.role in PLACES and not may_fail else None


def _find_way(choice: Choice, resolution: Resolution, credential: Credential) -> _Delivered:
    case, endpoint = choice.case, resolution.endpoint
    index = case.settings.index_named(resolution.index)
    route = route_to(endpoint.url, index, case.invocation, case.host)
    place = place_of_proof(endpoint, choice.manner(endpoint), route, case.host)
    return _Delivered(resolution, credential, index, route, place)


def _refuses_strangers(choice: Choice, one: _Delivered) -> bool:
    """Whether the index refuses strangers a package's page, and that of one that there is not."""
    host, endpoint = choice.case.host, one.resolution.endpoint
    where = f"{REFUSES_STRANGERS} {verification_cache.place_of(endpoint.url)}"
    seen = verification_cache.recall("proven", None, where, host)
    if seen and seen.ago_s <= PROFILE_S:
        return True
    from shim.formats.index_pages import UNLIKELY_PACKAGE, page_of_package
    from shim.net.http_client import Asked, probe_all
    from shim.preflight.outcome import package_page

    missing = page_of_package(endpoint.url, UNLIKELY_PACKAGE)
    pages = dict.fromkeys((package_page(endpoint, choice), missing))
    outcomes = probe_all([Asked(page, None, one.route) for page in pages], host, DEADLINE_S)
    refuses = all(outcome.status in REFUSING for outcome in outcomes)
    if refuses:
        verification_cache.remember("proven", None, where, REFUSES_STRANGERS, host)
    return refuses


def _age_s(one: _Delivered, host: Host) -> float:
    seen = verification_cache.recall("proven", one.credential, one.place, host)
    return seen.ago_s if seen and seen.ago_s <= RELAXED_PROOF_S else 0.0


def _judge(choice: Choice, ours: list[_Delivered], *, asks: bool) -> dict[int, VerificationResult]:
    """Return the verdict of each, by its number: of none that is known to be good. All others are
    asked at once, for a short time, if at all.
    """
    host, verdicts, due = choice.case.host, dict[int, VerificationResult](), list[int]()
    for number, one in enumerate(ours):
        if _age_s(one, host):
            continue
        url = one.resolution.endpoint.url
        if seen := verification_cache.recall_refusal(one.credential, url, host):
            verdicts[number] = VerificationResult("rejected", seen.words, "refused")
        elif asks:
            due.append(number)
    for number, verdict in zip(due, _ask(choice, [ours[one] for one in due]), strict=True):
        _remember(ours[number], verdict, host)
        verdicts[number] = verdict
    return dict(sorted(verdicts.items()))


def _ask(choice: Choice, due: list[_Delivered]) -> list[VerificationResult]:
    if not due:
        return []
    from shim.preflight.outcome import package_page, page_of_index
    from shim.preflight.rootless import names_of_command, with_packages
    from shim.preflight.verify import VerificationRequest, verify_all

    host, names = choice.case.host, tuple(names_of_command(choice))
    questions = []
    for one in due:
        endpoint = one.resolution.endpoint
        page = package_page(endpoint, choice) if choice.case.endpoints.packages else None
        url, manner = page_of_index(endpoint, one.config), choice.manner(endpoint)
        question = VerificationRequest(url, one.credential, one.route, manner, page)
        questions.append(with_packages(question, names, host))
    return [finding.verdict for finding in verify_all(questions, host, DEADLINE_S)]


def _remember(one: _Delivered, verdict: VerificationResult, host: Host) -> None:
    where = verification_cache.place_of(one.resolution.endpoint.url)
    if verdict.kind in PASSING:
        verification_cache.remember("proven", one.credential, one.place, verdict.kind, host)
        verification_cache.forget("rejected", one.credential, where, host)
    elif verdict.kind == "rejected":
        verification_cache.remember("rejected", one.credential, where, verdict.detail, host)
