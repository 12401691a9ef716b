"""`python -m tests.bench [ROUNDS]`: what a wrapped command costs, from one interleaved run; written to docs/speed.md and docs/speed.svg.
`python -m tests.bench ROUNDS WORDS` measures the commands with these words in their names alone, and writes nothing.

Whole commands, medians and quartiles, ratios within this run. Nothing here is a test: timings are never asserted. What is counted and
asserted is in `instructions.py`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from shim.cli.demo.packages import build_packages
from shim.cli.demo.server import PrivateIndex
from tests.bench.chart import render_chart
from tests.bench.commands import Scene, asking_rows, satisfied_rows, small_rows
from tests.bench.imports import render_imports
from tests.bench.latency import measure_latency
from tests.bench.measuring import Result, measure, reference_of
from tests.support import keyrings, toolchains
from tests.support.world import CANARY, USER

DEFAULT_ROUNDS = 30
DOCUMENTS = toolchains.ROOT / "docs"
HEAD = """# What it costs

Written by `python -m tests.bench`: {rounds} interleaved rounds of whole commands on {cores} cores, Python {python}, uv {uv}, pip {pip}, a private
index on loopback, a real gnome-keyring. Milliseconds; "added" is against the row of the same command with the credential in its URL, and
in starts of a bare interpreter (`python -IS -c pass`). A busy machine makes all of them slower; the ratios hold.

![medians](speed.svg)
"""


def render_table(results: list[Result]) -> str:
    """Return a Markdown table: medians, spread, what is added, in ms and in starts of a bare interpreter."""
    unit_ms = next(result.median_ms for result in results if result.row.name == "python -IS -c pass")
    lines = ["| command | median | quartiles | added | interpreter starts | ratio |", "|---|---|---|---|---|---|"]
    for result in results:
        low, high = result.quartiles_ms
        reference = reference_of(result, results)
        added = " | | "
        if reference and result.row.family != "start":
            added_ms = result.median_ms - reference.median_ms
            added = f"{added_ms:.1f} | {added_ms / unit_ms:.2f} | {result.median_ms / reference.median_ms:.2f}"
        lines.append(f"| {result.row.name} | {result.median_ms:.1f} | {low:.1f} - {high:.1f} | {added} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print, and write the document and its chart."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_ROUNDS
    wanted = sys.argv[2] if len(sys.argv) > 2 else ""
    if keyrings.MISSING:
        sys.exit(keyrings.MISSING)
    with tempfile.TemporaryDirectory(prefix="shim-bench-") as name:
        folder = Path(name)
        prefix = install(folder)
        files = build_packages(str(folder / "packages"), str(folder / "report"))
        (folder / "wanted.in").write_text("corp-lib\n")
        with (
            keyrings.keyring_daemon(folder / "daemon") as variables,
            PrivateIndex(str(folder / "packages"), files, USER, CANARY) as index,
        ):
            keyring = {**variables, "PYTHON_KEYRING_BACKEND": "keyring.backends.SecretService.Keyring"}
            token = Scene(folder, prefix, index, keyring, "token")
            kept = Scene(folder, prefix, index, keyring, "keyring")
            rows = [*small_rows(token), *satisfied_rows(token, kept), *asking_rows(token, kept)]
            if wanted:
                chosen = [row for row in rows if wanted in row.family or row.family == "start"]
                print(render_table(measure(chosen, rounds, folder)))
                return
            results = measure(rows, rounds, folder)
            imports = render_imports(kept)
        latency = measure_latency(folder, prefix)
    head = HEAD.format(
        rounds=rounds,
        cores=os.cpu_count(),
        python=sys.version.split()[0],
        uv=toolchains.uv().version,
        pip=toolchains.pip("newest").version,
    )
    text = "\n".join([head, render_table(results), latency, imports])
    print(text)
    DOCUMENTS.mkdir(exist_ok=True)
    (DOCUMENTS / "speed.md").write_text(text)
    (DOCUMENTS / "speed.svg").write_text(render_chart(results))


def install(folder: Path) -> Path:
    """Install shim from this checkout, as a user does; return the prefix."""
    prefix = folder / "prefix"
    environ = {**os.environ, "PATH": f"{toolchains.uv().bin}:{os.environ['PATH']}"}
    command = ["sh", str(toolchains.ROOT / "install.sh"), "--prefix", str(prefix), "--no-modify-path", "--quiet"]
    subprocess.run(command, check=True, env=environ)
    return prefix


if __name__ == "__main__":
    main()
