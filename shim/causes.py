"""Why there was no answer from a server, as a word for programs and in words for people. Holds no secret: not even a proxy's URL.

Sources: OpenSSL `x509_vfy.h` (the numbers of `verify_code`), Python `ssl` (names of `reason`), RFC 9110 section 15.5.8 (407).
"""

from __future__ import annotations

import errno
import socket
import ssl
from http.client import BadStatusLine, IncompleteRead, LineTooLong, RemoteDisconnected
from typing import Literal

#: `authority`: who signed the certificate is not trusted here. `certificate`: it has ended, or is for another name. `tls`: no common
#: version or cipher. `plain`: it does not speak TLS at all. `name`: nobody knows the host. `proxy`: the proxy on the way is the
#: trouble. `network`: no way to it. The others are what they say.
Cause = Literal["authority", "certificate", "tls", "plain", "name", "refused", "proxy", "timeout", "network", "garbage"]

#: Self-signed, in the chain or alone; no issuer; no first certificate to check with.
_UNKNOWN_AUTHORITY = (18, 19, 20, 21)
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")
#: The first that fits. A certificate's trouble is an SSLError as well, and all of them are OSErrors.
_KINDS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], Cause], ...] = (
    (ssl.SSLCertVerificationError, "certificate"),
    (ssl.SSLError, "tls"),
    (TimeoutError, "timeout"),
    (socket.gaierror, "name"),
    (ConnectionRefusedError, "refused"),
    ((BadStatusLine, IncompleteRead, LineTooLong), "garbage"),
)


def cause_of(reason: object, *, by_proxy: bool) -> Cause:
    """Return why a request failed; `by_proxy` says that it went to a proxy first, which then is what did not answer."""
    if isinstance(reason, ssl.SSLCertVerificationError) and reason.verify_code in _UNKNOWN_AUTHORITY:
        return "authority"
    if isinstance(reason, ssl.SSLError) and reason.reason in _NO_TLS:
        return "plain"
    cause: Cause = next((cause for kind, cause in _KINDS if isinstance(reason, kind)), "network")
    return "proxy" if by_proxy and cause in ("name", "refused", "network") else cause


def explain(reason: object, *, by_proxy: bool = False) -> str:
    """Return why there was no answer, in words."""
    is_ours = isinstance(reason, OSError) and reason.errno == errno.EPROTONOSUPPORT  # a whole sentence of our own
    if cause_of(reason, by_proxy=by_proxy) == "proxy" and not is_ours:
        said = str(reason) if isinstance(reason, OSError) and reason.errno is None else explain(reason)
        return f"the proxy on the way fails ({said})"
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({reason.verify_message})"
    if isinstance(reason, ssl.SSLError):
        return f"TLS fails ({(reason.reason or type(reason).__name__).lower().replace('_', ' ')})"
    if isinstance(reason, ConnectionRefusedError):
        return "it refuses the connection"
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    if isinstance(reason, RemoteDisconnected):
        return "it hangs up without an answer"
    if isinstance(reason, BadStatusLine | IncompleteRead | LineTooLong):
        return "its answer is no HTTP"
    return type(reason).__name__
