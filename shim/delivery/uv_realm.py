"""What uv does with a credential beyond the URL it is for: all of one scheme, host and port is one realm to it.

After a 401, 403 or 404, uv takes what it has for the realm, wherever that came from, before it looks at a netrc, and at a netrc
before its credential store. So a credential may reach a sibling that it is not for, and one that the user has may come first.

Sources: uv 0.13.8 crates/uv-auth/src/middleware.rs and cache.rs; measured with 0.5.31, 0.7.22, 0.9.30, 0.11.33 and 0.13.8.
"""

from __future__ import annotations

from shim.core.model import Manner, Need
from shim.core.urls import Scope, Url
from shim.delivery import Case, same_login
from shim.delivery.reasons import Reason, Refusal
from shim.formats.whatwg import plain_host

#: The answers to a stranger after which uv looks for a credential.
CHALLENGES = frozenset({401, 403, 404})


def is_same_realm(scope: Scope, url: Url) -> bool:
    """Whether uv takes both for one realm."""
    return (scope.scheme, plain_host(scope.host), scope.port) == (url.scheme, plain_host(url.host), url.port)


def manner_of_realm(need: Need) -> Manner:
    """Return how uv sends what it finds in its store or a netrc: after a challenge, or unasked where it looks before it asks."""
    return Manner() if need.eager or (need.username is not None and need.given is None) else Manner(CHALLENGES)


def find_sibling(case: Case) -> Refusal | None:
    """Return that uv would send a credential to a URL of the command which it is not for, or None.

    A password that the user typed reaches its whole server, as with uv itself. A locked file counts as its index's own.
    """
    answered = {need for need, _ in case.deliveries}
    others = [need for need in case.needs.items if need not in answered and not has_own(need)]
    for credential in case.credentials:
        for need in others:
            if credential.source == "url" or credential.scope.covers_text(need.registry):
                continue
            insists = need.username not in (None, credential.username)
            if is_same_realm(credential.scope, need.url) and not credential.scope.covers(need.url) and not insists:
                return Reason.WOULD_REACH.of(url=need.url, scope=credential.scope)
    return None


def find_nested(case: Case) -> Refusal | None:
    """Return that a URL which another credential is for lies below ours, where uv would send ours; or None."""
    others = {id(need): other for need, other in reversed(case.deliveries)}
    for credential in case.credentials:
        for need in case.needs.items:
            if not credential.scope.covers(need.url):
                continue
            other = others.get(id(need))
            if has_own(need) if other is None else not same_login(other, credential):
                return Reason.NESTED.of(scope=credential.scope, url=need.url)
    return None


def find_own(case: Case) -> Need | None:
    """Return a need in the realm of one of our credentials that the user answers already, by a variable or inside a file.

    What uv is told for an upload, it uses for nothing else.
    """
    answered = {need for need, _ in case.deliveries}
    credentials = case.credentials
    for need in case.needs.items:
        if (
            has_own(need)
            and need.role != "publish"
            and need not in answered
            and any(is_same_realm(credential.scope, need.url) for credential in credentials)
        ):
            return need
    return None


def has_own(need: Need) -> bool:
    """Whether the user gave this need a password by a variable of uv's, or inside a file that uv reads."""
    return bool(need.answered_by) or (need.given is not None and need.place is None)
