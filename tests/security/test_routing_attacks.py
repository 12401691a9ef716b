"""Attacks on the redirector and on what it asks: strangers on the machine, indexes that fail in every way."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from shim.routing.redirector import MAX_CONNECTIONS, MAX_REQUEST_BYTES
from tests.support import machine, toolchains
from tests.support.companions import accompanied
from tests.support.listening import QuietServer
from tests.support.routed import OURS, Pair, installed, make_pair
from tests.support.world import CANARY, World
from tests.unit.test_routing_companion import ask

LAST = "https://pypi.org/simple/"


@pytest.fixture
def pair(world: World, tmp_path: Path) -> Iterator[Pair]:
    world.use(toolchains.pip("newest"))
    with make_pair(world, tmp_path / "indexes") as made:
        made.configure("", strategy=True)
        yield made


def install(pair: Pair, *words: object) -> tuple[int, str, dict[str, str]]:
    target = pair.world.folder / "out"
    done = pair.world.run("pip", "install", "--target", target, "-i", pair.private_url, "--extra-index-url", pair.public_url, *words)
    return done.returncode, done.stderr, installed(target)


@pytest.mark.parametrize("fault", [401, 403, 429, 500, 503, "login page"])
def test_an_index_that_fails_for_one_name_closes_that_name(fault: int | str, pair: Pair) -> None:
    """It answers for its root, so that the check before the command passes, and fails for the page of one package."""
    answer = pair.private.answer

    def failing(path: str, authorization: str | None) -> tuple[int, str, bytes]:
        status, kind, body = answer(path, authorization)
        if not path.startswith("/simple/corp-lib"):
            return status, kind, body
        if fault == "login page":
            return 200, "text/html", b'<form action="/session"><input type="password" name="p"></form>'
        return int(fault), "text/plain", b"no\n"

    pair.private.answer = failing  # type: ignore[method-assign]
    status, said, there = install(pair, "only-public", "corp-lib")

    assert status not in (0, 77)
    assert there == {}
    assert said.count("shim: error[index-unreachable]: ") == 1
    assert f"corp-lib comes from no index: {pair.private_url} may have it, and " in said
    assert "corp-lib" not in pair.asked_public()


def test_the_check_before_the_command_still_comes_first(pair: Pair) -> None:
    pair.private.accept("another secret")
    status, said, there = install(pair, "only-public")

    assert (status, there) == (77, {}), said
    assert pair.asked_public() == set()


def test_a_name_that_the_private_index_has_not_comes_from_the_next(pair: Pair) -> None:
    status, said, there = install(pair, "only-public", "corp-lib")

    assert (status, there) == (0, {"only-public": "3.0", "corp-lib": OURS}), said
    assert "shim:" not in said


def test_each_name_is_asked_for_once_and_with_the_credential(pair: Pair) -> None:
    install(pair, "corp-app", "only-public")  # of the first one the check before the command has asked
    pages = [path for path, user, _ in pair.private.requests if path == "/simple/only-public/"]

    assert len(pages) == 1
    assert all(user for path, user, _ in pair.private.requests if path.count("/") > 2 and "asks-for-no-package" not in path)


def test_what_an_index_said_is_remembered_for_some_minutes(pair: Pair) -> None:
    def asked(**environ: str) -> int:
        pair.world.environ |= environ
        pair.private.requests.clear()
        status, said, _ = install(pair, "--upgrade", "corp-lib", "only-public")
        assert status == 0, said
        return len([path for path, _, _ in pair.private.requests if path == "/simple/only-public/"])

    assert (asked(), asked(), asked(SHIM_REFRESH="1")) == (1, 0, 1)


def test_an_index_that_is_down_is_not_waited_for_once_for_each_name(tmp_path: Path) -> None:
    names = tuple(f"name-{number}" for number in range(30))
    with hostile(never_answer) as url, accompanied(tmp_path, asked=((url, CANARY),), last=LAST, names=names) as tool:
        begun = time.monotonic()
        assert [ask(f"{tool.address}{name}/")[0] for name in names] == [404] * 30
        assert time.monotonic() - begun < 100, "it is 12 s, and would be 360 s one after the other"
        tool.process.kill()
        assert tool.process.communicate()[1].count("may have it, and cannot be reached: no answer in time") == 1


class Patient(QuietServer):
    """A server whose requests end with it, and are waited for."""

    daemon_threads = False

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.ended = threading.Event()


@contextmanager
def hostile(behave: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """Serve an index that behaves so; yields its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with suppress(OSError):
                behave(self)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    server = Patient(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/simple/"
    finally:
        server.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


def redirect_for_ever(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(302)
    handler.send_header("Location", handler.path + "x/")
    handler.end_headers()


def answer_without_end(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "application/vnd.pypi.simple.v1+html")
    handler.send_header("Content-Length", str(300 << 20))
    handler.end_headers()
    for _ in range(300):
        handler.wfile.write(b"x" * (1 << 20))


def never_answer(handler: BaseHTTPRequestHandler) -> None:
    assert isinstance(handler.server, Patient)
    handler.server.ended.wait(300)


def drip(handler: BaseHTTPRequestHandler) -> None:
    assert isinstance(handler.server, Patient)
    while not handler.server.ended.wait(1):
        handler.wfile.write(b"H")


@pytest.mark.parametrize(("behave", "words"), [(redirect_for_ever, "redirects more than 5 times"), (drip, "no answer in time")])
def test_a_hostile_index_closes_the_name_within_the_deadline(behave: Callable[[BaseHTTPRequestHandler], None], words: str, tmp_path: Path) -> None:
    with hostile(behave) as url, accompanied(tmp_path, asked=((url, CANARY),), last=LAST) as tool:
        begun = time.monotonic()
        assert ask(f"{tool.address}requests/") == (404, None)
        assert time.monotonic() - begun < 60, "a busy machine takes longer than the deadline of 12 s"
        tool.process.kill()
        _, said = tool.process.communicate()
        assert words in said
        assert CANARY not in said


def test_an_index_that_redirects_to_a_stranger_closes_the_name_and_the_stranger_sees_no_credential(tmp_path: Path) -> None:
    seen: list[str | None] = []

    def note(handler: BaseHTTPRequestHandler) -> None:
        seen.append(handler.headers.get("Authorization"))
        handler.send_response(200)
        handler.end_headers()

    with hostile(note) as stranger:

        def redirect(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(302)
            handler.send_header("Location", stranger.replace("127.0.0.1", "localhost"))
            handler.end_headers()

        with hostile(redirect) as url, accompanied(tmp_path, asked=((url, CANARY),), last=LAST) as tool:
            assert ask(f"{tool.address}requests/") == (404, None)
    assert set(seen) <= {None}


def test_an_answer_of_300_megabytes_is_not_read(tmp_path: Path) -> None:
    with hostile(answer_without_end) as url, accompanied(tmp_path, asked=((url, CANARY),), last=LAST) as tool:
        assert ask(f"{tool.address}requests/") == (302, f"{url}requests/")
        companion = tool.companion()
        assert _peak_kb(companion) < 80_000


def _peak_kb(process: int) -> int:
    return int(next(line for line in Path(f"/proc/{process}/status").read_text().splitlines() if line.startswith("VmHWM")).split()[1])


def test_a_stranger_who_keeps_connections_open_does_not_keep_pip_out(tmp_path: Path) -> None:
    with accompanied(tmp_path, last=LAST) as tool, ExitStack() as stack:
        assert ask(f"{tool.address}requests/")[0] == 302
        for number in range(MAX_CONNECTIONS * 2):
            client = stack.enter_context(socket.socket())
            client.settimeout(30)
            client.connect(("127.0.0.1", tool.port))
            if number % 2:
                client.sendall(b"GET /" + b"0" * 32)
        assert ask(f"{tool.address}requests/")[0] == 302


def test_ten_thousand_requests_are_answered_and_leave_nothing(tmp_path: Path) -> None:
    with accompanied(tmp_path, last=LAST) as tool:
        request = f"GET /{'0' * 32}/simple/x/ HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        for _ in range(2_000):
            with socket.create_connection(("127.0.0.1", tool.port), timeout=60) as client:
                client.sendall(request)
                assert client.recv(100).startswith(b"HTTP/1.1 404 ")
        line = f"GET /{tool.secret}/simple/requests/ HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        with socket.create_connection(("127.0.0.1", tool.port), timeout=60) as client, client.makefile("rb") as stream:
            for _ in range(80):
                client.sendall(line * 100)
                for _ in range(100):
                    assert stream.readline() == b"HTTP/1.1 302 Found\r\n"
                    while stream.readline() != b"\r\n":
                        pass
        companion = tool.companion()
        assert _peak_kb(companion) < 60_000


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\r\n\r\n",
        b"A" * (MAX_REQUEST_BYTES + 1),
        b"GET /%s/simple/x/ HTTP/1.1\r\n" + b"X: y\r\n" * 4000,
        b"POST /%s/simple/x/ HTTP/1.1\r\nContent-Length: 5\r\n\r\nGET /",
        b"GET /%s/simple/x%%0d%%0aSet-Cookie:a/ HTTP/1.1\r\n\r\n",
        b"GET http://127.0.0.1/%s/simple/x/ HTTP/1.1\r\n\r\n",
        b"GET /%s/simple//etc/passwd HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_request_for_a_name_is_refused(data: bytes, tmp_path: Path) -> None:
    with accompanied(tmp_path, last=LAST) as tool:
        with socket.create_connection(("127.0.0.1", tool.port), timeout=60) as client:
            client.sendall(data.replace(b"%s", tool.secret.encode()).replace(b"%%", b"%"))
            client.shutdown(socket.SHUT_WR)
            try:
                answer = client.recv(1000)
            except ConnectionResetError:
                answer = b""
        assert answer == b"" or answer.startswith(b"HTTP/1.1 404 ")
        assert ask(f"{tool.address}requests/")[0] == 302


@machine.endpoints(machine.lacks_root())
def test_another_user_who_knows_the_path_is_told_nothing(tmp_path: Path) -> None:
    """pip puts the path into the argv of its child that installs build dependencies, which everybody can read."""
    program = (
        "import os, socket, sys; 'x'.encode('idna'); os.setuid(12345)\n"  # who may read no module that lies in /root
        "with socket.create_connection(('127.0.0.1', int(sys.argv[1])), 10) as client:\n"
        "    client.sendall(f'GET /{sys.argv[2]}/simple/requests/ HTTP/1.1\\r\\n\\r\\n'.encode())\n"
        "    try:\n        print(client.recv(100))\n    except OSError:\n        print(b'')"
    )
    with accompanied(tmp_path, last=LAST) as tool:
        done = subprocess.run([sys.executable, "-c", program, str(tool.port), tool.secret], capture_output=True, text=True, check=True, timeout=60)
        assert done.stdout == "b''\n"
        assert ask(f"{tool.address}requests/")[0] == 302


def test_the_secret_is_nowhere_but_in_the_companions_memory(tmp_path: Path) -> None:
    with hostile(lambda handler: handler.send_error(404)) as url, accompanied(tmp_path, asked=((url, CANARY),), last=LAST) as tool:
        assert ask(f"{tool.address}requests/") == (302, f"{LAST}requests/")
        companion = tool.companion()
        assert CANARY.encode() not in Path(f"/proc/{companion}/cmdline").read_bytes()
        assert CANARY.encode() not in Path(f"/proc/{tool.pid}/environ").read_bytes()
        limits = Path(f"/proc/{companion}/limits").read_text()
        assert "Max core file size        0" in limits
        if os.geteuid() == 0:
            assert os.stat(f"/proc/{companion}/mem").st_uid == 0


@machine.endpoints(machine.lacks_tracing())
def test_the_secret_is_not_in_the_companions_environment(tmp_path: Path) -> None:
    with hostile(lambda handler: handler.send_error(404)) as url, accompanied(tmp_path, asked=((url, CANARY),), last=LAST) as tool:
        companion = tool.companion()
        assert CANARY.encode() not in Path(f"/proc/{companion}/environ").read_bytes()


def test_a_companion_whose_indexes_need_no_question_holds_no_secret(pair: Pair) -> None:
    """The private index is the only one: nobody has to be asked whether it has a name."""
    from shim.core.model import Routes
    from shim.routing.companion import render

    assert render(Routes((("corp-*", "https://c.example/simple/"),), (), "https://c.example/simple/")) == {
        "claims": (("corp-*", "https://c.example/simple/"),),
        "asked": [],
        "last": "https://c.example/simple/",
        "names": (),
    }
