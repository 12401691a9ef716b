"""What `shim explain` shows of a command that would be stopped, and the channel it would take."""

from __future__ import annotations

from shim.config.settings import Settings, load_settings
from shim.core.dataclass import replace
from shim.core.errors import ShimError
from shim.core.host import Host
from shim.core.model import Credential, Delivery, Endpoints, Invocation, Plan, Resolution, Secret
from shim.credentials.resolve import resolve
from shim.credentials.sources import DEFAULT_USERNAME, Query
from shim.delivery import choose
from shim.routing.default_index import around, find_usage
from shim.tools import Tool

#: What stands in for the credential that is missing: nothing is delivered here.
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
    delivery = _deliver(invocation, endpoints, resolutions, settings, host)
    return Plan(invocation, endpoints, resolutions, delivery)


def _resolve(endpoints: Endpoints, settings: Settings, host: Host) -> tuple[Resolution, ...]:
    """Return the answer for each endpoint; a source that is broken is what its answer has tried."""
    resolutions: list[Resolution] = []
    for endpoint in endpoints.items:
        try:
            resolutions += resolve(Endpoints((endpoint,)), settings, host)
        except ShimError as error:
            index = settings.index_for(endpoint.url)
            tried = (*error.tried, (error.code, error.message))
            resolutions.append(Resolution(endpoint, None, tried, index.name if index else None))
    return tuple(resolutions)


def _deliver(
    invocation: Invocation,
    endpoints: Endpoints,
    resolutions: tuple[Resolution, ...],
    settings: Settings,
    host: Host,
) -> Delivery:
    """Return the channels alone, with something in place of what a configured index lacks."""

    def fill(resolution: Resolution) -> Resolution:
        endpoint = resolution.endpoint
        if resolution.credential or resolution.index is None or endpoint.provided_by:
            return resolution
        query = Query(endpoint, settings.index_named(resolution.index), host)
        username, secret = query.username or DEFAULT_USERNAME, Secret(STANDING_IN)
        return replace(
            resolution, credential=Credential(username, secret, query.scope, STANDING_IN)
        )

    filled = tuple(map(fill, resolutions))
    try:
        delivery = choose(invocation, endpoints, filled, settings, host).deliver()
    except ShimError as error:
        return Delivery(invocation.argv, warnings=(error.message,))
    return Delivery(invocation.argv, channels=delivery.channels)
