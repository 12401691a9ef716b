"""What the preflight costs: `python -m tests.bench.preflight` prints medians in ms for a command that goes the long way.

The target is a script that ends at once, so what is measured is ours alone.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from shim.cli.demo.server import PrivateIndex
from tests.support.bait import make_stranger

RUNS = 15
ROOT = Path(__file__).parents[2]


def main() -> None:
    """Measure one index, two with a remembered proof, two with a fresh one."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        pip = base / "bin" / "pip"
        pip.parent.mkdir()
        pip.write_text("#!/bin/sh\nexit 0\n")
        pip.chmod(0o755)
        tokens = base / "tokens"
        tokens.mkdir(mode=0o700)
        environ = {
            "HOME": folder,
            "PATH": f"{pip.parent}:/usr/bin:/bin",
            "SHIM_CACHE_DIR": str(tokens),
            "CORP": "secret",
            "SHIM_DEBUG": "1",
        }
        environ["SHIM_CONFIG_FILE"] = str(base / "config.toml")
        with PrivateIndex(folder, {}, "alice", "secret") as private, make_stranger(base / "stranger") as stranger:
            url = f"http://{private.netloc}/simple/"
            (base / "config.toml").write_text(f'[[index]]\nname = "c"\nurl = "{url}"\nusername = "alice"\nenv = {{ password = "CORP" }}\n')
            alone, both = ["install", "-i", url, "x"], ["install", "-i", url, "--extra-index-url", stranger.url, "x"]
            for name, words, fresh in (("one index", alone, False), ("two, remembered", both, False), ("two, fresh proof", both, True)):
                print(f"{name:<18} {measure(str(pip), words, environ, tokens if fresh else None):6.1f} ms")


def measure(pip: str, words: list[str], environ: dict[str, str], forget: Path | None) -> float:
    """Return the median of several runs in ms; with `forget` no run finds a proof."""
    command = [os.path.realpath(sys.executable), "-IS", str(ROOT / "shim" / "start.py"), site(), "pip", pip, "/x/shims/pip", "0", *words]
    times = []
    for _ in range(RUNS + 1):
        if forget:
            shutil.rmtree(forget / "proofs", ignore_errors=True)
        began = time.perf_counter()
        subprocess.run(command, env=environ, check=True, stderr=subprocess.DEVNULL)
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times[1:])


def site() -> str:
    """Return the folder of our dependencies."""
    import filelock

    return str(Path(filelock.__file__).parents[1])


if __name__ == "__main__":
    main()
