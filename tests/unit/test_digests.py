"""Our digests are the library's, which would load OpenSSL."""

from __future__ import annotations

import hashlib
import hmac

from hypothesis import given
from hypothesis import strategies as some

from shim.core import digests


@given(some.binary())
def test_sha256(data: bytes) -> None:
    assert digests.sha256(data) == hashlib.sha256(data).hexdigest()


@given(some.binary(max_size=200), some.binary())
def test_hmac(key: bytes, message: bytes) -> None:
    assert digests.hmac_sha256(key, message) == hmac.new(key, message, "sha256").hexdigest()
