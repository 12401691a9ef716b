"""A supervised target is, to everybody around it, the target itself; only its output has no secret in it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import shim
from tests.support import machine
from tests.support.terminal import Terminal

ROOT = str(Path(shim.__file__).parents[1])
SECRET = "canary-in-a-coal-mine"

#: Starts the command that follows as a wrapped target, its output masked where it is a pipe.
PROGRAM = f"""
import sys; sys.path.insert(0, {ROOT!r})
import os
from shim.hotpath.exec_target import become
from shim.core.model import Delivery, Masking, MemoryFile, Secret
from shim.delivery.masking.supervise import stand_aside
memory = MemoryFile(Secret("in memory"), 243) if "POINTER" in os.environ else None
pointer = {{"POINTER": f"/proc/{{os.getpid()}}/fd/243"}} if memory else {{}}
masking = Masking((Secret({SECRET!r}),), always="ALWAYS" in os.environ)
path, *argv = sys.argv[1:]
become(path, "tool", stand_aside(Delivery(tuple(argv), pointer, memory, masking=masking)), dict(os.environ))
"""


def supervised(script: str, *, shell: str = "/bin/sh") -> list[str]:
    """Return the command that runs a shell script as a supervised target."""
    return [sys.executable, "-IS", "-c", PROGRAM, shell, "-c", script]


def run(script: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(supervised(script), capture_output=True, text=True, check=False, timeout=60, **options)  # type: ignore[call-overload,no-any-return]


def wait_until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def state_of(process: int) -> str:
    """Return the letter of proc(5): R, S, T (stopped), Z."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]


def test_secrets_are_masked_in_both_streams_which_stay_apart() -> None:
    result = run(f"echo out {SECRET}!; echo err {SECRET}? >&2; printf {SECRET[:7]}")

    assert result.stdout == f"out ****!\n{SECRET[:7]}"
    assert result.stderr == "err ****?\n"


def test_two_streams_into_one_pipe_keep_their_order() -> None:
    script = "i=0; while [ $i -lt 500 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done"
    result = subprocess.run(supervised(script), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True, timeout=60)

    assert result.stdout == "".join(f"out {number}\nerr {number}\n" for number in range(500))


def test_much_output_arrives_whole(tmp_path: Path) -> None:
    data = os.urandom(20_000_000)
    (tmp_path / "data").write_bytes(data)
    result = subprocess.run(supervised(f"cat {tmp_path}/data"), stdout=subprocess.PIPE, check=True, timeout=60)

    assert hashlib.sha256(result.stdout).digest() == hashlib.sha256(data).digest()


def test_a_pipe_that_does_not_block_gets_everything() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with subprocess.Popen(supervised("head -c 3000000 /dev/zero"), stdout=writer) as process:
        os.close(writer)
        fcntl.fcntl(reader, 1031, 4096)  # F_SETPIPE_SZ: so that it is often full
        size = 0
        while data := os.read(reader, 65536):
            size += len(data)
        os.close(reader)

    assert size == 3_000_000
    assert process.returncode == 0


@pytest.mark.parametrize("status", [0, 1, 2, 77, 127, 255])
def test_the_exit_status_is_the_targets(status: int) -> None:
    assert run(f"exit {status}").returncode == status


@pytest.mark.parametrize("name", ["TERM", "KILL", "INT", "HUP", "QUIT", "SEGV", "USR1", "PIPE", "ALRM"])
def test_death_by_a_signal_is_death_by_that_signal(name: str, tmp_path: Path) -> None:
    result = run(f"echo last words; kill -{name} $$; sleep 60", cwd=tmp_path)

    assert result.returncode == -getattr(signal, f"SIG{name}")
    assert result.stdout == "last words\n"


@pytest.mark.parametrize("name", ["INT", "TERM", "HUP", "QUIT", "USR1", "USR2", "WINCH", "CONT"])
def test_a_signal_sent_to_us_reaches_the_target_once(name: str) -> None:
    script = f"trap 'echo got {name}; exit 5' {name}; echo ready; while :; do sleep 0.01; done"
    with subprocess.Popen(supervised(script), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"  # type: ignore[union-attr]
        process.send_signal(getattr(signal, f"SIG{name}"))
        output, _ = process.communicate(timeout=60)

    assert output == f"got {name}\n"
    assert process.returncode == 5


def test_a_signal_that_the_target_does_not_expect_ends_both() -> None:
    with subprocess.Popen(supervised("echo $$; exec sleep 60"), stdout=subprocess.PIPE, text=True) as process:
        target = int(process.stdout.readline())  # type: ignore[union-attr]
        process.terminate()
        assert process.wait(timeout=60) == -signal.SIGTERM
        assert not Path(f"/proc/{target}").exists()


def test_a_kill_that_nobody_can_catch_ends_the_target_too() -> None:
    with subprocess.Popen(supervised("echo $$; exec sleep 60"), stdout=subprocess.PIPE, text=True) as process:
        target = Path("/proc", process.stdout.readline().strip())  # type: ignore[union-attr]
        wait_until(lambda: (target / "comm").read_text() == "sleep\n")
        process.kill()
        process.wait(timeout=60)
        wait_until(lambda: not target.exists() or state_of(int(target.name)) == "Z")


@pytest.mark.parametrize("number", [signal.SIGTSTP, signal.SIGTTIN])
def test_it_stops_with_the_target_and_goes_on_with_it(number: signal.Signals) -> None:
    script = 'echo $$; while [ ! -e "$GO" ]; do sleep 0.01; done; echo went on; exit 4'
    go = f"/tmp/shim-test-go-{os.getpid()}-{number}"
    with subprocess.Popen(supervised(script), stdout=subprocess.PIPE, text=True, env={**os.environ, "GO": go}, process_group=0) as process:
        target = int(process.stdout.readline())  # type: ignore[union-attr]
        process.send_signal(number)
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        assert os.WSTOPSIG(status) == number
        assert state_of(target) == "T"
        process.send_signal(signal.SIGCONT)
        wait_until(lambda: state_of(target) != "T")
        Path(go).touch()
        output, _ = process.communicate(timeout=60)
    Path(go).unlink()

    assert output == "went on\n"
    assert process.returncode == 4


def test_a_reader_that_goes_away_ends_the_target_as_without_us() -> None:
    command = " ".join(f"'{word}'" if "'" not in word else '"$PROGRAM"' for word in supervised("exec yes"))
    line = f"{command} | head -n 1; echo ${{PIPESTATUS[0]}}"
    result = subprocess.run(
        ["/bin/bash", "-c", line], env={**os.environ, "PROGRAM": PROGRAM}, capture_output=True, text=True, check=True, timeout=60
    )

    assert result.stdout == f"y\n{128 + signal.SIGPIPE}\n"
    assert result.stderr == ""


def test_a_reader_that_left_long_ago_is_noticed_at_the_first_write() -> None:
    with subprocess.Popen(
        supervised("echo ready; read line; echo one; exec sleep 0"), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        process.stdout.readline()  # type: ignore[union-attr]
        process.stdout.close()  # type: ignore[union-attr]
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        pumps = [int(child) for child in children if Path(f"/proc/{child}/comm").read_text() != "sh\n"]
        assert len(pumps) == 1
        wait_until(lambda: state_of(pumps[0]) == "Z")
        process.communicate(b"\n", timeout=60)

    assert process.returncode == -signal.SIGPIPE


def test_what_is_left_behind_keeps_its_stream_and_does_not_keep_us(tmp_path: Path) -> None:
    """As with exec, the status comes at once, and what a daemon says later arrives."""
    os.mkfifo(tmp_path / "go")
    script = f"(read line <go; echo late {SECRET}) & echo early; exit 3"
    with subprocess.Popen(supervised(script), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tmp_path) as process:
        assert process.wait(timeout=60) == 3
        assert process.stdout.readline() == "early\n"  # type: ignore[union-attr]
        (tmp_path / "go").write_text("\n")
        assert process.stdout.read() == "late ****\n"  # type: ignore[union-attr]


def test_stdin_is_the_targets_alone() -> None:
    result = run("read line; echo $line; exec cat", input="one\ntwo\nthree\n")

    assert result.stdout == "one\ntwo\nthree\n"


def test_the_target_inherits_signals_and_descriptors_as_the_user_had_them() -> None:
    show = "grep -E '^Sig(Ign|Blk)' /proc/self/status; for fd in /proc/$$/fd/*; do echo ${fd##*/}; done; umask"
    for before in ("", "trap '' HUP USR1; ", "trap '' CHLD INT; ", "exec 7</dev/null; umask 027; "):
        outputs = []
        for command in (supervised(show)[4:], supervised(show)):
            line = before + 'exec "$@"'
            outputs.append(
                subprocess.run(["/bin/bash", "-c", line, "-", *command], capture_output=True, text=True, check=True, timeout=60).stdout
            )
        assert outputs[0] == outputs[1]


def test_the_memory_file_is_the_targets_and_its_childrens() -> None:
    show = 'cat "$POINTER"; echo; test "$POINTER" = /proc/$$/fd/243 && echo mine; ls -l /proc/$PPID/fd | grep -c memfd'
    result = run(show, env={**os.environ, "POINTER": "x"})

    assert result.stdout == "in memory\nmine\n0\n"


def test_into_a_file_we_are_not_in_between(tmp_path: Path) -> None:
    with open(tmp_path / "out", "wb") as out, open(tmp_path / "err", "wb") as err:
        process = subprocess.Popen(supervised(f"echo $$ {SECRET}"), stdout=out, stderr=err)
        assert process.wait(timeout=60) == 0

    assert (tmp_path / "out").read_text() == f"{process.pid} {SECRET}\n"


def test_always_means_files_too_each_stream_for_itself(tmp_path: Path) -> None:
    with open(tmp_path / "out", "ab") as out:
        out.write(b"before\n")
        out.flush()
        subprocess.run(supervised(f"echo {SECRET}; echo {SECRET} >&2"), stdout=out, stderr=out, check=True, timeout=60, env={"ALWAYS": "1"})

    assert (tmp_path / "out").read_text() == "before\n****\n****\n"


def test_a_target_that_cannot_be_started_is_the_same_error() -> None:
    result = subprocess.run(supervised("", shell="/nonexistent/tool"), capture_output=True, text=True, check=False, timeout=60)

    assert "TargetNotFound" in result.stderr
    assert result.returncode == 1


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """An interactive bash whose `$T` runs a script as a supervised target.

    The script runs in a bash too: dash starts programs with vfork(2) and cannot be stopped meanwhile.
    """
    (tmp_path / "run.sh").write_text(f"""exec '{sys.executable}' -IS '{tmp_path}/program.py' /bin/bash -c "$1"\n""")
    (tmp_path / "program.py").write_text(PROGRAM)
    return Terminal(["/bin/bash", "--norc", "--noprofile", "-i"], {**os.environ, "PS1": "", "T": f"sh {tmp_path}/run.sh"}, str(tmp_path))


def test_in_a_terminal_a_key_reaches_the_target_once_and_ends_the_pipeline(terminal: Terminal, tmp_path: Path) -> None:
    handler = "lambda *_: (os.write(1, b'caught\\n'), os._exit(9))"
    (tmp_path / "target.py").write_text(
        f"import os, signal\nsignal.signal(signal.SIGINT, {handler})\nprint('ready', flush=True)\nwhile True: signal.pause()\n"
    )
    with terminal:
        terminal.type("stty -echo")
        terminal.start(f"$T 'exec {sys.executable} -IS target.py' | (trap '' INT; cat); echo ${{PIPESTATUS[@]}}", "ready")
        terminal.press("\x03")
        output = terminal.until("9 0")

    assert output.count("caught") == 1


@machine.endpoints(machine.lacks_programs("ps"))
def test_in_a_terminal_it_can_be_suspended_and_continued(terminal: Terminal) -> None:
    with terminal:
        terminal.type("stty -echo")
        terminal.start("$T 'echo rea''dy; while [ ! -e go ]; do sleep 0.01; done; echo do''ne' | cat", "ready")
        terminal.press("\x1a")
        assert "Stopped" in terminal.until("Stopped")
        assert "T" in terminal.type("ps -o stat= --ppid $(jobs -p | head -n 1)")
        terminal.type("touch go")
        assert "done" in terminal.type("fg")


def test_in_a_terminal_a_resize_reaches_the_target(terminal: Terminal) -> None:
    with terminal:
        terminal.type("stty -echo")
        terminal.start("$T 'trap \"stty size </dev/tty; exit\" WINCH; echo rea''dy; while :; do sleep 0.01; done' | cat", "ready")
        terminal.resize(31, 97)
        assert "31 97" in terminal.until("31 97")
