"""`python -m tests.bench.pipe [ROUNDS]`: what a named pipe, and our `keyring`, cost over a memory file, in starts of a bare interpreter.

A satisfied `uv pip install` without uv's cache, with a cached token; where the pipe is taken, our package believes that there are no memory
files. All rows take turns. What is counted is processor time, that of the process that writes to the pipe too: a busy machine changes it least.
"""

from __future__ import annotations

import ctypes
import os
import statistics
import sys
import tempfile
from pathlib import Path

from shim.cli.demo.packages import LIBRARY, build_packages
from shim.cli.demo.server import PrivateIndex
from shim.install.launchers import base_python
from tests.bench.__main__ import install
from tests.bench.cold import forget
from tests.bench.commands import BACKEND, Scene
from tests.bench.measuring import Row
from tests.support.installation import copy_installation
from tests.support.world import CANARY, USER

DEFAULT_ROUNDS = 16
PR_SET_CHILD_SUBREAPER = 36
#: Rows that find their way anew: the record of the run before is removed.
ANEW = "memory file, anew"


def without_memory_files(prefix: Path, copy: Path) -> Path:
    """Return a copy of an installation that believes that there are none."""
    copy_installation(prefix, copy)
    (features,) = copy.glob("venv/lib/python3*/site-packages/shim/core/platform_features.py")
    features.write_text(features.read_text() + "\n\ndef has_memory_files() -> bool:\n    return False\n")
    return copy


def rows_of(linux: Scene, other: Scene) -> list[Row]:
    """Return an interpreter's start and the command in each way; `other` has the named pipe."""
    words = ["pip", "install", "-q", "--target", str(linux.installed), LIBRARY]
    more = {"UV_NO_CACHE": "1", "UV_DEFAULT_INDEX": linux.url}
    ask = [str(linux.world.prefix / "faces" / "keyring"), "get", linux.url, USER]
    return [
        Row("start", "start", [base_python(), "-IS", "-c", "pass"], linux.bare("uv")),
        Row("bare uv", "uv", [str(linux.tool("uv").path), *words], linux.bare("uv", **more)),
        Row("memory file, replayed", "uv", [linux.launcher("uv"), *words], linux.wrapped("uv", **more)),
        Row(ANEW, "uv", [linux.launcher("uv"), *words], linux.wrapped("uv", **more)),
        Row("named pipe", "uv", [other.launcher("uv"), *words], other.wrapped("uv", **more)),
        Row("our keyring, one question", "keyring", ask, linux.wrapped("uv")),
    ]


def spend(row: Row, cwd: Path) -> float:
    """Run the command; return the milliseconds of processor time that it and all its processes took, orphans as well."""
    devnull = os.open(os.devnull, os.O_RDWR)
    os.chdir(cwd)
    process = os.posix_spawnp(row.command[0], row.command, row.environ, file_actions=[(os.POSIX_SPAWN_DUP2, devnull, number) for number in (0, 1, 2)])
    os.close(devnull)
    spent_s = 0.0
    while True:
        try:
            ended, status, usage = os.wait4(-1, 0)
        except ChildProcessError:
            return spent_s * 1000
        spent_s += usage.ru_utime + usage.ru_stime
        if ended == process and status:
            raise RuntimeError(f"{row.name}: {row.command} ended with {status}")


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_ROUNDS
    with tempfile.TemporaryDirectory(prefix="shim-bench-") as name:
        folder = Path(name)
        files = build_packages(str(folder / "packages"), str(folder / "report"))
        prefix = install(folder)
        copy = without_memory_files(prefix, folder / "copy")
        with PrivateIndex(str(folder / "packages"), files, USER, CANARY) as index:
            (folder / "other").mkdir()
            variables = {BACKEND: "keyring.backends.null.Keyring"}
            linux, other = Scene(folder, prefix, index, variables, "token"), Scene(folder / "other", copy, index, variables, "token")
            assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1) == 0
            times: dict[str, list[float]] = {}
            for _ in range(rounds + 1):  # the first round warms up; a way found anew leaves the record for the next replay
                for row in rows_of(linux, other):
                    if row.name == ANEW:
                        forget(linux)
                    times.setdefault(row.name, []).append(spend(row, folder))
    medians = {name: statistics.median(row[1:]) for name, row in times.items()}
    for name, median_ms in medians.items():
        over = f", {(median_ms - medians['bare uv']) / medians['start']:+.2f} starts over the bare uv" if "file" in name or "pipe" in name else ""
        print(f"{name}: {median_ms:.1f} ms, {median_ms / medians['start']:.2f} starts{over}")


if __name__ == "__main__":
    main()
