"""A server that remembers every URL it was asked: over http on loopback, and over https for any host, as that host's proxy."""

from __future__ import annotations

import hashlib
import io
import re
import ssl
import subprocess
import threading
import zipfile
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests.support import machine
from tests.support.listening import QuietServer

#: What the https side can pretend to be.
HTTPS_NAMES = ("pypi.org", "upload.pypi.org", "a.corp.example", "b.corp.example")

#: What every page of links has.
LINKED = tuple(f"known_{name}_{owner}" for name in ("a", "b", "corp", "c_x_y") for owner in ("p", "pa", "pb", "root", "known_local", "x"))

_WHEEL = re.compile(r"/(?P<name>\w+)-1\.0-py3-none-any\.whl$")
_PROJECT = re.compile(r"/(?P<name>(?:known|nobody)[\w-]*)/$")


def wheel_of(name: str) -> bytes:
    """Return a wheel of that distribution (underscores, no hyphens) that has a program of its name, always the same bytes."""
    information = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": "def main():\n    pass\n",
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.0\n",
        f"{information}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{information}/entry_points.txt": f"[console_scripts]\n{name.replace('_', '-')} = {name}:main\n",
    }
    files[f"{information}/RECORD"] = "".join(f"{path},,\n" for path in files)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0)), text)
    return stream.getvalue()


def sha256_of(name: str) -> str:
    """Return the digest of that wheel."""
    return hashlib.sha256(wheel_of(name)).hexdigest()


def _link(name: str, base: str = "") -> str:
    return f'<a href="{base}files/{name}-1.0-py3-none-any.whl#sha256={sha256_of(name)}">{name}-1.0-py3-none-any.whl</a>'


class Recorder:
    """`asked` holds (method, URL without query) of all requests.

    Its indexes have no project but those named `known...`, and `nobody...` below the URLs in `providers`. Wheels, link pages and
    requirements files are there wherever one asks.
    """

    def __init__(self, folder: Path) -> None:
        self.asked: list[tuple[str, str]] = []
        self.providers: tuple[str, ...] = ()
        self.certificates = make_certificates(folder)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.certificates / "server.pem", self.certificates / "server.key")
        self.servers = [_Server((address, 0), self) for address in ("127.0.0.1", "127.0.0.2")]
        self.threads = [threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}) for server in self.servers]
        for thread in self.threads:
            thread.start()

    @property
    def origins(self) -> list[str]:
        """Scheme, host and port of everything that it answers for."""
        first, second = (server.server_address[1] for server in self.servers)
        loopback = [f"http://127.0.0.1:{first}", f"http://localhost:{first}", f"http://127.0.0.2:{second}"]
        return loopback + [f"https://{name}" for name in HTTPS_NAMES if name.endswith(".example")]

    @property
    def environ(self) -> dict[str, str]:
        """What makes a tool come here for every https URL, and believe it."""
        proxy = f"http://127.0.0.1:{self.servers[0].server_address[1]}"
        return {"HTTPS_PROXY": proxy, "NO_PROXY": "127.0.0.1,127.0.0.2,localhost", "SSL_CERT_FILE": str(self.certificates / "ca.pem")}

    def close(self) -> None:
        """Stop answering."""
        for server in self.servers:
            server.shutdown()
            server.server_close()
        for thread in self.threads:
            thread.join()


class _Server(QuietServer):
    daemon_threads = False

    def __init__(self, address: tuple[str, int], recorder: Recorder) -> None:
        super().__init__(address, _Handler)
        self.recorder = recorder


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    origin = ""

    def do_CONNECT(self) -> None:
        self.origin = f"https://{self.path.removesuffix(':443')}"
        self.send_response(200)
        self.end_headers()
        # The handshake apart: `finish` closes the connection whatever becomes of it.
        self.connection = self.server.recorder.context.wrap_socket(self.connection, server_side=True, do_handshake_on_connect=False)
        self.connection.do_handshake()
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", 0)  # type: ignore[assignment]
        self.close_connection = False

    def do_GET(self) -> None:
        path = self._record()
        wheel, project = _WHEEL.search(path), _PROJECT.search(path)
        if wheel:
            self._answer(wheel_of(wheel["name"]), "application/octet-stream")
        elif project and (project["name"].startswith("known") or self._url(path).startswith(self.server.recorder.providers)):
            self._answer(_link(project["name"].replace("-", "_"), "../../").encode(), "text/html")
        elif re.search("/(simple|links)/", path):
            self._answer(b"", "text/plain", 404)
        elif path.endswith("/links"):
            self._answer("".join(map(_link, LINKED)).encode(), "text/html")
        else:
            self._answer(b"", "text/plain")

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        self._record()
        if self.headers["Content-Length"]:
            self.rfile.read(int(self.headers["Content-Length"]))
        else:  # in chunks
            while size := int(self.rfile.readline(), 16):
                self.rfile.read(size + 2)
            self.rfile.readline()
        self._answer(b"", "text/plain")

    def _record(self) -> str:
        path = self.path.partition("?")[0]
        self.server.recorder.asked.append((self.command, self._url(path)))
        return path

    def _url(self, path: str) -> str:
        return f"{self.origin or 'http://' + self.headers['Host']}{path}"

    def _answer(self, body: bytes, kind: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def finish(self) -> None:
        try:
            super().finish()
        finally:
            self.connection.close()  # the server closes the socket that it knows, not the TLS around it

    def log_message(self, format: str, *arguments: object) -> None:
        pass


def make_certificates(folder: Path) -> Path:
    """Make an authority (ca.pem) and what it says about the names above (server.pem, server.key); return the folder."""
    machine.skip_without(machine.lacks_programs("openssl"))
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]
    names = "subjectAltName=" + ",".join(f"DNS:{name}" for name in HTTPS_NAMES)
    authority = ["req", "-x509", *key, "-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem"]
    server = ["req", "-x509", *key, "-subj", "/CN=test server", "-CA", "ca.pem", "-CAkey", "ca.key", "-keyout", "server.key"]
    server += ["-out", "server.pem", "-addext", names, "-addext", "basicConstraints=critical,CA:FALSE"]
    for command in (authority, server):
        subprocess.run(["openssl", *command], cwd=folder, check=True, capture_output=True, timeout=60)
    return folder
