"""The few HTTP requests of our own: one GET whose body is not read, to see what an index answers.

A total deadline, the environment's proxies and CA bundle, the system's trust store otherwise, and no credential beyond the
origin that it was meant for: redirects are followed by hand.

Sources: RFC 9110 sections 11.5 and 15.4; PEP 503 and 691 (Accept).
"""

from __future__ import annotations

import base64
import os
import ssl
import threading
import time
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urljoin
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request, build_opener, getproxies_environment

from shim import __version__
from shim.host import Host
from shim.model import Credential
from shim.urls import BadUrl, Url, parse_url

ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"
MAX_REDIRECTS = 5
#: Where a CA bundle may be named: pip's variable, requests', curl's, OpenSSL's.
CA_VARIABLES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an index answered: the status and the last URL, or `error` in words if there was no answer."""

    status: int | None
    url: Url
    error: str | None = None

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return self.status is not None and 200 <= self.status < 300


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str) -> None:  # noqa: ARG002
        return None


def probe(url: Url, credential: Credential | None, host: Host, timeout_s: float = 15.0) -> Outcome:
    """Return what a GET of `url` gives, with the credential where its scope covers the URL. Never raises for the network.

    It runs in a daemon thread: a socket's timeout begins anew with every byte, and looking up a name has none.
    """
    outcomes: list[Outcome] = []
    thread = threading.Thread(target=lambda: outcomes.append(_follow(url, credential, host, timeout_s)), daemon=True)
    thread.start()
    thread.join(timeout_s)
    return outcomes[0] if outcomes else Outcome(None, url, "no answer in time")


def _follow(url: Url, credential: Credential | None, host: Host, timeout_s: float) -> Outcome:
    """Return the outcome at the end of all redirects."""
    deadline = time.monotonic() + timeout_s
    origin = url.origin
    for _ in range(MAX_REDIRECTS + 1):
        headers = {"Accept": ACCEPT, "User-Agent": f"pip-uv-shim/{__version__}"}
        if credential and url.origin == origin and credential.scope.covers(url):
            headers["Authorization"] = _authorization(credential)
        outcome, location = _request(_make_opener(url, host), url, headers, deadline - time.monotonic())
        if location is None:
            return outcome
        try:
            url = parse_url(urljoin(url.text, location))
        except BadUrl:
            return Outcome(outcome.status, url, "it redirects to what is no http(s) URL")
    return Outcome(None, url, f"it redirects more than {MAX_REDIRECTS} times")


def _request(opener: OpenerDirector, url: Url, headers: dict[str, str], left_s: float) -> tuple[Outcome, str | None]:
    """Return the outcome of one request, and where it redirects to."""
    if left_s <= 0:
        return Outcome(None, url, "no answer in time"), None
    try:
        with opener.open(Request(url.text, headers=headers), timeout=left_s) as response:  # noqa: S310 (a Url is http or https)
            return Outcome(response.status, url), None
    except HTTPError as error:
        with error:
            location = error.headers.get("Location") if error.code in (301, 302, 303, 307, 308) else None
            return Outcome(error.code, url), location
    except TimeoutError:
        return Outcome(None, url, "no answer in time"), None
    except URLError as error:
        return Outcome(None, url, _explain(error.reason)), None
    except (OSError, HTTPException, ValueError) as error:
        return Outcome(None, url, _explain(error)), None


def _make_opener(url: Url, host: Host) -> OpenerDirector:
    # A proxy could read what plain http carries, which only this machine may see: it is always asked directly.
    proxies = {} if url.is_loopback else getproxies_environment()
    return build_opener(_NoRedirect, HTTPSHandler(context=_make_context(host)), ProxyHandler(proxies))


def _make_context(host: Host) -> ssl.SSLContext:
    """Return the TLS settings: the CA file or folder that the environment names, else the system's."""
    bundle = next((host.environ[name] for name in CA_VARIABLES if host.environ.get(name)), None)
    if bundle:
        path = host.path(bundle)
        try:
            if os.path.isdir(path):
                return ssl.create_default_context(capath=path)
            return ssl.create_default_context(cafile=path)
        except (OSError, ssl.SSLError):
            host.debug(f"the CA bundle {bundle} cannot be read: the system's is used")
    return ssl.create_default_context()


def _authorization(credential: Credential) -> str:
    secret = credential.secret.reveal()
    if credential.scheme == "bearer":
        return f"Bearer {secret}"
    return "Basic " + base64.b64encode(f"{credential.username}:{secret}".encode("utf-8", "surrogateescape")).decode("ascii")


def _explain(reason: object) -> str:
    """Return why there was no answer, in words."""
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({reason.verify_message})"
    if isinstance(reason, ConnectionRefusedError):
        return "it refuses the connection"
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return type(reason).__name__
