"""All servers of the matrix at once, and the URLs by which a command names those of its cell."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tests.support.matrix_http import OTHER_USER, SECRETS, Origin
from tests.support.matrix_packages import Shelf
from tests.support.matrix_servers import (
    COMPANY,
    ELSEWHERE,
    SECOND,
    SERVERS,
    Private,
    Public,
    Second,
    Store,
)
from tests.support.recorder import make_certificates
from tests.support.world import USER

#: What a command names besides: nothing, a second place of that server with a credential of its
#: own, a stranger's server on another port of the host, one on another host, and pypi.org, which is
#: there without being named.
SURROUNDINGS = ("alone", "two", "other port", "other host", "pypi.org")


@dataclass(frozen=True)
class Index:
    """An index that a command names: `url` has no userinfo; `user` is "" where all may read."""

    name: str
    url: str
    user: str = ""

    @property
    def typed(self) -> str:
        """The URL with the password in it."""
        if not self.user:
            return self.url
        return self.url.replace("://", f"://{self.user}:{quote(SECRETS[self.user], safe='')}@")


class Street:
    """The servers; `pypi` is a proxy that plays https://pypi.org."""

    def __init__(self, folder: Path, shelves: dict[str, Shelf]) -> None:
        certificates = make_certificates(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
        self.authority = str(certificates / "ca.pem")
        self.store, self.second = Store(shelves), Second(shelves)
        self.elsewhere = Public(ELSEWHERE, shelves["stranger"])
        self.neighbour = Public(COMPANY, shelves["stranger"])
        self.pypi = Public(COMPANY, shelves["stranger"], context)
        others = {"public": self.elsewhere, "store": self.store, "second": self.second}
        self.private = {
            name: Private(behaviour, shelves, **others) for name, behaviour in SERVERS.items()
        }

    @property
    def origins(self) -> list[Origin]:
        """All of them."""
        others = [self.store, self.second, self.elsewhere, self.neighbour, self.pypi]
        return [*self.private.values(), *others]

    def watch(self, look: Callable[[], None]) -> None:
        """Forget all requests; `look` is called during each from now on."""
        for origin in self.origins:
            origin.log.clear()
            origin.look = look
        for private in self.private.values():
            private.uploaded.clear()

    def look_away(self) -> None:
        """Call nothing any more; what was asked is still there."""
        for origin in self.origins:
            origin.look = lambda: None

    def indexes(self, server: str, surroundings: str) -> list[Index]:
        """Return what a command names, the private ones first."""
        private = self.private[server]
        if surroundings == "two":
            places = (("corp", "left", USER), ("team", "right", OTHER_USER))
            return [Index(name, private.url(f"{at}/simple/"), user) for name, at, user in places]
        own = Index("corp", private.url("whole/simple/"), USER)
        strangers = {
            "other port": self.neighbour.url("simple/"),
            "other host": self.elsewhere.url("simple/"),
        }
        stranger = strangers.get(surroundings)
        return [own, Index("open", stranger)] if stranger else [own]

    def environ(self, surroundings: str) -> dict[str, str]:
        """Return what leads to pypi.org here, if the surroundings have it."""
        if surroundings != "pypi.org":
            return {}
        authorities = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE")
        return {
            "HTTPS_PROXY": f"http://{self.pypi.netloc}",
            "NO_PROXY": ",".join((COMPANY, SECOND, ELSEWHERE)),
            **dict.fromkeys(authorities, self.authority),
        }

    def strayed(self, server: str, *, covered: bool) -> list[str]:
        """Return the requests that brought a credential to another server.

        The second host is none where it is `covered`.
        """
        own = [self.private[server], *([self.second] if covered else [])]
        return [
            f"{request.user}'s to {request.method} {origin.url(request.path.lstrip('/'))}"
            for origin in self.origins
            if origin not in own
            for request in origin.log
            if request.user
        ]

    def close(self) -> None:
        """Stop all servers."""
        for origin in self.origins:
            if origin is not self.private["down"]:
                origin.close()


@contextmanager
def open_street(folder: Path, shelves: dict[str, Shelf]) -> Iterator[Street]:
    """Serve everything for a while."""
    street = Street(folder, shelves)
    try:
        yield street
    finally:
        street.close()
