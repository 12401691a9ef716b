"""The private index of the demonstration, which runs in the process that prints for the user."""

from __future__ import annotations

import socket
import struct
import threading
import time
from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex


def test_a_client_that_hangs_up_leaves_nothing_on_the_screen(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with PrivateIndex(str(tmp_path), {}, "alice", "x") as index:
        host, port = index.netloc.split(":")
        before = threading.active_count()
        with socket.create_connection((host, int(port))) as kept:
            kept.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert kept.recv(9) == b"HTTP/1.1 "
            kept.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closing it is a reset
        end = time.monotonic() + 10
        while threading.active_count() > before and time.monotonic() < end:
            time.sleep(0.01)  # its thread ends at that

        assert index.requests

    assert capfd.readouterr() == ("", "")
