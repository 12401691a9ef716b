"""Our side of the socket of the host's `shim agent`: one line there, one line back, bounded in time
and size.

Loaded only where there is an agent: `socket` takes 4 ms. Sources: unix(7), connect(2) on EAGAIN,
user_namespaces(7) on uid_map.
"""

from __future__ import annotations

import os
import socket
import time

from shim.core.errors import SourceError
from shim.core.files import read_text
from shim.credentials.agent_protocol import MAX_ANSWER_BYTES

#: How often a full queue is tried again.
LOOK_S = 0.05
#: How long it takes at most to see whether anybody listens.
KNOCK_S = 2.0
SOCKET_HINT = "is it a socket of `shim agent`, and of the same release?"
START_HINT = (
    "start `shim agent` on the host again, and mount the folder of its socket, not the socket alone"
)


def ask(path: str, request: bytes, timeout_s: float) -> bytes:
    """Return the agent's one line. Raises SourceError if none comes in time, or too much."""
    deadline = time.monotonic() + timeout_s
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            _connect(connection, path, deadline)
            connection.sendall(request)
            return _receive(connection, path, deadline)
    except TimeoutError:
        message = f"the agent at {path} did not answer within {timeout_s:g} s"
        raise SourceError(message, hint="see what `shim agent` prints on the host") from None
    except OSError as error:
        raise _unreachable(path, error) from None


def knock(path: str) -> None:
    """Raise SourceError if nobody listens at `path`."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            _connect(connection, path, time.monotonic() + KNOCK_S)
    except OSError as error:
        raise _unreachable(path, error) from None


def _unreachable(path: str, error: OSError) -> SourceError:
    reason = os.strerror(error.errno) if error.errno else str(error) or "timed out"
    message = f"the host's agent cannot be reached at {path} ({reason})"
    if isinstance(error, PermissionError):
        uid = number_on_host(os.geteuid(), read_text("/proc/self/uid_map") or "")
        message += f": it does not let this container's user in, who is uid {uid} on the host"
        hint = f"start `shim agent` on the host again, with --allow-uid {uid} as well"
        return SourceError(message, hint=hint)
    return SourceError(message, hint=START_HINT)


def number_on_host(uid: int, uid_map: str) -> int:
    """Return which number a user of this container has outside of it: the kernel's map says."""
    for line in uid_map.splitlines():
        inside, outside, count = map(int, line.split())
        if inside <= uid < inside + count:
            return outside + uid - inside
    return uid


def _connect(connection: socket.socket, path: str, deadline: float) -> None:
    """Connect; where the agent's queue is full, Linux says so at once: wait. Raises OSError."""
    while True:
        connection.settimeout(max(deadline - time.monotonic(), 0.001))
        try:
            return connection.connect(path)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise TimeoutError from None
            time.sleep(LOOK_S)


def _receive(connection: socket.socket, path: str, deadline: float) -> bytes:
    data = b""
    while not data.endswith(b"\n"):
        connection.settimeout(max(deadline - time.monotonic(), 0.001))
        piece = connection.recv(65536)
        if not piece:
            raise SourceError(f"the agent at {path} ended without an answer", hint=START_HINT)
        data += piece
        if len(data) > MAX_ANSWER_BYTES:
            message = f"the agent at {path} says more than {MAX_ANSWER_BYTES} bytes"
            raise SourceError(message, hint=SOCKET_HINT)
    return data
