"""The device authorization grant: a code is shown here, a person confirms it in any browser, and
meanwhile we ask whether that is done.

With a proof key, so that nobody who learns the device code alone can fetch the token.

Sources: RFC 8628 sections 3.1 to 3.5 (interval, slow_down adds five seconds for good, back off when
nobody answers), RFC 7636 section 4, RFC 6585 section 4 (429). Posit Package Manager holds the
question open until it is confirmed (pkgcache `ppm-sso.R`).
"""

from __future__ import annotations

import os
import time

from shim.core.dataclass import dataclass
from shim.core.errors import NETWORK_HINT, SourceError
from shim.core.host import Host
from shim.core.model import Route, Secret
from shim.core.typing import Mapping
from shim.core.urls import BadUrl, Url, parse_url
from shim.credentials.oauth.prompt import Invitation, invite
from shim.net.json_api import JsonResponse, ask

DEFAULT_INTERVAL_S = 5.0
SLOW_DOWN_S = 5.0
MIN_INTERVAL_S = 1.0
MAX_INTERVAL_S = 60.0
#: A code without a time of its own, and the longest that anybody waits for a person.
DEFAULT_TIME_S = 300.0
MAX_TIME_S = 1800.0
BEGIN_TIMEOUT_S = 20.0
#: How long one question may be held open.
POLL_TIMEOUT_S = 60.0
#: How long a server may be gone in the middle of a login.
MAX_SILENCE_S = 60.0
MAX_CODE = 64
#: What a provider says to a client that it does not know, or not for this.
UNREGISTERED = ("invalid_client", "unauthorized_client", "invalid_scope", "unsupported_grant_type")


@dataclass(frozen=True, slots=True)
class Flow:
    """Where a login begins and is asked about, with both forms' fields; codes are added here."""

    issuer: Url
    purpose: str
    begin: Url
    begin_fields: Mapping[str, str | Secret]
    poll: Url
    poll_fields: Mapping[str, str | Secret]


@dataclass(frozen=True, slots=True)
class _Begun:
    device_code: Secret
    interval_s: float
    invitation: Invitation


def log_in(flow: Flow, host: Host, route: Route) -> JsonResponse:
    """Return the provider's answer with the tokens, once a person has confirmed.

    Raises:
        SourceError: nobody confirmed in time, somebody said no, or the provider is broken or gone.
    """
    verifier = Secret(_random_text())
    begun = _begin(flow, verifier, host, route)
    with invite(begun.invitation, host):
        return _wait(flow, begun, verifier, host, route)


def _begin(flow: Flow, verifier: Secret, host: Host, route: Route) -> _Begun:
    """Return the codes. Raises SourceError for an answer that is none."""
    form = {
        **flow.begin_fields,
        "code_challenge_method": "S256",
        "code_challenge": _challenge(verifier),
    }
    reply = ask(flow.begin, host, route, BEGIN_TIMEOUT_S, form)
    if not reply.is_success:
        hint = _hint_for(reply, flow)
        raise SourceError(f"no login could be begun at {flow.issuer}: {reply.error}", hint=hint)
    device_code, code = reply.secret("device_code"), reply.text("user_code")
    page, complete = (
        _read_page(reply.text(name)) for name in ("verification_uri", "verification_uri_complete")
    )
    page = page or _read_page(reply.text("verification_url")) or complete  # as Google spells it
    is_readable = code is not None and code.isprintable() and len(code) <= MAX_CODE
    if device_code is None or page is None or code is None or not is_readable:
        message = f"{flow.issuer} begins a login without a code or an https page for it"
        raise SourceError(message, hint=f"is {flow.issuer} the right server?")
    time_s = min(reply.number("expires_in") or DEFAULT_TIME_S, MAX_TIME_S)
    said_s = reply.number("interval") or DEFAULT_INTERVAL_S
    interval_s = min(max(said_s, MIN_INTERVAL_S), MAX_INTERVAL_S)
    invitation = Invitation(flow.issuer, flow.purpose, page, code, time_s, complete)
    return _Begun(device_code, interval_s, invitation)


def _wait(flow: Flow, begun: _Begun, verifier: Secret, host: Host, route: Route) -> JsonResponse:
    """Ask again and again, no faster than we may."""
    form = {**flow.poll_fields, "device_code": begun.device_code, "code_verifier": verifier}
    deadline = time.monotonic() + begun.invitation.time_s
    interval_s = begun.interval_s
    asked_at = answered_at = time.monotonic()
    reply = JsonResponse(None)
    while (left_s := deadline - time.monotonic()) > 0:
        time.sleep(min(interval_s, left_s))
        asked_at = time.monotonic()
        patience_s = min(POLL_TIMEOUT_S, max(deadline - asked_at, 1.0))
        reply = ask(flow.poll, host, route, patience_s, form)
        if reply.is_success:
            return reply
        code = reply.text("error")
        if code == "slow_down" or reply.status == 429:
            wanted_s = max(interval_s + SLOW_DOWN_S, reply.retry_after_s or 0.0)
            interval_s = min(wanted_s, MAX_INTERVAL_S)
        elif reply.is_silent:
            held_s = time.monotonic() - asked_at
            if held_s > min(BEGIN_TIMEOUT_S, patience_s / 2):  # it held the question open
                answered_at = time.monotonic()
            if time.monotonic() - answered_at > MAX_SILENCE_S:
                raise _gone(reply, flow)
            interval_s = min(interval_s * 2, MAX_SILENCE_S / 4)
            continue
        elif code != "authorization_pending":
            raise _failure(code, reply, flow)
        answered_at = time.monotonic()
    raise _gone(reply, flow) if answered_at < asked_at else _failure("expired_token", reply, flow)


def _gone(reply: JsonResponse, flow: Flow) -> SourceError:
    message = f"{flow.issuer} was gone in the middle of the login: {reply.error}"
    return SourceError(message, hint="wait a little, then run it again")


def _failure(code: str | None, reply: JsonResponse, flow: Flow) -> SourceError:
    if code == "access_denied":
        hint = f"run it again and confirm, or ask who keeps {flow.issuer}"
        return SourceError(f"the login at {flow.issuer} was denied", hint=hint)
    if code == "expired_token":
        hint = "run it again for a new code"
        return SourceError(f"nobody confirmed the login at {flow.issuer} in time", hint=hint)
    hint = _hint_for(reply, flow)
    return SourceError(f"the login at {flow.issuer} failed: {reply.error}", hint=hint)


def _hint_for(reply: JsonResponse, flow: Flow) -> str:
    if reply.is_silent:
        return NETWORK_HINT
    if reply.status == 429:
        return "wait a little, then run it again"
    if reply.text("error") in UNREGISTERED:
        return (
            f"is the client registered at {flow.issuer} for the device flow, and for these scopes?"
        )
    return f"is {flow.issuer} the right server?"


def _read_page(text: str | None) -> Url | None:
    """Return a page that a person may be sent to: https, or this machine."""
    try:
        page = parse_url(text or "")
    except BadUrl:
        return None
    return page if page.is_confidential else None


def _random_text() -> str:
    """Return 43 letters that nobody can guess."""
    return _encode(os.urandom(32))


def _challenge(verifier: Secret) -> str:
    from hashlib import sha256

    return _encode(sha256(verifier.reveal().encode("ascii")).digest())


def _encode(data: bytes) -> str:
    from base64 import urlsafe_b64encode

    return urlsafe_b64encode(data).decode("ascii").rstrip("=")
