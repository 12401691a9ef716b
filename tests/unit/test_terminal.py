"""What somebody else's code does to the terminal and to the tool's input and output ends with it, however it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import shim
from shim.config.index import CommandSource
from shim.core.host import Host
from shim.core.model import Endpoint, Origin
from shim.core.urls import parse_url
from shim.credentials.helper_program import run_program
from shim.credentials.sources import Query
from shim.credentials.sources import keyring as source
from tests.support.terminal import Terminal

ROOT = Path(shim.__file__).parents[1]
ASK = "from getpass import getpass; from shim.credentials.sources.keyring import in_time\n"


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Terminal]:
    environ = {**os.environ, "PS1": "", "TERM": "dumb", "PYTHONPATH": str(ROOT), "PYTHON": sys.executable}
    environ.pop("CI", None)  # where no person is
    with Terminal(["/bin/bash", "--norc", "--noprofile", "-i"], environ, str(tmp_path)) as made:
        yield made


def script(tmp_path: Path, text: str) -> str:
    (tmp_path / "script.py").write_text(text)
    return '"$PYTHON" script.py'


def echoes(shell: Terminal) -> bool:
    """Whether the terminal shows what is typed, once whoever had it is gone, and a command runs that changes nothing about that."""
    for _ in range(600):
        if os.tcgetpgrp(shell._descriptor) == shell.pid:
            break
        time.sleep(0.05)
    return " echo " in shell.type("stty -a | tr ';' ' '").replace("\n", " ")


def test_a_keyring_that_is_given_up_leaves_the_echo_on(shell: Terminal, tmp_path: Path) -> None:
    shell.start(script(tmp_path, ASK + "in_time(lambda: getpass('secret: '), 60, has_person=True)"), "secret: ")
    shell.press("half\x03")
    shell.until("KeyboardInterrupt")

    assert echoes(shell)


def test_a_keyring_that_takes_too_long_leaves_the_echo_on(shell: Terminal, tmp_path: Path) -> None:
    said = shell.type(script(tmp_path, ASK + "in_time(lambda: getpass('secret: '), 1, has_person=True)"))

    assert "did not answer within 1 s" in said
    assert echoes(shell)


@pytest.mark.parametrize("signal", ["TERM", "HUP", "QUIT"])
def test_a_signal_that_ends_us_leaves_the_echo_on(signal: str, shell: Terminal, tmp_path: Path) -> None:
    ask = f"import os, signal, threading\nthreading.Timer(1, os.kill, (os.getpid(), signal.SIG{signal})).start()\n{ASK}"
    shell.start(script(tmp_path, ask + "in_time(lambda: getpass('secret: '), 60)") + "; echo 'ended'=$(( $? > 128 ))", "secret: ")
    shell.until("ended=1")

    assert echoes(shell)


def test_a_program_that_is_ended_leaves_the_echo_on(shell: Terminal, tmp_path: Path) -> None:
    text = (
        "import os, sys\nfrom shim.core.host import this_host; from shim.credentials.helper_program import run_program; from shim.config.index import CommandSource\n"
        "command = CommandSource((sys.executable, '-c', 'import getpass; getpass.getpass()'), 1.5, True)\n"
        "run_program(command, 'asks', None, dict(os.environ), this_host())"
    )
    said = shell.type(script(tmp_path, text))

    assert "took longer than 1.5 s" in said
    assert echoes(shell)


def test_a_program_that_may_ask_is_answered_by_a_person(shell: Terminal, tmp_path: Path) -> None:
    text = (
        "import os\nfrom shim.core.host import this_host; from shim.credentials.helper_program import run_program; from shim.config.index import CommandSource\n"
        "command = CommandSource(('/bin/sh', '-c', 'printf code: >/dev/tty; read x </dev/tty; echo got $x'), 30, True)\n"
        "print(run_program(command, 'asks', None, dict(os.environ), this_host()))"
    )
    shell.start(script(tmp_path, text), "code:")
    shell.press("123456\n")

    assert "got 123456" in shell.until("0)")


def test_a_program_that_may_not_ask_finds_no_terminal_and_fails_at_once(shell: Terminal, tmp_path: Path) -> None:
    text = (
        "import os\nfrom shim.core.host import this_host; from shim.credentials.helper_program import run_program; from shim.config.index import CommandSource\n"
        "command = CommandSource(('/bin/sh', '-c', 'read x </dev/tty || exit 7'), 30, False)\n"
        "print('status', run_program(command, 'asks', None, dict(os.environ), this_host())[1])"
    )

    assert "status 7" in shell.type(script(tmp_path, text), 20)


def test_a_keyring_neither_writes_into_the_tools_output_nor_reads_its_input(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(
        "import os, sys\nfrom shim.credentials.sources.keyring import in_time\n"
        "def noisy():\n    print('noise'); os.write(1, b'more noise\\n'); return sys.stdin.read()\n"
        "print('before', end='')\nprint(' read:', repr(in_time(noisy)))\nprint('left:', os.read(0, 100))"
    )
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "script.py"], input="requests\n", capture_output=True, text=True, check=True, env=environ, cwd=tmp_path
    )

    assert done.stdout == "before read: ''\nleft: b'requests\\n'\n"
    assert done.stderr == "noise\nmore noise\n" or done.stderr == "more noise\nnoise\n"


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_a_standard_descriptor_that_is_closed_stays_closed(closed: int, tmp_path: Path) -> None:
    """The file that is opened next would be taken for it."""
    (tmp_path / "script.py").write_text(
        f"import os\nos.close({closed})\nfrom shim.credentials.sources.keyring import in_time\nassert in_time(lambda: 5) == 5\n"
        f"try:\n    os.fstat({closed})\nexcept OSError:\n    os._exit(3)"
    )
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "script.py"], stdin=subprocess.DEVNULL, capture_output=True, check=False, env=environ, cwd=tmp_path)

    assert done.returncode == 3, done.stderr


def test_a_person_is_told_what_we_wait_for(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(source, "PATIENCE_S", 0.05)
    assert source.in_time(lambda: time.sleep(0.3) or 1, 20.0, has_person=True) == 1
    assert "shim: waiting for the keyring, 20 s left (Ctrl-C gives up)" in capfd.readouterr().err

    assert source.in_time(lambda: time.sleep(0.3) or 1, 20.0) == 1
    assert capfd.readouterr().err == ""


def test_how_long_a_keyring_may_take_is_said_by_the_configuration_or_by_whether_it_can_ask() -> None:
    def allowed(*, interactive: bool, wait_s: float | None = None) -> float:
        host = Host({}, "/", interactive=interactive)
        return source.timeout_s(Query(Endpoint(parse_url("https://h.example/"), Origin("argv", "-i")), None, host, keyring_wait_s=wait_s))

    assert allowed(interactive=False) == source.TIMEOUT_S
    assert allowed(interactive=True) == source.PERSON_TIMEOUT_S
    assert allowed(interactive=False, wait_s=120.0) == allowed(interactive=True, wait_s=120.0) == 120.0


def test_a_program_without_a_terminal_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    from shim.core.errors import SourceError

    command = CommandSource(("/bin/sh", "-c", f"sleep 60 & echo $! >{tmp_path}/child; sleep 60"), 2.0, False)
    with pytest.raises(SourceError, match="took longer"):
        run_program(command, "sh", None, dict(os.environ), Host(dict(os.environ), "/"))

    child = int((tmp_path / "child").read_text())
    state = Path(f"/proc/{child}/stat")
    for _ in range(100):
        if not state.exists() or state.read_text().split()[2] == "Z":
            return
        time.sleep(0.05)
    raise AssertionError("what it started goes on")
