"""An agent in this process: what a host gives to a container, over a real socket."""

from __future__ import annotations

import os
import tempfile

from shim.core.host import Host
from shim.helpers.agent import Agent, Client, surroundings
from shim.helpers.agent_socket import Server

_folder: list[tempfile.TemporaryDirectory[str]] = []
_server: list[Server] = []
_agents: list[Agent] = []


def serve(host: Host) -> str:
    """Let the one agent of this test answer for `host` from now on; return the path of its socket. It ends with the test, by `stop`."""
    _agents[:] = [Agent("test", frozenset({os.geteuid()}), surroundings(host))]
    if not _server:
        folder = tempfile.TemporaryDirectory()  # a socket's path has no room for a test's name
        _server.append(Server(os.path.join(folder.name, "agent.sock"), _answer, is_shared=False))
        _folder.append(folder)
    return _server[0].path


def stop() -> None:
    """End the agent of this test, if it had one."""
    while _server:
        _server.pop().close()
        _folder.pop().cleanup()


def _answer(data: bytes, client: Client) -> bytes:
    return _agents[0].answer(data, client)
