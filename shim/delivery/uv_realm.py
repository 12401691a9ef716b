"""What uv does with a credential beyond the URL it is for: all of one scheme, host and port is one
realm to it.

After a 401, 403 or 404, uv takes what it has for the realm, wherever that came from, before it
looks at a netrc, and at a netrc before its credential store. So a credential may reach a sibling
that it is not for, and one that the user has may come first.

Sources: uv 0.13.8 crates/uv-auth/src/middleware.rs and cache.rs; measured with 0.5.31, 0.7.22,
0.9.30, 0.11.33 and 0.13.8.
"""

from __future__ import annotations

from shim.core.model import Credential, Endpoint, Manner
from shim.core.typing import Collection
from shim.core.urls import Scope, Url
from shim.delivery import Case, same_login
from shim.delivery.reasons import Reason, Refusal

#: Scheme, host and port as uv writes them.
Realm = tuple[str, str | None, int]
#: The answers to a stranger after which uv looks for a credential.
CHALLENGES = frozenset({401, 403, 404})


def realm_of(place: Scope | Url) -> Realm:
    """Return the realm of a place."""
    from shim.formats.whatwg import plain_host

    return place.scheme, plain_host(place.host), place.port


def is_same_realm(scope: Scope, url: Url) -> bool:
    """Whether uv takes both for one realm."""
    return realm_of(scope) == realm_of(url)


def find_shared(case: Case) -> set[Realm]:
    """Return the realms for which there are several credentials."""
    first, shared = dict[Realm, Credential](), set[Realm]()
    if len(case.credentials) < 2:
        return shared  # and imports nothing
    for endpoint, credential in case.deliveries:
        realm = realm_of(endpoint.url)
        if not same_login(first.setdefault(realm, credential), credential):
            shared.add(realm)
    return shared


def names_user(endpoint: Endpoint) -> bool:
    """Whether the URL has a user name and no password."""
    return endpoint.username is not None and endpoint.inline_password is None


def manner_of_realm(endpoint: Endpoint) -> Manner:
    """Return how uv sends what a store or netrc has: after a challenge, or unasked if eager."""
    return Manner() if endpoint.eager or names_user(endpoint) else Manner(CHALLENGES)


def find_unscoped(case: Case) -> list[Endpoint]:
    """Return what a lock has of an index outside of every credential's scope."""
    locked = [endpoint for endpoint in case.endpoints.items if endpoint.registry]
    answered = {endpoint for endpoint, _ in case.deliveries} if locked else ()
    return [endpoint for endpoint in locked if endpoint not in answered]


def find_sibling(case: Case, besides: Collection[Endpoint] = ()) -> Refusal | None:
    """Return that uv would send a credential to a URL of the command which it is not for, or None.
    The URLs `besides` have one of their own.

    A password that the user typed reaches its whole server, as with uv itself. A locked file counts
    as its index's own.
    """
    answered = {*besides, *(endpoint for endpoint, _ in case.deliveries)}
    others = [one for one in case.endpoints.items if one not in answered and not has_own(one)]
    for credential in case.credentials:
        for endpoint in others:
            if credential.source == "url" or credential.scope.covers_text(endpoint.registry):
                continue
            is_reached = is_same_realm(credential.scope, endpoint.url)
            insists = endpoint.username not in (None, credential.username)
            if is_reached and not insists and not credential.scope.covers(endpoint.url):
                return Reason.WOULD_REACH.of(url=endpoint.url, scope=credential.scope)
    return None


def find_nested(case: Case) -> Refusal | None:
    """Return that a URL with another credential lies below ours, where uv would send ours."""
    others = {id(endpoint): other for endpoint, other in reversed(case.deliveries)}
    for credential in case.credentials:
        for endpoint in case.endpoints.items:
            if not credential.scope.covers(endpoint.url):
                continue
            other = others.get(id(endpoint))
            if has_own(endpoint) if other is None else not same_login(other, credential):
                return Reason.NESTED.of(scope=credential.scope, url=endpoint.url)
    return None


def find_own(case: Case) -> Endpoint | None:
    """Return an endpoint in the realm of one of our credentials that the user answers already, by a
    variable or inside a file.

    What uv is told for an upload, it uses for nothing else.
    """
    answered = {endpoint for endpoint, _ in case.deliveries}
    scopes = [credential.scope for credential in case.credentials]
    for endpoint in case.endpoints.items:
        is_other = endpoint.role != "publish" and endpoint not in answered and has_own(endpoint)
        if is_other and any(is_same_realm(scope, endpoint.url) for scope in scopes):
            return endpoint
    return None


def has_own(endpoint: Endpoint) -> bool:
    """Whether the user gave this endpoint a password by a variable of uv's or in a file."""
    is_in_file = endpoint.inline_password is not None and endpoint.location is None
    return bool(endpoint.provided_by) or is_in_file
