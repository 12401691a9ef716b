"""Private package servers as they are out there: what each does with a stranger is data. Real HTTP on loopback.

A host is an address of loopback: 127.0.0.1 is the company's, 127.0.0.2 its second one, 127.0.0.3 somebody else's.
"""

from __future__ import annotations

import base64
import hashlib
import re
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

from tests.support.matrix_packages import Shelf
from tests.support.realms import basic
from tests.support.world import CANARY, USER

OTHER_USER, OTHER_SECRET = "bob", CANARY.replace("s3cr3t", "0ther")
HEADERS = {USER: basic(USER, CANARY), OTHER_USER: basic(OTHER_USER, OTHER_SECRET)}
COMPANY, SECOND, ELSEWHERE = "127.0.0.1", "127.0.0.2", "127.0.0.3"


@dataclass(frozen=True)
class Behaviour:
    """What a server answers to who has no credential for a place: a status, or what it `shows` on the pages of projects.

    `root` is the status of the index page itself, where it is another. `files` says where they lie, `broken` is for everybody.
    """

    status: int = 401
    challenge: bool = False
    shows: Literal["", "public", "older", "login"] = ""
    root: int = 0
    files: Literal["here", "presigned", "second"] = "here"
    broken: int = 0
    down: bool = False


SERVERS = {
    "401": Behaviour(challenge=True),
    "401, no challenge": Behaviour(),
    "403": Behaviour(403),
    "404": Behaviour(404),
    "forwards": Behaviour(shows="public"),
    "forwards names": Behaviour(shows="public", root=401, challenge=True),
    "anonymous view": Behaviour(shows="older"),
    "presigned": Behaviour(challenge=True, files="presigned"),
    "second host": Behaviour(challenge=True, files="second"),
    "login page": Behaviour(shows="login"),
    "500": Behaviour(broken=500),
    "down": Behaviour(down=True),
}
#: Whose each place is.
OWNERS = {"whole": USER, "left": USER, "right": OTHER_USER}


@dataclass(frozen=True)
class Request:
    """One request; `user` is who the credential in it belongs to."""

    method: str
    path: str
    user: str
    status: int = 0


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int
    body: bytes = b""
    kind: str = "text/plain"
    headers: Mapping[str, str] = field(default_factory=dict)


def user_of(authorization: str | None) -> str:
    """Return whose secret is in a header, "" where there is none of ours."""
    scheme, _, value = (authorization or "").partition(" ")
    text = (
        base64.b64decode(value).decode("utf-8", "replace") if scheme.lower() == "basic" else value
    )
    secrets = {USER: CANARY, OTHER_USER: OTHER_SECRET}
    return next((user for user, secret in secrets.items() if secret in text), "")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no failure: uv does so once it knows enough."""


class Origin:
    """A server on one host and port. `log` has its requests, `look` is called during each. As a proxy it plays any https host."""

    def __init__(self, host: str, context: ssl.SSLContext | None = None) -> None:
        self.log: list[Request] = []
        self.look: Callable[[], None] = lambda: None
        self.context = context
        self._server = _Server((host, 0), _handler_for(self))
        self.netloc = f"{host}:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def url(self, path: str) -> str:
        """Return the URL of a path here."""
        return f"http://{self.netloc}/{path}"

    def handle(self, method: str, target: str, authorization: str | None, body: bytes) -> Reply:
        """Answer one request, and write it down."""
        self.look()
        reply = self.answer(method, target, authorization, body)
        self.log.append(Request(method, target, user_of(authorization), reply.status))
        return reply

    def answer(self, method: str, target: str, authorization: str | None, body: bytes) -> Reply:
        """Return the answer to one request."""
        raise NotImplementedError


class Public(Origin):
    """Lets everybody see one shelf, below /simple/."""

    def __init__(self, host: str, shelf: Shelf, context: ssl.SSLContext | None = None) -> None:
        super().__init__(host, context)
        self._shelf = shelf

    def answer(self, method: str, target: str, authorization: str | None, body: bytes) -> Reply:
        return page_of(self._shelf, target, "/simple/", "/files/") or NOT_HERE


class Store(Origin):
    """An object store: a signature in the URL lets in, and a header beside it is one login too many."""

    def __init__(self, shelves: Mapping[str, Shelf]) -> None:
        super().__init__(COMPANY)
        self._shelves = shelves

    def answer(self, method: str, target: str, authorization: str | None, body: bytes) -> Reply:
        path, _, query = target.partition("?")
        if authorization:
            return Reply(400, b"Only one auth mechanism allowed")
        _, place, name = path.split("/")
        return (
            file_of(self._shelves[place], name)
            if query == "X-Signature=1" and place in self._shelves
            else Reply(403)
        )


class Second(Origin):
    """The company's second host: files only, for who has a credential of the company."""

    def __init__(self, shelves: Mapping[str, Shelf]) -> None:
        super().__init__(SECOND)
        self._shelves = shelves

    def answer(self, method: str, target: str, authorization: str | None, body: bytes) -> Reply:
        _, place, name = target.split("/")
        if authorization != HEADERS[OWNERS[place]]:
            return Reply(401, b"who?", headers=CHALLENGE)
        return file_of(self._shelves[place], name)


class Private(Origin):
    """The company's index: the places `whole`, `left` and `right`, each with `simple/` and `files/`, and /upload/."""

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
        self.behaviour = behaviour
        self.uploaded: list[str] = []
        self._shelves = shelves
        self._public = public
        self._store = store
        self._second = second
        if behaviour.down:
            self.close()

    def answer(self, method: str, target: str, authorization: str | None, body: bytes) -> Reply:
        if self.behaviour.broken:
            return Reply(self.behaviour.broken, b"broken\n")
        place, _, rest = target.lstrip("/").partition("/")
        is_let_in = authorization == HEADERS.get(OWNERS.get(place, USER))
        if place == "login":
            return Reply(
                200,
                b'<html><form action="/session"><input name="u"><input type="password" name="p"></form></html>',
                "text/html",
            )
        if place == "upload" and is_let_in and method == "POST":
            self.uploaded += re.findall(r'filename="([^"]+)"', body.decode("latin-1"))
            return Reply(200)
        if place not in OWNERS or not is_let_in:
            return self._turn_away(place, rest)
        if rest.startswith("files/") and self.behaviour.files == "presigned":
            return Reply(
                302,
                headers={
                    "Location": self._store.url(
                        f"{place}/{rest.removeprefix('files/')}?X-Signature=1"
                    )
                },
            )
        files = (
            self._second.url(f"{place}/")
            if self.behaviour.files == "second"
            else f"/{place}/files/"
        )
        return page_of(self._shelves[place], f"/{rest}", f"/{place}/simple/", files) or NOT_HERE

    def _turn_away(self, place: str, rest: str) -> Reply:
        """Answer a stranger."""
        behaviour = self.behaviour
        is_root = rest.strip("/") == "simple"
        if is_root and behaviour.root:
            return Reply(
                behaviour.root, b"who?\n", headers=CHALLENGE if behaviour.challenge else {}
            )
        if behaviour.shows == "public" and rest.startswith("simple"):
            return Reply(302, headers={"Location": self._public.url(rest)})
        if behaviour.shows == "older" and rest:
            return (
                page_of(self._shelves["older"], f"/{rest}", f"/{place}/simple/", f"/{place}/files/")
                or NOT_HERE
            )
        if behaviour.shows == "login":
            return Reply(302, headers={"Location": "/login"})
        return Reply(behaviour.status, b"who?\n", headers=CHALLENGE if behaviour.challenge else {})


NOT_HERE = Reply(404, b"not here\n")
CHALLENGE = {"WWW-Authenticate": 'Basic realm="corp"'}


def page_of(shelf: Shelf, target: str, pages: str, files: str) -> Reply | None:
    """Return the page or file of a shelf at `/simple/`, `/simple/NAME/` or `/files/NAME`; `pages` and `files` begin its links."""
    parts = target.partition("?")[0].strip("/").split("/")
    if parts == ["simple"]:
        return _page((f"{pages}{project}/", project) for project in shelf.files)
    if parts[0] == "simple" and len(parts) == 2 and parts[1] in shelf.files:
        return _page(
            (f"{files}{name}#sha256={_digest(shelf.folder / name)}", name)
            for name in shelf.files[parts[1]]
        )
    if parts[0] == "files" and len(parts) == 2:
        return file_of(shelf, parts[1])
    return None


def _page(links: Iterable[tuple[str, str]]) -> Reply:
    rows = "".join(f'<a href="{target}">{text}</a>\n' for target, text in links)
    return Reply(200, f"<!DOCTYPE html><html><body>\n{rows}</body></html>\n".encode(), "text/html")


def file_of(shelf: Shelf, name: str) -> Reply:
    """Return a file of a shelf."""
    if not any(name in names for names in shelf.files.values()):
        return NOT_HERE
    return Reply(200, (shelf.folder / name).read_bytes(), "application/octet-stream")


@cache
def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _handler_for(origin: Origin) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60

        def do_CONNECT(self) -> None:
            assert origin.context
            self.send_response(200)
            self.end_headers()
            self.connection = origin.context.wrap_socket(
                self.connection, server_side=True, do_handshake_on_connect=False
            )
            self.connection.do_handshake()
            self.rfile = self.connection.makefile("rb")
            self.wfile = self.connection.makefile("wb", 0)  # type: ignore[assignment]
            self.close_connection = False

        def do_GET(self) -> None:
            body = self._read_body()
            reply = origin.handle(self.command, self.path, self.headers.get("Authorization"), body)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", reply.kind)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body)

        do_HEAD = do_POST = do_GET  # noqa: N815 (the names that http.server looks for)

        def _read_body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") == "chunked":
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def finish(self) -> None:
            try:
                super().finish()
            finally:
                self.connection.close()  # the server closes the socket that it knows, not the TLS around it

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing: the origin keeps its own list."""

    return Handler
