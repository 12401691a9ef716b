"""The way on which variables lead our own requests. Apart from `http_client.py`: who compares ways
need not have what asks.
"""

from __future__ import annotations

from shim.core.host import Host
from shim.core.model import Route

#: Where a CA bundle may be named: pip's variable, requests', curl's, OpenSSL's.
CA_VARIABLES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


def route_of_environment(host: Host) -> Route:
    """Return what the variables say: their CA file or folder replaces the system's authorities."""
    bundle = next((host.environ[name] for name in CA_VARIABLES if host.environ.get(name)), None)
    return Route(authorities=(host.path(bundle),), system=False) if bundle else Route()
