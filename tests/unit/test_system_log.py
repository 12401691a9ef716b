"""`audit = "syslog"`: each release of a credential is one datagram at the system's log as well, the secret in none of them."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import shim
from shim.config.settings import Settings
from shim.core.host import Host
from shim.core.model import Credential, Secret
from shim.core.urls import parse_url, scope_of
from shim.hotpath import replay, system_log
from shim.storage.audit_log import read_entries, record_refusal, record_release
from tests.support.world import CANARY

#: RFC 3164 section 4.1: priority, time, tag with the process's number; 86 is authpriv.info.
LINE = re.compile(rf"<86>[A-Z][a-z]{{2}} [ \d]\d \d\d:\d\d:\d\d shim\[{os.getpid()}\]: (\{{.*\}})")


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A system's log of a test's own."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "log"))
        listener.settimeout(5)
        monkeypatch.setattr(system_log, "SOCKET", str(tmp_path / "log"))
        yield listener


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host({"HOME": str(tmp_path)}, str(tmp_path))


def credential() -> Credential:
    return Credential("alice", Secret(CANARY), scope_of(parse_url("https://pypi.corp.example/")), "keyring")


def read(log: socket.socket) -> dict[str, str]:
    text = log.recv(65536).decode()
    match = LINE.fullmatch(text)
    assert match, text
    assert CANARY not in text
    found: dict[str, str] = json.loads(match[1])
    return found


def test_a_release_and_a_refusal_go_to_the_file_and_to_the_systems_log(log: socket.socket, host: Host) -> None:
    settings = Settings(audit="syslog")
    record_release([credential(), credential()], "/usr/bin/pip", "netrc", settings.audit, host, parent="bash 1")
    record_refusal("https://pypi.corp.example/", "container", "refused", settings.audit, host, "docker 2")
    sent = [read(log) for _ in range(3)]

    assert [one["outcome"] for one in sent] == ["netrc", "netrc", "refused"]
    assert sent == read_entries(host)


@pytest.mark.parametrize("audit", ["on", "off"])
def test_otherwise_nothing_is_sent(audit: str, log: socket.socket, host: Host) -> None:
    record_release([credential()], "/usr/bin/pip", "netrc", audit, host)
    log.setblocking(False)
    with pytest.raises(BlockingIOError):
        log.recv(1)


def test_a_log_that_is_not_there_or_stuck_stops_nothing(log: socket.socket, host: Host, tmp_path: Path) -> None:
    log.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    for _ in range(1000):  # more than any queue holds
        system_log.send(str(tmp_path / "log"), "{}\n")
    system_log.send(str(tmp_path / "none"), "{}\n")
    record_release([credential()], "/usr/bin/pip", "netrc", "syslog", host)
    assert len(read_entries(host)) == 1


def test_a_replayed_command_sends_its_line_too(log: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = replay.Replayed([], {}, 0, None)
    fields = [str(tmp_path / "audit.jsonl"), '{"time": "\x1dtime\x1d", "parent": "\x1dparent\x1d"}\x1e', system_log.SOCKET]
    assert replay._apply("audit", fields, plan, [])
    monkeypatch.setattr(replay, "find_plan", lambda *_: plan)
    replay.replay("pip", "/nonexistent/pip", [], sigpipe_ignored=False)

    assert read(log) == json.loads((tmp_path / "audit.jsonl").read_text())


def test_it_imports_nothing_that_costs_time() -> None:
    program = f"import sys; sys.path.insert(0, {str(Path(shim.__file__).parents[1])!r}); import shim.hotpath; before = set(sys.modules); from shim.hotpath.system_log import send; send('/nonexistent', 'x'); print(*set(sys.modules) - before)"
    result = subprocess.run([sys.executable, "-IS", "-c", program], capture_output=True, text=True, check=True)
    assert set(result.stdout.split()) == {"shim.hotpath.system_log", "_socket"}
