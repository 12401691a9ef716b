"""`python -m tests.bench [ROUNDS]`: what a wrapped command costs, as ratios from one interleaved run.

Every round starts each command once, in turn, so that a slow phase of the machine hits all of them alike. Medians, and the
spread between the quartiles. Nothing here is a test: timings are never asserted.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from shim.demo.packages import LIBRARY, build_packages
from shim.demo.server import PrivateIndex
from shim.launchers import base_python
from tests.support import toolchains
from tests.support.world import CANARY, USER, World

DEFAULT_ROUNDS = 50
Row = tuple[str, str, str]


def run_once(command: list[str], environ: dict[str, str]) -> float:
    """Start the command, wait for it, return milliseconds."""
    devnull = os.open(os.devnull, os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, devnull, number) for number in (0, 1, 2)]
    begin = time.perf_counter()
    process = os.posix_spawnp(command[0], command, environ, file_actions=actions)
    _, status, _ = os.wait4(process, 0)
    elapsed_ms = (time.perf_counter() - begin) * 1000
    os.close(devnull)
    if status:
        raise RuntimeError(f"{command} ended with {status}")
    return elapsed_ms


def measure(commands: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Return the milliseconds of every command in every round."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + 3):
        for name, run in commands.items():
            elapsed_ms = run()
            if number >= 3:  # warm caches
                times[name].append(elapsed_ms)
    return times


def prepare(world: World, index: PrivateIndex) -> dict[str, tuple[list[str], dict[str, str]]]:
    """Return name -> (command, environment)."""
    uv, pip = toolchains.uv(), toolchains.pip("newest")
    url = f"http://{index.netloc}/simple/"
    typed = f"http://{USER}:{CANARY}@{index.netloc}/simple/"
    out = str(world.folder / "installed")
    table = f'[[index]]\nname = "corp"\nurl = "{url}"\nusername = "{USER}"\nmax-age = "1d"\ncommand = {{ argv = ["echo", "{CANARY}"] }}\n'
    world.configure(table)
    wrapped, bare = {}, {}
    for tool in (uv, pip):
        world.use(tool)
        wrapped[tool.name] = dict(world.environ)
        bare[tool.name] = {**world.environ, "PATH": f"{tool.bin}:/usr/bin:/bin"}
    subprocess.run([str(world.prefix / "shims" / "shim"), "token", "corp"], env=wrapped["pip"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([str(uv.path), "pip", "install", "-q", "--target", out, "--default-index", typed, LIBRARY], env=bare["uv"], check=True)
    in_place = {"PYTHONPATH": out}
    uv_line, pip_line = ["uv", "pip", "install", "--target", out, LIBRARY], ["pip", "install", LIBRARY]
    return {
        "python -IS -c pass": ([base_python(), "-IS", "-c", "pass"], bare["uv"]),
        "sh -c :": (["/bin/sh", "-c", ":"], bare["uv"]),
        "uv --version": ([str(uv.path), "--version"], bare["uv"]),
        "uv --version, through shim": ([str(world.prefix / "shims" / "uv"), "--version"], wrapped["uv"]),
        "pip --version": ([str(pip.path), "--version"], bare["pip"]),
        "pip --version, through shim": ([str(world.prefix / "shims" / "pip"), "--version"], wrapped["pip"]),
        "uv pip install (satisfied), credential in its URL": ([str(uv.path), *uv_line[1:]], {**bare["uv"], "UV_DEFAULT_INDEX": typed}),
        "uv pip install (satisfied), cached by shim": (
            [str(world.prefix / "shims" / "uv"), *uv_line[1:]],
            {**wrapped["uv"], "UV_DEFAULT_INDEX": url},
        ),
        "pip install (satisfied), credential in its URL": (
            [str(pip.path), *pip_line[1:]],
            {**bare["pip"], **in_place, "PIP_INDEX_URL": typed},
        ),
        "pip install (satisfied), cached by shim": (
            [str(world.prefix / "shims" / "pip"), *pip_line[1:]],
            {**wrapped["pip"], **in_place, "PIP_INDEX_URL": url},
        ),
    }


def report(times: dict[str, list[float]]) -> str:
    """Return a Markdown table: medians, spread, and what shim adds, in units of a bare interpreter's start."""
    unit_ms = statistics.median(times["python -IS -c pass"])
    lines = ["| command | median | quartiles | shim adds | in `python -IS -c pass` |", "|---|---|---|---|---|"]
    previous_ms = 0.0
    for name, values in times.items():
        median_ms = statistics.median(values)
        low, _, high = statistics.quantiles(values, n=4)
        added = ""
        if "shim" in name:
            added = f"{median_ms - previous_ms:.1f} ms | {(median_ms - previous_ms) / unit_ms:.2f}"
        lines.append(f"| {name} | {median_ms:.1f} ms | {low:.1f} - {high:.1f} | {added or ' |'} |")
        previous_ms = median_ms
    return "\n".join(lines) + "\n"


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_ROUNDS
    with tempfile.TemporaryDirectory(prefix="shim-bench-") as name:
        folder = Path(name)
        prefix = folder / "prefix"
        environ = {**os.environ, "PATH": f"{toolchains.uv().bin}:{os.environ['PATH']}"}
        subprocess.run(
            ["sh", str(toolchains.ROOT / "install.sh"), "--prefix", str(prefix), "--no-modify-path", "--quiet"], check=True, env=environ
        )
        (folder / "world").mkdir()
        world = World(folder / "world", prefix)
        files = build_packages(str(folder / "packages"), str(folder / "report"))
        with PrivateIndex(str(folder / "packages"), files, USER, CANARY) as index:
            commands = prepare(world, index)
            times = measure({name: lambda row=row: run_once(*row) for name, row in commands.items()}, rounds)
    print(f"{rounds} interleaved rounds, Python {sys.version.split()[0]}\n\n{report(times)}")


if __name__ == "__main__":
    main()
