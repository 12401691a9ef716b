"""`python -m tests.bench.argv_window [ROUNDS]`: how long a password typed into a URL can be seen in the launcher's argv.

From the start of the launcher until `/proc/PID/cmdline` does not show it any more; looked at in a tight loop.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from shim.install.launchers import base_python
from tests.support import toolchains
from tests.support.world import CANARY, USER, World


def measure(command: list[str], environ: dict[str, str]) -> float:
    """Return milliseconds until the process's command line is clean."""
    devnull = os.open(os.devnull, os.O_RDWR)
    begin = time.perf_counter()
    process = os.posix_spawn(command[0], command, environ, file_actions=[(os.POSIX_SPAWN_DUP2, devnull, number) for number in (0, 1, 2)])
    with open(f"/proc/{process}/cmdline", "rb", buffering=0) as stream:
        seen, line = False, b""
        while not seen or CANARY.encode() in line:
            stream.seek(0)
            line = stream.read()
            seen = seen or CANARY.encode() in line
    elapsed_ms = (time.perf_counter() - begin) * 1000
    os.waitpid(process, 0)
    os.close(devnull)
    return elapsed_ms


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    with tempfile.TemporaryDirectory(prefix="shim-bench-") as name:
        folder = Path(name)
        environ = {**os.environ, "PATH": f"{toolchains.uv().bin}:{os.environ['PATH']}"}
        install = ["sh", str(toolchains.ROOT / "install.sh"), "--prefix", str(folder / "prefix"), "--no-modify-path", "--quiet"]
        subprocess.run(install, check=True, env=environ)
        (folder / "world").mkdir()
        world = World(folder / "world", folder / "prefix")
        (folder / "uv").write_text("#!/bin/sh\nexit 0\n")
        (folder / "uv").chmod(0o755)
        world.environ["PATH"] = f"{world.prefix / 'shims'}:{folder}:/usr/bin:/bin"
        command = [str(world.prefix / "shims" / "uv"), "sync", "--index", f"http://{USER}:{CANARY}@127.0.0.1:9/simple/"]
        python = [base_python(), "-IS", "-c", "pass"]
        times, starts = [], []
        for _ in range(rounds):
            times.append(measure(command, world.environ))
            begin = time.perf_counter()
            subprocess.run(python, check=True)
            starts.append((time.perf_counter() - begin) * 1000)
    print(f"visible for {statistics.median(times):.1f} ms (median of {rounds}; most {max(times):.1f} ms)")
    print(f"`python -IS -c pass` takes {statistics.median(starts):.1f} ms here")


if __name__ == "__main__":
    main()
