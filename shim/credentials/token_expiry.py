"""When a token ends, as it says itself: the `exp` of a JWT, read locally and without checking the signature. One that is encrypted
may say it in its header.

A forged or wrong `exp` only makes us ask too early or too late; the index decides what it accepts.
Sources: RFC 7519 sections 4.1.4 and 5.3, RFC 7515 section 7.1, RFC 7516 section 7.1.
"""

from __future__ import annotations

import binascii


def read_expiry(secret: str) -> float | None:
    """Return the UTC epoch seconds at which a JWT ends, or None for anything else."""
    parts = secret.split(".")
    part = {3: 1, 5: 0}.get(len(parts))  # signed: what it says; encrypted: its header
    if part is None or not secret.startswith("ey"):
        return None
    from json import loads

    try:
        padded = parts[part].replace("-", "+").replace("_", "/") + "=" * (-len(parts[part]) % 4)
        claims = loads(binascii.a2b_base64(padded))
        expires_at = claims["exp"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    number = isinstance(expires_at, (int, float)) and not isinstance(expires_at, bool)
    return float(expires_at) if number and 0 < expires_at < 1e12 else None
