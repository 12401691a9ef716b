"""The process beside the tool: it is there as long as the tool is, disturbs nobody, and leaves nothing."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.support import machine
from tests.support.companions import (
    Accompanied,
    accompanied,
    command,
    wait_until_gone,
)
from tests.support.selection import tries

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
LAST = "https://pypi.org/simple/"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:  # type: ignore[override]
        return None


def ask(url: str) -> tuple[int, str | None]:
    """Return the status and the Location that a GET gives."""
    opener = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=60) as response:
            return response.status, None
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get("Location")


def is_listening(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(2)
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_names_lead_to_their_index(tmp_path: Path) -> None:
    claims = (("corp-*", "https://pypi.corp.example/simple"),)
    with accompanied(tmp_path, claims=claims, last=LAST) as tool:
        assert ask(f"{tool.address}corp-lib/") == (302, "https://pypi.corp.example/simple/corp-lib/")
        assert ask(f"{tool.address}Corp_Lib/") == (302, "https://pypi.corp.example/simple/corp-lib/")
        assert ask(f"{tool.address}requests/") == (302, "https://pypi.org/simple/requests/")
        assert ask(f"{tool.address}") == (404, None)
        assert ask(f"{tool.address}a/b/") == (404, None)
        assert ask(f"{tool.address}..%2f/") == (404, None)


def test_who_does_not_know_the_path_is_told_nothing(tmp_path: Path) -> None:
    with accompanied(tmp_path, last=LAST) as tool:
        base = f"http://127.0.0.1:{tool.port}"
        for path in ("/", "/simple/", "/simple/requests/", f"/{'0' * 32}/simple/requests/", f"/{tool.secret[:-1]}/simple/requests/"):
            assert ask(base + path) == (404, None)
        assert len(tool.secret) == 32
        assert int(tool.secret, 16) >= 0


def test_it_is_nobodys_child(tmp_path: Path) -> None:
    with accompanied(tmp_path, last=LAST) as tool:
        assert ask(f"{tool.address}requests/")[0] == 302
        companion = tool.companion()
        children = Path(f"/proc/{tool.pid}/task/{tool.pid}/children").read_text().split()
        status = Path(f"/proc/{companion}/stat").read_text().rpartition(")")[2].split()
        parent, group, session = (int(field) for field in status[1:4])

        assert children == []
        assert tool.pid not in (parent, group, session)
        assert companion not in (group, session)  # it can never get a terminal
        assert os.getpgid(tool.pid) == os.getpgid(0)


@machine.endpoints(machine.lacks_tracing())
def test_it_has_no_file_of_the_tools(tmp_path: Path) -> None:
    open_file = os.open(tmp_path / "mine", os.O_RDWR | os.O_CREAT)
    os.set_inheritable(open_file, True)
    try:
        with accompanied(tmp_path, last=LAST) as tool:
            assert ask(f"{tool.address}requests/")[0] == 302
            companion = tool.companion()
            files = {os.readlink(f"/proc/{companion}/fd/{name}") for name in os.listdir(f"/proc/{companion}/fd")}

            assert files
            assert str(tmp_path / "mine") not in files
    finally:
        os.close(open_file)


def end_by_kill(tool: Accompanied) -> None:
    os.kill(tool.pid, signal.SIGKILL)


def end_by_itself(tool: Accompanied) -> None:
    assert tool.process.stdin is not None
    tool.process.stdin.write("\n")
    tool.process.stdin.flush()


def end_after_a_stop(tool: Accompanied) -> None:
    os.kill(tool.pid, signal.SIGSTOP)
    time.sleep(0.2)
    assert is_listening(tool.port)
    os.kill(tool.pid, signal.SIGKILL)


@pytest.mark.parametrize("end", [end_by_kill, end_by_itself, end_after_a_stop])
def test_it_ends_with_the_tool(end: object, tmp_path: Path) -> None:
    with accompanied(tmp_path, last=LAST) as tool:
        assert is_listening(tool.port)
        end(tool)  # type: ignore[operator]
        tool.process.wait(10)

        assert wait_until_gone(str(tmp_path)) == []
        assert not is_listening(tool.port)


def test_an_orphaned_tool_keeps_its_redirector(tmp_path: Path) -> None:
    """The shell that started it has gone; the tool lives on, and so does its only index."""
    inner = command("sh", "-c", 'echo "$ADDRESS $$"; exec sleep 30', last=LAST)
    quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in inner)
    shell = subprocess.run(["sh", "-c", f"{quoted} > {tmp_path}/said &"], env={**os.environ, "HOME": str(tmp_path)}, check=True, timeout=10)
    assert shell.returncode == 0
    for _ in range(500):
        if (tmp_path / "said").exists() and (tmp_path / "said").read_text().endswith("\n"):
            break
        time.sleep(0.02)
    address, pid = (tmp_path / "said").read_text().split()
    try:
        assert ask(f"{address}requests/") == (302, f"{LAST}requests/")
    finally:
        os.kill(int(pid), signal.SIGKILL)
    assert wait_until_gone(str(tmp_path)) == []


def test_the_tools_status_and_number_are_its_own(tmp_path: Path) -> None:
    process = subprocess.Popen(command("sh", "-c", "echo $$; exit 7"), stdout=subprocess.PIPE, text=True, env={**os.environ, "HOME": str(tmp_path)})
    said, _ = process.communicate(timeout=60)

    assert (int(said), process.returncode) == (process.pid, 7)
    assert wait_until_gone(str(tmp_path)) == []


def test_a_reader_of_stderr_is_not_kept_waiting(tmp_path: Path) -> None:
    done = subprocess.run(command("true"), stderr=subprocess.PIPE, timeout=60, check=True, env={**os.environ, "HOME": str(tmp_path)})

    assert done.stderr == b""


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_closed_streams_are_no_trouble(closed: tuple[int, ...], tmp_path: Path) -> None:
    words = command("sh", "-c", f'echo "$ADDRESS" > {tmp_path}/said; exec sleep 60', last=LAST)
    quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)
    script = f"exec {quoted} " + " ".join(f"{number}>&-" for number in closed)
    with subprocess.Popen(["sh", "-c", script], env={**os.environ, "HOME": str(tmp_path)}) as process:
        try:
            while not ((tmp_path / "said").exists() and (tmp_path / "said").read_text().endswith("\n")):
                assert process.poll() is None
                time.sleep(0.02)
            assert ask((tmp_path / "said").read_text().strip() + "requests/")[0] == 302
        finally:
            process.kill()
    assert wait_until_gone(str(tmp_path)) == []


def test_without_a_pidfd_the_end_of_a_pipe_tells_it(tmp_path: Path) -> None:
    words = command("sh", "-c", 'echo "$ADDRESS"', last=LAST)
    words[2] = "import os\ndel os.pidfd_open\n" + words[2]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, timeout=60, check=True, env={**os.environ, "HOME": str(tmp_path)})

    assert done.stdout.startswith("http://127.0.0.1:")
    assert wait_until_gone(str(tmp_path)) == []


def test_kill_at_any_moment_leaves_nothing(tmp_path: Path) -> None:
    """200 tools (20 with --quick) are killed at random moments, before, while and after their companion starts; several at a time."""
    seed = random.randrange(1 << 30)
    chance = random.Random(seed)
    environ = {**os.environ, "HOME": str(tmp_path)}
    for _ in range(tries(50)):
        batch = [subprocess.Popen(command("sleep", "60", last=LAST), env=environ, stdout=subprocess.DEVNULL) for _ in range(4)]
        begun = time.monotonic()
        for moment, number in sorted((chance.uniform(0.0, 0.6), one) for one in range(len(batch))):
            time.sleep(max(0.0, begun + moment - time.monotonic()))
            batch[number].kill()
        for process in batch:
            assert process.wait(10) == -signal.SIGKILL, f"seed {seed}"
    assert wait_until_gone(str(tmp_path)) == [], f"seed {seed}"
