"""A real uv that says which servers it asks for URLs of any spelling: every request goes to a proxy here, which answers for all hosts."""

from __future__ import annotations

import subprocess
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.listening import QuietServer

#: (scheme, host, port, path) of a request.
Asked = tuple[str, str, int, str]
#: How uv ends where it does not understand its command line.
MISUNDERSTOOD = 2
#: The index that is asked when no other one has the package.
LAST = "http://last.example/simple"


class UvOracle:
    """Asks one package, which nobody has, of many indexes at once: uv goes from one to the next. Use as a context manager."""

    def __init__(self, uv: Path, folder: Path) -> None:
        self._uv = uv
        self._folder = folder
        self._asked: list[Asked] = []
        self._server = QuietServer(("127.0.0.1", 0), _handler_for(self._asked))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> UvOracle:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def ask(self, urls: list[str]) -> list[tuple[list[str], list[Asked]]]:
        """Return groups of the URLs with what uv asked for each group; a URL that uv does not understand is a group of its own."""
        if not urls:
            return []
        status = self._run(*(word for url in urls for word in ("--index", url)), "nobody")
        if status == MISUNDERSTOOD and len(urls) > 1:
            half = len(urls) // 2
            return self.ask(urls[:half]) + self.ask(urls[half:])
        return [(urls, list(self._asked))]

    def ask_line(self, line: str) -> list[Asked]:
        """Return what uv asks for one line of a requirements file."""
        path = self._folder / "requirements.txt"
        path.write_text(line, encoding="utf-8", newline="")
        self._run("-r", str(path))
        return list(self._asked)

    def _run(self, *words: str) -> int:
        """Run `uv pip install` and return how it ends."""
        self._asked.clear()
        command = [self._uv, "pip", "install", "--dry-run", "--no-config", "--no-cache", "--target", "out", "--default-index", LAST]
        return subprocess.run([*command, *words], env=self._environ(), cwd=self._folder, capture_output=True, check=False, timeout=60).returncode

    def _environ(self) -> dict[str, str]:
        proxy = f"http://127.0.0.1:{self._server.server_address[1]}"
        return {"PATH": "/usr/bin:/bin", "HOME": str(self._folder), "HTTP_PROXY": proxy, "HTTPS_PROXY": proxy, "UV_HTTP_RETRIES": "0"}


def _handler_for(asked: list[Asked]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked.append((parts.scheme, parts.hostname or "", parts.port or 80, parts.path))
            self._refuse(404)

        do_HEAD = do_GET  # noqa: N815 (the name that http.server looks for)

        def do_CONNECT(self) -> None:
            host, _, port = self.path.rpartition(":")
            asked.append(("https", host.strip("[]"), int(port), ""))
            self._refuse(502)

        def _refuse(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    return Handler
