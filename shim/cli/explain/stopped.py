"""What `shim explain` shows of a command that would be stopped: target, needs and answers as ever, and the channel that would be taken."""

from __future__ import annotations

from dataclasses import replace

from shim.config.settings import Settings, load_settings
from shim.core.errors import ShimError
from shim.core.host import Host
from shim.core.model import Answer, Credential, Delivery, Invocation, Needs, Plan, Secret
from shim.core.urls import scope_of_index
from shim.credentials.resolve import resolve
from shim.credentials.sources import DEFAULT_USERNAME
from shim.delivery import choose
from shim.routing.default_index import around, find_usage
from shim.tools import Tool

#: What stands in for the credential that is missing. Nothing is delivered here: only the way is shown.
STANDING_IN = "nobody yet"


def plan_stopped(tool: Tool, name: str, target: str, argv: tuple[str, ...], host: Host) -> Plan:
    """Return what can be found out about a command that `make_plan` refuses."""
    invocation = tool.read_invocation(name, argv, host, target)
    try:
        usage, settings = find_usage(tool, invocation, host), load_settings(host)
    except ShimError:
        return Plan(invocation, tool.read_needs(invocation, host), (), Delivery(argv))
    needs, host = usage.needs, around(host, usage.added)
    answers = _resolve(needs, settings, host)
    return Plan(invocation, needs, answers, _deliver(invocation, needs, answers, settings, host))


def _resolve(needs: Needs, settings: Settings, host: Host) -> tuple[Answer, ...]:
    """Return the answer for each need; a source that is broken is what its answer has tried."""
    answers: list[Answer] = []
    for need in needs.items:
        index = settings.index_for(need.url)
        try:
            answers += resolve(Needs((need,)), settings, host)
        except ShimError as error:
            answers.append(Answer(need, None, (*error.tried, (error.code, error.message)), index.name if index else None))
    return tuple(answers)


def _deliver(invocation: Invocation, needs: Needs, answers: tuple[Answer, ...], settings: Settings, host: Host) -> Delivery:
    """Return the channels alone, with something that stands in for each credential that a configured index lacks."""

    def fill(answer: Answer) -> Answer:
        if answer.credential or answer.index is None or answer.need.answered_by:
            return answer
        index = settings.index_named(answer.index)
        scope = (index and index.reach(answer.need.url)) or scope_of_index(answer.need.url)
        username = answer.need.username or (index.username if index else None) or DEFAULT_USERNAME
        return replace(answer, credential=Credential(username, Secret(STANDING_IN), scope, STANDING_IN))

    try:
        delivery = choose(invocation, needs, tuple(map(fill, answers)), settings, host).deliver()
    except ShimError as error:
        return Delivery(invocation.argv, warnings=(error.message,))
    return Delivery(invocation.argv, channels=delivery.channels)
