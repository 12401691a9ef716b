"""A wrapped command from its words to `exec`: a plan is made (`plan.py`), written down and carried
out. Errors are caught here alone.

The rule for trouble: a command that needs no credential runs as without us, whatever is broken. A
command that does need one gets one clear message; if its tool would then take the package from
somewhere else, it is stopped.
"""

from __future__ import annotations

from shim.config.settings import config_files, load_settings
from shim.core.dataclass import replace
from shim.core.errors import InternalError, ShimError, render
from shim.core.host import Host, this_host, write_stderr
from shim.core.model import Delivery, Plan, Resolution
from shim.hotpath.exec_target import become
from shim.pipeline.plan import deliver, make_plan
from shim.tools import Tool, load_tool


def main(
    name: str,
    target: str,
    argv: tuple[str, ...],
    launcher: str = "",
    *,
    sigpipe_ignored: bool = False,
) -> int:
    """Run the wrapped command; returns an exit status only if the target was not started."""
    host = this_host(launcher)
    try:
        delivery = _deliver_or_pass(name, target, argv, host)
        if delivery.masking:
            from shim.delivery.masking.supervise import stand_aside

            delivery = stand_aside(delivery)
        if delivery.routes:
            from shim.routing.companion import accompany

            delivery = accompany(delivery, host.environ)
        if delivery.memory and delivery.memory.pipe:
            from shim.delivery.handed_pipe import set_up

            delivery = set_up(delivery)
        become(target, name, delivery, host.environ, sigpipe_ignored=sigpipe_ignored)
    except ShimError as error:
        write_stderr(render(error))
        return error.exit_code
    except KeyboardInterrupt:
        return 130


def _deliver_or_pass(name: str, target: str, argv: tuple[str, ...], host: Host) -> Delivery:
    """Return the delivery, its warnings printed; a bug of ours does not keep tools from running."""
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

        target, audit = plan.invocation.target.path, load_settings(host).audit
        record_release(credentials, target, outcome, audit, host)


def _make_and_record(tool: Tool, name: str, target: str, argv: tuple[str, ...], host: Host) -> Plan:
    """Return the plan, and try to write down what it came to for the next time."""
    from shim.pipeline.observing import observe
    from shim.pipeline.plan_cache import record

    with observe(host) as (observed, observer):
        plan = make_plan(tool, name, target, argv, observed)

    def plan_again(resolutions: tuple[Resolution, ...]) -> Delivery:
        from shim.delivery import choose
        from shim.routing.default_index import around, put_into

        settings, around_it = load_settings(host), around(host, plan.added)
        choice = choose(
            plan.invocation, plan.endpoints, resolutions, settings, around_it, plan.unserved
        )
        again = put_into(deliver(choice), plan.added)
        if plan.delivery.routes:
            return replace(again, environ={**again.environ, **plan.delivery.environ})
        return again

    try:
        record(plan, observer, name, target, host, plan_again)
    except Exception as error:  # noqa: BLE001 (a record is a convenience)
        host.debug(f"no record of this plan: {type(error).__name__}")
    return plan


def _trace(plan: Plan, host: Host) -> None:
    """Tell stderr what was found out: names and places, never a value."""
    invocation, delivery = plan.invocation, plan.delivery
    host.debug(f"{invocation.target.path}: {invocation.reason}")
    for resolution in plan.resolutions:
        credential = resolution.credential
        who = f"{credential.source} as {credential.shown_username}" if credential else "nobody"
        if credential and credential.source == "url":
            who = "the URL"  # its user name may be the token
        endpoint = resolution.endpoint
        host.debug(f"{endpoint.url} (from {endpoint.origin}) is answered by {who}")
        for source, outcome in resolution.tried:
            host.debug(f"  {source}: {outcome}")
    for channel, url, why in delivery.channels:
        host.debug(f"channel {channel} for {url}: {why}")
    names = ", ".join(delivery.environ) or "no variable"
    how = "changed" if delivery.argv != invocation.argv else "as typed"
    host.debug(f"sets {names}; argv {how}")


def _after_a_bug(
    tool: Tool, name: str, argv: tuple[str, ...], error: Exception, host: Host
) -> Delivery:
    """Let the tool run as without us, unless it would fall open on a configured private index."""
    problem = InternalError(
        f"{type(error).__name__} in shim itself while preparing this {name}",
        hint=(
            "run it again with SHIM_DEBUG=1 and report what it prints; SHIM_BYPASS=1 runs it"
            " without shim"
        ),
    )
    from shim.config.mentions import is_mentioned as is_routed
    from shim.routing.default_index import is_mentioned

    falls_open = tool.falls_back_to_other_indexes or is_mentioned(host)
    if is_routed(host) or (falls_open and _has_configured_index(host)):
        raise problem from error
    write_stderr(render(problem, level="warning"))
    return Delivery(argv)


def _has_configured_index(host: Host) -> bool:
    """Whether any config file names an index; one that cannot be read counts."""
    import os

    try:
        return bool(load_settings(host).indexes)
    except ShimError:
        return any(os.path.exists(file) for file in config_files(host))
