"""One command as the preflight sees it: its private indexes, and who could stand in for them."""

from __future__ import annotations

from shim.config.index import IndexConfig
from shim.config.settings import Settings
from shim.core.dataclass import dataclass
from shim.core.host import Host
from shim.core.model import Resolution, Route
from shim.core.typing import Callable
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
        return [number for number, one in enumerate(self.resolutions) if chosen(one)]

    def is_private(self, resolution: Resolution) -> bool:
        """Whether an index is ours to guard: it is configured, has a credential, or should."""
        index, endpoint = self.index_of(resolution), resolution.endpoint
        is_ours = bool(index or resolution.credential or resolution.blocked)
        may_fail = index is not None and index.on_failure == "pass"
        return is_ours and not may_fail and endpoint.role in PLACES and not endpoint.provided_by

    def waits(self, resolution: Resolution) -> bool:
        """Whether another's answer to a stranger could stand in; locked files are an index's."""
        endpoint = resolution.endpoint
        is_said = endpoint.role in ("input", "direct") and not endpoint.origin.project
        if resolution.credential is None or not (endpoint.role in PLACES or is_said):
            return False
        return not self.choice.manner(endpoint).unasked

    def index_of(self, resolution: Resolution) -> IndexConfig | None:
        """Return the `[[index]]` that an answer is for, if one matches."""
        return self.settings.index_named(resolution.index)

    def route_to(self, resolution: Resolution) -> Route:
        """Return the way on which the tool reaches an answer's server."""
        index, invocation = self.index_of(resolution), self.choice.case.invocation
        return route_to(resolution.endpoint.url, index, invocation, self.host)

    def is_passed_by(self, resolution: Resolution) -> bool:
        """Whether pip sends an index nothing: plain http on another machine, and not trusted."""
        if self.choice.case.invocation.family != "pip" or resolution.endpoint.url.is_confidential:
            return False
        return not self.route_to(resolution).unchecked

    def has_steps(self, resolution: Resolution) -> bool:
        """Whether a password is typed into a URL to whose path we send none: `x/../y`."""
        credential, url = resolution.credential, resolution.endpoint.url
        return credential is not None and not credential.scope.covers(url)

    def others(self, resolution: Resolution) -> list[int]:
        """Return the positions of other places that an index's packages could come from."""
        url = resolution.endpoint.url.text
        return self.positions(
            lambda other: other.endpoint.role in NAMING and other.endpoint.url.text != url
        )

    def max_proof_age_s(self, resolution: Resolution) -> float | None:
        """Return how old a proof may be; None if none is asked for: nobody could stand in."""
        if not self.takes_packages or resolution.endpoint.role not in PLACES:
            return None
        if self.tool.falls_back_to_other_indexes and (self.others(resolution) or self.unread):
            return PROOF_S
        may_end = resolution.credential and resolution.credential.expires_at is not None
        return RELAXED_PROOF_S if may_end else None
