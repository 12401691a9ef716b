"""One command as the preflight sees it: what answers it has, which of them are private indexes, and
who could stand in for one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shim.config.index import IndexConfig
from shim.config.settings import Settings
from shim.core.host import Host
from shim.core.model import Resolution, Route
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
    resolutions: list[Resolution]
    settings: Settings
    host: Host
    #: Whether the command surely takes packages; one that may not is asked about its channel only.
    takes_packages: bool
    #: Files that only the tool can read, and that may name indexes.
    unread: tuple[str, ...] = ()

    def positions(self, chosen: Callable[[Resolution], bool]) -> list[int]:
        """Return where the chosen answers stand."""
        return [
            position for position, resolution in enumerate(self.resolutions) if chosen(resolution)
        ]

    def is_private(self, resolution: Resolution) -> bool:
        """Whether an index is ours to guard: it is configured, has a credential, or should have. A
        user name is the user's own affair.
        """
        index = self.index_of(resolution)
        is_ours = bool(index or resolution.credential or resolution.blocked) and not (
            index and index.on_failure == "pass"
        )
        return (
            is_ours and resolution.endpoint.role in PLACES and not resolution.endpoint.provided_by
        )

    def waits(self, resolution: Resolution) -> bool:
        """Whether somebody else's answer to a stranger could stand in for what the credential is
        for. Locked files are an index's own.
        """
        is_named = resolution.endpoint.role in PLACES or (
            resolution.endpoint.role in ("input", "direct")
            and not resolution.endpoint.origin.project
        )
        return (
            resolution.credential is not None
            and is_named
            and not self.choice.manner(resolution.endpoint).unasked
        )

    def index_of(self, resolution: Resolution) -> IndexConfig | None:
        """Return the `[[index]]` that an answer is for, if one matches."""
        return self.settings.index_named(resolution.index) if resolution.index else None

    def route_to(self, resolution: Resolution) -> Route:
        """Return the way on which the tool reaches an answer's server."""
        return route_to(
            resolution.endpoint.url,
            self.index_of(resolution),
            self.choice.case.invocation,
            self.host,
        )

    def others(self, resolution: Resolution) -> list[int]:
        """Return where else the packages of an index could come from: the positions of other
        indexes, and of files that name some.
        """
        places = enumerate(self.resolutions)
        return [
            number
            for number, other in places
            if other.endpoint.role in NAMING
            and other.endpoint.url.text != resolution.endpoint.url.text
        ]

    def max_proof_age_s(self, resolution: Resolution) -> float | None:
        """Return how old a proof may be, or None if none is asked for: nobody could step in, and no
        cache could be stale.
        """
        if not self.takes_packages or resolution.endpoint.role not in PLACES:
            return None
        if self.tool.falls_back_to_other_indexes and (self.others(resolution) or self.unread):
            return PROOF_S
        return (
            RELAXED_PROOF_S
            if resolution.credential and resolution.credential.expires_at is not None
            else None
        )
