"""The proxy that stands before a server, if one does: found as requests finds it, spoken to in its
own way, named where it fails.

SOCKS is spoken by PySocks, as in pip and requests; without it we cannot ask, which says nothing
about the server.

Sources: requests `utils.select_proxy`; urllib3 `contrib/socks.py` (which schemes have the proxy
look names up); RFC 1928.
"""

from __future__ import annotations

import errno
import os
import ssl
from functools import partial
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from urllib.parse import unquote, urlsplit
from urllib.request import (
    BaseHandler,
    HTTPHandler,
    HTTPSHandler,
    ProxyHandler,
    Request,
    getproxies_environment,
    proxy_bypass,
)

from shim.core.model import Route
from shim.core.typing import Any, Callable
from shim.core.urls import Url

#: SOCKS schemes, and whether the proxy looks names up.
SOCKS = {"socks4": False, "socks4a": True, "socks5": False, "socks5h": True}
SOCKS_PORT = 1080
#: How a proxy refuses whom it does not know (RFC 9110 section 15.5.8).
WANTS_LOGIN = 407


class ProxyRefuses(OSError):
    """The proxy leads nowhere: it answered a CONNECT with `status`."""

    def __init__(self, status: int) -> None:
        super().__init__(f"it answers {status}")
        self.status = status


class CannotAsk(OSError):
    """There is a proxy that we have no means to speak to."""


def find_proxy(url: Url, route: Route) -> str | None:
    """Return the URL of the proxy for `url`, or None. It may hold a password.

    A proxy could read what plain http carries, which only this machine may see: loopback is always
    asked directly.
    """
    if url.is_loopback or proxy_bypass(url.host):
        return None
    if route.proxy is not None:
        return route.proxy or None
    named = getproxies_environment()
    return named.get(url.scheme) or named.get("all") or None


def handlers(url: Url, route: Route, context: ssl.SSLContext) -> list[BaseHandler]:
    """Return what lets urllib ask `url` by its route. Raises CannotAsk for lack of PySocks."""
    proxy = find_proxy(url, route)
    scheme = proxy.partition("://")[0].lower() if proxy and "://" in proxy else ""
    if proxy and scheme in SOCKS:
        dial = _make_dial(proxy, scheme)
        return [ProxyHandler({}), _SocksHttp(dial), _SocksHttps(dial, context)]
    return [ProxyHandler({url.scheme: proxy} if proxy else {}), _Https(context=context)]


def name_proxy(url: Url, route: Route) -> str | None:
    """Return the proxy for `url` in words, without password, and who named it, or None."""
    proxy = find_proxy(url, route)
    if proxy is None:
        return None
    head, mark, rest = proxy.rpartition("://")
    shown = f"{head}{mark}{rest.rpartition('@')[2]}"
    wanted = (f"{url.scheme}_proxy", f"{url.scheme}_proxy".upper(), "all_proxy", "ALL_PROXY")
    variable = next((name for name in wanted if os.environ.get(name) == proxy), None)
    origin = variable if route.proxy is None and variable else "of --proxy, PIP_PROXY or pip.conf"
    return f"the proxy {shown} ({origin})"


Dial = Callable[..., Any]


def _make_dial(proxy: str, scheme: str) -> Dial:
    """Return what connects through a SOCKS proxy as `socket.create_connection` does without."""
    try:
        import socks
    except ImportError:
        raise CannotAsk(
            errno.EPROTONOSUPPORT,
            "it is behind a SOCKS proxy, and PySocks is not installed beside shim",
        ) from None
    parts = urlsplit(proxy)
    options = {
        "proxy_type": socks.SOCKS4 if scheme.startswith("socks4") else socks.SOCKS5,
        "proxy_addr": parts.hostname,
        "proxy_port": parts.port or SOCKS_PORT,
        "proxy_rdns": SOCKS[scheme],
        "proxy_username": unquote(parts.username) if parts.username else None,
        "proxy_password": unquote(parts.password) if parts.password else None,
    }

    return partial(socks.create_connection, **options)


class _Tunnel(HTTPSConnection):
    def _tunnel(self) -> None:
        """Ask the proxy for a way, and note its answer, which http.client tells in words only."""
        make, statuses = self.response_class, list[int]()

        class Response(make):  # type: ignore[valid-type, misc]
            def _read_status(self) -> tuple[str, int, str]:
                version, status, reason = super()._read_status()
                statuses.append(status)
                return version, status, reason

        self.response_class = Response
        try:
            super()._tunnel()  # type: ignore[misc]
        except OSError as error:
            if error.errno is None and statuses:
                raise ProxyRefuses(statuses[-1]) from None
            raise
        finally:
            self.response_class = make


class _Https(HTTPSHandler):
    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_Tunnel, req, context=self._context)  # type: ignore[attr-defined]


class _SocksHttp(HTTPHandler):
    def __init__(self, dial: Dial) -> None:
        super().__init__()
        self._dial = dial

    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(partial(_connect, HTTPConnection, self._dial), req)


class _SocksHttps(HTTPSHandler):
    def __init__(self, dial: Dial, context: ssl.SSLContext) -> None:
        super().__init__(context=context)
        self._dial, self._tls = dial, context

    def https_open(self, req: Request) -> HTTPResponse:
        kind = partial(HTTPSConnection, context=self._tls)
        return self.do_open(partial(_connect, kind, self._dial), req)


def _connect(
    kind: Callable[..., HTTPConnection], dial: Dial, host: str, **options: Any
) -> HTTPConnection:
    connection = kind(host, **options)
    # http.client has no other place for it.
    connection._create_connection = dial  # type: ignore[attr-defined]
    return connection
