"""An agent in this process: what a host gives to a container, over a real socket."""

from __future__ import annotations

import atexit
import os
import tempfile

from shim.faces.agent import Agent, Client, surroundings
from shim.faces.agent_socket import Server
from shim.host import Host

_server: list[Server] = []
_agents: list[Agent] = []


def serve(host: Host) -> str:
    """Let the one agent of these tests answer for `host` from now on; return the path of its socket."""
    _agents[:] = [Agent("test", frozenset({os.geteuid()}), surroundings(host))]
    if not _server:
        folder = tempfile.TemporaryDirectory()  # a socket's path has no room for a test's name
        _server.append(Server(os.path.join(folder.name, "agent.sock"), _answer, is_shared=False))
        atexit.register(folder.cleanup)
        atexit.register(_server[0].close)
    return _server[0].path


def _answer(data: bytes, client: Client) -> bytes:
    return _agents[0].answer(data, client)
