"""Source `agent`: the host's `shim agent`, over the socket that SHIM_AGENT_SOCKET names. What it says is kept nowhere.

Neither the token cache nor a delivery record holds an answer of it: each command asks again, and takes the long way. The agent is
another machine's word, so to speak: it has so long and so many bytes, and an answer for another place is none.
"""

from __future__ import annotations

import os
import socket
import time
from dataclasses import replace

from shim.errors import SourceError
from shim.formats.agent_protocol import MAX_REPLY_BYTES, BadLine, Question, Reply, read_reply, render_question
from shim.host import Host
from shim.model import Credential
from shim.sources import Query, make_credential
from shim.urls import BadUrl, Scope, parse_url, scope_of

VARIABLE = "SHIM_AGENT_SOCKET"
#: The host may have to run a vendor's command, or wait for its keyring.
TIMEOUT_S = 60.0
#: How often a full queue is tried again.
LOOK_S = 0.05
#: How long `shim doctor` waits for it.
CONNECT_S = 2.0
START_HINT = "start `shim agent` on the host again, and mount the folder of its socket, not the socket alone"


def find(query: Query) -> Credential | None:
    """Return what the host's agent says, or None where there is no agent or it has nothing for this index.

    Raises:
        SourceError: nobody listens there, it does not answer in time or not by the protocol, or it could not get the credential.
    """
    path = query.host.environ.get(VARIABLE)
    if not path:
        if query.index and "agent" in query.index.source and query.index.source_is_explicit:
            query.note("agent", f"{VARIABLE} is not set")
        return None
    question = Question(query.need.url.text, query.host.is_set("SHIM_REFRESH"))
    try:
        reply = read_reply(_ask(_require_absolute(path), render_question(question)))
    except BadLine as error:
        hint = "is it a socket of `shim agent`, and of the same release?"
        raise SourceError(f"the answer of the agent at {path} {error}", hint=hint) from None
    if reply.failed is not None:
        raise SourceError(f"the host's agent says: {reply.failed}", hint="see what `shim agent` prints on the host")
    if reply.nothing is not None:
        query.note("agent", reply.nothing)
        return None
    return _make(reply, query)


def find_problem(host: Host) -> SourceError | None:
    """Return why the agent that SHIM_AGENT_SOCKET names cannot be asked, or None if it can, or none is named. Asks it nothing."""
    path = host.environ.get(VARIABLE)
    try:
        if path:
            with socket.socket(socket.AF_UNIX) as connection:
                _connect(connection, _require_absolute(path), time.monotonic() + CONNECT_S)
    except SourceError as error:
        return error
    except OSError as error:
        return _unreachable(path or "", error)
    return None


def _require_absolute(path: str) -> str:
    if not path.startswith("/"):
        raise SourceError(f"{VARIABLE} is not an absolute path", hint="it would follow you into every project: write it from / on")
    return path


def _unreachable(path: str, error: OSError) -> SourceError:
    reason = os.strerror(error.errno) if error.errno else str(error) or "timed out"
    return SourceError(f"the host's agent cannot be reached at {path} ({reason})", hint=START_HINT)


def _make(reply: Reply, query: Query) -> Credential | None:
    """Return the credential in a reply, for no more than both sides allow."""
    try:
        said = scope_of(parse_url(reply.scope))
    except BadUrl:
        raise SourceError("the host's agent says no usable scope", hint="use the same release of shim on both sides") from None
    if not said.covers(query.need.url):
        query.note("agent", "answered for another place")
        return None
    made = make_credential(query, "agent", reply.secret, reply.username, _narrower(said, query), reply.expires_at)
    return replace(made, username_is_secret=reply.username_is_secret)


def _narrower(said: Scope, query: Query) -> Scope:
    """Return the narrower of what the agent says and what an `[[index]]` on this side says: both cover the need."""
    return max(said, query.scope, key=lambda scope: len(scope.segments)) if query.index else said


def _ask(path: str, question: bytes) -> bytes:
    """Return the one line that the agent answers. Raises SourceError."""
    deadline = time.monotonic() + TIMEOUT_S
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            _connect(connection, path, deadline)
            connection.sendall(question)
            return _receive(connection, path, deadline)
    except TimeoutError:
        message = f"the agent at {path} did not answer within {TIMEOUT_S:g} s"
        raise SourceError(message, hint="see on the host what `shim agent` waits for") from None
    except OSError as error:
        raise _unreachable(path, error) from None


def _connect(connection: socket.socket, path: str, deadline: float) -> None:
    """Connect, waiting for a place in the agent's queue: where that is full, Linux says so at once. Raises OSError."""
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
        if len(data) > MAX_REPLY_BYTES:
            raise SourceError(f"the agent at {path} says more than {MAX_REPLY_BYTES} bytes", hint="is it a socket of `shim agent`?")
    return data
