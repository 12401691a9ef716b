"""What an OAuth or OpenID provider can be asked without a person: its metadata, and to refresh,
exchange or revoke tokens.

Sources: RFC 8414 section 3 and OpenID Connect Discovery 1.0 section 4 (metadata; the issuer in them
must be the one that was asked), RFC 6749 section 6 (refresh), RFC 8693 section 2 (exchange), RFC
7009 section 2 (revocation). Artifactory's exchange is JSON.
"""

from __future__ import annotations

from shim.config.index import IndexConfig
from shim.core.dataclass import dataclass
from shim.core.errors import NETWORK_HINT, SourceError
from shim.core.host import Host
from shim.core.model import Route, Secret
from shim.core.urls import BadUrl, Url, parse_url
from shim.net.json_api import JsonResponse, ask
from shim.net.routes import route_of_environment
from shim.tools.pip.settings import read_connection

Form = dict[str, str | Secret]
TIMEOUT_S = 20.0
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
EXCHANGE_GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
TOKEN_TYPE = "urn:ietf:params:oauth:token-type:"  # noqa: S105 (a name)


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider's endpoints; None for what it does not offer."""

    issuer: Url
    token: Url
    device: Url | None
    revocation: Url | None


def route_for(index: IndexConfig | None, host: Host) -> Route:
    """Return the way to a server that logs people in, never unchecked: the environment's, that of
    the user's pip.conf, and the index's own authorities.
    """
    said, route = read_connection(host), route_of_environment(host)
    named = [*route.authorities, *([host.path(said["cert"])] if "cert" in said else ())]
    authorities = tuple(dict.fromkeys(named))
    route = route._replace(proxy=said.get("proxy", route.proxy), authorities=authorities)
    if index is None or not index.ca_bundle:
        return route
    if index.ca_bundle == "system":
        return route._replace(system=True)
    return route._replace(authorities=(*authorities, host.path(index.ca_bundle)))


def discover(issuer: Url, host: Host, route: Route) -> Provider:
    """Return the endpoints that the issuer names.

    Raises:
        SourceError: there are no metadata, or another issuer's, or an endpoint is not https.
    """
    base = issuer.text.rstrip("/")
    path = base.partition("://")[2].partition("/")[2]
    origin, below = (base.removesuffix(f"/{path}"), f"/{path}") if path else (base, "")
    places = (
        f"{base}/.well-known/openid-configuration",
        f"{origin}/.well-known/oauth-authorization-server{below}",
    )
    reply = JsonResponse(None)
    for place in places:
        reply = ask(parse_url(place), host, route, TIMEOUT_S)
        if reply.is_success or reply.is_silent:
            break
    if not reply.is_success:
        hint = NETWORK_HINT if reply.is_silent else f"open {places[0]} and see what is there"
        raise SourceError(f"{issuer} gives no metadata: {reply.error}", hint=hint)
    named = reply.text("issuer") or ""
    if named.rstrip("/") != base:
        hint = "write the issuer as its metadata do, if you trust that name"
        raise SourceError(
            f"the metadata of {issuer} are those of another issuer, {named or 'without a name'}",
            hint=hint,
        )
    names = ("token_endpoint", "device_authorization_endpoint", "revocation_endpoint")
    token, device, revocation = (_read_endpoint(reply, name, issuer) for name in names)
    if token is None:
        hint = f"open {places[0]} and see what is there"
        raise SourceError(f"the metadata of {issuer} name no token endpoint", hint=hint)
    return Provider(issuer, token, device, revocation)


def _read_endpoint(reply: JsonResponse, name: str, issuer: Url) -> Url | None:
    text = reply.text(name)
    if text is None:
        return None
    try:
        url = parse_url(text)
    except BadUrl as error:
        hint = "ask who keeps it"
        raise SourceError(f"the {name} of {issuer} is no usable URL: {error}", hint=hint) from None
    # A provider on the internet has nothing to name on this machine.
    if not url.is_confidential or (url.is_loopback and not issuer.is_loopback):
        hint = "ask who keeps it"
        raise SourceError(f"the {name} of {issuer} is not https: no token is sent there", hint=hint)
    return url


def refresh(
    provider: Provider, client_id: str, token: Secret, host: Host, route: Route
) -> JsonResponse:
    """Return the answer to a refresh token."""
    form: Form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": client_id}
    return ask(provider.token, host, route, TIMEOUT_S, form)


def exchange(
    url: Url, subject: Secret, kind: str, host: Host, route: Route, *, provider: str | None = None
) -> JsonResponse:
    """Return the answer with an `access_token` in it; `provider` makes it Artifactory's form.

    Raises:
        SourceError: it refuses, or is broken.
    """
    form: Form = {
        "grant_type": EXCHANGE_GRANT,
        "subject_token": subject,
        "subject_token_type": TOKEN_TYPE + kind,
    }
    if provider:
        form["provider_name"] = provider
    reply = ask(url, host, route, TIMEOUT_S, form, as_json=provider is not None)
    if reply.is_success and reply.secret("access_token"):
        return reply
    problem = reply.error or "there is no token in its answer"
    hint = f"is {url} the right server?"
    if reply.is_silent:
        hint = NETWORK_HINT
    elif reply.status == 429:
        hint = "wait a little, then run it again"
    elif reply.fields:
        hint = "may this account, or this job, read the index?"
    raise SourceError(f"{url} does not exchange the token: {problem}", hint=hint)


def revoke(
    provider: Provider,
    client_id: str,
    token: Secret,
    host: Host,
    route: Route,
    access: Secret | None,
) -> str:
    """Return, in words, what became of a refresh token that the provider is asked to revoke.

    A public client says its name (RFC 7009 section 2.1); a provider that wants more than that is
    shown its own access token.
    """
    if provider.revocation is None:
        return "forgotten here; the provider has no way to revoke it"
    form: Form = {"token": token, "token_type_hint": "refresh_token", "client_id": client_id}
    reply = ask(provider.revocation, host, route, TIMEOUT_S, form)
    if reply.status == 401 and access:
        reply = ask(provider.revocation, host, route, TIMEOUT_S, form, bearer=access)
    # Some answer with an empty body, or with one that is not JSON.
    if reply.status in (200, 204):
        return "revoked"
    return f"forgotten here, but not revoked: {reply.error}"
