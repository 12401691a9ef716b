"""Programs with a redirector beside them, started as a wrapped command starts its tool; and what the kernel knows of the companions."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shim.hotpath.redirector_process import STAND_IN

_START = """
import json, os, resource, sys
from tests.support.companions import mark_of
resource.setrlimit(resource.RLIMIT_RSS, (mark_of(os.environ["HOME"]), resource.getrlimit(resource.RLIMIT_RSS)[1]))
from shim.core.model import AskedIndex, Credential, Delivery, Route, Routes, Secret
from shim.routing.companion import accompany
from shim.core.urls import parse_url, scope_of
said = json.loads(sys.argv[1])
asked = []
for url, secret in said["asked"]:
    url = parse_url(url)
    asked.append(AskedIndex(url, Credential("alice", Secret(secret), scope_of(url), "test") if secret else None, Route()))
routes = Routes(tuple(map(tuple, said["claims"])), tuple(asked), said["last"], tuple(said["names"]))
delivery = accompany(Delivery((), {"ADDRESS": said["stand_in"]}, routes=routes), os.environ)
os.execvpe(sys.argv[2], sys.argv[2:], {**os.environ, **delivery.environ})
"""
#: Says where its index is, and then stays until its stdin is closed.
WAITING = ("sh", "-c", 'echo "$ADDRESS $$"; read line')


@dataclass
class Accompanied:
    """A program that runs, its redirector's address, and the home folder by which its companion is found."""

    process: subprocess.Popen[str]
    address: str
    pid: int
    home: str

    @property
    def port(self) -> int:
        return int(self.address.split(":")[2].partition("/")[0])

    @property
    def secret(self) -> str:
        return self.address.split("/")[3]

    def companion(self) -> int:
        """Return its companion's process. It answers first: until then, it may not have become one."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as client:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert client.recv(1)
        (found,) = find_companions(self.home)
        return found


def find_companions(home: str, words: tuple[bytes, ...] = (b"shim.routing.serving",)) -> list[int]:
    """Return the processes of companions whose tool has that HOME."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
            if any(word in line for word in words) and _is_of(entry, home):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def mark_of(home: str) -> int:
    """Return the limit by which a process of that HOME is known: who hides its environment still shows it, and the kernel heeds it nowhere."""
    return 2**32 + zlib.crc32(home.encode())


def _is_of(entry: Path, home: str) -> bool:
    try:
        variables = dict(pair.partition(b"=")[::2] for pair in (entry / "environ").read_bytes().split(b"\0") if pair)
        return variables.get(b"HOME", b"").decode() == home
    except PermissionError:
        limits = (entry / "limits").read_text().splitlines()
        return next(line for line in limits if line.startswith("Max resident set")).split()[3] == str(mark_of(home))


def wait_until_gone(home: str, seconds: float = 60.0) -> list[int]:
    """Return the companions that are still there after that time, those that are about to become one included: none, if all is well."""
    end = time.monotonic() + seconds
    quiet = 0
    while quiet < 3 and time.monotonic() < end:  # in the middle of execve a process has no command line
        left = find_companions(home, (b"shim.routing.serving", b"shim.routing.companion"))
        quiet = 0 if left else quiet + 1
        time.sleep(0.02)
    return left


def command(
    *words: str, claims: tuple[tuple[str, str], ...] = (), asked: tuple[tuple[str, str], ...] = (), last: str | None = None, names: tuple[str, ...] = ()
) -> list[str]:
    """Return the command that becomes the program `words` with a redirector beside it."""
    said = {"claims": claims, "asked": asked, "last": last, "names": names, "stand_in": STAND_IN}
    return [sys.executable, "-c", _START, json.dumps(said), *words]


@contextmanager
def accompanied(home: Path, **routes: object) -> Iterator[Accompanied]:
    """Run a program that waits, with a redirector beside it."""
    environ = {**os.environ, "HOME": str(home)}
    process = subprocess.Popen(
        command(*WAITING, **routes),  # type: ignore[arg-type]
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environ,
    )
    try:
        assert process.stdout is not None
        address, pid = process.stdout.readline().split()
        yield Accompanied(process, address, int(pid), str(home))
    finally:
        process.kill()
        process.communicate()
        assert wait_until_gone(str(home)) == []
