"""A server in an attacker's hands: it asks everybody for a login, keeps what it was sent, and can redirect or play the proxy."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

from tests.support.listening import QuietServer
from tests.support.world import CANARY


class Attacker:
    """Use as a context manager. `reply(path)` returns a redirect's target, a page of links, or None for a 401 with a challenge.

    `loot` lists the secrets that reached it. As a proxy it is asked for whole URLs, and answers them itself.
    """

    def __init__(self, reply: Callable[[str], str | None] = lambda _: None) -> None:
        self.loot: list[str] = []
        self.asked: list[str] = []
        attacker = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                attacker.note(self.path, self.headers.get("Authorization"))
                answer = reply(self.path)
                page = answer.encode() if answer and answer.startswith("<") else b""
                self.send_response(200 if page else 302 if answer else 401)
                self.send_header("Content-Type", "text/html")
                if not page:
                    self.send_header(*(("Location", answer) if answer else ("WWW-Authenticate", 'Basic realm="corp"')))
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            do_HEAD = do_POST = do_GET  # noqa: N815 (the names that http.server looks for)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = QuietServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)

    def note(self, path: str, authorization: str | None) -> None:
        self.asked.append(path)
        scheme, _, value = (authorization or "").partition(" ")
        text = base64.b64decode(value).decode("utf-8", "replace").partition(":")[2] if scheme == "Basic" else value
        if text:
            self.loot.append(text)

    @property
    def has_secret(self) -> bool:
        return any(CANARY in secret for secret in self.loot)

    def __enter__(self) -> Attacker:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()
