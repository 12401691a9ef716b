"""The few HTTP requests of our own: one GET of which at most the beginning is read, to see what an index answers (`http_json.py` asks
those who log people in).

A total deadline, the proxy, authorities and client certificate of a `Route`, and no credential beyond the origin that it was
meant for: redirects are followed by hand.

Sources: RFC 9110 sections 11.5 and 15.4; PEP 503 and 691 (Accept).
"""

from __future__ import annotations

import base64
import errno
import os
import re
import ssl
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPMessage, HTTPResponse
from typing import IO, Literal
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urljoin
from urllib.request import (
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
    getproxies_environment,
    proxy_bypass,
)

from shim import __version__
from shim.causes import Cause, cause_of, explain
from shim.host import Host
from shim.model import Credential, Route
from shim.urls import BadUrl, Url, parse_url

ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"
MAX_REDIRECTS = 5
PROXY_WANTS_LOGIN = 407
#: Where a CA bundle may be named: pip's variable, requests', curl's, OpenSSL's.
CA_VARIABLES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
#: What stands in a URL as it is, beside letters and digits (requests `requote_uri`).
URL_LETTERS = "!#$%&'()*+,/:;=?@[]~"
#: How much of a page is read to tell an index from a login page.
MAX_PAGE_BYTES = 65536
_PASSWORD_FIELD = re.compile(rb"""<input[^>]*type\s*=\s*["']?password""", re.IGNORECASE)
_LINK = re.compile(rb"<a\s", re.IGNORECASE)
_INTERACTION = re.compile(rb"<(form|script)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an index answered: the status and the last URL, or `error` in words if there was no answer, and its `cause`.

    `is_form` says that the page asks for a login instead of listing anything; `is_tls` that the certificate is the trouble.
    """

    status: int | None
    url: Url
    error: str | None = None
    is_form: bool = field(default=False, kw_only=True)
    is_tls: bool = field(default=False, kw_only=True)
    cause: Cause | None = field(default=None, kw_only=True)

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return self.status is not None and 200 <= self.status < 300


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str) -> None:  # noqa: ARG002
        return None


def route_of_environment(host: Host) -> Route:
    """Return what the variables say: the CA file or folder that they name stands for the system's authorities."""
    bundle = next((host.environ[name] for name in CA_VARIABLES if host.environ.get(name)), None)
    return Route(authorities=(host.path(bundle),), system=False) if bundle else Route()


def probe(url: Url, credential: Credential | None, host: Host, timeout_s: float = 15.0, route: Route | None = None) -> Outcome:
    """Return what a GET of `url` gives, with the credential where its scope covers the URL. Never raises for the network.

    It runs in a daemon thread: a socket's timeout begins anew with every byte, and looking up a name has none.
    """
    return probe_all([(url, credential, route or route_of_environment(host))], host, timeout_s)[0]


def probe_all(
    questions: Sequence[tuple[Url, Credential | None, Route]],
    host: Host,
    timeout_s: float = 15.0,
    *,
    method: Literal["GET", "POST"] = "GET",
) -> list[Outcome]:
    """Return the outcome of each question, all asked at the same time, `timeout_s` seconds for them together.

    A POST is an empty one, and its redirects are not followed.
    """
    outcomes: list[Outcome] = [Outcome(None, url, "no answer in time", cause="timeout") for url, _, _ in questions]

    def ask(number: int) -> None:
        url, credential, route = questions[number]
        outcomes[number] = _follow(url, credential, host, timeout_s, route, method)

    threads = [threading.Thread(target=ask, args=(number,), daemon=True) for number in range(len(questions))]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + timeout_s
    for thread in threads:
        thread.join(max(deadline - time.monotonic(), 0))
    return list(outcomes)


def _follow(url: Url, credential: Credential | None, host: Host, timeout_s: float, route: Route, method: str) -> Outcome:
    """Return the outcome at the end of all redirects."""
    deadline = time.monotonic() + timeout_s
    origin = url.origin
    for _ in range(MAX_REDIRECTS + 1):
        headers = {"Accept": ACCEPT, "User-Agent": f"pip-uv-shim/{__version__}"}
        if credential and url.origin == origin and credential.scope.covers(url):
            headers["Authorization"] = _authorization(credential)
        outcome, location = _request(url, headers, deadline - time.monotonic(), route, host, method)
        if location is None or method == "POST":
            return outcome
        try:
            url = parse_url(urljoin(url.text, location))
        except BadUrl:
            return Outcome(outcome.status, url, "it redirects to what is no http(s) URL")
    return Outcome(None, url, f"it redirects more than {MAX_REDIRECTS} times")


def _request(url: Url, headers: dict[str, str], left_s: float, route: Route, host: Host, method: str) -> tuple[Outcome, str | None]:
    """Return the outcome of one request, and where it redirects to."""
    if left_s <= 0:
        return _failure(url, TimeoutError(), route), None
    try:
        opener = make_opener(url, route, host)
        request = Request(_on_the_wire(url), b"" if method == "POST" else None, headers)  # noqa: S310 (a Url is http or https)
        with opener.open(request, timeout=left_s) as response:
            return Outcome(response.status, url, is_form=_is_form(response)), None
    except HTTPError as error:
        with error:
            location = error.headers.get("Location") if error.code in (301, 302, 303, 307, 308) else None
            return Outcome(error.code, url, cause="proxy" if error.code == PROXY_WANTS_LOGIN else None), location
    except URLError as error:
        return _failure(url, error.reason, route), None
    except (OSError, HTTPException, ValueError) as error:
        return _failure(url, error, route), None


def _on_the_wire(url: Url) -> str:
    """Return the URL in ASCII, as requests writes it: the host's normal form, and what is no URL character percent-encoded."""
    rest = url.text.partition("://")[2][len(url.spelled_netloc) :]
    return f"{url.scheme}://{url.asked_netloc}{quote(rest, safe=URL_LETTERS)}"


def _failure(url: Url, reason: object, route: Route) -> Outcome:
    by_proxy = _goes_by_proxy(url, route)
    cause = cause_of(reason, by_proxy=by_proxy)
    return Outcome(None, url, explain(reason, by_proxy=by_proxy), is_tls=isinstance(reason, ssl.SSLError), cause=cause)


def _goes_by_proxy(url: Url, route: Route) -> bool:
    try:
        return url.scheme in _find_proxies(url, route) and not proxy_bypass(url.host)
    except OSError:
        return True


def _is_form(response: HTTPResponse) -> bool:
    """Whether a page is made for a person who logs in: it has a password field, or a form or script and nothing to follow."""
    if not (response.headers.get_content_type() or "").startswith(("text/html", "application/xhtml")):
        return False
    page = response.read(MAX_PAGE_BYTES)
    return bool(_PASSWORD_FIELD.search(page) or (_INTERACTION.search(page) and not _LINK.search(page)))


def make_opener(url: Url, route: Route, host: Host) -> OpenerDirector:
    """Return what opens `url` by its route and follows no redirect. Raises OSError for a certificate or proxy that cannot be used."""
    proxies = _find_proxies(url, route)
    return build_opener(_NoRedirect, HTTPSHandler(context=_make_context(route, host)), ProxyHandler(proxies))


def _find_proxies(url: Url, route: Route) -> dict[str, str]:
    """Return scheme -> proxy, as requests takes them. Raises OSError for a proxy that is no HTTP proxy."""
    if url.is_loopback:  # a proxy could read what plain http carries, which only this machine may see: it is always asked directly
        return {}
    named = {name: route.proxy for name in ("http", "https") if route.proxy} if route.proxy is not None else getproxies_environment()
    proxies = {name: proxy for name in ("http", "https") if (proxy := named.get(name) or named.get("all"))}
    kind, mark, _ = proxies.get(url.scheme, "").partition("://")
    if mark and kind.lower().startswith("socks") and not proxy_bypass(url.host):
        raise OSError(errno.EPROTONOSUPPORT, "it is behind a SOCKS proxy, through which shim cannot ask")
    return proxies


def _make_context(route: Route, host: Host) -> ssl.SSLContext:
    """Return the TLS settings of a route. Raises OSError for a client certificate that cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if route.unchecked:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if route.system:
        context.load_default_certs()
    for path in route.authorities:
        try:
            if os.path.isdir(path):
                context.load_verify_locations(capath=path)
            else:
                context.load_verify_locations(cafile=path)
        except (OSError, ssl.SSLError):
            host.debug(f"the CA bundle {path} cannot be read: the system's is used")
            context.load_default_certs()
    if route.client_certificate:
        context.load_cert_chain(route.client_certificate, password=lambda: "")  # a key with a password would ask on the terminal
    return context


def _authorization(credential: Credential) -> str:
    secret = credential.secret.reveal()
    if credential.scheme == "bearer":
        return f"Bearer {secret}"
    return "Basic " + base64.b64encode(f"{credential.username}:{secret}".encode("utf-8", "surrogateescape")).decode("ascii")
