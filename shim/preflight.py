"""Before pip goes: does each private index really take our credential? pip would read any trouble as "not here" and take the
package from the next index, whoever put it there.

`proven` means that strangers are refused and we are answered by the index itself; it is remembered for minutes. What is rejected
and came from a cache is dropped and resolved once more. Anything but proven stops the command, unless nobody else answers either.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from shim.errors import NoCredential, NotProven, ShimError
from shim.host import Host
from shim.laxity import PROXY_VARIABLES
from shim.model import Answer, Invocation, Needs, Route
from shim.refusals import refusal
from shim.resolve import drop, hint_for, resolve
from shim.route import route_to
from shim.setting_indexes import IndexConfig
from shim.settings import Settings, load_settings
from shim.store import proofs
from shim.store.cache import describe_duration
from shim.tools import Tool
from shim.urls import Url
from shim.verdict import Verdict

#: All questions to private indexes together, and then those to the other ones: as long as pip itself waits for one (`--timeout`).
DEADLINE_S = 12.0
OTHERS_DEADLINE_S = 15.0
#: How long a proof counts where another index could step in, and where only a failure is spared.
PROOF_S = 300.0
RELAXED_PROOF_S = 900.0
#: Where packages come from, and what may name more such places.
PLACES = ("index", "extra", "links")
NAMING = (*PLACES, "input")


#: What a proof and a rejection are remembered as. An index that answers everybody cannot be proven, and passes like a proven one.
PASSING = ("proven", "open")


@dataclass(frozen=True, slots=True)
class Checked:
    """The answers, warnings, and until when (UTC epoch seconds) that holds without asking again."""

    answers: tuple[Answer, ...]
    warnings: tuple[ShimError, ...] = ()
    valid_until: float = math.inf


def check_answers(
    tool: Tool,
    invocation: Invocation,
    answers: tuple[Answer, ...],
    settings: Settings,
    host: Host,
    *,
    unknown: tuple[str, ...] = (),
    ask: bool = True,
) -> Checked:
    """Return the answers, healed where a cached token had gone stale, and warnings. Without `ask` no index is asked anything.

    `unknown` is that of the needs: what the tool alone can read may name other indexes.

    Raises:
        NoCredential, Rejected, NotProven: pip would take packages from another index in place of a private one.
        SourceError: a source that is asked again is broken.
    """
    demand = tool.read_demand(invocation, host)
    if demand == "nothing":
        return Checked(answers)
    warnings = _check_unanswered(tool, answers, settings)
    if demand != "packages" or not ask:
        return Checked(answers, warnings)
    unread = tuple(text for text in unknown if not any(text == answer.need.url.text for answer in answers))
    preflight = _Preflight(tool, invocation, list(answers), settings, host, unread)
    warnings += preflight.run()
    return Checked(tuple(preflight.answers), warnings, preflight.valid_until)


def refuse_garbled(tool: Tool, invocation: Invocation, needs: Needs, host: Host) -> None:
    """Stop where pip would not find a private index, since its URL is not written as one, and go on to the next.

    Raises:
        NotProven: so it is.
    """
    garbled = [need for need in needs.garbled if not need.url.is_public]
    if not garbled or not tool.FALLS_OPEN or tool.read_demand(invocation, host) != "packages":
        return
    settings = load_settings(host)
    for need in garbled:
        index = settings.index_for(need.url)
        elsewhere = next((other.url for other in needs.items if other.role in NAMING and other.url.text != need.url.text), None)
        if elsewhere and (need.username or index) and (index is None or index.on_failure == "stop"):
            what = f"{need.url} (from {need.origin}) is written with white space, control characters or quotes"
            consequence = f"pip would not find it, and take the packages from {elsewhere} instead"
            raise NotProven(f"{what}: {consequence}", hint=f"write {need.url} without them in {need.origin}")


def _check_unanswered(tool: Tool, answers: tuple[Answer, ...], settings: Settings) -> tuple[ShimError, ...]:
    """Return warnings for configured indexes that nobody has a credential for; raise where the tool must not go on."""
    warnings: dict[str, ShimError] = {}
    for answer in answers:
        index = settings.index_named(answer.index) if answer.index else None
        if index is None or answer.credential or answer.need.answered_by or index.on_failure == "pass":
            continue
        message = f"no credential for {answer.need.url} (from {answer.need.origin})"
        error = NoCredential(message, tried=answer.tried, hint=hint_for(answer, index))
        if tool.FALLS_OPEN and index.on_failure == "stop":
            raise error
        warnings.setdefault(index.name, error)
    return tuple(warnings.values())


@dataclass(slots=True)
class _Preflight:
    """One command's check. Answers are named by their position in `answers`, which `run` heals."""

    tool: Tool
    invocation: Invocation
    answers: list[Answer]
    settings: Settings
    host: Host
    #: Files that only the tool can read, and that may name indexes.
    unread: tuple[str, ...] = ()
    valid_until: float = math.inf

    def run(self) -> tuple[ShimError, ...]:
        """Ask, heal, ask again what was healed; return warnings or raise."""
        private = [position for position, answer in enumerate(self.answers) if self._is_private(answer)]
        verdicts = self._judge(private)
        healed = [position for position, verdict in verdicts.items() if self._heal(position, verdict)]
        verdicts |= self._judge(healed)
        failures = {position: verdict for position, verdict in verdicts.items() if verdict.kind not in PASSING}
        return self._stop(failures) if self.tool.FALLS_OPEN else ()

    def _is_private(self, answer: Answer) -> bool:
        """Whether an index is ours to guard: it is configured, has a credential or should have, or insists on a user name."""
        index = self._index_of(answer)
        is_ours = bool(index or answer.credential or answer.blocked or answer.need.username) and not (index and index.on_failure == "pass")
        return is_ours and answer.need.role in PLACES and not answer.need.answered_by

    def _index_of(self, answer: Answer) -> IndexConfig | None:
        return self.settings.index_named(answer.index) if answer.index else None

    def _route_to(self, answer: Answer) -> Route:
        return route_to(answer.need.url, self._index_of(answer), self.invocation, self.host)

    def _others(self, answer: Answer) -> list[int]:
        """Return where else the packages of an index could come from: the positions of other indexes, and of files that name some."""
        places = enumerate(self.answers)
        return [number for number, other in places if other.need.role in NAMING and other.need.url.text != answer.need.url.text]

    def _max_proof_age_s(self, answer: Answer) -> float | None:
        """Return how old a proof may be, or None if none is asked for: nobody could step in, and no cache could be stale."""
        if self.tool.FALLS_OPEN and (self._others(answer) or self.unread):
            return PROOF_S
        return RELAXED_PROOF_S if answer.credential and answer.credential.expires_at is not None else None

    def _judge(self, positions: list[int]) -> dict[int, Verdict]:
        """Return the verdict of each answer that is not known to be good: from memory, or all others asked at once."""
        verdicts: dict[int, Verdict] = {}
        due: dict[int, Route] = {}
        for position in positions:
            answer = self.answers[position]
            seen = self._recall_rejection(answer)
            age_s = self._max_proof_age_s(answer)
            if seen:
                verdicts[position] = Verdict("rejected", f"{seen.words}, {describe_duration(seen.ago_s)} ago", "again")
            elif age_s is not None:
                route = self._route_to(answer)
                proof = (
                    proofs.recall("proven", answer.credential, _place(answer, route, self.host), self.host) if answer.credential else None
                )
                if proof is None or proof.ago_s > age_s:
                    due[position] = route
                self.valid_until = min(self.valid_until, self.host.clock() + age_s - (0.0 if position in due or not proof else proof.ago_s))
        return verdicts | self._ask(due)

    def _recall_rejection(self, answer: Answer) -> proofs.Seen | None:
        """Return the memory of this very secret being rejected: another try could lock the account."""
        if answer.credential is None or not self.tool.FALLS_OPEN or self.host.is_set("SHIM_REFRESH"):
            return None
        return proofs.recall("rejected", answer.credential, proofs.place_of(answer.need.url), self.host)

    def _ask(self, due: dict[int, Route]) -> dict[int, Verdict]:
        """Ask all of them at the same time, and remember what they said."""
        if not due:
            return {}
        from shim.verify import verify_all

        answers = [self.answers[position] for position in due]
        questions = [
            (_page(answer, self._index_of(answer)), answer.credential, route) for answer, route in zip(answers, due.values(), strict=True)
        ]
        verdicts = verify_all(questions, self.host, DEADLINE_S)
        for answer, route, verdict in zip(answers, due.values(), verdicts, strict=True):
            self.host.debug(f"preflight: {verdict.kind}: {verdict.detail}")
            if answer.credential and verdict.kind in PASSING:
                proofs.remember("proven", answer.credential, _place(answer, route, self.host), verdict.kind, self.host)
                proofs.forget("rejected", answer.credential, proofs.place_of(answer.need.url), self.host)
            elif answer.credential and verdict.kind == "rejected":
                proofs.remember("rejected", answer.credential, proofs.place_of(answer.need.url), verdict.detail, self.host)
        return dict(zip(due, verdicts, strict=True))

    def _heal(self, position: int, verdict: Verdict) -> bool:
        """Drop a secret that was rejected and came from a cache, and resolve once more; return whether there is another one now."""
        answer = self.answers[position]
        is_stale = verdict.kind == "rejected" or verdict.trouble == "hidden"
        if not is_stale or not answer.credential or not drop(answer.need.url, answer.credential.secret, self.host):
            return False
        (again,) = resolve(Needs((answer.need,)), self.settings, self.host)
        if again.credential is None or again.credential.secret.same_as(answer.credential.secret):
            return False
        self.answers[position] = again
        return True

    def _stop(self, failures: dict[int, Verdict]) -> tuple[ShimError, ...]:
        """Raise for the first private index that somebody else would stand in for; return warnings where only that is wanted."""
        warnings: list[ShimError] = []
        for position, verdict in failures.items():
            answer = self.answers[position]
            index = self._index_of(answer)
            is_rejected = verdict.kind == "rejected" and answer.credential is not None
            elsewhere = self._find_elsewhere(position, failures)
            if elsewhere is None and not is_rejected:
                continue  # nothing can come from a stranger: the tool may run, and say itself what it misses
            error = refusal(answer, index, verdict, elsewhere)
            if index is None or index.on_failure == "stop":
                raise error
            warnings.append(error)
            if is_rejected:
                self.answers[position] = replace(answer, credential=None)  # a rejected secret is not sent again
        return tuple(warnings)

    def _find_elsewhere(self, position: int, failures: dict[int, Verdict]) -> str | None:
        """Return what other index may answer, in words, or None. An answer of any kind counts: its packages may be below."""
        others = [number for number in self._others(self.answers[position]) if number not in failures]
        unread = f"an index that {self.unread[0]} may name" if self.unread else None
        if unread or not others:
            return unread
        from shim.http_client import probe_all

        questions = [(self.answers[number].need.url, None, self._route_to(self.answers[number])) for number in others]
        outcomes = probe_all(questions, self.host, OTHERS_DEADLINE_S)
        answering = [number for number, outcome in zip(others, outcomes, strict=True) if outcome.status is not None]
        return self.answers[answering[0]].need.url.text if answering else None


def _page(answer: Answer, index: IndexConfig | None) -> Url:
    """Return what to ask: `verify-url` where the command asks the very index that is configured, else the command's own URL."""
    own = index is not None and answer.need.url.text.rstrip("/") == index.url.text.rstrip("/")
    return index.verify_url if index and own else answer.need.url


def _place(answer: Answer, route: Route, host: Host) -> str:
    """Return where a proof counts: the index, by this way to it."""
    proxies = [host.environ.get(name) for name in (*PROXY_VARIABLES, "NO_PROXY", "no_proxy")] if route.proxy is None else []
    return f"{answer.need.url.text} {route!r} {proxies}"
