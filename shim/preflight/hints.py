"""What mends it when an index gives no answer: one hint for each cause, true for this index."""

from __future__ import annotations

from shim.config.index import IndexConfig
from shim.core import regex as re
from shim.core.causes import Cause
from shim.core.files import exists
from shim.core.host import Host
from shim.core.installation import repair_command
from shim.core.urls import Url
from shim.core.verdict import VerificationResult
from shim.net.http_client import probe
from shim.net.routes import CA_VARIABLES
from shim.preflight.failures import HINTS as TROUBLE_HINTS
from shim.preflight.route import route_to_index

PORT_HINT = "check that the server runs, and that {port} is its port"
NETWORK_HINT = "check the network or VPN, and the URL {url}"
#: Cause -> hint. Where an `[[index]]` or a file changes what is true, `hint_for_cause` says so.
HINTS: dict[Cause, str] = {
    "certificate": (
        "check the host in {url} and this machine's date; if both are right, who runs {host} must"
        " renew its certificate"
    ),
    "tls": "who runs {host} must offer TLS 1.2 or newer",
    "plain": PORT_HINT,
    "name": "check the spelling of {host}, and the network or VPN that knows it",
    "refused": PORT_HINT,
    "timeout": NETWORK_HINT,
    "network": NETWORK_HINT,
    "garbage": PORT_HINT,
}
PROXY_HINT = "the proxy is the one in {variable}: correct it, or let NO_PROXY have {host} in it"
AUTHORITY_HINT = (
    'say ca-bundle = "/path/of/its/authority.pem" for [[index]] {name} in {file}, or ca-bundle ='
    ' "system"'
)
AUTHORITY_HINT_FOR_URL = "shim setup {url} --ca-bundle /path/of/its/authority.pem"
NO_BUNDLE_HINT = "{who} names {path}, which is not there: correct it"
WRONG_BUNDLE_HINT = "the authority in {path} did not sign it: put the one of {host} there"
SIMPLE_HINT = "does the URL end in /simple/? as configured it is {url}"
SIMPLE_HINT_FOR_URL = "does the URL end in /simple/? try {better}"
VERIFY_URL_HINT = (
    'say verify-url = "{url}NAME/" for [[index]] {name} in {file}, with the name of a package that'
    " it has"
)

#: For learning why a server did not answer.
CAUSE_S = 3.0
#: Where a proxy may be named.
PROXY_VARIABLES = ("{scheme}_proxy", "{SCHEME}_PROXY", "all_proxy", "ALL_PROXY")


def hint_for_cause(cause: Cause, url: Url, index: IndexConfig | None, host: Host) -> str:
    """Return the one thing to do."""
    if cause in ("authority", "certificate") and (missing := _missing_bundle(index, host)):
        who, path = missing
        return NO_BUNDLE_HINT.format(who=who, path=path)
    if cause == "authority":
        return _hint_for_authority(url, index)
    if cause == "proxy":
        words = {"scheme": url.scheme, "SCHEME": url.scheme.upper()}
        names = [name.format(**words) for name in PROXY_VARIABLES]
        said = (name for name in names if host.environ.get(name))
        variable = next(said, "your pip's configuration")
        return PROXY_HINT.format(variable=variable, host=url.host)
    return HINTS[cause].format(url=url, host=url.host, port=url.port)


def hint_for_unreachable(
    verdict: VerificationResult, page: Url, index: IndexConfig | None, host: Host
) -> str:
    """Return what to do about an index without a usable answer; it is briefly asked why."""
    if verdict.trouble in ("hidden", "endless"):
        return hint_for_missing_page(page, index)
    if verdict.trouble in ("tls", "down"):
        outcome = probe(page, None, host, CAUSE_S, route_to_index(index, host))
        return hint_for_cause(outcome.cause or "timeout", page, index, host)
    if verdict.trouble in ("proxy", "slow"):
        cause: Cause = "proxy" if verdict.trouble == "proxy" else "timeout"
        return hint_for_cause(cause, page, index, host)
    if verdict.trouble == "unknown":  # PySocks is what it lacks
        return repair_command("[socks]")
    return TROUBLE_HINTS.get(verdict.trouble or "broken", HINTS["network"].format(url=page))


def hint_for_missing_page(url: Url, index: IndexConfig | None) -> str:
    """Return what to do about a 404: a URL that is no index's, or an index that lists nothing."""
    if re.search(r"simple/?$", url.path) is None:
        if index:
            return SIMPLE_HINT.format(url=index.url)
        return SIMPLE_HINT_FOR_URL.format(better=f"{url.text.rstrip('/')}/simple/")
    if index is None:
        return HINTS["network"].format(url=url)
    page = f"{url.text.rstrip('/')}/"
    return VERIFY_URL_HINT.format(url=page, name=index.name, file=index.defined_in)


def _hint_for_authority(url: Url, index: IndexConfig | None) -> str:
    if index is None:
        return AUTHORITY_HINT_FOR_URL.format(url=url)
    if index.ca_bundle and index.ca_bundle != "system":
        return WRONG_BUNDLE_HINT.format(path=index.ca_bundle, host=url.host)
    return AUTHORITY_HINT.format(name=index.name, file=index.defined_in)


def _missing_bundle(index: IndexConfig | None, host: Host) -> tuple[str, str] | None:
    """Return who names a file of authorities that is not there, and its path."""
    named = [(name, host.environ[name]) for name in CA_VARIABLES if host.environ.get(name)]
    if index and index.ca_bundle and index.ca_bundle != "system":
        who = f"ca-bundle of [[index]] {index.name} in {index.defined_in}"
        named.insert(0, (who, index.ca_bundle))
    return next(((who, path) for who, path in named if not exists(host.path(path))), None)
