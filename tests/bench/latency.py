"""`uv lock` of forty packages on an index that takes 50 ms for each answer: what a refused request before each page would cost."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from shim.cli.demo.packages import build_wheel
from shim.cli.demo.server import PrivateIndex
from tests.bench.measuring import Result, Row, run_once
from tests.support import toolchains
from tests.support.world import CANARY, USER, World

PACKAGES = 40
LATENCY_S = 0.05
ROUNDS = 7


class SlowIndex(PrivateIndex):
    """A private index that is far away."""

    def answer(self, path: str, authorization: str | None) -> tuple[int, str, bytes]:
        """Wait, then answer."""
        time.sleep(LATENCY_S)
        return super().answer(path, authorization)


def measure_latency(folder: Path, prefix: Path) -> str:
    """Return a Markdown table: uv with the credential in its URL, with shim, and with uv's credential store."""
    packages = folder / "forty"
    packages.mkdir()
    names = [f"corp-part-{number}" for number in range(PACKAGES)]
    files = {name: [build_wheel(str(packages), name, {f"{name.replace('-', '_')}.py": ""})] for name in names}
    (folder / "slow").mkdir()
    world = World(folder / "slow", prefix)
    world.environ["UV_NO_CACHE"] = "1"
    uv = toolchains.uv()
    world.use(uv)
    with SlowIndex(str(packages), files, USER, CANARY) as index:
        url, typed = f"http://{index.netloc}/simple/", f"http://{USER}:{CANARY}@{index.netloc}/simple/"
        token = f'max-age = "1d"\ncommand = {{ argv = ["echo", "{CANARY}"] }}\n'
        world.configure(f'[[index]]\nname = "corp"\nurl = "{url}"\nusername = "{USER}"\n{token}')
        (world.cwd / "pyproject.toml").write_text(
            f'[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = {names!r}\n'
        )
        bare = {**world.environ, "PATH": f"{uv.bin}:/usr/bin:/bin", "UV_DEFAULT_INDEX": typed}
        ours = {**world.environ, "UV_DEFAULT_INDEX": url}
        launcher = str(prefix / "shims" / "uv")
        results = [
            Result(Row("uv lock, credential in its URL", "lock", [str(uv.path), "lock"], bare, is_reference=True)),
            Result(Row("shim: uv lock", "lock", [launcher, "lock"], ours)),
            Result(Row("shim: uv lock, through uv's store", "lock", [launcher, "lock"], {**ours, "UV_NO_SYSTEM_CONFIG": "1"})),
        ]
        for number in range(ROUNDS + 1):
            for result in results:
                (world.cwd / "uv.lock").unlink(missing_ok=True)
                elapsed_ms = run_once(result.row, world.cwd)
                if number:
                    result.times_ms.append(elapsed_ms)
    shutil.rmtree(packages)
    lines = [f"## {PACKAGES} packages, {LATENCY_S * 1000:.0f} ms away\n", "| command | median | quartiles | ratio |", "|---|---|---|---|"]
    for result in results:
        low, high = result.quartiles_ms
        lines.append(
            f"| {result.row.name} | {result.median_ms:.0f} | {low:.0f} - {high:.0f} | {result.median_ms / results[0].median_ms:.2f} |"
        )
    return "\n".join(lines) + "\n"
