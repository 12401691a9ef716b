"""Before pip goes: does each private index really take our credential? pip would read any trouble
as "not here" and take the package from the next index, whoever put it there.

`proven` means that strangers are refused and we are answered by the index itself, asked in the
manner of the channel that will be taken; it is remembered for minutes. What is rejected and came
from a cache is dropped and resolved once more. Anything but proven stops the command, unless nobody
else answers either. A channel that waits for a challenge is not taken where none comes.
"""

from __future__ import annotations

from shim.core.dataclass import dataclass
from shim.core.errors import ShimError
from shim.core.model import BARE, FOREVER, Credential, Endpoint, Endpoints, Resolution
from shim.core.typing import TYPE_CHECKING, NamedTuple
from shim.core.verdict import VerificationResult, unreachable
from shim.credentials.ask_once import drop
from shim.credentials.resolve import resolve
from shim.delivery import Choice
from shim.preflight.guarded_command import PROOF_S, GuardedCommand
from shim.preflight.outcome import look_for_files, page_of_index, place_of_proof, strangers_page
from shim.storage import verification_cache
from shim.storage.token_cache import describe_duration
from shim.tools import Tool

if TYPE_CHECKING:
    from shim.preflight.verify import VerificationFinding, VerificationRequest

#: All questions to private indexes together.
DEADLINE_S = 12.0
#: How long it counts that a server challenges strangers, and as what: that is the server's nature,
#: and no credential's.
PROFILE_S = 86400.0
CHALLENGED = "challenged"
#: How many files and pages beside the indexes are asked for, where a tool waits for a challenge.
MAX_WAITING = 8
#: What a proof and a rejection are remembered as. An index that answers everybody cannot be proven,
#: and passes like a proven one.
PASSING = ("proven", "open")


class Checked(NamedTuple):
    """The answers, warnings, and until when (UTC epoch seconds) that holds without asking again.

    `unserved` says why the chosen channel will not do: its tool would be answered as a stranger, or
    send the credential elsewhere. `further` are other private servers that only an index's pages
    name.
    """

    resolutions: tuple[Resolution, ...]
    warnings: tuple[ShimError, ...] = ()
    valid_until: float = FOREVER
    unserved: str | None = None
    further: tuple[Endpoint, ...] = ()


def check_resolutions(
    tool: Tool,
    choice: Choice,
    resolutions: tuple[Resolution, ...],
    *,
    ask: bool = True,
    deadline_s: float = DEADLINE_S,
) -> Checked:
    """Return the answers, healed where a cached token had gone stale, and warnings.

    Without `ask` no index is asked anything: what is remembered of the servers is what there is.

    Raises:
        Rejected, NotProven: pip would take packages from another index in place of a private one.
        SourceError: a source that is asked again is broken.
    """
    case = choice.case
    demand = tool.read_demand(case.invocation, case.host)
    if demand == "nothing":
        return Checked(resolutions)
    known = {resolution.endpoint.url.text for resolution in resolutions}
    unread = tuple(text for text in case.endpoints.unreadable_inputs if text not in known)
    command = GuardedCommand(
        tool, choice, list(resolutions), case.settings, case.host, demand == "packages", unread
    )
    preflight = _Preflight(command, deadline_s)
    warnings = preflight.run() if ask else preflight.recall()
    found = preflight.valid_until, preflight.unserved, preflight.further
    return Checked(tuple(command.resolutions), warnings, *found)


@dataclass(slots=True)
class _Preflight:
    """One command's check. Answers are named by their position, and `run` heals them."""

    command: GuardedCommand
    deadline_s: float
    valid_until: float = FOREVER
    unserved: str | None = None
    further: tuple[Endpoint, ...] = ()

    def run(self) -> tuple[ShimError, ...]:
        """Ask, heal, ask again what was healed; return warnings or raise."""
        private = self.command.positions(self.command.is_private)
        waiting = [one for one in self.command.positions(self.command.waits) if one not in private]
        verdicts = self._judge([*private, *waiting[:MAX_WAITING]])
        verdicts |= self._judge([one for one in verdicts if self._heal(one, verdicts[one])])
        failures = {
            position: verdicts[position]
            for position in private
            if position in verdicts and verdicts[position].kind not in PASSING
        }
        is_guarded = self.command.tool.falls_back_to_other_indexes and self.command.takes_packages
        warnings = self._stop(failures) if failures and is_guarded else ()
        if not self.unserved:
            self._look_for_files([position for position in private if position not in failures])
        return warnings

    def _stop(self, failures: dict[int, VerificationResult]) -> tuple[ShimError, ...]:
        from shim.preflight.stop import stop

        return stop(self.command, failures)

    def recall(self) -> tuple[ShimError, ...]:
        """Go by what is remembered of the servers alone."""
        private = self.command.positions(self.command.is_private)
        for position in private:
            self._question(self.command.resolutions[position])
        if not self.unserved:
            self._look_for_files(private, asks=False)
        return ()

    def _look_for_files(self, positions: list[int], *, asks: bool = True) -> None:
        """Find out where files lie: a channel may not go there, another server may be needed."""
        if self.command.tool.falls_back_to_other_indexes and not self.command.takes_packages:
            return
        resolutions = [self.command.resolutions[position] for position in positions]
        ways = [(one, self.command.route_to(one)) for one in resolutions if one.credential]
        found = look_for_files(self.command.choice, ways, asks=asks)
        self.unserved, self.valid_until = found.unserved, min(self.valid_until, found.valid_until)
        known = {one.endpoint.url.origin for one in self.command.resolutions}
        self.further = tuple(one for one in found.further if one.url.origin not in known)

    def _judge(self, positions: list[int]) -> dict[int, VerificationResult]:
        """Return the verdict of each answer not known to be good, from memory or asked at once."""
        verdicts: dict[int, VerificationResult] = {}
        due: dict[int, VerificationRequest] = {}
        for position in positions:
            resolution = self.command.resolutions[position]
            seen = self._recall_rejection(resolution)
            if resolution.credential and self.command.is_passed_by(resolution):
                why = "pip passes it by, since it is plain http"
                verdicts[position] = unreachable(resolution.endpoint.url, why, "passed-by")
            elif self.command.has_steps(resolution):
                why = "programs read the . and .. in its path differently"
                verdicts[position] = unreachable(resolution.endpoint.url, why, "steps")
            elif seen:
                words = f"{seen.words}, {describe_duration(seen.ago_s)} ago"
                verdicts[position] = VerificationResult("rejected", words, "again")
            elif question := self._question(resolution):
                due[position] = question
        return verdicts | self._ask(due)

    def _question(self, resolution: Resolution) -> VerificationRequest | None:
        """Return what to ask about an answer, or None if all that is wanted is remembered."""
        manner = self.command.choice.manner(resolution.endpoint) if resolution.credential else BARE
        age_s, waits = self.command.max_proof_age_s(resolution), self.command.waits(resolution)
        if age_s is None and not waits:
            return None
        index, route = self.command.index_of(resolution), self.command.route_to(resolution)
        where = place_of_proof(resolution.endpoint, manner, route, self.command.host)
        proven = age_s is None or self._remembers(resolution.credential, where, age_s)
        challenged = not waits or self._remembers_challenge(where)
        if (proven and challenged) or self.unserved:
            return None
        from shim.preflight.rootless import names_of_command, with_packages
        from shim.preflight.verify import VerificationRequest

        page = strangers_page(resolution.endpoint, self.command.choice) if waits else None
        url = page_of_index(resolution.endpoint, index)
        question = VerificationRequest(url, resolution.credential, route, manner, page)
        return with_packages(question, names_of_command(self.command.choice), self.command.host)

    def _remembers_challenge(self, where: str) -> bool:
        """Whether a server is known to challenge strangers, or lately known not to."""
        seen = verification_cache.recall("proven", None, where, self.command.host)
        if seen and seen.words != CHALLENGED:
            self.unserved = seen.words if seen.ago_s <= PROOF_S else self.unserved
            return False
        return self._remembers(None, where, PROFILE_S)

    def _remembers(self, credential: Credential | None, where: str, age_s: float) -> bool:
        """Whether a proof or a server's nature was seen lately; it limits the plan's validity."""
        seen = verification_cache.recall("proven", credential, where, self.command.host)
        is_fresh = seen is not None and seen.ago_s <= age_s
        ago_s = seen.ago_s if seen and is_fresh else 0.0
        self.valid_until = min(self.valid_until, self.command.host.clock() + age_s - ago_s)
        return is_fresh

    def _recall_rejection(self, resolution: Resolution) -> verification_cache.Seen | None:
        """Return the memory of this very secret being rejected: another try could lock the account.

        Where no other index could step in, `refused.py` says so, and the tool runs.
        """
        command, credential = self.command, resolution.credential
        is_guarded = (
            command.tool.falls_back_to_other_indexes
            and command.takes_packages
            and command.max_proof_age_s(resolution) is not None
        )
        if credential is None or not is_guarded or command.host.is_set("SHIM_REFRESH"):
            return None
        where = verification_cache.place_of(resolution.endpoint.url)
        return verification_cache.recall("rejected", credential, where, command.host)

    def _ask(self, due: dict[int, VerificationRequest]) -> dict[int, VerificationResult]:
        """Ask all of them at the same time, and remember what they said."""
        if not due:
            return {}
        from shim.preflight.verify import verify_all

        findings = verify_all(list(due.values()), self.command.host, self.deadline_s)
        for (position, question), finding in zip(due.items(), findings, strict=True):
            self.command.host.debug(f"preflight: {finding.verdict.kind}: {finding.verdict.detail}")
            self.unserved = self.unserved or finding.unserved
            self._remember(self.command.resolutions[position], question, finding)
        return {position: finding.verdict for position, finding in zip(due, findings, strict=True)}

    def _remember(
        self, resolution: Resolution, question: VerificationRequest, finding: VerificationFinding
    ) -> None:
        from shim.preflight.rootless import remember_page

        credential, verdict, host = resolution.credential, finding.verdict, self.command.host
        if credential is None:
            return
        where = place_of_proof(resolution.endpoint, question.manner, question.route, host)
        rejected_at = verification_cache.place_of(resolution.endpoint.url)
        # whether there is a page at the index's root, or the password is right, is another matter
        if finding.challenged:
            verification_cache.remember("proven", None, where, CHALLENGED, host)
        if verdict.kind in PASSING:
            verification_cache.remember("proven", credential, where, verdict.kind, host)
            verification_cache.forget("rejected", credential, rejected_at, host)
            remember_page(question.url, finding.told_by, host)
            if finding.unserved:
                verification_cache.remember("proven", None, where, finding.unserved, host)
        elif verdict.kind == "rejected":
            verification_cache.remember("rejected", credential, rejected_at, verdict.detail, host)

    def _heal(self, position: int, verdict: VerificationResult) -> bool:
        """Drop a rejected secret of a cache and resolve anew; return whether another came."""
        resolution, host = self.command.resolutions[position], self.command.host
        endpoint, credential = resolution.endpoint, resolution.credential
        is_stale = verdict.kind == "rejected" or verdict.trouble == "hidden"
        if not is_stale or not credential or not drop(endpoint.url, credential.secret, host):
            return False
        (again,) = resolve(Endpoints((endpoint,)), self.command.settings, host)
        if again.credential is None or again.credential.secret.same_as(credential.secret):
            return False
        self.command.resolutions[position] = again
        return True
