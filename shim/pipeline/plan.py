"""The plan of one command: what it is, what it asks, with which credentials, whether it may go, and
how they are handed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shim.config.settings import Settings, load_settings
from shim.core.errors import ShimError
from shim.core.host import Host
from shim.core.model import Delivery, Endpoints, Invocation, Plan, Resolution
from shim.delivery.userinfo import cut_unused_userinfo
from shim.tools import Tool

if TYPE_CHECKING:
    from shim.delivery import Choice
    from shim.preflight.preflight import Checked
    from shim.routing.planning import Routing

INDEX_ROLES = ("index", "extra", "links")


def make_plan(
    tool: Tool,
    name: str,
    target: str,
    argv: tuple[str, ...],
    host: Host,
    *,
    ask_indexes: bool = True,
) -> Plan:
    """Return everything about one command, with nothing done but asking sources and, unless told
    not to, private indexes.

    Raises:
        ShimError: a credential is needed and the configuration, a source or every channel is broken
            or refuses.
    """
    invocation = tool.read_invocation(name, argv, host, target)
    if not invocation.touches_index:
        argv = _cut_unneeded(tool, invocation, host)
        return _hide_secrets(tool, Plan(invocation, Endpoints(), (), Delivery(argv)))

    asked = _find_asked(tool, invocation, host)
    settings = _load_settings(asked)
    if settings is None:
        unused_userinfo = asked.endpoints.unused_userinfo
        delivery = Delivery(cut_unused_userinfo(argv, unused_userinfo) if unused_userinfo else argv)
        return _hide_secrets(
            tool, _put_variables(Plan(invocation, asked.endpoints, (), delivery), asked)
        )

    resolutions, added = _find_credentials(invocation, asked, settings, may_offer=ask_indexes)
    warnings = _guard(tool, invocation, asked, resolutions, added, settings)
    choice, checked = _prove(tool, invocation, asked, resolutions, added, settings, ask=ask_indexes)
    resolutions = checked.resolutions + added
    delivery = _deliver_routed(choice, asked, resolutions, settings)
    warnings += checked.warnings + _find_expiring(delivery, resolutions, asked.host)
    plan = Plan(
        invocation,
        choice.case.endpoints,
        resolutions,
        delivery,
        warnings,
        checked.valid_until,
        settings.redact,
    )
    if ask_indexes and choice.channel and not warnings:
        plan, choice = _withhold_refused(tool, plan, choice, checked, added, asked, settings)
    plan = replace(plan, unserved=choice.unserved)
    return _hide_secrets(tool, _put_variables(plan, asked))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a command asks: its endpoints, the host as the tool will see it, and what `use-as` and
    `packages` make of that.

    `added` are the variables of `use-as`; None takes one back. `routing` is set if the command goes
    behind the redirector.
    """

    endpoints: Endpoints
    host: Host
    added: Mapping[str, str | None]
    warning: str
    routing: Routing | None


def _find_asked(tool: Tool, invocation: Invocation, host: Host) -> _Asked:
    """Return what the command asks.

    Raises:
        ShimError: the configuration, which speaks of this command's indexes, is broken; or one of
            its URLs is malformed.
    """
    from shim.config.mentions import is_mentioned
    from shim.routing.default_index import around, find_usage
    from shim.routing.nesting import take_back

    before = take_back(host.environ)
    host = around(host, before)
    usage = find_usage(tool, invocation, host)
    host, endpoints, routing = around(host, usage.added), usage.endpoints, None
    if is_mentioned(host):
        from shim.routing.planning import find_routing

        routing = find_routing(tool, invocation, endpoints, host)
    if endpoints.malformed:
        from shim.pipeline.unanswered import refuse_malformed

        refuse_malformed(tool, invocation, endpoints, host)
    return _Asked(endpoints, host, {**before, **usage.added}, usage.warning, routing)


def _load_settings(asked: _Asked) -> Settings | None:
    """Return the configuration; None where nothing that the command asks has to do with us."""
    private = [endpoint for endpoint in asked.endpoints.items if not endpoint.url.is_public]
    if not private and not asked.routing:
        return None
    try:
        return load_settings(asked.host)
    except ShimError:
        # The user sees to all of it alone: a broken configuration is not in the way.
        if not asked.routing and all(endpoint.provided_by for endpoint in private):
            return None
        raise


def _find_credentials(
    invocation: Invocation, asked: _Asked, settings: Settings, *, may_offer: bool
) -> tuple[tuple[Resolution, ...], tuple[Resolution, ...]]:
    """Return an answer for each endpoint of the command, and those for indexes that only the
    redirector asks.
    """
    from shim.credentials.resolve import resolve

    resolutions = resolve(asked.endpoints, settings, asked.host)
    lacks_one = any(resolution.index and not resolution.credential for resolution in resolutions)
    if may_offer and asked.host.interactive and lacks_one:
        from shim.pipeline.offer import offer_logins

        if offer_logins(invocation, resolutions, settings, asked.host):
            resolutions = resolve(asked.endpoints, settings, asked.host)
    return resolutions, asked.routing.resolve_added(settings, asked.host) if asked.routing else ()


def _guard(
    tool: Tool,
    invocation: Invocation,
    asked: _Asked,
    resolutions: tuple[Resolution, ...],
    added: tuple[Resolution, ...],
    settings: Settings,
) -> tuple[ShimError, ...]:
    """Return warnings. Raises ShimError where a project is careless, or an index without a
    credential is passed over.
    """
    from shim.pipeline.unanswered import check_unanswered
    from shim.preflight.unsafe_settings import refuse_unsafe_settings

    refuse_unsafe_settings(
        invocation, _all_endpoints(asked), resolutions + added, settings, asked.host
    )
    return check_unanswered(tool, invocation, resolutions, settings, asked.host)


def _all_endpoints(asked: _Asked) -> Endpoints:
    """Return the endpoints, with those of indexes that only the redirector asks."""
    if asked.routing is None:
        return asked.endpoints
    return replace(
        asked.endpoints, items=(*asked.endpoints.items, *asked.routing.added), routed=True
    )


def _prove(
    tool: Tool,
    invocation: Invocation,
    asked: _Asked,
    resolutions: tuple[Resolution, ...],
    added: tuple[Resolution, ...],
    settings: Settings,
    *,
    ask: bool,
) -> tuple[Choice, Checked]:
    """Return the first channel in whose manner every private index takes its credential, and what
    the check came to.

    A channel that a server does not answer to is not tried again, and a healed credential may need
    another one than the first. Answers that are `added` are handed over as well and not asked for:
    nothing else can stand in for their indexes.
    """
    from shim.credentials.resolve import resolve_quietly
    from shim.delivery import choose
    from shim.preflight.preflight import check_resolutions

    endpoints, host = _all_endpoints(asked), asked.host
    unserved: dict[str, str] = {}
    while True:
        choice = choose(invocation, endpoints, resolutions + added, settings, host, unserved)
        checked = check_resolutions(tool, choice, resolutions, ask=ask)
        if checked.unserved:
            unserved[choice.channel] = checked.unserved
        elif checked.further:
            endpoints = replace(endpoints, items=(*endpoints.items, *checked.further))
            resolutions = (*checked.resolutions, *resolve_quietly(checked.further, settings, host))
            continue
        else:
            again = choose(
                invocation, endpoints, checked.resolutions + added, settings, host, unserved
            )
            if all(
                again.manner(one.endpoint) == choice.manner(one.endpoint)
                for one in checked.resolutions
                if one.credential
            ):
                return again, checked
        resolutions = checked.resolutions


def _deliver_routed(
    choice: Choice, asked: _Asked, resolutions: tuple[Resolution, ...], settings: Settings
) -> Delivery:
    """Return the delivery, with the redirector in it where the command goes behind one."""
    delivery = deliver(choice)
    if asked.routing is None:
        return delivery
    return asked.routing.put_into(delivery, resolutions, settings, choice.case.host)


def deliver(choice: Choice) -> Delivery:
    """Return what changes for the target: credentials, and the TLS settings of its indexes."""
    delivery, case = choice.deliver(), choice.case
    if any(index.ca_bundle or index.insecure for index in case.settings.indexes):
        from shim.delivery.tls import add_trust

        delivery = add_trust(delivery, case.invocation, case.endpoints, case.settings, case.host)
    return delivery


def _find_expiring(
    delivery: Delivery, resolutions: tuple[Resolution, ...], host: Host
) -> tuple[ShimError, ...]:
    """Return a warning for each token that ends too soon. By the `keyring` face the tool asks for a
    new one by itself.
    """
    from shim.pipeline.expiring import find_expiring

    renewed = frozenset(url for channel, url, _ in delivery.channels if channel == "face")
    return find_expiring(resolutions, renewed, host)


def _withhold_refused(
    tool: Tool,
    plan: Plan,
    choice: Choice,
    checked: Checked,
    added: tuple[Resolution, ...],
    asked: _Asked,
    settings: Settings,
) -> tuple[Plan, Choice]:
    """Return the plan without credentials that an index refuses for good, a warning for each, and
    the choice that is left.
    """
    from shim.preflight.refused import find_refused

    refused = find_refused(tool, choice, checked.resolutions)
    plan = replace(
        plan, warnings=refused.warnings, valid_until=min(plan.valid_until, refused.valid_until)
    )
    if not refused.withheld:
        return plan, choice
    from shim.delivery import choose

    kept = tuple(
        replace(one, credential=None) if one.endpoint in refused.withheld else one
        for one in checked.resolutions
    )
    resolutions = kept + added
    choice = choose(
        plan.invocation, plan.endpoints, resolutions, settings, asked.host, choice.unserved
    )
    delivery = _deliver_routed(choice, asked, resolutions, settings)
    return (
        replace(plan, endpoints=choice.case.endpoints, resolutions=resolutions, delivery=delivery),
        choice,
    )


def _put_variables(plan: Plan, asked: _Asked) -> Plan:
    """Return the plan with the variables of `use-as` in its delivery."""
    from shim.routing.default_index import put_into

    return replace(
        plan, delivery=put_into(plan.delivery, asked.added, asked.warning), added=asked.added
    )


def _hide_secrets(tool: Tool, plan: Plan) -> Plan:
    """Return the plan with secret options moved out of argv, and with masking of the output where a
    secret could be in it.
    """
    delivery = tool.move_secrets(plan.invocation, plan.delivery)
    if any(resolution.credential for resolution in plan.resolutions) or delivery.environ:
        from shim.delivery.masking.policy import choose_masking

        masking = choose_masking(
            plan.redact, plan.invocation, plan.resolutions, delivery, tool.log_verbs
        )
        delivery = replace(delivery, masking=masking)
    return replace(plan, delivery=delivery)


def _cut_unneeded(tool: Tool, invocation: Invocation, host: Host) -> tuple[str, ...]:
    """Return argv without the passwords in its index options, for a command that asks no index: it
    may run for long, and show them.
    """
    argv = invocation.argv
    if not invocation.verb or not any("://" in word and "@" in word for word in argv):
        return argv
    try:
        endpoints = tool.read_endpoints(replace(invocation, touches_index=True), host)
    except KeyError:  # a command without options for indexes, such as `pip config set`
        return argv
    named = [
        endpoint.location
        for endpoint in endpoints.items
        if endpoint.location
        and endpoint.role in INDEX_ROLES
        and endpoint.inline_password is not None
    ]
    return cut_unused_userinfo(argv, (*named, *endpoints.unused_userinfo))
