"""The way on which pip itself would reach an index: its proxy, authorities and client certificate,
so that our check takes it too.

What we trust must not be more than what pip trusts: an index whose certificate only we accept would
be "proven", and pip would silently go on to the next one.

Sources: pip 26.3 `cli/index_command.py` (`_build_session`), `network/session.py` (trusted hosts);
requests `merge_environment_settings`, whose variables go before `--cert`; pip 24.2 with Python
3.10, first with truststore.
"""

from __future__ import annotations

from shim.config.index import SYSTEM, IndexConfig
from shim.core.host import Host
from shim.core.model import Invocation, Route
from shim.core.urls import Url
from shim.net.routes import route_of_environment

OPTIONS = ("proxy", "no-proxy-env", "cert", "client-cert", "trusted-host")


def route_to(url: Url, index: IndexConfig | None, invocation: Invocation, host: Host) -> Route:
    """Return how the tool reaches `url`; other tools than pip by environment and `[[index]]`."""
    if invocation.family != "pip":
        return route_to_index(index, host)
    from shim.delivery.tls import adds_to_system, pips_authorities, requests_bundle
    from shim.tools.pip.tool import read_options
    from shim.tools.unsafe_settings import names

    said = {
        name: [mention.text for mention in mentions]
        for name, mentions in read_options(invocation, host, OPTIONS).items()
    }
    obeys_environment = not said["proxy"] and not said["no-proxy-env"]
    overriding = requests_bundle(host) if obeys_environment else None
    adds = adds_to_system(invocation.target)
    bundle = overriding or next(iter(said["cert"]), None)
    own = host.path(bundle) if bundle else None if adds else pips_authorities(invocation)
    route = Route(
        proxy=said["proxy"][-1] if said["proxy"] else "" if said["no-proxy-env"] else None,
        authorities=(own,) if own else (),
        system=adds or own is None,
        client_certificate=host.path(said["client-cert"][-1]) if said["client-cert"] else None,
        unchecked=any(names(trusted, url) for trusted in said["trusted-host"]),
    )
    return _with_index(route, index, host)


def route_of_person(index: IndexConfig | None, host: Host) -> Route:
    """Return how our own requests reach an index for somebody who types `shim login`: also by
    `cert`, `client-cert` and `proxy` of the pip that is first on PATH, whose next command takes
    that way.
    """
    from shim.core.errors import TargetNotFound
    from shim.core.own_launchers import find_target
    from shim.tools.pip import tool

    try:
        target = find_target("pip", host)
    except TargetNotFound:
        target = ""
    invocation = tool.read_invocation("pip", ("download", "any"), host, target)
    said = {
        name: mentions[-1].text
        for name, mentions in tool.read_options(invocation, host, OPTIONS).items()
        if mentions
    }
    route = route_to_index(index, host)
    own = [host.path(said["cert"])] if "cert" in said else []
    return route._replace(
        proxy=said.get("proxy", route.proxy),
        authorities=(*route.authorities, *own),
        client_certificate=host.path(said["client-cert"]) if "client-cert" in said else None,
    )


def route_to_index(index: IndexConfig | None, host: Host) -> Route:
    """Return how our own requests reach an index: environment, `ca-bundle`, `insecure`."""
    return _with_index(route_of_environment(host), index, host)


def _with_index(route: Route, index: IndexConfig | None, host: Host) -> Route:
    if index is None:
        return route
    added = (host.path(index.ca_bundle),) if index.ca_bundle and index.ca_bundle != SYSTEM else ()
    return route._replace(
        authorities=(*route.authorities, *added),
        system=route.system or index.ca_bundle == SYSTEM,
        unchecked=route.unchecked or index.insecure,
    )
