"""Private package servers as they are out there: what each does with a stranger is data.

A host is an address of loopback: 127.0.0.1 is the company's, 127.0.0.2 its second one, 127.0.0.3
somebody else's.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tests.support.matrix_http import (
    NOT_HERE,
    OTHER_USER,
    SECRETS,
    Origin,
    Reply,
    file_of,
    page_of,
)
from tests.support.matrix_packages import Shelf
from tests.support.realms import basic
from tests.support.world import USER

HEADERS = {user: basic(user, secret) for user, secret in SECRETS.items()}
COMPANY, SECOND, ELSEWHERE = "127.0.0.1", "127.0.0.2", "127.0.0.3"
CHALLENGE = {"WWW-Authenticate": 'Basic realm="corp"'}
LOGIN_PAGE = b'<html><form action="/session"><input name="u"><input type="password"></form></html>'
#: Whose each place of the company's index is.
OWNERS = {"whole": USER, "left": USER, "right": OTHER_USER}


@dataclass(frozen=True)
class Behaviour:
    """What a server answers to who has no credential for a place: a status, or what it `shows`.

    `root` is the status of the index page itself, where it is another; one that is not `listing`
    has no such page for its users either. `files` says where they lie: `apart` is on the same server
    and below another path, as GitLab keeps those of a group. `broken` is everybody's status.
    """

    status: int = 401
    challenge: bool = False
    shows: Literal["", "public", "older", "login"] = ""
    root: int = 0
    listing: bool = True
    files: Literal["here", "apart", "presigned", "second"] = "here"
    broken: int = 0
    down: bool = False


SERVERS = {
    "401": Behaviour(challenge=True),
    "401, no challenge": Behaviour(),
    "403": Behaviour(403),
    "404": Behaviour(404),
    "404, files apart": Behaviour(404, files="apart"),
    "no root page": Behaviour(challenge=True, root=404, listing=False),
    "forwards": Behaviour(shows="public"),
    "forwards names": Behaviour(shows="public", root=401, challenge=True),
    "anonymous view": Behaviour(shows="older"),
    "presigned": Behaviour(challenge=True, files="presigned"),
    "second host": Behaviour(challenge=True, files="second"),
    "login page": Behaviour(shows="login"),
    "500": Behaviour(broken=500),
    "down": Behaviour(down=True),
}


class Public(Origin):
    """Lets everybody see one shelf, below /simple/."""

    def __init__(self, host: str, shelf: Shelf, context: ssl.SSLContext | None = None) -> None:
        super().__init__(host, context)
        self._shelf = shelf

    def answer(self, method: str, target: str, authorization: str | None, body: bytes) -> Reply:
        return page_of(self._shelf, target, "/simple/", "/files/") or NOT_HERE


class Store(Origin):
    """An object store: the signature in a URL lets in, a header beside it is one too many."""

    def __init__(self, shelves: Mapping[str, Shelf]) -> None:
        super().__init__(COMPANY)
        self._shelves = shelves

    def answer(self, method: str, target: str, authorization: str | None, body: bytes) -> Reply:
        path, _, query = target.partition("?")
        if authorization:
            return Reply(400, b"only one way to log in is allowed\n")
        _, place, name = path.split("/")
        if query != "X-Signature=1" or place not in self._shelves:
            return Reply(403)
        return file_of(self._shelves[place], name)


class Second(Origin):
    """The company's second host: files only, for who has a credential of the company."""

    def __init__(self, shelves: Mapping[str, Shelf]) -> None:
        super().__init__(SECOND)
        self._shelves = shelves

    def answer(self, method: str, target: str, authorization: str | None, body: bytes) -> Reply:
        place, _, name = target.lstrip("/").partition("/")
        if place not in OWNERS or authorization != HEADERS[OWNERS[place]]:
            return Reply(401, b"who?\n", headers=CHALLENGE)
        return file_of(self._shelves[place], name)


class Private(Origin):
    """The company's index: the places in OWNERS, each with `simple/` and `files/`, and /upload/."""

    def __init__(
        self,
        behaviour: Behaviour,
        shelves: Mapping[str, Shelf],
        *,
        public: Origin,
        store: Origin,
        second: Origin,
    ) -> None:
        super().__init__(COMPANY)
        self.uploaded: list[str] = []
        self._behaviour = behaviour
        self._shelves = shelves
        self._public, self._store, self._second = public, store, second
        if behaviour.down:
            self.close()

    def answer(self, method: str, target: str, authorization: str | None, body: bytes) -> Reply:
        if self._behaviour.broken:
            return Reply(self._behaviour.broken, b"broken\n")
        place, _, rest = target.lstrip("/").partition("/")
        if place == "apart":
            place, _, name = rest.partition("/")
            rest = f"files/{name}"
        is_let_in = authorization == HEADERS[OWNERS.get(place, USER)]
        if place == "login":
            return Reply(200, LOGIN_PAGE, "text/html")
        if place == "upload" and is_let_in and method == "POST":
            self.uploaded += re.findall(r'filename="([^"]+)"', body.decode("latin-1"))
            return Reply(200)
        if place not in OWNERS or not is_let_in:
            return self._turn_away(place, rest)
        return self._show(place, rest)

    def _show(self, place: str, rest: str) -> Reply:
        """Answer a user of the place."""
        if rest.startswith("files/") and self._behaviour.files == "presigned":
            signed = f"{place}/{rest.removeprefix('files/')}?X-Signature=1"
            return Reply(302, headers={"Location": self._store.url(signed)})
        if rest.strip("/") == "simple" and not self._behaviour.listing:
            return NOT_HERE
        places = {"apart": f"/apart/{place}/", "second": self._second.url(f"{place}/")}
        files = places.get(self._behaviour.files, f"/{place}/files/")
        return page_of(self._shelves[place], f"/{rest}", f"/{place}/simple/", files) or NOT_HERE

    def _turn_away(self, place: str, rest: str) -> Reply:
        """Answer a stranger."""
        behaviour = self._behaviour
        refused_root = behaviour.root if rest.strip("/") == "simple" else 0
        if behaviour.shows == "public" and rest.startswith("simple") and not refused_root:
            return Reply(302, headers={"Location": self._public.url(rest)})
        if behaviour.shows == "older" and rest:
            links = (f"/{place}/simple/", f"/{place}/files/")
            return page_of(self._shelves["older"], f"/{rest}", *links) or NOT_HERE
        if behaviour.shows == "login":
            return Reply(302, headers={"Location": "/login"})
        challenge = CHALLENGE if behaviour.challenge else {}
        return Reply(refused_root or behaviour.status, b"who?\n", headers=challenge)
