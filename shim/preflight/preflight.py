"""Before pip goes: does each private index really take our credential? pip would read any trouble as "not here" and take the
package from the next index, whoever put it there.

`proven` means that strangers are refused and we are answered by the index itself, asked in the manner of the channel that will be
taken; it is remembered for minutes. What is rejected and came from a cache is dropped and resolved once more. Anything but proven
stops the command, unless nobody else answers either. A channel that waits for a challenge is not taken where none comes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from shim.config.index import IndexConfig
from shim.config.settings import Settings
from shim.core.errors import ShimError
from shim.core.host import Host
from shim.core.model import BARE, Answer, Credential, Need, Needs, Route
from shim.core.verdict import Trouble, Verdict
from shim.credentials.resolve import drop, resolve
from shim.delivery import Choice
from shim.preflight.failures import refusal
from shim.preflight.outcome import look_for_files, page_of_index, place_of_proof, strangers_page
from shim.preflight.route import route_to
from shim.storage import verification_cache
from shim.storage.token_cache import describe_duration
from shim.tools import Tool

if TYPE_CHECKING:
    from shim.preflight.verify import Finding, Question

#: All questions to private indexes together, and then those to the other ones: as long as pip itself waits for one (`--timeout`).
DEADLINE_S = 12.0
OTHERS_DEADLINE_S = 15.0
#: How long a proof counts where another index could step in, and where only a failure is spared.
PROOF_S = 300.0
RELAXED_PROOF_S = 900.0
#: How long it counts that a server challenges strangers, and as what: that is the server's nature, and no credential's.
PROFILE_S = 86400.0
CHALLENGED = "challenged"
#: How many files and pages beside the indexes are asked for, where a tool waits for a challenge.
MAX_WAITING = 8
#: Where packages come from, and what may name more such places.
PLACES = ("index", "extra", "links")
NAMING = (*PLACES, "input")
#: What a proof and a rejection are remembered as. An index that answers everybody cannot be proven, and passes like a proven one.
PASSING = ("proven", "open")
#: Troubles in which the tool gets nothing from an index either. That we could not ask is none of them.
SILENT: frozenset[Trouble | None] = frozenset({"tls", "down", "proxy"})

Warnings = tuple[ShimError, ...]


class Checked(NamedTuple):
    """The answers, warnings, and until when (UTC epoch seconds) that holds without asking again.

    `unserved` says why the chosen channel will not do: its tool would be answered as a stranger, or send the credential elsewhere.
    `further` are other private servers that only an index's pages name.
    """

    answers: tuple[Answer, ...]
    warnings: tuple[ShimError, ...] = ()
    valid_until: float = math.inf
    unserved: str | None = None
    further: tuple[Need, ...] = ()


def check_answers(tool: Tool, choice: Choice, answers: tuple[Answer, ...], *, ask: bool = True, deadline_s: float = DEADLINE_S) -> Checked:
    """Return the answers, healed where a cached token had gone stale, and warnings.

    Without `ask` no index is asked anything: what is remembered of the servers is what there is.

    Raises:
        Rejected, NotProven: pip would take packages from another index in place of a private one.
        SourceError: a source that is asked again is broken.
    """
    case = choice.case
    demand = tool.read_demand(case.invocation, case.host)
    if demand == "nothing":
        return Checked(answers)
    unread = tuple(text for text in case.needs.unknown if not any(text == answer.need.url.text for answer in answers))
    preflight = _Preflight(tool, choice, list(answers), case.settings, case.host, demand == "packages", deadline_s, unread)
    warnings = preflight.run() if ask else preflight.recall()
    return Checked(tuple(preflight.answers), warnings, preflight.valid_until, preflight.unserved, preflight.further)


@dataclass(slots=True)
class _Preflight:
    """One command's check. Answers are named by their position in `answers`, which `run` heals."""

    tool: Tool
    choice: Choice
    answers: list[Answer]
    settings: Settings
    host: Host
    #: Whether the command surely takes packages; one that may not is asked about its channel only.
    takes_packages: bool
    deadline_s: float
    #: Files that only the tool can read, and that may name indexes.
    unread: tuple[str, ...] = ()
    valid_until: float = math.inf
    unserved: str | None = None
    further: tuple[Need, ...] = ()

    def run(self) -> Warnings:
        """Ask, heal, ask again what was healed; return warnings or raise."""
        private = [position for position, answer in enumerate(self.answers) if self._is_private(answer)]
        waiting = [position for position, answer in enumerate(self.answers) if self._waits(answer) and position not in private]
        verdicts = self._judge([*private, *waiting[:MAX_WAITING]])
        healed = [position for position, verdict in verdicts.items() if self._heal(position, verdict)]
        verdicts |= self._judge(healed)
        failures = {position: verdicts[position] for position in private if position in verdicts and verdicts[position].kind not in PASSING}
        warnings = self._stop(failures) if self.tool.falls_open and self.takes_packages else ()
        if not self.unserved:
            self._look_for_files([position for position in private if position not in failures])
        return warnings

    def recall(self) -> Warnings:
        """Go by what is remembered of the servers alone."""
        private = [position for position, answer in enumerate(self.answers) if self._is_private(answer)]
        for position in private:
            self._question(self.answers[position])
        if not self.unserved:
            self._look_for_files(private, asks=False)
        return ()

    def _look_for_files(self, positions: list[int], *, asks: bool = True) -> None:
        """Find out where the indexes' files lie: the channel may not go there, and other servers of the user's may be needed."""
        if self.tool.falls_open and not self.takes_packages:
            return
        answers = [(answer, self._route_to(answer)) for answer in map(self.answers.__getitem__, positions) if answer.credential]
        found = look_for_files(self.choice, answers, self.settings, asks=asks)
        self.unserved, self.valid_until = found.unserved, min(self.valid_until, found.valid_until)
        known = {one.need.url.origin for one in self.answers}
        self.further = tuple(need for need in found.further if need.url.origin not in known)

    def _is_private(self, answer: Answer) -> bool:
        """Whether an index is ours to guard: it is configured, has a credential, or should have. A user name is the user's own affair."""
        index = self._index_of(answer)
        is_ours = bool(index or answer.credential or answer.blocked) and not (index and index.on_failure == "pass")
        return is_ours and answer.need.role in PLACES and not answer.need.answered_by

    def _waits(self, answer: Answer) -> bool:
        """Whether somebody else's answer to a stranger could stand in for what the credential is for. Locked files are an index's own."""
        is_named = answer.need.role in PLACES or (answer.need.role in ("input", "direct") and not answer.need.origin.project)
        return answer.credential is not None and is_named and not self.choice.manner(answer.need).unasked

    def _index_of(self, answer: Answer) -> IndexConfig | None:
        return self.settings.index_named(answer.index) if answer.index else None

    def _route_to(self, answer: Answer) -> Route:
        return route_to(answer.need.url, self._index_of(answer), self.choice.case.invocation, self.host)

    def _others(self, answer: Answer) -> list[int]:
        """Return where else the packages of an index could come from: the positions of other indexes, and of files that name some."""
        places = enumerate(self.answers)
        return [number for number, other in places if other.need.role in NAMING and other.need.url.text != answer.need.url.text]

    def _max_proof_age_s(self, answer: Answer) -> float | None:
        """Return how old a proof may be, or None if none is asked for: nobody could step in, and no cache could be stale."""
        if not self.takes_packages or answer.need.role not in PLACES:
            return None
        if self.tool.falls_open and (self._others(answer) or self.unread):
            return PROOF_S
        return RELAXED_PROOF_S if answer.credential and answer.credential.expires_at is not None else None

    def _judge(self, positions: list[int]) -> dict[int, Verdict]:
        """Return the verdict of each answer that is not known to be good: from memory, or all others asked at once."""
        verdicts: dict[int, Verdict] = {}
        due: dict[int, Question] = {}
        for position in positions:
            answer = self.answers[position]
            seen = self._recall_rejection(answer)
            if seen:
                verdicts[position] = Verdict("rejected", f"{seen.words}, {describe_duration(seen.ago_s)} ago", "again")
            elif question := self._question(answer):
                due[position] = question
        return verdicts | self._ask(due)

    def _question(self, answer: Answer) -> Question | None:
        """Return what to ask about an answer, or None if all that is wanted is remembered."""
        manner = self.choice.manner(answer.need) if answer.credential else BARE
        age_s, waits = self._max_proof_age_s(answer), self._waits(answer)
        if age_s is None and not waits:
            return None
        index, route = self._index_of(answer), self._route_to(answer)
        where = place_of_proof(answer.need, manner, route, self.host)
        proven = age_s is None or self._remembers(answer.credential, where, age_s)
        challenged = not waits or self._remembers_challenge(where)
        if (proven and challenged) or self.unserved:
            return None
        from shim.preflight.rootless import names_of_command, with_packages
        from shim.preflight.verify import Question

        page = strangers_page(answer.need, self.choice) if waits else None
        question = Question(page_of_index(answer.need, index), answer.credential, route, manner, page)
        return with_packages(question, names_of_command(self.choice), self.host)

    def _remembers_challenge(self, where: str) -> bool:
        """Whether a server is known to challenge strangers. One that did not lately is not asked again at once."""
        seen = verification_cache.recall("proven", None, where, self.host)
        if seen and seen.words != CHALLENGED:
            self.unserved = seen.words if seen.ago_s <= PROOF_S else self.unserved
            return False
        return self._remembers(None, where, PROFILE_S)

    def _remembers(self, credential: Credential | None, where: str, age_s: float) -> bool:
        """Whether a proof, or without a credential a server's nature, was seen and is not too old; it then ends this plan's validity."""
        seen = verification_cache.recall("proven", credential, where, self.host)
        is_fresh = seen is not None and seen.ago_s <= age_s
        self.valid_until = min(self.valid_until, self.host.clock() + age_s - (seen.ago_s if seen and is_fresh else 0.0))
        return is_fresh

    def _recall_rejection(self, answer: Answer) -> verification_cache.Seen | None:
        """Return the memory of this very secret being rejected: another try could lock the account.

        Where no other index could step in, `refused.py` says so, and the tool runs.
        """
        is_guarded = self.tool.falls_open and self.takes_packages and self._max_proof_age_s(answer) is not None
        if answer.credential is None or not is_guarded or self.host.is_set("SHIM_REFRESH"):
            return None
        return verification_cache.recall("rejected", answer.credential, verification_cache.place_of(answer.need.url), self.host)

    def _ask(self, due: dict[int, Question]) -> dict[int, Verdict]:
        """Ask all of them at the same time, and remember what they said."""
        if not due:
            return {}
        from shim.preflight.verify import verify_all

        findings = verify_all(list(due.values()), self.host, self.deadline_s)
        for (position, question), finding in zip(due.items(), findings, strict=True):
            self.host.debug(f"preflight: {finding.verdict.kind}: {finding.verdict.detail}")
            self.unserved = self.unserved or finding.unserved
            self._remember(self.answers[position], question, finding)
        return {position: finding.verdict for position, finding in zip(due, findings, strict=True)}

    def _remember(self, answer: Answer, question: Question, finding: Finding) -> None:
        from shim.preflight.rootless import remember_page

        credential, verdict = answer.credential, finding.verdict
        if credential is None:
            return
        where = place_of_proof(answer.need, question.manner, question.route, self.host)
        rejected_at = verification_cache.place_of(answer.need.url)
        if finding.challenged:  # whether there is a page at the index's root, or the password is right, is another matter
            verification_cache.remember("proven", None, where, CHALLENGED, self.host)
        if verdict.kind in PASSING:
            verification_cache.remember("proven", credential, where, verdict.kind, self.host)
            verification_cache.forget("rejected", credential, rejected_at, self.host)
            remember_page(question.url, finding.told_by, self.host)
            if finding.unserved:
                verification_cache.remember("proven", None, where, finding.unserved, self.host)
        elif verdict.kind == "rejected":
            verification_cache.remember("rejected", credential, rejected_at, verdict.detail, self.host)

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
        """Return what other index may answer, in words, or None. An answer of any kind counts: its packages may be below.

        Another private index that fails too is no excuse, unless it gives no answer at all.
        """
        silent = [number for number, verdict in failures.items() if verdict.trouble in SILENT]
        others = [number for number in self._others(self.answers[position]) if number not in silent]
        unread = f"an index that {self.unread[0]} may name" if self.unread else None
        if unread or not others:
            return unread
        from shim.net.http_client import Asked, probe_all

        questions = [Asked(self.answers[number].need.url, None, self._route_to(self.answers[number])) for number in others]
        outcomes = probe_all(questions, self.host, OTHERS_DEADLINE_S)
        answering = [number for number, outcome in zip(others, outcomes, strict=True) if outcome.trouble not in SILENT]
        return self.answers[answering[0]].need.url.text if answering else None
