"""Stops a command whose private index is not proven, where another index could stand in for it."""

from __future__ import annotations

from shim.core.dataclass import replace
from shim.core.errors import ShimError
from shim.core.verdict import Trouble, VerificationResult
from shim.preflight.failures import refusal
from shim.preflight.guarded_command import GuardedCommand

#: All questions to the other indexes together: as long as pip itself waits for one (`--timeout`).
OTHERS_DEADLINE_S = 15.0
#: Troubles in which the tool gets nothing from an index either. That we could not ask is none of
#: them.
SILENT: frozenset[Trouble | None] = frozenset({"tls", "down", "proxy", "passed-by"})


def stop(command: GuardedCommand, failures: dict[int, VerificationResult]) -> tuple[ShimError, ...]:
    """Raise for the first index that others would stand in for; warn where that is wanted."""
    warnings: list[ShimError] = []
    for position, verdict in failures.items():
        resolution = command.resolutions[position]
        index = command.index_of(resolution)
        is_rejected = verdict.kind == "rejected" and resolution.credential is not None
        elsewhere = _find_elsewhere(command, position, failures)
        if elsewhere is None and not is_rejected:
            # nothing can come from a stranger: the tool may run, and say itself what it misses
            continue
        error = refusal(resolution, index, verdict, elsewhere)
        if index is None or index.on_failure == "stop":
            raise error
        warnings.append(error)
        if is_rejected:
            # A rejected secret is not sent again.
            command.resolutions[position] = replace(resolution, credential=None)
    return tuple(warnings)


def _find_elsewhere(
    command: GuardedCommand, position: int, failures: dict[int, VerificationResult]
) -> str | None:
    """Return what other index may answer, in words, or None. An answer of any kind counts: its
    packages may be below.

    Another private index that fails too is no excuse, unless it gives no answer at all.
    """
    silent = [number for number, verdict in failures.items() if verdict.trouble in SILENT]
    own = command.resolutions[position]
    others = [command.resolutions[one] for one in command.others(own) if one not in silent]
    unread = f"an index that {command.unread[0]} may name" if command.unread else None
    if unread or not others:
        return unread
    from shim.net.http_client import Asked, probe_all

    questions = [Asked(one.endpoint.url, None, command.route_to(one)) for one in others]
    outcomes = probe_all(questions, command.host, OTHERS_DEADLINE_S)
    for other, outcome in zip(others, outcomes, strict=True):
        if outcome.trouble not in SILENT:
            return other.endpoint.url.text
    return None
