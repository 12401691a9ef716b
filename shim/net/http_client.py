"""The few HTTP requests of our own: one GET of which at most the beginning is read, to see what an
index answers (`json_api.py` asks those who log people in).

A total deadline, the proxy, authorities and client certificate of a `Route`, and no credential
beyond the origin that it was meant for: redirects are followed by hand.

Sources: RFC 9110 sections 11.5 and 15.4; PEP 503 and 691 (Accept).
"""

from __future__ import annotations

import base64
import re
import ssl
import threading
import time
from functools import partial
from http.client import (
    BadStatusLine,
    HTTPException,
    HTTPResponse,
    IncompleteRead,
    LineTooLong,
    RemoteDisconnected,
)
from urllib.error import URLError
from urllib.parse import quote, urljoin
from urllib.request import HTTPErrorProcessor, OpenerDirector, Request, build_opener

from shim import __version__
from shim.core.causes import Cause, cause_of
from shim.core.dataclass import dataclass, field, replace
from shim.core.files import is_folder
from shim.core.host import Host
from shim.core.model import Credential, Route
from shim.core.screen import waiting
from shim.core.typing import Any, Callable, Literal, Sequence, TypeVar
from shim.core.urls import Url, parse_url
from shim.core.verdict import Trouble
from shim.net.proxies import WANTS_LOGIN, CannotAsk, ProxyRefuses, find_proxy, handlers, name_proxy
from shim.net.routes import route_of_environment

ACCEPT = (
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2,"
    " text/html;q=0.01"
)
MAX_REDIRECTS = 5
REDIRECTS = (301, 302, 303, 307, 308)
#: What stands in a URL as it is, beside letters and digits (requests `requote_uri`).
URL_LETTERS = "!#$%&'()*+,/:;=?@[]~"
#: How much of a page is read to tell an index from a login page.
MAX_PAGE_BYTES = 65536
HTML_TYPES = ("text/html", "application/xhtml", "application/vnd.pypi.simple.v1+html")
PAGE_TYPES = (*HTML_TYPES, "application/vnd.pypi.simple.v1+json", "application/json")
T = TypeVar("T")
_PASSWORD_FIELD = re.compile(rb"""<input[^>]*type\s*=\s*["']?password""", re.IGNORECASE)
_LINK = re.compile(rb"<a\s", re.IGNORECASE)
_INTERACTION = re.compile(rb"<(form|script)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an index answered: the status and the last URL, or `error` in words without an answer.

    `page` is the beginning of a page for people or tools, `hops` are the URLs that redirects named
    on the way. `is_form` says that the page asks for a login instead of listing anything. `trouble`
    is what kind of error it is: bad TLS, a proxy, no answer in time, no connection, or `unknown`
    where we have no means to ask; `cause` says more where there is more to say.
    """

    status: int | None
    url: Url
    error: str | None = None
    page: bytes = field(default=b"", kw_only=True, repr=False)
    hops: tuple[Url, ...] = field(default=(), kw_only=True)
    is_form: bool = field(default=False, kw_only=True)
    trouble: Trouble | None = field(default=None, kw_only=True)
    cause: Cause | None = field(default=None, kw_only=True)

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Asked:
    """One question about `url`, by a route, with the credential, in an encoding, in its scope.

    With `follows` false a redirect is the answer. A POST is an empty one. `takes` asks for a file
    instead of a page: all of it, up to one byte more than so many.
    """

    url: Url
    credential: Credential | None
    route: Route
    encoding: Literal["utf-8", "latin-1"] = "utf-8"
    method: Literal["GET", "HEAD", "POST"] = "GET"
    follows: bool = True
    takes: int = 0


class _AsItCame(HTTPErrorProcessor):
    """Lets every answer through: a redirect or a refusal is none of urllib's business."""

    def http_response(self, _request: Request, response: HTTPResponse) -> HTTPResponse:
        return response

    https_response: Any = http_response


def probe(
    url: Url,
    credential: Credential | None,
    host: Host,
    timeout_s: float = 15.0,
    route: Route | None = None,
) -> Outcome:
    """Return what a GET of `url` gives, with the credential in its scope. No network raises.

    It runs in a daemon thread: a socket's timeout begins anew with every byte, and looking up a
    name has none.
    """
    asked = Asked(url, credential, route or route_of_environment(host))
    return probe_all([asked], host, timeout_s)[0]


def probe_all(questions: Sequence[Asked], host: Host, timeout_s: float = 15.0) -> list[Outcome]:
    """Return the outcome of each question, all asked at once, within `timeout_s` together."""
    tasks = [partial(follow, question, host, timeout_s) for question in questions]
    with waiting(f"asking {', '.join(dict.fromkeys(one.url.host for one in questions))}", host):
        return at_once(tasks, [_late(one.url) for one in questions], timeout_s)


def at_once(tasks: Sequence[Callable[[], T]], otherwise: Sequence[T], timeout_s: float) -> list[T]:
    """Return what each task returns, all at the same time; `otherwise` for one that is late."""
    outcomes = list(otherwise)

    def run(number: int) -> None:
        outcomes[number] = tasks[number]()

    threads = [
        threading.Thread(target=run, args=(number,), daemon=True) for number in range(len(tasks))
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + timeout_s
    for thread in threads:
        thread.join(max(deadline - time.monotonic(), 0))
    return list(outcomes)


def follow(question: Asked, host: Host, timeout_s: float) -> Outcome:
    """Return the outcome at the end of all redirects. It may take longer; see `probe`."""
    deadline = time.monotonic() + timeout_s
    url, credential = question.url, question.credential
    hops: tuple[Url, ...] = ()
    for _ in range(MAX_REDIRECTS + 1):
        headers = {
            "Accept": "*/*" if question.takes else ACCEPT,
            "User-Agent": f"pip-uv-shim/{__version__}",
        }
        if credential and url.origin == question.url.origin and credential.scope.covers(url):
            headers["Authorization"] = _authorization(credential, question.encoding)
        outcome, location = _request(url, headers, deadline - time.monotonic(), question, host)
        if location is None:
            return replace(outcome, hops=hops)
        try:
            url = parse_url(urljoin(url.text, location))
        except ValueError:
            words = "it redirects to what is no http(s) URL"
            return Outcome(outcome.status, url, words, trouble="broken")
        hops = (*hops, url)
        if not question.follows:
            return replace(outcome, hops=hops)
    return Outcome(None, url, f"it redirects more than {MAX_REDIRECTS} times", trouble="broken")


def _request(
    url: Url, headers: dict[str, str], left_s: float, question: Asked, host: Host
) -> tuple[Outcome, str | None]:
    """Return the outcome of one request, and where it redirects to."""
    route = question.route
    if left_s <= 0:
        return _late(url), None
    try:
        opener = make_opener(url, route, host)
        body = b"" if question.method == "POST" else None
        request = Request(_on_the_wire(url), body, headers, method=question.method)  # noqa: S310 (a Url is http or https)
        with opener.open(request, timeout=left_s) as response:
            return _read(response, url, question)
    except URLError as error:
        return _failure(url, route, error.reason), None
    except (OSError, HTTPException, ValueError) as error:
        return _failure(url, route, error), None


def _read(response: HTTPResponse, url: Url, question: Asked) -> tuple[Outcome, str | None]:
    """Return the outcome of an answer, and where it redirects to. Raises what reading raises."""
    status = response.status
    if status == WANTS_LOGIN and name_proxy(url, question.route):
        return _failure(url, question.route, ProxyRefuses(status)), None
    if status in REDIRECTS:
        return Outcome(status, url), response.headers.get("Location")
    if not 200 <= status < 300:
        return Outcome(status, url), None
    if question.takes:
        return Outcome(status, url, page=_read_file(response, question.takes)), None
    kind = response.headers.get_content_type() or ""
    page = response.read(MAX_PAGE_BYTES) if kind.startswith(PAGE_TYPES) else b""
    is_form = kind.startswith(HTML_TYPES) and _is_form(page)
    return Outcome(status, url, page=page, is_form=is_form), None


def _read_file(response: HTTPResponse, max_bytes: int) -> bytes:
    """Return the file, or one byte more than allowed. Raises IncompleteRead if it is cut short."""
    data: bytes = response.read(max_bytes + 1)
    if len(data) <= max_bytes and response.length:  # how much is still to come
        raise IncompleteRead(data, response.length)
    return data


def _on_the_wire(url: Url) -> str:
    """Return the URL in ASCII, as requests writes it, other characters percent-encoded."""
    rest = url.text.partition("://")[2][len(url.spelled_netloc) :]
    return f"{url.scheme}://{url.asked_netloc}{quote(rest, safe=URL_LETTERS)}"


def _failure(url: Url, route: Route, reason: object) -> Outcome:
    """Return why there was no answer: before TLS begins, it is the proxy if there is one."""
    cause = cause_of(reason)
    if isinstance(reason, ssl.SSLError):
        return Outcome(None, url, explain(reason), trouble="tls", cause=cause)
    if isinstance(reason, TimeoutError):
        return _late(url)
    if isinstance(reason, CannotAsk):
        return Outcome(None, url, explain(reason), trouble="unknown")
    if isinstance(reason, OSError) and (proxy := name_proxy(url, route)):
        wants_login = isinstance(reason, ProxyRefuses) and reason.status == WANTS_LOGIN
        what = "wants a login (407)" if wants_login else f"fails: {explain(reason)}"
        return Outcome(None, url, f"{proxy} {what}", trouble="proxy", cause="proxy")
    return Outcome(None, url, explain(reason), trouble="down", cause=cause)


def _late(url: Url) -> Outcome:
    return Outcome(None, url, "no answer in time", trouble="slow", cause="timeout")


def _is_form(page: bytes) -> bool:
    """Whether a page is for a login: a password field, or a form or script and no link."""
    is_interactive = _INTERACTION.search(page) and not _LINK.search(page)
    return bool(_PASSWORD_FIELD.search(page) or is_interactive)


def make_opener(url: Url, route: Route, host: Host) -> OpenerDirector:
    """Return what opens `url` by its route. Raises OSError for a bad certificate or proxy."""
    return build_opener(_AsItCame, *handlers(url, route, _make_context(url, route, host)))


def _make_context(url: Url, route: Route, host: Host) -> ssl.SSLContext:
    """Return a route's TLS settings. Raises OSError for a bad client certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if route.unchecked:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    # Some 30 ms, which plain http has no use for; a proxy in between may speak TLS.
    is_tls = url.scheme == "https" or find_proxy(url, route) is not None
    if route.system and is_tls:
        context.load_default_certs()
    for path in route.authorities if is_tls else ():
        try:
            context.load_verify_locations(**{"capath" if is_folder(path) else "cafile": path})
        except (OSError, ssl.SSLError):
            host.debug(f"the CA bundle {path} cannot be read: the system's is used")
            context.load_default_certs()
    if route.client_certificate:
        # A key with a password would ask for it on the terminal.
        context.load_cert_chain(route.client_certificate, password=lambda: "")
    return context


def _authorization(credential: Credential, encoding: str) -> str:
    secret = credential.secret.reveal()
    if credential.scheme == "bearer":
        return f"Bearer {secret}"
    text = f"{credential.username}:{secret}"
    try:
        login = text.encode(encoding, "surrogateescape")
    except UnicodeEncodeError:  # no tool can send that in Latin-1; the channels know it
        login = text.encode("utf-8", "surrogateescape")
    return "Basic " + base64.b64encode(login).decode("ascii")


#: Kind of trouble -> how it is said.
TROUBLES: tuple[tuple[type[Exception], str], ...] = (
    (TimeoutError, "no answer in time"),
    (ConnectionRefusedError, "it refuses the connection"),
    (RemoteDisconnected, "it hangs up without an answer"),
    (IncompleteRead, "it hangs up in the middle of its answer"),
    (BadStatusLine, "its answer is no HTTP"),
    (LineTooLong, "its answer is no HTTP"),
)


def explain(reason: object) -> str:
    """Return why there was no answer, in words."""
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({reason.verify_message})"
    if isinstance(reason, ssl.SSLError):
        return f"TLS fails ({(reason.reason or type(reason).__name__).lower().replace('_', ' ')})"
    for kind, words in TROUBLES:
        if isinstance(reason, kind):
            return words
    if isinstance(reason, ProxyRefuses):
        return str(reason)
    return (isinstance(reason, OSError) and reason.strerror) or type(reason).__name__
