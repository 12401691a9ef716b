"""An HTTP proxy on loopback that leads every CONNECT to one port here, whatever host was asked for: a vendor's host, played at home."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler

from tests.support.listening import listening


@contextmanager
def leading_to(port: int) -> Iterator[tuple[str, list[str]]]:
    """Yield the proxy's URL and the list of `host:port` that it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            asked.append(self.path)
            with socket.create_connection(("127.0.0.1", port)) as behind:
                self.send_response(200)
                self.end_headers()
                thread = threading.Thread(target=_copy, args=(behind, self.connection), daemon=True)
                thread.start()
                _copy(self.connection, behind)
                thread.join()
            self.close_connection = True

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    with listening(Handler) as url:
        yield url, asked


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def socks_leading_to(port: int) -> Iterator[tuple[str, list[str]]]:
    """Yield `host:port` of a SOCKS5 proxy without login that leads everything to one port here, and the names it was asked for."""
    asked: list[str] = []

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError, struct.error):
            _, count = struct.unpack("BB", connection.recv(2, socket.MSG_WAITALL))
            connection.recv(count, socket.MSG_WAITALL)
            connection.sendall(b"\x05\x00")
            *_, kind = struct.unpack("4B", connection.recv(4, socket.MSG_WAITALL))
            length = connection.recv(1)[0] if kind == 3 else 4
            name, wanted = connection.recv(length, socket.MSG_WAITALL), connection.recv(2, socket.MSG_WAITALL)
            asked.append(f"{name.decode() if kind == 3 else socket.inet_ntoa(name)}:{int.from_bytes(wanted, 'big')}")
            with socket.create_connection(("127.0.0.1", port)) as behind:
                connection.sendall(b"\x05\x00\x00\x01" + bytes(6))
                thread = threading.Thread(target=_copy, args=(behind, connection), daemon=True)
                thread.start()
                _copy(connection, behind)
                thread.join(10)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}", asked
        listener.shutdown(socket.SHUT_RDWR)
