"""A server that has nothing and remembers every question."""

from __future__ import annotations

import base64
import io
import zipfile
from http.server import BaseHTTPRequestHandler

from tests.support.listening import QuietServer


class Recorder(QuietServer):
    """Answers 404, an empty requirements file or a wheel without contents, and remembers every URL that was asked in `asked`.

    It is an https proxy as well, which refuses, and knows by the proxy's user name (`/L1/`) who asked.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: Recorder

    def do_GET(self) -> None:
        self.server.asked.append(f"http://{self.headers['Host']}{self.path}")
        name = self.path.partition("?")[0].rpartition("/")[2]
        body = make_wheel(name) if name.endswith(".whl") else b""
        self.send_response(200 if body or name.endswith(".txt") else 404)
        self.send_header("Content-Type", "application/octet-stream" if body else "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def do_CONNECT(self) -> None:
        user = base64.b64decode(self.headers["Proxy-Authorization"].removeprefix("Basic ")).decode().partition(":")[0]
        self.server.asked.append(f"https://{self.path.removesuffix(':443')}/{user}/")
        self.send_error(502)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


def make_wheel(file_name: str) -> bytes:
    """Return a wheel that holds nothing but its metadata, the same bytes each time."""
    name, version = file_name.split("-")[:2]
    files = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: nobody\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for file, text in files.items():
            archive.writestr(zipfile.ZipInfo(f"{name}-{version}.dist-info/{file}"), text)
    return buffer.getvalue()
