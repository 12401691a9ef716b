"""A private package index on loopback: HTTP Basic on everything, and a list of who asked what."""

from __future__ import annotations

import base64
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain

from shim.core.typing import Callable, Iterable


class QuietServer(ThreadingHTTPServer):
    """Says nothing of a client that hangs up, as uv does once it knows enough, or that does not
    trust its certificate. A traceback would stand in the middle of what is printed meanwhile.
    """

    def handle_error(self, request: object, client_address: object) -> None:
        """Leave what is no failure of the connection to the library."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class PrivateIndex:
    """Serves a PEP 503 index of `files` (project -> file names in `folder`), to one user only.

    `requests` lists (path, user or None, status); `on_request` is called
    during each request, with the request's User-Agent in `agent`.
    """

    def __init__(
        self, folder: str, files: dict[str, list[str]], username: str, secret: str
    ) -> None:
        self.requests: list[tuple[str, str | None, int]] = []
        self.on_request: Callable[[], None] = lambda: None
        self.agent = ""
        self._folder = folder
        self._files = files
        self._username = username
        self._header = "Basic " + base64.b64encode(f"{username}:{secret}".encode()).decode()
        self._server = QuietServer(("127.0.0.1", 0), _handler_for(self))
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    @property
    def netloc(self) -> str:
        """`127.0.0.1:port`."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> PrivateIndex:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path: str, authorization: str | None) -> tuple[int, str, bytes]:
        """Return (status, content type, body) for one request, and write it down."""
        self.on_request()
        allowed = authorization == self._header
        status, kind, body = self._page(path) if allowed else (401, "text/plain", b"who are you?\n")
        self.requests.append((path, self._username if allowed else None, status))
        return status, kind, body

    def _page(self, path: str) -> tuple[int, str, bytes]:
        parts = path.strip("/").split("/")
        if parts == ["simple"]:
            return 200, "text/html", _links(f"{project}/" for project in self._files)
        if len(parts) == 2 and parts[0] == "simple" and parts[1] in self._files:
            return 200, "text/html", _links(f"/files/{name}" for name in self._files[parts[1]])
        if len(parts) == 2 and parts[0] == "files" and parts[1] in chain(*self._files.values()):
            with open(os.path.join(self._folder, parts[1]), "rb") as stream:
                return 200, "application/octet-stream", stream.read()
        return 404, "text/plain", b"not here\n"


def _links(targets: Iterable[str]) -> bytes:
    named = ((target, os.path.basename(target.rstrip("/"))) for target in targets)
    rows = "".join(f'<a href="{target}">{name}</a>\n' for target, name in named)
    return f"<!DOCTYPE html><html><body>\n{rows}</body></html>\n".encode()


def _handler_for(index: PrivateIndex) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            index.agent = self.headers.get("User-Agent", "")
            status, kind, body = index.answer(
                self.path.partition("?")[0], self.headers.get("Authorization")
            )
            self.send_response(status)
            if status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="corp"')
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 (the name that http.server looks for)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 (the base class's name)
            """Say nothing: the index keeps its own list."""

    return Handler
