"""TLS of a private index: its `ca-bundle` and `insecure` as the tool's own variables.

pip and uv have one list of authorities for all servers, so an authority for one index is trusted
for every server of the command: the tools force that, and `shim explain` says it. Where the tool
would lose its own authorities by ours, it is given both in one file. What the user said for this
command (`--cert`) stands.

Sources: pip 26.3 `_internal/network/session.py`, `_vendor/truststore`; requests
`merge_environment_settings` (its variables go before `--cert`); uv 0.13.8 documentation "TLS
certificates"; what counts was measured with pip 20.3.4 to 26.3, uv 0.5 to 0.13.
"""

from __future__ import annotations

import os

from shim.config.index import SYSTEM, IndexConfig
from shim.config.settings import Settings
from shim.core.dataclass import replace
from shim.core.errors import CACHE_HINT, ConfigError
from shim.core.files import CannotRead, is_file, read_regular
from shim.core.host import Host
from shim.core.model import Delivery, Endpoint, Endpoints, Invocation, Target
from shim.core.typing import Iterable, Mapping, NamedTuple
from shim.delivery.http_library import packages_folder

MAX_BUNDLE_BYTES = 16 << 20
#: Where distributions keep all trusted authorities in one file: Debian, Red Hat, SUSE, Alpine and
#: macOS.
SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
#: requests takes these before pip's own `--cert`, the first one first.
REQUESTS_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
#: From these on pip adds `--cert` to the system's authorities (truststore) instead of replacing its
#: own by it.
FIRST_TRUSTSTORE = ((24, 2), (3, 10))
#: The first uv that calls it UV_SYSTEM_CERTS; before, UV_NATIVE_TLS.
FIRST_SYSTEM_CERTS = (0, 11)


class _Case(NamedTuple):
    """What one command needs: the bundles, and `host:port` of the servers that nobody checks."""

    invocation: Invocation
    host: Host
    bundles: tuple[str, ...]
    system: bool
    insecure: tuple[str, ...]
    has_others: bool

    def combine(self, base: str | None) -> str:
        """Return a file with the authorities of `base` and the bundles, or the only one."""
        return _combine([*([base] if base else []), *self.bundles], self.host)


def add_trust(
    delivery: Delivery, invocation: Invocation, endpoints: Endpoints, settings: Settings, host: Host
) -> Delivery:
    """Return the delivery with the TLS settings of the indexes of this command, or unchanged where
    none has any.

    Raises:
        ConfigError: a ca-bundle is no readable file of certificates.
    """
    pairs = [(endpoint, settings.index_for(endpoint.url)) for endpoint in endpoints.items]
    ours = [(endpoint, index) for endpoint, index in pairs if index]
    bundles = dict.fromkeys(
        index.ca_bundle for endpoint, index in ours if index.ca_bundle and _has_tls(endpoint)
    )
    unchecked = [endpoint for endpoint, index in ours if index.insecure]
    insecure = dict.fromkeys(_netloc(one) for one in unchecked if not _is_local_http(one))
    if not bundles and not insecure:
        return delivery
    case = _Case(
        invocation,
        host,
        tuple(_check_bundle(bundle, settings, host) for bundle in bundles if bundle != SYSTEM),
        SYSTEM in bundles,
        tuple(insecure),
        any(_has_tls(one) and not (index and index.ca_bundle) for one, index in pairs),
    )
    changes = {"pip": _for_pip, "uv": _for_uv}.get(invocation.family, _for_others)(case)
    notes = dict.fromkeys(
        ("trust", str(endpoint.url), why)
        for endpoint, index in ours
        for why in _explain(index, invocation, endpoint, changes)
    )
    environ, channels = {**delivery.environ, **changes}, (*delivery.channels, *notes)
    return replace(delivery, environ=environ, channels=channels)


def _for_pip(case: _Case) -> dict[str, str]:
    """Return PIP_CERT and PIP_TRUSTED_HOST, each with what a variable or pip.conf says."""
    from shim.tools.pip.tool import read_options

    said = read_options(case.invocation, case.host, ("cert", "trusted-host"))
    changes: dict[str, str] = {}
    if case.insecure:
        known = [mention.text for mention in said["trusted-host"] if mention.origin.kind != "argv"]
        changes["PIP_TRUSTED_HOST"] = " ".join(dict.fromkeys([*known, *case.insecure]))
    overriding = requests_bundle(case.host)
    adds = adds_to_system(case.invocation.target)
    own = next(iter(said["cert"]), None)
    if case.bundles and not (own and own.origin.kind == "argv"):
        base = case.host.path(own.text) if own else None
        if base is None and not adds and case.has_others:
            base = pips_authorities(case.invocation)
        # pip then reads no PIP_CERT, but requests its own variable
        isolated = "--isolated" in case.invocation.argv
        if not isolated:
            changes["PIP_CERT"] = case.combine(base)
        if overriding or isolated:
            other = case.host.path(overriding) if overriding else base
            changes["REQUESTS_CA_BUNDLE"] = case.combine(other)
    elif case.system and not own and not adds and not overriding and (bundle := _system_bundle()):
        changes["PIP_CERT"] = bundle
    return changes


def requests_bundle(host: Host) -> str | None:
    """Return what requests' own variables name in place of its authorities, if anything."""
    return next((host.environ[name] for name in REQUESTS_VARIABLES if host.environ.get(name)), None)


def adds_to_system(target: Target) -> bool:
    """Whether a pip adds authorities to the system's, in place of replacing its own by them."""
    if target.version is None or target.python is None:
        return False
    return target.version >= FIRST_TRUSTSTORE[0] and target.python >= FIRST_TRUSTSTORE[1]


def pips_authorities(invocation: Invocation) -> str | None:
    """Return the authorities that pip brings along; Debian's has none and takes the system's."""
    if folder := packages_folder(invocation.target):
        path = os.path.join(folder, "pip", "_vendor", "certifi", "cacert.pem")
        if is_file(path):
            return path
    return _system_bundle()


def _for_uv(case: _Case) -> dict[str, str]:
    """Return UV_INSECURE_HOST, and SSL_CERT_FILE in place of uv's own authorities."""
    changes: dict[str, str] = {}
    if case.insecure:
        known = case.host.environ.get("UV_INSECURE_HOST", "").split()
        changes["UV_INSECURE_HOST"] = " ".join(dict.fromkeys([*known, *case.insecure]))
    own = case.host.environ.get("SSL_CERT_FILE")
    if case.bundles:
        changes["SSL_CERT_FILE"] = case.combine(case.host.path(own) if own else _system_bundle())
    elif case.system and not own:
        version = case.invocation.target.version
        is_new = version is None or version >= FIRST_SYSTEM_CERTS
        changes["UV_SYSTEM_CERTS" if is_new else "UV_NATIVE_TLS"] = "1"
    return changes


def _for_others(case: _Case) -> dict[str, str]:
    """Return REQUESTS_CA_BUNDLE, which every tool built on requests reads."""
    if not case.bundles:
        return {}
    own = requests_bundle(case.host)
    return {"REQUESTS_CA_BUNDLE": case.combine(case.host.path(own) if own else _system_bundle())}


def _explain(
    index: IndexConfig, invocation: Invocation, endpoint: Endpoint, changes: Mapping[str, str]
) -> Iterable[str]:
    unchecked = [name for name in changes if name in ("PIP_TRUSTED_HOST", "UV_INSECURE_HOST")]
    names = " and ".join(name for name in changes if name not in unchecked)
    if index.ca_bundle and _has_tls(endpoint):
        if names:
            yield (
                f"{names}: {invocation.tool} has one list of authorities, so this one counts for"
                " all its servers"
            )
        elif index.ca_bundle != SYSTEM:
            yield "its --cert stands; the index's ca-bundle is not used"
    if index.insecure and unchecked:
        yield f"nobody checks who answers at {_netloc(endpoint)}: the index is marked insecure"


def _netloc(endpoint: Endpoint) -> str:
    """Return `host:port` with the port written out, so that no other port of the host is meant."""
    host = f"[{endpoint.url.host}]" if ":" in endpoint.url.host else endpoint.url.host
    return f"{host}:{endpoint.url.port}"


def _has_tls(endpoint: Endpoint) -> bool:
    return endpoint.url.scheme == "https"


def _is_local_http(endpoint: Endpoint) -> bool:
    """Whether it is plain http on this machine, which the tools take as it is."""
    return endpoint.url.scheme == "http" and endpoint.url.is_loopback


def _check_bundle(bundle: str, settings: Settings, host: Host) -> str:
    """Return a bundle's absolute path. Raises ConfigError if it holds no certificate."""
    index = next(index for index in settings.indexes if index.ca_bundle == bundle)
    path = host.path(bundle)
    hint = 'name a file of PEM certificates, or "system"'
    try:
        data, why = read_regular(path, MAX_BUNDLE_BYTES), "is not there"
    except CannotRead as error:
        data, why = None, error.why
    if data is not None and b"-----BEGIN CERTIFICATE-----" in data:
        return path
    what = why if data is None else "holds no certificate"
    raise ConfigError(f"{index.defined_in}: ca-bundle {bundle} of {index.name} {what}", hint=hint)


def _system_bundle() -> str | None:
    return next((path for path in SYSTEM_BUNDLES if is_file(path)), None)


def _combine(paths: Iterable[str], host: Host) -> str:
    """Return one file that holds all of them: public text, named by its content, in our own folder.

    Raises:
        ConfigError: there is no folder of the user's own to put it.
    """
    from shim.core.private_folders import write_shared

    distinct = list(dict.fromkeys(paths))
    if len(distinct) == 1:
        return distinct[0]
    parts = []
    for path in distinct:
        try:
            parts.append((read_regular(path, MAX_BUNDLE_BYTES) or b"").rstrip() + b"\n")
        except CannotRead as error:
            host.debug(f"{path} {error.why} and is left out of the authorities")
    written = write_shared("authorities", ".pem", b"".join(parts), host)
    if written is None:
        message = (
            "there is no folder of yours for a file with both the tool's and the index's"
            " authorities"
        )
        raise ConfigError(message, hint=CACHE_HINT)
    return written
