"""Package indexes on loopback that differ in what they say to strangers, and in where their files lie."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.support.listening import QuietServer


@dataclass
class Shelf:
    """Files in a folder: name of the project -> names of its files."""

    folder: str
    files: dict[str, list[str]]


@dataclass
class Reply:
    """One answer: a status, a body, where it redirects to."""

    status: int
    body: bytes = b""
    location: str | None = None
    challenges: bool = False


#: What a stranger is told, by its name: gets (the server, the path).
STRANGERS: dict[str, Callable[[Index, str], Reply]] = {
    "401": lambda _, __: Reply(401, challenges=True),
    "401-bare": lambda _, __: Reply(401),
    "403": lambda _, __: Reply(403),
    "404": lambda _, __: Reply(404),
    "forwards": lambda index, path: Reply(302, location=index.public + path),
    "view": lambda index, path: index.show(path, index.view),
    "login": lambda _, path: Reply(200, b"<form>who are you?</form>") if path == "/login" else Reply(302, location="/login"),
    "500": lambda _, __: Reply(500),
    "open": lambda index, path: index.show(path, index.shelf),
}


@dataclass
class Index:
    """Serves `shelf` below /simple/ to whoever sends `logins`' header for the path's beginning; all others are strangers.

    `public` is where strangers are forwarded to, `view` what they are shown, `files_at` the root URL of the files, `signed_at` that of
    a store to which requests for files are redirected. One that is `rootless` has pages of packages alone, one that is `strict` says
    401 to a wrong login, as no stranger. `seen` lists (path, Authorization or None).
    """

    shelf: Shelf
    stranger: str
    logins: dict[str, str] = field(default_factory=dict)
    public: str = ""
    view: Shelf = field(default_factory=lambda: Shelf("", {}))
    files_at: str = ""
    signed_at: str = ""
    address: str = "127.0.0.1"
    rootless: bool = False
    strict: bool = False
    seen: list[tuple[str, str | None]] = field(default_factory=list)

    def __enter__(self) -> Index:
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        server = type("Server", (QuietServer,), {"address_family": family})
        self._server = server((self.address, 0), _handler_for(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def netloc(self) -> str:
        """Host and port."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self._server.server_address[1]}"

    @property
    def root(self) -> str:
        """The URL of the server."""
        return f"http://{self.netloc}"

    def url(self, place: str = "", userinfo: str = "") -> str:
        """The URL of an index: the only one, or that of a place."""
        return f"http://{userinfo}{self.netloc}{place}/simple/"

    def answer(self, path: str, authorization: str | None) -> Reply:
        """Return what is answered, and write the question down."""
        self.seen.append((path, authorization))
        place = next((one for one in self.logins if path.startswith(f"{one}/")), None)
        if place is None or authorization == self.logins[place]:
            return self.show(path, self.shelf)
        return STRANGERS["401" if self.strict and authorization else self.stranger](self, path)

    def show(self, path: str, shelf: Shelf) -> Reply:
        """Return a page or file of a shelf."""
        place, _, rest = path.rpartition("/simple/") if "/simple/" in path else path.rpartition("/files/")
        if "/simple/" in path:
            root = None if self.rootless else [f"{name}/" for name in shelf.files]
            names = root if not rest else shelf.files.get(rest.strip("/"))
            if names is None:
                return Reply(404)
            links = [name if not rest else f"{self.files_at}{place}/files/{name}" for name in names]
            return Reply(200, "".join(f'<a href="{link}">{link.rpartition("/")[2]}</a>\n' for link in links).encode())
        if self.signed_at:
            return Reply(302, location=f"{self.signed_at}/files/{rest}?signature=1")
        if not any(rest in names for names in shelf.files.values()):
            return Reply(404)
        with open(os.path.join(shelf.folder, rest), "rb") as stream:
            return Reply(200, stream.read())

    def senders(self) -> set[str]:
        """The Authorization headers that were sent here."""
        return {header for _, header in self.seen if header}


@dataclass
class ObjectStore(Index):
    """Answers signed URLs only, and refuses whoever sends a login as well, as S3 does."""

    stranger: str = "open"

    def answer(self, path: str, authorization: str | None) -> Reply:
        """Return the file, or 400 to somebody with a login."""
        self.seen.append((path, authorization))
        return self.show(path, self.shelf) if authorization is None else Reply(400)


def _handler_for(index: Index) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            reply = index.answer(self.path.partition("?")[0], self.headers.get("Authorization"))
            self.send_response(reply.status)
            if reply.location:
                self.send_header("Location", reply.location)
            if reply.challenges:
                self.send_header("WWW-Authenticate", 'Basic realm="corp"')
            is_page = "/simple" in self.path or self.path == "/login"
            self.send_header("Content-Type", "text/html" if is_page else "application/octet-stream")
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body)

        do_HEAD = do_GET  # noqa: N815 (the name that http.server looks for)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing: the index keeps its own list."""

    return Handler
