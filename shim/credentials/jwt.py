"""What a JWT says about itself, read without checking its signature: that is the business of the
server that takes it.

Sources: RFC 7519 sections 3.1, 4.1 and 5.3, RFC 7515 section 7.1, RFC 7516 section 7.1;
OpenID Connect Core 1.0 section 5.1 (names of accounts).
"""

from __future__ import annotations

import binascii

from shim.core.model import Secret
from shim.core.typing import Any, Mapping

#: Where an account's name may stand, the one for people first.
ACCOUNT_CLAIMS = ("preferred_username", "email", "name", "sub")


def read_claims(token: Secret) -> Mapping[str, Any] | None:
    """Return a token's claims, or None if it is no JWT: three parts, the first two JSON objects."""
    parts = token.reveal().split(".")
    if len(parts) != 3 or not all(parts):
        return None
    header, claims = (_read_object(part) for part in parts[:2])
    try:
        _decode(parts[2])
    except ValueError:
        return None
    return claims if header and "alg" in header else None


def read_expiry(token: str) -> float | None:
    """Return the UTC epoch seconds at which a token ends, or None for what is no JWT.

    A forged or wrong `exp` only makes us ask too early or late; the index decides what it accepts.
    """
    parts = token.split(".")
    part = {3: 1, 5: 0}.get(len(parts))  # signed: what it says; encrypted: its header
    if part is not None and token.startswith("ey"):
        return read_end(_read_object(parts[part].rstrip("=")))
    return None


def read_end(claims: Mapping[str, Any] | None) -> float | None:
    """Return the claim that says a token's end, in UTC epoch seconds, or None."""
    value = claims.get("exp") if claims else None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e12:
        return float(value)
    return None


def read_account(claims: Mapping[str, Any] | None) -> str | None:
    """Return the name of the account that a token is for, or None."""
    for name in ACCOUNT_CLAIMS:
        value = claims.get(name) if claims else None
        if isinstance(value, str) and value.isprintable() and 0 < len(value) <= 200:
            return value
    return None


def _read_object(part: str) -> dict[str, Any] | None:
    from json import loads

    try:
        value = loads(_decode(part))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _decode(part: str) -> bytes:
    if not part.isascii() or not part.replace("-", "").replace("_", "").isalnum():
        raise ValueError("not base64url")
    return binascii.a2b_base64(part.replace("-", "+").replace("_", "/") + "=" * (-len(part) % 4))
