"""Without configuration and credentials nobody can tell that we are there: byte for byte, and in everything a process inherits."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex
from tests.support import toolchains
from tests.support.world import World


class OpenIndex(PrivateIndex):
    """The same index, for everybody."""

    def answer(self, path: str, authorization: str | None) -> tuple[int, str, bytes]:
        return self._page(path)


@pytest.fixture
def open_index(packages: tuple[str, dict[str, list[str]]]) -> Iterator[PrivateIndex]:
    with OpenIndex(*packages, "nobody", "nothing") as served:
        yield served


PIP = [
    "pip",
    "pip --version",
    "pip help install",
    "pip list",
    "pip freeze",
    "pip config list",
    "pip show pip",
    "pip check",
    "pip no-such-verb",
    "pip install",
    "pip install --no-such-option x",
    "pip install --no-cache-dir -q --target {out} -i http://{index}/simple/ corp-lib",
    "pip install -i http://{index}/simple/ no-such-package",
    "pip download -q -d {out} -i http://{index}/simple/ corp-lib",
    "pip install -r no-such-file.txt",
    "pip install -i http://127.0.0.1:9/simple/ x",
]
UV = [
    "uv",
    "uv --version",
    "uv help",
    "uv pip list",
    "uv pip freeze",
    "uv no-such-verb",
    "uv pip install",
    "uv venv -q {out}",
    "uv pip install -q --target {out} --default-index http://{index}/simple/ corp-lib",
    "uv pip install --default-index http://{index}/simple/ no-such-package",
    "uv lock",
    "uv tool list",
    "uvx --version",
    "uv run --no-project -- sh -c 'exit 7'",
]


def normal(text: str, world: World) -> str:
    """Return output without what differs between two runs of the bare tool too: timings and temporary names."""
    text = re.sub(r"\d+(\.\d+)?(ms|s|µs|ns)\b", "TIME", text)
    return text.replace(str(world.prefix / "shims") + ":", "")


@pytest.mark.parametrize("line", [*PIP, *UV])
def test_output_and_status_are_the_bare_tools(line: str, world: World, open_index: PrivateIndex) -> None:
    world.use(toolchains.pip("newest") if line.startswith("pip") else toolchains.uv())
    results = []
    for bare in (True, False):
        out = world.folder / "out"
        command = line.format(out=out, index=open_index.netloc)
        results.append(world.run("sh", "-c", command, bare=bare))
        if out.exists():
            subprocess.run(["rm", "-rf", out], check=True)
    bare_run, wrapped = results

    assert normal(wrapped.stdout, world) == normal(bare_run.stdout, world)
    assert normal(wrapped.stderr, world) == normal(bare_run.stderr, world)
    assert wrapped.returncode == bare_run.returncode


#: A target that tells everything a process inherits. It stands behind the launcher under the name `uv`.
PROBE = """#!{python}
import json, os, resource, signal, sys
print(json.dumps({{
    "argv": sys.argv[1:],
    "cwd": os.getcwd(),
    "environ": {{name: value for name, value in os.environ.items() if not name.startswith("_SHIM_") and name != "_"}},
    "umask": os.umask(0o22),
    "ignored": [line for line in open("/proc/self/status") if line.startswith(("SigIgn", "SigBlk"))],
    "fds": sorted(os.listdir("/proc/self/fd")),
    "stdin": sys.stdin.read() if sys.stdin else None,
    "nice": os.nice(0),
}}, sort_keys=True))
"""


@pytest.fixture
def probe(world: World, tmp_path: Path) -> Path:
    """Put the probe behind the launchers."""
    folder = tmp_path / "probe"
    folder.mkdir()
    for name in ("uv", "pip"):
        (folder / name).write_text(PROBE.format(python=toolchains.python_for("3.11")))
        (folder / name).chmod(0o755)
    world.environ["PATH"] = f"{world.prefix / 'shims'}:{folder}:/usr/bin:/bin"
    return folder


def inherited(world: World, line: str, *, bare: bool, **options: object) -> str:
    environ = {**world.environ, "ODD": "é\n'\"", **options.pop("environ", {})}  # type: ignore[dict-item]
    if bare:
        environ["PATH"] = environ["PATH"].partition(":")[2]
    process = subprocess.run(["/bin/bash", "-c", line], env=environ, cwd=world.cwd, capture_output=True, check=True, timeout=60, **options)  # type: ignore[call-overload]
    return process.stdout.decode().replace(f"{world.prefix / 'shims'}:", "")


@pytest.mark.parametrize("verb", ["uv --version", "uv sync 'a b' '' -- *", "pip freeze", "pip install x"])
@pytest.mark.parametrize(
    "before",
    [
        "",
        "umask 077; ",
        "f() { echo hi; }; export -f f; ",
        "trap '' PIPE; ",
        "trap '' HUP; ",
        "export LC_ALL=C; ",
        "unset LANG; ",
        "exec 7</dev/null; ",
        "nice ",
    ],
)
def test_the_target_inherits_what_the_user_had(verb: str, before: str, world: World, probe: Path) -> None:
    results = [inherited(world, before + verb, bare=bare, input=b"typed\n") for bare in (True, False)]

    assert results[0] == results[1]


def test_names_that_no_shell_knows_pass(world: World, probe: Path) -> None:
    results = [
        inherited(world, "uv sync", bare=bare, environ={"a.b": "1", "BASH_FUNC_m%%": "() { :\n}"}, input=b"") for bare in (True, False)
    ]

    assert results[0] == results[1]
    assert '"a.b": "1"' in results[1]
    assert "BASH_FUNC_m%%" in results[1]


def test_a_closed_stdin_stays_closed(world: World, probe: Path) -> None:
    results = [inherited(world, "uv --version <&-", bare=bare) for bare in (True, False)]

    assert results[0] == results[1]


def test_death_by_a_signal_is_death_by_that_signal(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "mortal"
    folder.mkdir()
    (folder / "uv").write_text("#!/bin/sh\nkill -TERM $$\n")
    (folder / "uv").chmod(0o755)
    environ = {**world.environ, "PATH": f"{world.prefix / 'shims'}:{folder}:/usr/bin:/bin"}
    process = subprocess.run(["uv", "sync"], env=environ, executable=world.prefix / "shims" / "uv", check=False, timeout=60)

    assert process.returncode == -signal.SIGTERM


def test_a_reader_that_goes_away_ends_the_tool_as_without_us(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "talker"
    folder.mkdir()
    (folder / "uv").write_text("#!/bin/sh\nexec yes\n")
    (folder / "uv").chmod(0o755)
    environ = {**world.environ, "PATH": f"{world.prefix / 'shims'}:{folder}:/usr/bin:/bin"}
    line = "uv sync | head -n 1 >/dev/null; echo ${PIPESTATUS[0]}"
    process = subprocess.run(["/bin/bash", "-c", line], env=environ, capture_output=True, text=True, check=True, timeout=60)

    assert process.stdout == f"{128 + signal.SIGPIPE}\n"
    assert process.stderr == ""


def test_the_bare_tool_runs_where_nothing_is_installed_for_it(world: World) -> None:
    process = world.run("uv", "--version", PATH=f"{world.prefix / 'shims'}:/nonexistent")

    assert process.returncode == 127
    assert process.stderr.endswith(": uv: command not found\n")
