"""What `shim explain` shows of a command that would be stopped: target, needs and answers as ever,
and the channel that would be taken.
"""

from __future__ import annotations

from dataclasses import replace

from shim.config.settings import Settings, load_settings
from shim.core.errors import ShimError
from shim.core.host import Host
from shim.core.model import Credential, Delivery, Endpoints, Invocation, Plan, Resolution, Secret
from shim.core.urls import scope_of_index
from shim.credentials.resolve import resolve
from shim.credentials.sources import DEFAULT_USERNAME
from shim.delivery import choose
from shim.routing.default_index import around, find_usage
from shim.tools import Tool

#: What stands in for the credential that is missing. Nothing is delivered here: only the way is
#: shown.
STANDING_IN = "nobody yet"


def plan_stopped(tool: Tool, name: str, target: str, argv: tuple[str, ...], host: Host) -> Plan:
    """Return what can be found out about a command that `make_plan` refuses."""
    invocation = tool.read_invocation(name, argv, host, target)
    try:
        usage, settings = find_usage(tool, invocation, host), load_settings(host)
    except ShimError:
        return Plan(invocation, tool.read_endpoints(invocation, host), (), Delivery(argv))
    endpoints, host = usage.endpoints, around(host, usage.added)
    resolutions = _resolve(endpoints, settings, host)
    return Plan(
        invocation,
        endpoints,
        resolutions,
        _deliver(invocation, endpoints, resolutions, settings, host),
    )


def _resolve(endpoints: Endpoints, settings: Settings, host: Host) -> tuple[Resolution, ...]:
    """Return the answer for each endpoint; a source that is broken is what its answer has tried."""
    resolutions: list[Resolution] = []
    for endpoint in endpoints.items:
        index = settings.index_for(endpoint.url)
        try:
            resolutions += resolve(Endpoints((endpoint,)), settings, host)
        except ShimError as error:
            resolutions.append(
                Resolution(
                    endpoint,
                    None,
                    (*error.tried, (error.code, error.message)),
                    index.name if index else None,
                )
            )
    return tuple(resolutions)


def _deliver(
    invocation: Invocation,
    endpoints: Endpoints,
    resolutions: tuple[Resolution, ...],
    settings: Settings,
    host: Host,
) -> Delivery:
    """Return the channels alone, with something that stands in for each credential that a
    configured index lacks.
    """

    def fill(resolution: Resolution) -> Resolution:
        if resolution.credential or resolution.index is None or resolution.endpoint.provided_by:
            return resolution
        index = settings.index_named(resolution.index)
        scope = (index and index.reach(resolution.endpoint.url)) or scope_of_index(
            resolution.endpoint.url
        )
        username = (
            resolution.endpoint.username or (index.username if index else None) or DEFAULT_USERNAME
        )
        return replace(
            resolution, credential=Credential(username, Secret(STANDING_IN), scope, STANDING_IN)
        )

    try:
        delivery = choose(
            invocation, endpoints, tuple(map(fill, resolutions)), settings, host
        ).deliver()
    except ShimError as error:
        return Delivery(invocation.argv, warnings=(error.message,))
    return Delivery(invocation.argv, channels=delivery.channels)
