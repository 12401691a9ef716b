"""One command as the preflight sees it: what answers it has, which of them are private indexes, and who could stand in for one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shim.config.index import IndexConfig
from shim.config.settings import Settings
from shim.core.host import Host
from shim.core.model import Answer, Route
from shim.delivery import Choice
from shim.preflight.route import route_to
from shim.tools import Tool

#: How long a proof counts where another index could step in, and where only a failure is spared.
PROOF_S = 300.0
RELAXED_PROOF_S = 900.0
#: Where packages come from, and what may name more such places.
PLACES = ("index", "extra", "links")
NAMING = (*PLACES, "input")


@dataclass(slots=True)
class GuardedCommand:
    """A command, its answers, and the way in which they will be handed over."""

    tool: Tool
    choice: Choice
    answers: list[Answer]
    settings: Settings
    host: Host
    #: Whether the command surely takes packages; one that may not is asked about its channel only.
    takes_packages: bool
    #: Files that only the tool can read, and that may name indexes.
    unread: tuple[str, ...] = ()

    def positions(self, chosen: Callable[[Answer], bool]) -> list[int]:
        """Return where the chosen answers stand."""
        return [position for position, answer in enumerate(self.answers) if chosen(answer)]

    def is_private(self, answer: Answer) -> bool:
        """Whether an index is ours to guard: it is configured, has a credential, or should have. A user name is the user's own affair."""
        index = self.index_of(answer)
        is_ours = bool(index or answer.credential or answer.blocked) and not (index and index.on_failure == "pass")
        return is_ours and answer.need.role in PLACES and not answer.need.answered_by

    def waits(self, answer: Answer) -> bool:
        """Whether somebody else's answer to a stranger could stand in for what the credential is for. Locked files are an index's own."""
        is_named = answer.need.role in PLACES or (answer.need.role in ("input", "direct") and not answer.need.origin.project)
        return answer.credential is not None and is_named and not self.choice.manner(answer.need).unasked

    def index_of(self, answer: Answer) -> IndexConfig | None:
        """Return the `[[index]]` that an answer is for, if one matches."""
        return self.settings.index_named(answer.index) if answer.index else None

    def route_to(self, answer: Answer) -> Route:
        """Return the way on which the tool reaches an answer's server."""
        return route_to(answer.need.url, self.index_of(answer), self.choice.case.invocation, self.host)

    def others(self, answer: Answer) -> list[int]:
        """Return where else the packages of an index could come from: the positions of other indexes, and of files that name some."""
        places = enumerate(self.answers)
        return [number for number, other in places if other.need.role in NAMING and other.need.url.text != answer.need.url.text]

    def max_proof_age_s(self, answer: Answer) -> float | None:
        """Return how old a proof may be, or None if none is asked for: nobody could step in, and no cache could be stale."""
        if not self.takes_packages or answer.need.role not in PLACES:
            return None
        if self.tool.falls_open and (self.others(answer) or self.unread):
            return PROOF_S
        return RELAXED_PROOF_S if answer.credential and answer.credential.expires_at is not None else None
