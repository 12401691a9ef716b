"""A server of files on loopback, as an organisation has one: each path answers what a test put there."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.support.listening import QuietServer
from tests.support.tls import Authority


@dataclass
class FileServer:
    """`files` are path -> text, bytes, or (status, headers, body); `asked` are the paths that were asked for."""

    url: str
    files: dict[str, str | bytes | tuple[int, Mapping[str, str], bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str) -> tuple[int, Mapping[str, str], bytes]:
        """Return status, headers and body."""
        self.asked.append(path)
        found = self.files.get(path, (404, {}, b"not here\n"))
        data = found.encode() if isinstance(found, str) else found
        return data if isinstance(data, tuple) else (200, {"Content-Length": str(len(data))}, data)


@contextmanager
def serving(authority: Authority | None = None) -> Iterator[FileServer]:
    """Yield a server that listens, with TLS if there is an authority."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = server.answer(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                with suppress(ConnectionError):  # who asks may have read enough, and the library would print that
                    self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 (the name that http.server looks for)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    listener = QuietServer(("127.0.0.1", 0), Handler)
    server = FileServer(f"{'https' if authority else 'http'}://127.0.0.1:{listener.server_address[1]}")
    if authority:
        authority.protect(listener)
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()
