"""Many commands at the same time on one expired token: one of them asks, whatever becomes of it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from shim.config.settings import load_settings
from shim.core.host import Host
from shim.core.model import Credential, Endpoint, Origin, Secret
from shim.core.urls import parse_url
from shim.credentials.ask_once import cache_key
from shim.credentials.sources import Query
from shim.storage import token_cache
from tests.support.world import World

URL = "https://pypi.corp.example/simple/"
COUNT = 100
HELPER_S = 2


def expire(world: World, script: str, timeout: str = "30s") -> Path:
    """Configure a helper that counts its calls, and put an expired token of it into the cache; return the file of calls."""
    calls = world.folder / "calls"
    program = world.folder / "config" / "give"
    program.write_text(f"#!/bin/sh\necho $PPID >>{calls}\n{script}\n")
    program.chmod(0o700)
    calls.write_text("")
    world.configure(
        f'[[index]]\nname = "corp"\nurl = "{URL}"\nmax-age = "1h"\ncommand = {{ argv = ["{program}"], timeout = "{timeout}" }}\n'
    )
    host = Host(world.environ, str(world.cwd))
    index = load_settings(host).indexes[0]
    query = Query(Endpoint(parse_url(URL), Origin("argv", "-i")), index, host)
    assert token_cache.put(cache_key(query), Credential("__token__", Secret("old"), index.scope, "command", time.time() - 10), host)
    return calls


def start(world: World, count: int, *words: str, **environ: str) -> list[subprocess.Popen[str]]:
    command = [str(world.prefix / "shims" / "shim"), *words]
    return [
        subprocess.Popen(
            command,
            env={**world.environ, **environ},
            cwd=world.cwd,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
        )
        for _ in range(count)
    ]


def collect(processes: list[subprocess.Popen[str]]) -> list[tuple[int, str, str]]:
    """Return status, stdout and stderr of each."""
    outputs = [process.communicate(timeout=120) for process in processes]
    return [(process.returncode, *output) for process, output in zip(processes, outputs, strict=True)]


def wait_for_calls(calls: Path, count: int) -> list[int]:
    """Wait until the helper has been called so often; return who called it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        callers = [int(line) for line in calls.read_text().split()]
        if len(callers) >= count:
            return callers
        time.sleep(0.02)
    raise AssertionError(f"{calls.read_text()!r} after a minute")


def test_a_hundred_processes_make_one_request(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    expire(world, f"sleep {HELPER_S}; echo fresh")
    began = time.monotonic()
    assert collect(start(world, 1, "token", "corp"))[0][:2] == (0, "fresh\n")
    alone_s = time.monotonic() - began
    calls = expire(world, f"sleep {HELPER_S}; echo fresh")
    began = time.monotonic()
    results = collect(start(world, COUNT, "token", "corp"))
    together_s = time.monotonic() - began
    with capsys.disabled():
        print(f"\n{COUNT} processes took {together_s:.1f} s, one {alone_s:.1f} s: {together_s / alone_s:.2f} times as long")

    assert results == [(0, "fresh\n", "")] * COUNT
    assert len(calls.read_text().split()) == 1


def test_when_the_one_that_asks_is_killed_another_asks(world: World) -> None:
    """Its helper lives on as an orphan, which keeps nobody waiting."""
    orphan = world.folder / "orphan"
    calls = expire(world, f"if [ ! -e {orphan} ]; then echo $$ >{orphan}; exec sleep 120; fi; echo fresh")
    (killed,) = start(world, 1, "token", "corp")
    holder = wait_for_calls(calls, 1)[0]
    others = start(world, COUNT - 1, "token", "corp")
    os.kill(holder, signal.SIGKILL)
    results = collect(others)
    os.kill(int(orphan.read_text()), signal.SIGKILL)

    assert collect([killed]) == [(-signal.SIGKILL, "", "")]
    assert results == [(0, "fresh\n", "")] * (COUNT - 1)
    assert len(calls.read_text().split()) == 2


def test_when_the_one_that_asks_is_stopped_one_other_asks_after_the_sources_timeout(world: World) -> None:
    calls = expire(world, "sleep 1; echo fresh", timeout="2s")
    (stopped,) = start(world, 1, "token", "corp")
    holder = wait_for_calls(calls, 1)[0]
    os.kill(holder, signal.SIGSTOP)
    try:
        results = collect(start(world, 10, "token", "corp"))
    finally:
        os.kill(holder, signal.SIGCONT)
    (last,) = collect([stopped])

    assert results == [(0, "fresh\n", "")] * 10
    assert len(calls.read_text().split()) == 2, "ten waited, one asked"
    assert last[0] in (0, 69), "it may find its own helper too slow when it goes on"


def wait_for_waiters(world: World, processes: list[subprocess.Popen[str]]) -> None:
    """Wait until each of the processes has the lock file open: one holds it, the others queue."""
    folder = world.folder / "runtime" / "shim" / "tokens"
    deadline = time.monotonic() + 60
    waiting = 0
    while waiting < len(processes) and time.monotonic() < deadline:
        waiting = sum(has_open(process.pid, folder) for process in processes)
        time.sleep(0.05)
    assert waiting == len(processes)


def has_open(pid: int, folder: Path) -> bool:
    try:
        links = [os.readlink(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd")]
    except OSError:
        return False
    return any(link.startswith(str(folder)) and link.endswith(".lock") for link in links)


@pytest.mark.quick
def test_a_failure_is_not_repeated_by_those_who_waited(world: World) -> None:
    go = world.folder / "go"
    calls = expire(world, f"while [ ! -e {go} ]; do sleep 0.05; done; exit 3")
    processes = start(world, 10, "token", "corp")
    wait_for_waiters(world, processes)
    go.touch()
    results = collect(processes)

    assert {status for status, _, _ in results} == {69}
    assert all("failed (exit status 3)" in stderr and "hint: run" in stderr for _, _, stderr in results)
    assert len(calls.read_text().split()) == 1
    assert collect(start(world, 1, "token", "corp"))[0][0] == 69
    assert len(calls.read_text().split()) == 2, "who comes later asks again"


def test_commands_that_want_a_refresh_share_one(world: World) -> None:
    go = world.folder / "go"
    calls = expire(world, f"while [ ! -e {go} ]; do sleep 0.05; done; echo fresh")
    processes = start(world, 10, "token", "corp", SHIM_REFRESH="1")
    wait_for_waiters(world, processes)
    go.touch()

    assert collect(processes) == [(0, "fresh\n", "")] * 10
    assert len(calls.read_text().split()) == 1
    assert collect(start(world, 1, "token", "corp", SHIM_REFRESH="1")) == [(0, "fresh\n", "")]
    assert len(calls.read_text().split()) == 2, "who comes later gets a new one"


def test_a_locked_folder_of_locks_is_no_reason_to_wait(world: World) -> None:
    """What stands in the place of a lock file, or holds it for ever, costs at most the source's timeout, and asks all the same."""
    calls = expire(world, "echo fresh")
    folder = world.folder / "runtime" / "shim" / "tokens"
    (record,) = folder.glob("*.token")
    record.with_suffix(".lock").mkdir()

    assert collect(start(world, 3, "token", "corp")) == [(0, "fresh\n", "")] * 3
    assert 1 <= len(calls.read_text().split()) <= 3
