"""A certificate authority of a test's own, and servers that it vouches for."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from http.server import HTTPServer
from pathlib import Path

from tests.support import machine


@dataclass(frozen=True)
class Authority:
    """`certificate` is the authority's PEM file, `chain` and `key` those of a server called localhost or 127.0.0.1."""

    certificate: Path
    chain: Path
    key: Path

    def protect(self, server: HTTPServer) -> None:
        """Let a server that listens already speak TLS."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.chain, self.key)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)


def make_authority(folder: Path, name: str, host: str = "localhost") -> Authority:
    """Make an authority and the certificate of one server, which has the name `host` too."""
    machine.skip_without(machine.lacks_programs("openssl"))

    def openssl(*words: object) -> None:
        subprocess.run(["openssl", *map(str, words)], cwd=folder, check=True, capture_output=True)

    new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl(
        *new, "-x509", "-keyout", f"{name}-ca.key", "-out", f"{name}-ca.pem", "-days", 30, "-subj", f"/CN={name} authority",
        "-addext", "keyUsage=critical,keyCertSign",
    )  # fmt: skip
    openssl(*new, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", "/CN=localhost")
    (folder / f"{name}.ext").write_text(f"subjectAltName=DNS:{host},IP:127.0.0.1\n")
    openssl(
        "x509", "-req", "-in", f"{name}.csr", "-CA", f"{name}-ca.pem", "-CAkey", f"{name}-ca.key", "-CAcreateserial",
        "-out", f"{name}.pem", "-days", 30, "-extfile", f"{name}.ext",
    )  # fmt: skip
    return Authority(folder / f"{name}-ca.pem", folder / f"{name}.pem", folder / f"{name}.key")
