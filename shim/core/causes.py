"""Why there was no answer from a server, as a word: what mends it depends on that.

Sources: OpenSSL `x509_vfy.h` (the numbers of `verify_code`), Python `ssl` (names of `reason`).
"""

from __future__ import annotations

import socket
import ssl
from http.client import BadStatusLine, LineTooLong

from shim.core.typing import Literal

#: `authority`: who signed the certificate is not trusted here. `certificate`: it has ended, or is
#: for another name. `tls`: no common version or cipher. `plain`: it does not speak TLS at all.
#: `name`: nobody knows the host. `proxy`: the proxy on the way is the trouble. `network`: no way to
#: it. The others are what they say.
Cause = Literal[
    "authority",
    "certificate",
    "tls",
    "plain",
    "name",
    "refused",
    "proxy",
    "timeout",
    "network",
    "garbage",
]

#: Self-signed, in the chain or alone; no issuer; no first certificate to check with.
_UNKNOWN_AUTHORITY = (18, 19, 20, 21)
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")
#: The first that fits: all of them but the last are OSErrors.
_KINDS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], Cause], ...] = (
    (TimeoutError, "timeout"),
    (socket.gaierror, "name"),
    (ConnectionRefusedError, "refused"),
    ((BadStatusLine, LineTooLong), "garbage"),
)


def cause_of(reason: object) -> Cause:
    """Return why a request failed. Whether a proxy was on the way is for the caller to say."""
    if isinstance(reason, ssl.SSLCertVerificationError):
        return "authority" if reason.verify_code in _UNKNOWN_AUTHORITY else "certificate"
    if isinstance(reason, ssl.SSLError):
        return "plain" if reason.reason in _NO_TLS else "tls"
    return next((cause for kind, cause in _KINDS if isinstance(reason, kind)), "network")
