"""Digests without `hashlib` and `hmac`, which load OpenSSL: 2 ms for a command that wants one."""

from __future__ import annotations

from shim.core.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import sha256 as _sha256
    from hmac import compare_digest
else:
    import sys

    try:
        from _operator import _compare_digest as compare_digest

        if sys.version_info >= (3, 12):
            from _sha2 import sha256 as _sha256
        else:
            from _sha256 import sha256 as _sha256
    except ImportError:  # a Python that leaves digests to OpenSSL
        from hashlib import sha256 as _sha256
        from hmac import compare_digest

_BLOCK_BYTES = 64
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))


def sha256(data: bytes) -> str:
    """Return the SHA-256 of some bytes, in hex."""
    return _sha256(data).hexdigest()


def hmac_sha256(key: bytes, message: bytes) -> str:
    """Return the HMAC-SHA-256 of a message, in hex.

    Sources: RFC 2104, section 2.
    """
    short = _sha256(key).digest() if len(key) > _BLOCK_BYTES else key
    padded = short.ljust(_BLOCK_BYTES, b"\0")
    inner = _sha256(padded.translate(_INNER) + message).digest()
    return _sha256(padded.translate(_OUTER) + inner).hexdigest()


__all__ = ["compare_digest", "hmac_sha256", "sha256"]
