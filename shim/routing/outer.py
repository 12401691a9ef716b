"""`shim exec`: any program, whose pips are behind the redirector by pip's variables and find the
credentials in a netrc.

uv has its store beside it. The netrc is for this alone: without `packages` and `index-strategy` no
program that we do not know is given one, since its own requests would send what is in it.
"""

from __future__ import annotations

from shim.config.settings import Settings
from shim.core.dataclass import replace
from shim.core.errors import ShimError
from shim.core.host import Host
from shim.core.model import Delivery, Endpoints, Invocation, Resolution, Target
from shim.hotpath.exec_target import place_memory
from shim.routing.inputs import Inputs, refusing_unread
from shim.routing.planning import (
    Routing,
    add_claiming,
    needs_redirector,
    refuse_unread,
    refuse_ways_around,
)
from shim.tools.pip.settings import FileReader, read_settings
from shim.tools.project.requests import pip_endpoints


def route_program(delivery: Delivery, target: str, settings: Settings, host: Host) -> Delivery:
    """Return the delivery of any program with the redirector in it, where it is configured and the
    program may start a pip.

    The netrc is placed here and now, beside the memory file that the delivery has.

    Raises:
        CannotRoute, CannotDeliver: pip's own settings lead around it, or a credential cannot be
            handed over.
    """
    if not settings.claims and not settings.index_strategy:
        return delivery
    options = read_settings(("install",), 0, Target("pip"), host, FileReader())
    own = pip_endpoints(host)
    refuse_unread(own, own.unreadable_inputs)
    refuse_ways_around(own, options)
    with refusing_unread("what pip.conf or a variable names"):
        Inputs(host, settings).read_command(options)
    if not needs_redirector(own, options, settings):
        return delivery
    invocation = Invocation(
        "shim exec", "project", Target(target), delivery.argv, (), True, "any program may start pip"
    )
    routing = Routing(invocation, own, add_claiming(own, settings), (), None)
    resolutions = _resolution(routing, settings, host)
    endpoints = Endpoints(tuple(resolution.endpoint for resolution in resolutions), routed=True)
    with_netrc = _with_netrc(delivery, invocation, endpoints, resolutions, settings, host)
    routed = routing.put_into(with_netrc, resolutions, settings, host)
    return replace(routed, channels=delivery.channels or routed.channels)


def _resolution(routing: Routing, settings: Settings, host: Host) -> tuple[Resolution, ...]:
    """Return the answers for pip's own indexes, be a source broken, and for claimed names'."""
    from shim.credentials.resolve import resolve

    resolutions: list[Resolution] = []
    for endpoint in routing.endpoints.items:
        try:
            resolutions += resolve(Endpoints((endpoint,)), settings, host)
        except ShimError as error:
            host.debug(f"no credential for {endpoint.url}: {error.message}")
            resolutions.append(Resolution(endpoint, None))
    return (*resolutions, *routing.resolve_added(settings, host))


def _with_netrc(
    delivery: Delivery,
    invocation: Invocation,
    endpoints: Endpoints,
    resolutions: tuple[Resolution, ...],
    settings: Settings,
    host: Host,
) -> Delivery:
    """Return the delivery with NETRC, and the memory file that it leads to in its place."""
    from shim.delivery import choose
    from shim.delivery.memory_file import process_path

    netrc = choose(invocation, endpoints, resolutions, settings, host).deliver()
    if netrc.memory is None:
        return delivery
    number = max(netrc.memory.descriptor, delivery.memory.descriptor if delivery.memory else 0) + 2
    place_memory(number, netrc.memory.text.reveal())
    return replace(delivery, environ={**delivery.environ, "NETRC": process_path(number)})
