"""Where there are no memory files: who gets a named pipe in their place, who is refused by name, and what the pipe is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shim.cli.doctor import storage
from shim.core import platform_features, private_folders
from shim.core.dataclass import replace
from shim.core.errors import CannotDeliver
from shim.core.host import Host
from shim.core.model import Delivery, MemoryFile, Secret
from shim.delivery.answers import read_answers
from shim.delivery.handed_pipe import set_up
from tests.support import machine
from tests.support.hints import follows
from tests.unit.test_delivery import CORP, NEWEST, OLD, UV, ask, channel_of, world

__all__ = ["world"]
ENDS_WITHIN_S = 30.0
UVX = {**UV, "verb": ("run",)}
LIST = {"verb": ("list",), "argv": ("list", "-o")}


@pytest.fixture(autouse=True)
def without_memory_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create")
    monkeypatch.setattr(platform_features, "_makes_nameless_files", lambda: False)


@pytest.mark.parametrize(
    ("command", "channel", "variable"),
    [
        ({}, "netrc", "NETRC"),
        ({"version": OLD}, "netrc", "NETRC"),
        ({"version": (20, 3, 4)}, "netrc", "NETRC"),
        ({**LIST, "version": NEWEST}, "netrc", "NETRC"),
        ({"unknown": ("https://other.example/r.txt",)}, "face", "_SHIM_ANSWERS"),
        (UV, "store", "UV_CREDENTIALS_DIR"),
        (UVX, "store", "UV_CREDENTIALS_DIR"),
        ({**UV, "version": (0, 7, 22)}, "netrc", "NETRC"),
    ],
)
def test_pip_and_uv_get_a_pipe(command: dict[str, object], channel: str, variable: str, world: Host) -> None:
    delivery = ask(world, ({CORP: "x"}, command))

    assert channel_of(delivery) == channel
    assert delivery.memory is not None
    assert delivery.memory.pipe.startswith(str(delivery.environ[variable]))
    assert not Path(delivery.memory.pipe).parent.exists()  # choosing does nothing


@follows("SHIM_CHANNEL=env hands it over in the environment, where build backends and user code can read it")
@pytest.mark.parametrize(
    "command",
    [
        {**LIST, "version": (22, 3, 1), "unknown": ()},  # asks with threads
        {**LIST, "version": None},
        {"family": "poetry", "named": True},
    ],
)
def test_who_may_read_it_twice_at_once_gets_the_environment_only_if_the_user_says_so(command: dict[str, object], world: Host) -> None:
    url = ("called " if command.pop("named", False) else "") + CORP
    with pytest.raises(CannotDeliver) as caught:
        ask(world, ({url: "x"}, command))
    assert (caught.value.hint or "").startswith("SHIM_CHANNEL=env")

    assert channel_of(ask(world, ({url: "x"}, {**command, "channel": "env"}))) in ("env", "poetry")


@follows("run it where there are memory files: on Linux, or in a container there")
def test_a_tool_that_reads_it_twice_at_once_and_has_no_variables_is_told_where_it_works(world: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CannotDeliver) as caught:
        ask(world, ({CORP: "x"}, {"family": "project"}))
    assert (caught.value.hint or "").startswith("run it where there are memory files")
    monkeypatch.undo()

    assert channel_of(ask(world, ({CORP: "x"}, {"family": "project"}))) == "netrc"


TOX = {"family": "project", "tool": "tox", "verb": (), "argv": ("-e", "py")}


@follows("tox run, which starts one pip after the other")
@pytest.mark.parametrize(
    ("command", "environ", "defaults"),
    [
        ({"verb": ("p",)}, {}, ""),
        ({"argv": ("-p", "auto", "-e", "py")}, {}, ""),
        ({"argv": ("-vp",)}, {}, ""),
        ({"argv": ("--par=2",)}, {}, ""),
        ({"verb": ("legacy",), "argv": ("legacy", "--parallel", "2")}, {}, ""),
        ({}, {"TOX_PARALLEL": "2"}, ""),
        ({}, {"TOX_USER_CONFIG_FILE": "/x.ini"}, ""),
        ({}, {}, "[tox]\nparallel = auto\n"),
    ],
)
def test_a_tox_that_may_make_several_environments_at_once_gets_no_pipe(
    command: dict[str, object], environ: dict[str, str], defaults: str, world: Host
) -> None:
    host = replace(world, environ={**world.environ, **environ})
    if defaults:
        file = Path(str(host.config_home), "tox", "config.ini")
        file.parent.mkdir(parents=True)
        file.write_text(defaults)
    with pytest.raises(CannotDeliver) as caught:
        ask(host, ({CORP: "x"}, {**TOX, **command}))
    assert (caught.value.hint or "").startswith("tox run")

    assert channel_of(ask(host, ({CORP: "x"}, {**TOX, "verb": ("run",), "argv": ("run", "-e", "py")}))) == "netrc"


@pytest.mark.parametrize("command", [{}, {"verb": ("legacy",)}, {"verb": ("d",)}, {"argv": ("-epy", "--override", "a=b", "--", "-p")}])
def test_a_tox_that_makes_one_environment_after_the_other_gets_a_pipe(command: dict[str, object], world: Host) -> None:
    assert channel_of(ask(world, ({CORP: "x"}, {**TOX, **command}))) == "netrc"


def test_without_a_folder_for_a_pipe_the_environment_is_not_taken_either(world: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shim.delivery.memory_file._own_folders", lambda _, disk_last=False: iter(()))
    for command in ({}, UV):
        with pytest.raises(CannotDeliver, match="cannot be handed") as caught:
            ask(world, ({CORP: "x"}, command))
        assert (caught.value.hint or "").startswith("SHIM_CHANNEL=env")


def test_a_pipe_lies_on_a_disk_only_where_there_is_nothing_in_memory(world: Host) -> None:
    """A process that a container's end kills cannot clean up, and an image keeps what lies in a home."""
    machine.skip_without("" if Path("/dev/shm").is_dir() else "there is no /dev/shm")
    delivery = ask(replace(world, environ={"HOME": world.environ["HOME"]}), ({CORP: "x"}, UV))

    assert delivery.memory is not None
    assert delivery.memory.pipe.startswith(f"/dev/shm/shim-{os.geteuid()}/shim/pipe-")
    assert not Path(world.environ["HOME"], ".local").exists()


def test_doctor_says_that_there_are_none(world: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "memory files" in {finding.where for finding in storage.find(world)}
    monkeypatch.undo()

    assert "memory files" not in {finding.where for finding in storage.find(world)}


def test_doctor_says_that_tokens_are_on_disk(world: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Mac has no folder in memory."""
    alone = replace(world, environ={"HOME": world.environ["HOME"]})
    monkeypatch.setattr(private_folders, "is_folder", lambda path: path != "/dev/shm" and os.path.isdir(path))
    monkeypatch.setattr(private_folders, "is_ephemeral", lambda host: False)
    (said,) = (finding for finding in storage.find(alone) if finding.where == "token cache")

    assert said.text == f"tokens are on disk until they end, in {alone.state_home}/shim/tokens: no folder here is in memory"
    monkeypatch.undo()
    assert "token cache" not in {finding.where for finding in storage.find(world)}


#: Becomes a tool (argv[3:]) that is handed the text of a file (argv[2]) by the pipe at argv[1].
TOOL = """
import sys
from pathlib import Path
from shim.core.model import Delivery, MemoryFile, Secret
from shim.delivery.handed_pipe import set_up
from shim.hotpath.exec_target import become
pipe, text, *command = sys.argv[1:]
delivery = Delivery(tuple(command[1:]), {"PIPE": pipe}, MemoryFile(Secret(Path(text).read_text()), 243, pipe))
become(command[0], "tool", set_up(delivery), {"PATH": "/usr/bin:/bin"})
"""


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    return tmp_path / "pipe-1-x" / "text"


def start(pipe: Path, text: str, *command: str) -> subprocess.Popen[str]:
    file = pipe.parents[1] / "given"
    file.write_text(text)
    words = [sys.executable, "-c", TOOL, str(pipe), str(file), *command]
    return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)


def wait_until_gone(folder: Path) -> None:
    deadline = time.monotonic() + ENDS_WITHIN_S
    while folder.exists():
        assert time.monotonic() < deadline, f"{folder} is still there"
        time.sleep(0.02)


READ = """
import os, sys
for _ in range(int(sys.argv[1])):
    with open(os.environ["PIPE"]) as stream:
        print(len(stream.read()))
    if sys.argv[2:]:  # one that opens it, and goes without reading
        open(os.environ["PIPE"]).close()
"""


@pytest.mark.parametrize("size", [5, 300_000])
@pytest.mark.parametrize("rude", [[], ["rude"]])
def test_each_reader_gets_the_whole_text_one_after_the_other(size: int, rude: list[str], pipe: Path) -> None:
    tool = start(pipe, "x" * size, sys.executable, "-c", READ, "200", *rude)
    printed, _ = tool.communicate(timeout=100)

    assert printed.split() == [str(size)] * 200
    assert tool.returncode == 0
    wait_until_gone(pipe.parent)


SLOW = """
import os, time
number = os.stat(os.environ["PIPE"]).st_ino
first = open(os.environ["PIPE"])
while os.stat(os.environ["PIPE"]).st_ino == number:
    time.sleep(0.01)
with open(os.environ["PIPE"]) as second:
    print(len(second.read()))
print(len(first.read()))
"""


def test_who_comes_while_another_one_reads_waits_for_a_pipe_of_its_own(pipe: Path) -> None:
    printed, _ = start(pipe, "x" * 5000, sys.executable, "-c", SLOW).communicate(timeout=100)

    assert printed.split() == ["5000", "5000"]


def test_our_keyring_is_asked_by_many_at_once(pipe: Path) -> None:
    line = "https%3A%2F%2Fpypi.corp.example%2F\talice\tx\tkeyring\t\n"
    tool = start(pipe, line, "/bin/cat")
    while not pipe.exists():
        time.sleep(0.01)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: len(read_answers(str(pipe))), range(200)))
    tool.communicate("", timeout=100)

    assert answers == [1] * 200
    wait_until_gone(pipe.parent)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_goes_with_the_tool_and_is_not_what_a_terminals_signals_reach(number: signal.Signals, pipe: Path) -> None:
    tool = start(pipe, "x", "/bin/cat")
    while not pipe.exists():
        time.sleep(0.01)
    mode, folder = pipe.stat().st_mode & 0o777, pipe.parent.stat().st_mode & 0o777
    tool.stdin.write("running\n")  # type: ignore[union-attr]
    tool.stdin.flush()  # type: ignore[union-attr]
    assert tool.stdout.readline() == "running\n"  # type: ignore[union-attr]
    os.killpg(tool.pid, number)
    tool.communicate(timeout=100)  # which also waits for whoever holds its output

    assert (mode, folder) == (0o600, 0o700)
    assert tool.returncode == -number
    wait_until_gone(pipe.parent)


@follows("ls -ld {}")
def test_where_no_pipe_can_be_made_the_command_stops_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "no"
    delivery = Delivery((), {}, MemoryFile(Secret("x"), 243, f"{folder}/pipe-1/text"))
    with pytest.raises(CannotDeliver, match="No such file") as caught:
        set_up(delivery)
    assert caught.value.hint == f"ls -ld {folder}"
    folder.mkdir()

    printed, _ = start(folder / "pipe-1" / "text", "x", sys.executable, "-c", READ, "1").communicate(timeout=100)
    assert printed == "1\n"
