"""The HTTP below the servers of the matrix: an origin that writes every request down, and pages."""

from __future__ import annotations

import base64
import hashlib
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests.support.listening import QuietServer
from tests.support.matrix_packages import Shelf
from tests.support.world import CANARY, USER

OTHER_USER, OTHER_SECRET = "bob", CANARY.replace("s3cr3t", "0ther")
SECRETS = {USER: CANARY, OTHER_USER: OTHER_SECRET}


@dataclass(frozen=True)
class Request:
    """One request; `user` is who the credential in it belongs to."""

    method: str
    path: str
    user: str
    status: int


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int
    body: bytes = b""
    kind: str = "text/plain"
    headers: Mapping[str, str] = field(default_factory=dict)


NOT_HERE = Reply(404, b"not here\n")


def user_of(authorization: str | None) -> str:
    """Return whose secret is in a header, "" where there is none of ours."""
    scheme, _, text = (authorization or "").partition(" ")
    if scheme.lower() == "basic":
        text = base64.b64decode(text).decode("utf-8", "replace")
    return next((user for user, secret in SECRETS.items() if secret in text), "")


class Origin:
    """A server on one host and port; as a proxy it plays any https host.

    `log` has its requests, `look` is called during each.
    """

    def __init__(self, host: str, context: ssl.SSLContext | None = None) -> None:
        self.log: list[Request] = []
        self.look: Callable[[], None] = lambda: None
        self.context = context
        self._server = QuietServer((host, 0), type("_HandlerHere", (_Handler,), {"origin": self}))
        self.netloc = f"{host}:{self._server.server_port}"
        serve = self._server.serve_forever
        self._thread = threading.Thread(target=serve, args=(0.05,), daemon=True)
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


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    origin: Origin

    def do_CONNECT(self) -> None:
        assert self.origin.context
        self.send_response(200)
        self.end_headers()
        # The handshake apart: `finish` closes the connection whatever becomes of it.
        self.connection = self.origin.context.wrap_socket(
            self.connection, server_side=True, do_handshake_on_connect=False
        )
        self.connection.do_handshake()
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", 0)  # type: ignore[assignment]
        self.close_connection = False

    def do_GET(self) -> None:
        authorization = self.headers.get("Authorization")
        reply = self.origin.handle(self.command, self.path, authorization, self._read_body())
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
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def finish(self) -> None:
        try:
            super().finish()
        finally:
            self.connection.close()  # the server closes the socket that it knows, not the TLS

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing: the origin keeps its own list."""


def page_of(shelf: Shelf, target: str, pages: str, files: str) -> Reply | None:
    """Return the page or file of a shelf at `/simple/`, `/simple/NAME/` or `/files/NAME`.

    `pages` and `files` are how its links begin.
    """
    parts = target.partition("?")[0].strip("/").split("/")
    if parts == ["simple"]:
        return _page((f"{pages}{project}/", project) for project in shelf.files)
    if parts[0] == "simple" and len(parts) == 2 and parts[1] in shelf.files:
        names = shelf.files[parts[1]]
        return _page(
            (f"{files}{name}#sha256={_digest(shelf.folder / name)}", name) for name in names
        )
    if parts[0] == "files" and len(parts) == 2:
        return file_of(shelf, parts[1])
    return None


def file_of(shelf: Shelf, name: str) -> Reply:
    """Return a file of a shelf."""
    if not any(name in names for names in shelf.files.values()):
        return NOT_HERE
    return Reply(200, (shelf.folder / name).read_bytes(), "application/octet-stream")


def _page(links: Iterable[tuple[str, str]]) -> Reply:
    rows = "".join(f'<a href="{target}">{text}</a>\n' for target, text in links)
    page = f"<!DOCTYPE html><html><body>\n{rows}</body></html>\n"
    return Reply(200, page.encode(), "text/html")


@cache
def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
