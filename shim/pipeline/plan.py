"""The plan of one command: what it asks, with which credentials, may it go, and how."""

from __future__ import annotations

from shim.config.settings import Settings, load_settings
from shim.core.dataclass import dataclass, replace
from shim.core.errors import ShimError
from shim.core.host import Host
from shim.core.model import Delivery, Endpoints, Invocation, Plan, Resolution
from shim.core.typing import TYPE_CHECKING, Mapping
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
        unused = asked.endpoints.unused_userinfo
        delivery = Delivery(cut_unused_userinfo(argv, unused) if unused else argv)
        plan = Plan(invocation, asked.endpoints, (), delivery)
        return _hide_secrets(tool, _put_variables(plan, asked))

    resolutions, added = _find_credentials(asked, settings, may_offer=ask_indexes)
    warnings = _guard(asked, resolutions, added, settings)
    choice, checked = _prove(asked, resolutions, added, settings, ask=ask_indexes)
    resolutions = checked.resolutions + added
    delivery = _deliver_routed(choice, asked, resolutions, settings)
    warnings += checked.warnings + _find_expiring(delivery, resolutions, asked.host)
    valid_until, endpoints = checked.valid_until, choice.case.endpoints
    plan = Plan(
        invocation, endpoints, resolutions, delivery, warnings, valid_until, settings.redact
    )
    if ask_indexes and choice.channel and not warnings:
        plan, choice = _withhold_refused(plan, choice, checked, added, asked, settings)
    plan = replace(plan, unserved=choice.unserved)
    return _hide_secrets(tool, _put_variables(plan, asked))


@dataclass(frozen=True, slots=True)
class _Asked:
    """A command and what it asks: its endpoints, the host as the tool will see it, and what
    `use-as` and `packages` make of that.

    `added` are the variables of `use-as`; None takes one back. `routing` is set if the command goes
    behind the redirector.
    """

    tool: Tool
    invocation: Invocation
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
    added = {**before, **usage.added}
    return _Asked(tool, invocation, endpoints, host, added, usage.warning, routing)


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
    asked: _Asked, settings: Settings, *, may_offer: bool
) -> tuple[tuple[Resolution, ...], tuple[Resolution, ...]]:
    """Return an answer for each endpoint, and those for indexes that only the redirector asks."""
    from shim.credentials.resolve import resolve

    resolutions = resolve(asked.endpoints, settings, asked.host)
    lacks_one = any(resolution.index and not resolution.credential for resolution in resolutions)
    if may_offer and asked.host.interactive and lacks_one:
        from shim.pipeline.offer import offer_logins

        if offer_logins(asked.invocation, resolutions, settings, asked.host):
            resolutions = resolve(asked.endpoints, settings, asked.host)
    return resolutions, asked.routing.resolve_added(settings, asked.host) if asked.routing else ()


def _guard(
    asked: _Asked,
    resolutions: tuple[Resolution, ...],
    added: tuple[Resolution, ...],
    settings: Settings,
) -> tuple[ShimError, ...]:
    """Return warnings. Raises ShimError for a careless project or an index passed over."""
    from shim.pipeline.unanswered import check_unanswered
    from shim.preflight.unsafe_settings import refuse_unsafe_settings

    endpoints, host, everything = _all_endpoints(asked), asked.host, resolutions + added
    refuse_unsafe_settings(asked.invocation, endpoints, everything, settings, host)
    return check_unanswered(asked.tool, asked.invocation, resolutions, settings, host)


def _all_endpoints(asked: _Asked) -> Endpoints:
    """Return the endpoints, with those of indexes that only the redirector asks."""
    if asked.routing is None:
        return asked.endpoints
    items = (*asked.endpoints.items, *asked.routing.added)
    return replace(asked.endpoints, items=items, routed=True)


def _prove(
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

    def choose_for(answers: tuple[Resolution, ...]) -> Choice:
        every = answers + added
        return choose(asked.invocation, endpoints, every, settings, host, unserved)

    while True:
        choice = choose_for(resolutions)
        checked = check_resolutions(asked.tool, choice, resolutions, ask=ask)
        resolutions = checked.resolutions
        if checked.unserved:
            unserved[choice.channel] = checked.unserved
        elif checked.further:
            endpoints = replace(endpoints, items=(*endpoints.items, *checked.further))
            resolutions += resolve_quietly(checked.further, settings, host)
        else:
            again = choose_for(resolutions)
            ours = [one.endpoint for one in resolutions if one.credential]
            if all(again.manner(one) == choice.manner(one) for one in ours):
                return again, checked


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
    """Return a warning for each token that ends too soon, unless our `keyring` is asked again."""
    from shim.pipeline.expiring import find_expiring

    renewed = frozenset(url for channel, url, _ in delivery.channels if channel == "face")
    return find_expiring(resolutions, renewed, host)


def _withhold_refused(
    plan: Plan,
    choice: Choice,
    checked: Checked,
    added: tuple[Resolution, ...],
    asked: _Asked,
    settings: Settings,
) -> tuple[Plan, Choice]:
    """Return plan and choice without credentials that an index refuses, and a warning for each."""
    from shim.preflight.refused import find_refused

    refused = find_refused(asked.tool, choice, checked.resolutions)
    valid_until = min(plan.valid_until, refused.valid_until)
    plan = replace(plan, warnings=refused.warnings, valid_until=valid_until)
    if not refused.withheld:
        return plan, choice
    from shim.delivery import choose

    kept = tuple(
        replace(one, credential=None) if one.endpoint in refused.withheld else one
        for one in checked.resolutions
    )
    resolutions = kept + added
    unserved = choice.unserved
    choice = choose(plan.invocation, plan.endpoints, resolutions, settings, asked.host, unserved)
    delivery = _deliver_routed(choice, asked, resolutions, settings)
    asked_now = choice.case.endpoints
    plan = replace(plan, endpoints=asked_now, resolutions=resolutions, delivery=delivery)
    return plan, choice


def _put_variables(plan: Plan, asked: _Asked) -> Plan:
    """Return the plan with the variables of `use-as` in its delivery."""
    from shim.routing.default_index import put_into

    delivery = put_into(plan.delivery, asked.added, asked.warning)
    return replace(plan, delivery=delivery, added=asked.added)


def _hide_secrets(tool: Tool, plan: Plan) -> Plan:
    """Return the plan with secret options moved out of argv, and masked output where needed."""
    delivery = tool.move_secrets(plan.invocation, plan.delivery)
    if any(resolution.credential for resolution in plan.resolutions) or delivery.environ:
        from shim.delivery.masking.policy import choose_masking

        given = (plan.invocation, plan.resolutions, delivery, tool.log_verbs)
        delivery = replace(delivery, masking=choose_masking(plan.redact, *given))
    return replace(plan, delivery=delivery)


def _cut_unneeded(tool: Tool, invocation: Invocation, host: Host) -> tuple[str, ...]:
    """Return argv without the passwords in its index options, for a command that asks none."""
    argv = invocation.argv
    if not invocation.verb or not any("://" in word and "@" in word for word in argv):
        return argv
    try:
        endpoints = tool.read_endpoints(replace(invocation, touches_index=True), host)
    except KeyError:  # a command without options for indexes, such as `pip config set`
        return argv
    indexes = (endpoint for endpoint in endpoints.items if endpoint.role in INDEX_ROLES)
    typed = (endpoint for endpoint in indexes if endpoint.inline_password is not None)
    named = [endpoint.location for endpoint in typed if endpoint.location]
    return cut_unused_userinfo(argv, (*named, *endpoints.unused_userinfo))
