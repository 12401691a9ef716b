"""The composition root of a wrapped command: Invocation, Needs, Credentials, Delivery, exec. The only place here that catches errors.

The rule for trouble: a command that needs no credential runs as without us, whatever is broken. A command that does
need one gets one clear message; if its tool would then take the package from somewhere else, it is stopped.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shim.config.settings import Settings, config_files, load_settings
from shim.core.errors import InternalError, ShimError, render
from shim.core.host import Host, this_host, write_stderr
from shim.core.model import Answer, Delivery, Invocation, Needs, Plan
from shim.delivery.userinfo import cut_spare
from shim.hotpath.exec_target import become
from shim.tools import Tool, load_tool

if TYPE_CHECKING:
    from shim.delivery import Choice
    from shim.preflight.preflight import Checked
    from shim.routing.planning import Routing

INDEX_ROLES = ("index", "extra", "links")


def main(name: str, target: str, argv: tuple[str, ...], launcher: str = "", *, sigpipe_ignored: bool = False) -> int:
    """Run the wrapped command `name argv`; returns an exit status only if the target was not started."""
    host = this_host(launcher)
    try:
        delivery = _deliver_or_pass(name, target, argv, host)
        if delivery.masking:
            from shim.delivery.masking.supervise import stand_aside

            delivery = stand_aside(delivery)
        if delivery.routes:
            from shim.routing.companion import accompany

            delivery = accompany(delivery, host.environ)
        become(target, name, delivery, host.environ, sigpipe_ignored=sigpipe_ignored)
    except ShimError as error:
        write_stderr(render(error))
        return error.exit_code
    except KeyboardInterrupt:
        return 130


def _deliver_or_pass(name: str, target: str, argv: tuple[str, ...], host: Host) -> Delivery:
    """Return the delivery of the command, its warnings printed. A bug of ours must not be the reason that a tool does not run."""
    tool = load_tool(name)
    try:
        plan = _make_and_record(tool, name, target, argv, host)
    except ShimError:
        raise
    except Exception as error:
        if host.is_set("SHIM_DEBUG"):
            raise
        return _after_a_bug(tool, name, argv, error, host)
    if host.is_set("SHIM_DEBUG"):
        _trace(plan, host)
    for warning in plan.warnings:
        write_stderr(render(warning, level="warning"))
    for text in plan.delivery.warnings:
        write_stderr(f"shim: warning: {text}\n")
    _audit(plan, host)
    return plan.delivery


def _audit(plan: Plan, host: Host) -> None:
    """Write down which credentials the target is given, and how."""
    credentials, outcome = plan.released
    if credentials:
        from shim.storage.audit_log import record_release

        record_release(credentials, plan.invocation.target.path, outcome, load_settings(host).audit, host)


def _make_and_record(tool: Tool, name: str, target: str, argv: tuple[str, ...], host: Host) -> Plan:
    """Return the plan, and write down what it came to for the next time. That this fails is nobody's trouble."""
    from shim.pipeline.observing import observe
    from shim.pipeline.plan_cache import record

    with observe(host) as (observed, observer):
        plan = make_plan(tool, name, target, argv, observed)

    def plan_again(answers: tuple[Answer, ...]) -> Delivery:
        from shim.delivery import choose
        from shim.routing.default_index import around, put_into

        choice = choose(plan.invocation, plan.needs, answers, load_settings(host), around(host, plan.added), plan.unserved)
        again = put_into(_deliver(choice), plan.added)
        return replace(again, environ={**again.environ, **plan.delivery.environ}) if plan.delivery.routes else again

    try:
        record(plan, observer, name, target, host, plan_again)
    except Exception as error:  # noqa: BLE001 (a record is a convenience)
        host.debug(f"no record of this plan: {type(error).__name__}")
    return plan


def _trace(plan: Plan, host: Host) -> None:
    """Tell stderr what was found out: names and places, never a value."""
    invocation, delivery = plan.invocation, plan.delivery
    host.debug(f"{invocation.target.path}: {invocation.reason}")
    for answer in plan.answers:
        credential = answer.credential
        who = f"{credential.source} as {credential.shown_username}" if credential else "nobody"
        if credential and credential.source == "url":
            who = "the URL"  # its user name may be the token
        host.debug(f"{answer.need.url} (from {answer.need.origin}) is answered by {who}")
        for source, outcome in answer.tried:
            host.debug(f"  {source}: {outcome}")
    for channel, url, why in delivery.channels:
        host.debug(f"channel {channel} for {url}: {why}")
    host.debug(f"sets {', '.join(delivery.environ) or 'no variable'}; argv {'changed' if delivery.argv != invocation.argv else 'as typed'}")


def make_plan(tool: Tool, name: str, target: str, argv: tuple[str, ...], host: Host, *, ask_indexes: bool = True) -> Plan:
    """Return everything about one command, with nothing done yet but asking sources and, unless told not to, private indexes.

    Raises:
        ShimError: a credential is needed and the configuration, a source or every channel is broken or refuses.
    """
    plan = _make_plan(tool, name, target, argv, host, ask_indexes=ask_indexes)
    delivery = tool.move_secrets(plan.invocation, plan.delivery)
    if any(answer.credential for answer in plan.answers) or delivery.environ:
        from shim.delivery.masking.policy import choose_masking

        masking = choose_masking(plan.redact, plan.invocation, plan.answers, delivery, tool.log_verbs)
        delivery = replace(delivery, masking=masking)
    return replace(plan, delivery=delivery)


def _make_plan(tool: Tool, name: str, target: str, argv: tuple[str, ...], host: Host, *, ask_indexes: bool) -> Plan:
    invocation = tool.read_invocation(name, argv, host, target)
    if not invocation.touches_index:
        return Plan(invocation, Needs(), (), Delivery(_cut_unneeded(tool, invocation, host)))
    from shim.routing.default_index import around, find_usage, put_into
    from shim.routing.nesting import take_back

    before = take_back(host.environ)
    host = around(host, before)
    usage = find_usage(tool, invocation, host)
    plan = _plan_needs(tool, invocation, usage.needs, around(host, usage.added), ask_indexes=ask_indexes)
    return replace(plan, delivery=put_into(plan.delivery, {**before, **usage.added}, usage.warning), added={**before, **usage.added})


def _plan_needs(tool: Tool, invocation: Invocation, needs: Needs, host: Host, *, ask_indexes: bool) -> Plan:
    argv, routing = invocation.argv, _find_routing(tool, invocation, needs, host)
    if needs.garbled:
        from shim.pipeline.unanswered import refuse_garbled

        refuse_garbled(tool, invocation, needs, host)
    untouched = Delivery(cut_spare(argv, needs.spare) if needs.spare else argv)
    private = [need for need in needs.items if not need.url.is_public]
    if not private and not routing:
        return Plan(invocation, needs, (), untouched)

    from shim.credentials.resolve import resolve
    from shim.delivery import choose
    from shim.pipeline.expiring import find_ending
    from shim.pipeline.unanswered import check_unanswered
    from shim.preflight.unsafe_settings import refuse_laxity

    try:
        settings = load_settings(host)
    except ShimError:
        if not routing and all(need.answered_by for need in private):  # the user sees to it alone: a broken config is not in the way
            return Plan(invocation, needs, (), untouched)
        raise
    answers = resolve(needs, settings, host)
    if ask_indexes and host.interactive and any(answer.index and not answer.credential for answer in answers):
        from shim.pipeline.offer import offer_logins

        answers = resolve(needs, settings, host) if offer_logins(invocation, answers, settings, host) else answers
    added = routing.answer_added(settings, host) if routing else ()
    if routing:
        needs = replace(needs, items=(*needs.items, *routing.added), routed=True)
    refuse_laxity(invocation, needs, answers + added, settings, host)
    warnings = check_unanswered(tool, invocation, answers, settings, host)
    choice, checked = _prove(tool, invocation, needs, answers, settings, host, ask=ask_indexes, added=added)
    answers = checked.answers + added
    delivery = _deliver_routed(choice, routing, answers, settings)
    renewed = frozenset(url for channel, url, _ in delivery.channels if channel == "face")
    warnings += checked.warnings + find_ending(answers, renewed, host)
    valid_until = checked.valid_until
    if ask_indexes and choice.channel and not warnings:
        from shim.preflight.refused import find_refused

        refused = find_refused(tool, choice, checked.answers)
        warnings, valid_until = refused.warnings, min(valid_until, refused.valid_until)
        if refused.withheld:
            kept = tuple(replace(one, credential=None) if one.need in refused.withheld else one for one in checked.answers)
            answers = kept + added
            choice = choose(invocation, choice.case.needs, answers, settings, host, choice.unserved)
            delivery = _deliver_routed(choice, routing, answers, settings)
    plan = Plan(invocation, choice.case.needs, answers, delivery, warnings, valid_until, settings.redact)
    return replace(plan, unserved=choice.unserved)


def _deliver_routed(choice: Choice, routing: Routing | None, answers: tuple[Answer, ...], settings: Settings) -> Delivery:
    """Return the delivery, with the redirector in it where the command goes behind one."""
    delivery = _deliver(choice)
    return routing.put_into(delivery, answers, settings, choice.case.host) if routing else delivery


def _find_routing(tool: Tool, invocation: Invocation, needs: Needs, host: Host) -> Routing | None:
    """Return how the command goes behind the redirector, None if it does not. Raises ShimError."""
    from shim.config.mentions import is_mentioned

    if not is_mentioned(host):
        return None
    from shim.routing.planning import find_routing

    return find_routing(tool, invocation, needs, host)


def _prove(
    tool: Tool,
    invocation: Invocation,
    needs: Needs,
    answers: tuple[Answer, ...],
    settings: Settings,
    host: Host,
    *,
    ask: bool,
    added: tuple[Answer, ...] = (),
) -> tuple[Choice, Checked]:
    """Return the first channel in whose manner every private index takes its credential, and what the check came to.

    A channel that a server does not answer to is not tried again, and a healed credential may need another one than the first.
    Answers that are `added` are handed over as well and not asked for: nothing else can stand in for their indexes.
    """
    from shim.credentials.resolve import resolve_quietly
    from shim.delivery import choose
    from shim.preflight.preflight import check_answers

    unserved: dict[str, str] = {}
    while True:
        choice = choose(invocation, needs, answers + added, settings, host, unserved)
        checked = check_answers(tool, choice, answers, ask=ask)
        if checked.unserved:
            unserved[choice.channel] = checked.unserved
        elif checked.further:
            needs = replace(needs, items=(*needs.items, *checked.further))
            answers = (*checked.answers, *resolve_quietly(checked.further, settings, host))
            continue
        else:
            again = choose(invocation, needs, checked.answers + added, settings, host, unserved)
            if all(again.manner(one.need) == choice.manner(one.need) for one in checked.answers if one.credential):
                return again, checked
        answers = checked.answers


def _cut_unneeded(tool: Tool, invocation: Invocation, host: Host) -> tuple[str, ...]:
    """Return argv without the passwords in its index options, for a command that asks no index: it may run for long, and show them."""
    argv = invocation.argv
    if not invocation.verb or not any("://" in word and "@" in word for word in argv):
        return argv
    try:
        needs = tool.read_needs(replace(invocation, touches_index=True), host)
    except KeyError:  # a command without options for indexes, such as `pip config set`
        return argv
    named = [need.place for need in needs.items if need.place and need.role in INDEX_ROLES and need.given is not None]
    return cut_spare(argv, (*named, *needs.spare))


def _deliver(choice: Choice) -> Delivery:
    """Return what changes for the target: credentials, and the TLS settings of its indexes."""
    delivery, case = choice.deliver(), choice.case
    if any(index.ca_bundle or index.insecure for index in case.settings.indexes):
        from shim.delivery.tls import add_trust

        delivery = add_trust(delivery, case.invocation, case.needs, case.settings, case.host)
    return delivery


def _after_a_bug(tool: Tool, name: str, argv: tuple[str, ...], error: Exception, host: Host) -> Delivery:
    """Let the tool run as without us, unless it would fall open on a private index that somebody configured."""
    problem = InternalError(
        f"{type(error).__name__} in shim itself while preparing this {name}",
        hint="run it again with SHIM_DEBUG=1 and report what it prints; SHIM_BYPASS=1 runs it without shim",
    )
    from shim.config.mentions import is_mentioned as is_routed
    from shim.routing.default_index import is_mentioned

    if is_routed(host) or ((tool.falls_open or is_mentioned(host)) and _has_configured_index(host)):
        raise problem from error
    write_stderr(render(problem, level="warning"))
    return Delivery(argv)


def _has_configured_index(host: Host) -> bool:
    """Whether any config file names an index; a file that cannot be read counts as one that does."""
    import os

    try:
        return bool(load_settings(host).indexes)
    except ShimError:
        return any(os.path.exists(file) for file in config_files(host))
