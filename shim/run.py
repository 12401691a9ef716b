"""The composition root of a wrapped command: Invocation, Needs, Credentials, Delivery, exec. The only place here that catches errors.

The rule for trouble: a command that needs no credential runs as without us, whatever is broken. A command that does
need one gets one clear message; if its tool would then take the package from somewhere else, it is stopped.
"""

from __future__ import annotations

from dataclasses import replace

from shim.errors import InternalError, NoCredential, ShimError, render
from shim.execute import become
from shim.host import Host, this_host, write_stderr
from shim.model import Answer, Delivery, Invocation, Needs, Plan
from shim.settings import Settings, config_files, load_settings
from shim.tools import Tool, load_tool


def main(name: str, target: str, argv: tuple[str, ...], launcher: str = "", *, sigpipe_ignored: bool = False) -> int:
    """Run the wrapped command `name argv`; returns an exit status only if the target was not started."""
    host = this_host(launcher)
    try:
        delivery = _deliver_or_pass(name, target, argv, host)
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
    return plan.delivery


def _make_and_record(tool: Tool, name: str, target: str, argv: tuple[str, ...], host: Host) -> Plan:
    """Return the plan, and write down what it came to for the next time. That this fails is nobody's trouble."""
    from shim.recording import observe, record

    with observe(host) as (observed, observer):
        plan = make_plan(tool, name, target, argv, observed)

    def plan_again(answers: tuple[Answer, ...]) -> Delivery:
        return _deliver(plan.invocation, plan.needs, answers, load_settings(host), host)

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


def make_plan(tool: Tool, name: str, target: str, argv: tuple[str, ...], host: Host) -> Plan:
    """Return everything about one command, with nothing done yet but asking sources.

    Raises:
        ShimError: a credential is needed and the configuration, a source or every channel is broken or refuses.
    """
    plan = _make_plan(tool, name, target, argv, host)
    return replace(plan, delivery=tool.move_secrets(plan.invocation, plan.delivery))


def _make_plan(tool: Tool, name: str, target: str, argv: tuple[str, ...], host: Host) -> Plan:
    invocation = tool.read_invocation(name, argv, host, target)
    untouched = Delivery(argv)
    if not invocation.touches_index:
        return Plan(invocation, Needs(), (), untouched)
    needs = tool.read_needs(invocation, host)
    private = [need for need in needs.items if not need.url.is_public]
    if not private:
        return Plan(invocation, needs, (), untouched)

    from shim.resolve import resolve

    try:
        settings = load_settings(host)
    except ShimError:
        if all(need.answered_by for need in private):  # the user sees to it alone: a broken config is not in the way
            return Plan(invocation, needs, (), untouched)
        raise
    answers = resolve(needs, settings, host)
    warnings = _check_unanswered(tool, answers, settings)
    return Plan(invocation, needs, answers, _deliver(invocation, needs, answers, settings, host), warnings)


def _deliver(invocation: Invocation, needs: Needs, answers: tuple[Answer, ...], settings: Settings, host: Host) -> Delivery:
    """Return what changes for the target: credentials, and the TLS settings of its indexes."""
    from shim.delivery import plan_delivery

    delivery = plan_delivery(invocation, needs, answers, settings, host)
    if any(index.ca_bundle or index.insecure for index in settings.indexes):
        from shim.delivery.trust import add_trust

        delivery = add_trust(delivery, invocation, needs, settings, host)
    return delivery


def _check_unanswered(tool: Tool, answers: tuple[Answer, ...], settings: Settings) -> tuple[ShimError, ...]:
    """Return warnings for configured indexes that nobody has a credential for; raise where the tool must not go on.

    pip reads a 401 as "not here" and takes a package of the same name from the next index. uv stops by itself.
    """
    from shim.resolve import hint_for

    warnings: dict[str, ShimError] = {}
    for answer in answers:
        index = settings.index_named(answer.index) if answer.index else None
        if index is None or answer.credential or answer.need.answered_by or index.on_failure == "pass":
            continue
        error = NoCredential(
            f"no credential for {answer.need.url} (from {answer.need.origin})",
            tried=answer.tried,
            hint=hint_for(answer, index),
        )
        if tool.FALLS_OPEN and index.on_failure == "stop":
            raise error
        warnings.setdefault(index.name, error)
    return tuple(warnings.values())


def _after_a_bug(tool: Tool, name: str, argv: tuple[str, ...], error: Exception, host: Host) -> Delivery:
    """Let the tool run as without us, unless it would fall open on a private index that somebody configured."""
    problem = InternalError(
        f"{type(error).__name__} in shim itself while preparing this {name}",
        hint="run it again with SHIM_DEBUG=1 and report what it prints; SHIM_BYPASS=1 runs it without shim",
    )
    if tool.FALLS_OPEN and _has_configured_index(host):
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
