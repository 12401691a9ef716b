"""`python -m tests.bench.cold [ROUNDS]`: what a uv command costs whose way is found anew, with a cached token, over the bare uv.

A satisfied `uv pip install` without uv's cache; the bare one gets no credential. All rows take turns, and the record of the cold row is
removed before each of its runs. Prints medians in milliseconds, and in starts of a bare interpreter.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from shim.cli.demo.packages import LIBRARY, build_packages
from shim.cli.demo.server import PrivateIndex
from shim.install.launchers import base_python
from tests.bench.__main__ import install
from tests.bench.commands import BACKEND, Scene
from tests.bench.measuring import Row, run_once
from tests.support.world import CANARY, USER

DEFAULT_ROUNDS = 32


def rows_of(scene: Scene) -> list[Row]:
    """Return an interpreter's start, the bare command, and the command through shim, replayed and not."""
    words = ["pip", "install", "-q", "--target", str(scene.installed), LIBRARY]
    more = {"UV_NO_CACHE": "1", "UV_DEFAULT_INDEX": scene.url}
    return [
        Row("start", "start", [base_python(), "-IS", "-c", "pass"], scene.bare("uv")),
        Row("bare", "uv", [str(scene.tool("uv").path), *words], scene.bare("uv", **more)),
        Row("hot", "uv", [scene.launcher("uv"), *words], scene.wrapped("uv", **more)),
        Row("cold", "uv", [scene.launcher("uv"), *words], scene.wrapped("uv", **more)),
    ]


def forget(scene: Scene) -> None:
    """Remove the records of commands."""
    for record in scene.folder.glob("**/tokens/plans/*"):
        record.unlink()


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_ROUNDS
    with tempfile.TemporaryDirectory(prefix="shim-bench-") as name:
        folder = Path(name)
        files = build_packages(str(folder / "packages"), str(folder / "report"))
        with PrivateIndex(str(folder / "packages"), files, USER, CANARY) as index:
            scene = Scene(folder, install(folder), index, {BACKEND: "keyring.backends.null.Keyring"}, "token")
            times: dict[str, list[float]] = {}
            for _ in range(rounds + 1):  # the first round warms up; a cold run leaves the record for the next hot one
                for row in rows_of(scene):
                    if row.name == "cold":
                        forget(scene)
                    times.setdefault(row.name, []).append(run_once(row, folder))
    medians = {name: statistics.median(row[1:]) for name, row in times.items()}
    for name, median_ms in medians.items():
        added = f", {(median_ms - medians['bare']) / medians['start']:+.2f} starts" if name in ("hot", "cold") else ""
        print(f"{name}: {median_ms:.1f} ms{added}")


if __name__ == "__main__":
    main()
