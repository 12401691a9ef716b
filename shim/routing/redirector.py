"""The server that is pip's only index for one command: it knows names, not packages, and answers
each with the index that has it.

It is asked by `GET /RANDOM/simple/NAME/` on 127.0.0.1, RANDOM being 128 bits that this command
alone knows; whoever does not say them, or is another user of the machine, is told nothing. It hands
out no secret: pip sends its credential to where it is redirected. One thread, and every connection,
byte and second has a bound.

Sources: RFC 9112 (HTTP/1.1 messages), RFC 9110 section 15.4.3 (302), RFC 9111 (no-store), PEP 503;
proc(5) for /proc/net/tcp.
"""

from __future__ import annotations

import hmac
import os
import selectors
import socket
import sys
import time

from shim.core.contextlib import suppress
from shim.core.dataclass import dataclass, field
from shim.core.package_names import Claim, is_name, normal_name, owner_of
from shim.core.platform_features import IS_LINUX
from shim.core.typing import Callable

#: pip has about ten open at a time, for itself and its children that build.
MAX_CONNECTIONS = 128
MAX_REQUEST_BYTES = 16384
#: How long a request may take to arrive, and a stranger's connection may stay.
REQUEST_S = 5.0
#: How long somebody may stay silent between two requests.
IDLE_S = 600.0
MAX_TABLE_BYTES = 8 << 20


#: Returns the index of an unclaimed name, or None if it comes from nobody, in a tuple; None as long
#: as it is not known.
Find = Callable[[str], tuple[str | None] | None]


@dataclass(slots=True, eq=False)
class _Connection:
    """A client. `since` is when it began to wait; `waiting` the name that it still waits for."""

    socket: socket.socket
    since: float
    data: bytearray = field(default_factory=bytearray)
    is_trusted: bool = False
    waiting: tuple[str, bool] | None = None


class Redirector:
    """Serves until the descriptor `ended` is readable or at its end."""

    def __init__(
        self, listener: socket.socket, secret: str, claims: tuple[Claim, ...], ended: int
    ) -> None:
        self._listener = listener
        self._path = f"/{secret}/simple/".encode()
        self._claims = claims
        self._find: Find = lambda _: (None,)
        self._connections: dict[socket.socket, _Connection] = {}
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        for one in (listener, self._wake, self._woken):
            one.setblocking(False)
        self._selector.register(ended, selectors.EVENT_READ, "ended")
        self._selector.register(listener, selectors.EVENT_READ, "listener")
        self._selector.register(self._woken, selectors.EVENT_READ, "woken")

    def wake(self) -> None:
        """Let the server, from any thread, look again at the names that it waits for."""
        with suppress(OSError):  # it has been woken often enough
            self._wake.send(b"1")

    def run(self, find: Find) -> None:
        """Serve until the tool has ended. `find` says whose an unclaimed name is."""
        self._find = find
        while True:
            for key, _ in self._selector.select(1.0 if self._connections else None):
                if key.data == "ended":
                    return
                if key.data == "listener":
                    self._accept()
                elif key.data == "woken":
                    self._drain()
                else:
                    self._read(key.data)
            self._expire()

    def _accept(self) -> None:
        try:
            client, address = self._listener.accept()
        except OSError:
            return
        is_full = len(self._connections) >= MAX_CONNECTIONS
        if is_others(address) or (is_full and not self._make_room()):
            client.close()
            return
        client.setblocking(False)
        connection = self._connections[client] = _Connection(client, time.monotonic())
        self._selector.register(client, selectors.EVENT_READ, connection)

    def _make_room(self) -> bool:
        """Close the oldest idle connection, strangers' first; return whether there was one."""
        idle = [one for one in self._connections.values() if one.waiting is None]
        oldest = min(idle, key=lambda one: (one.is_trusted, one.since), default=None)
        if oldest:
            self._close(oldest)
        return oldest is not None

    def _expire(self) -> None:
        now = time.monotonic()
        for one in list(self._connections.values()):
            limit_s = IDLE_S if one.is_trusted and not one.data else REQUEST_S
            if one.waiting is None and now - one.since > limit_s:
                self._close(one)

    def _close(self, connection: _Connection) -> None:
        self._selector.unregister(connection.socket)
        del self._connections[connection.socket]
        connection.socket.close()

    def _drain(self) -> None:
        try:
            self._woken.recv(4096)
        except OSError:
            return
        for connection in list(self._connections.values()):
            if connection.waiting:
                name, is_last = connection.waiting
                found = self._find(name)
                if found:
                    connection.waiting = None
                    self._redirect(connection, name, found[0], is_last)
                    self._answer(connection)

    def _read(self, connection: _Connection) -> None:
        try:
            data = connection.socket.recv(MAX_REQUEST_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        connection.data += data
        if not data or len(connection.data) > MAX_REQUEST_BYTES:
            self._close(connection)
            return
        if connection.waiting is None:
            self._answer(connection)

    def _answer(self, connection: _Connection) -> None:
        """Answer the requests that have arrived whole, one after the other."""
        while connection.socket in self._connections and connection.waiting is None:
            head, end, rest = bytes(connection.data).partition(b"\r\n\r\n")
            if not end:
                return
            connection.data = bytearray(rest)
            connection.since = time.monotonic()
            method, target, is_last = _read_head(head)
            prefix, tail = target[: len(self._path)], target[len(self._path) :]
            if not hmac.compare_digest(prefix, self._path):
                self._reply(connection, b"404 Not Found", is_last=True)
                return
            connection.is_trusted = True
            name = normal_name(tail.removesuffix(b"/").decode("latin-1"))
            is_read = method in (b"GET", b"HEAD")
            if not is_read or not is_name(name):
                self._reply(connection, b"404 Not Found", is_last=is_last or not is_read)
                continue
            owner = owner_of(name, self._claims)
            found = (owner,) if owner else self._find(name)
            if found is None:
                connection.waiting = (name, is_last)
            else:
                self._redirect(connection, name, found[0], is_last)

    def _redirect(
        self, connection: _Connection, name: str, index: str | None, is_last: bool
    ) -> None:
        """Send the client to the page of the name; "not found" if it comes from nobody."""
        if index is None:
            self._reply(connection, b"404 Not Found", is_last=is_last)
        else:
            location = f"Location: {index.rstrip('/')}/{name}/\r\n".encode()
            self._reply(connection, b"302 Found", location, is_last=is_last)

    def _reply(
        self, connection: _Connection, status: bytes, header: bytes = b"", *, is_last: bool
    ) -> None:
        close = b"Connection: close\r\n" if is_last else b""
        rest = b"Cache-Control: no-store\r\nContent-Length: 0\r\n\r\n"
        try:
            connection.socket.send(b"HTTP/1.1 " + status + b"\r\n" + header + close + rest)
        except OSError:  # gone, or so slow that not even this fits
            is_last = True
        if is_last:
            self._close(connection)


def _read_head(head: bytes) -> tuple[bytes, bytes, bool]:
    """Return the method, the target without query, and whether the connection ends with it."""
    line, *headers = head.split(b"\r\n")
    words = line.split(b" ")
    if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
        return b"", b"", True
    pairs = (header.partition(b":") for header in headers)
    said = {name.strip().lower(): value.strip().lower() for name, _, value in pairs}
    is_last = (
        said.get(b"connection") == b"close"
        or words[2] == b"HTTP/1.0"
        or b"transfer-encoding" in said
        or said.get(b"content-length", b"0") != b"0"
    )
    return words[0], words[1].partition(b"?")[0], is_last


def is_others(address: tuple[str, int]) -> bool:
    """Whether a client of this machine is known to be another user's than ours and root's."""
    if not IS_LINUX:
        return False
    host, port = address
    packed = f"{int.from_bytes(socket.inet_aton(host), sys.byteorder):08X}:{port:04X}".encode()
    try:
        with open("/proc/net/tcp", "rb") as stream:
            table = stream.read(MAX_TABLE_BYTES)
    except OSError:
        return False
    # The local address is the first column.
    row = table.partition(b": " + packed + b" ")[2].partition(b"\n")[0].split()
    return len(row) > 5 and int(row[5]) not in (0, os.geteuid())
