"""What the redirector costs: `python -m tests.bench.routing` installs shim into a temporary folder and prints a Markdown table.

The same command with and without `packages` or `index-strategy`, in turn: one small package that is there already (what a start costs),
forty claimed and forty unclaimed ones on indexes that take 50 ms for each answer.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from shim.cli.demo.packages import build_wheel
from shim.cli.demo.server import PrivateIndex
from tests.bench.latency import PACKAGES, SlowIndex
from tests.bench.measuring import Result, Row, run_once
from tests.support import toolchains
from tests.support.world import CANARY, USER, World

ROUNDS = int(os.environ.get("ROUNDS", "5"))


class SlowPublic(SlowIndex):
    """A public index that is far away."""

    def answer(self, path: str, authorization: str | None) -> tuple[int, str, bytes]:
        """Answer everybody, late."""
        return super().answer(path, self._header)


def measure(folder: Path, prefix: Path) -> str:
    """Return the table."""
    names = {kind: [f"{kind}-part-{number}" for number in range(PACKAGES)] for kind in ("corp", "free")}
    files = {}
    for kind, wanted in names.items():
        (folder / kind).mkdir()
        files[kind] = {name: [build_wheel(str(folder / kind), name, {f"{name.replace('-', '_')}.py": ""})] for name in wanted}
    with (
        SlowIndex(str(folder / "corp"), files["corp"], USER, CANARY) as private,
        SlowPublic(str(folder / "free"), files["free"], "x", "x") as public,
        PrivateIndex(str(folder / "corp"), files["corp"], USER, CANARY) as near,
    ):
        results = [
            *_compare(folder, prefix, "start", [near.netloc], public, [names["corp"][0]], "packages = ['corp-*']\n", ""),
            *_compare(folder, prefix, "claimed", [private.netloc], public, names["corp"], "packages = ['corp-*']\n", ""),
            *_compare(folder, prefix, "unclaimed", [private.netloc], public, names["free"], "", "index-strategy = 'first-index'\n"),
        ]
        for number in range(ROUNDS + 2):
            for result in results:
                elapsed_ms = run_once(result.row, folder)
                if number > 1:
                    result.times_ms.append(elapsed_ms)
    lines = ["| command | median ms | over without |", "|---|---|---|"]
    for without, with_it in zip(results[::2], results[1::2], strict=True):
        lines.append(f"| {without.row.name} | {without.median_ms:.0f} | |")
        lines.append(f"| {with_it.row.name} | {with_it.median_ms:.0f} | {with_it.median_ms - without.median_ms:+.0f} ms, {with_it.median_ms / without.median_ms:.2f}× |")
    return "\n".join(lines) + "\n"


def _compare(folder: Path, prefix: Path, label: str, private: list[str], public: PrivateIndex, names: list[str], claim: str, strategy: str) -> list[Result]:
    """Return the command without and with it, each in a world of its own."""
    results = []
    for is_on in (False, True):
        place = folder / f"{label}-{is_on}"
        place.mkdir()
        world = World(place, prefix)
        tool = toolchains.pip("newest")
        world.use(tool)
        url = f"http://{private[0].replace('127.0.0.1', 'localhost')}/simple/"
        others = f"http://{public.netloc}/simple/"
        token = f'username = "{USER}"\nmax-age = "1d"\ncommand = {{ argv = ["echo", "{CANARY}"] }}\n'
        mirror = f'[[index]]\nname = "public"\nurl = "{others}"\non-failure = "pass"\nsource = []\n'
        has_mirror = label != "start"
        world.configure(
            f'{strategy if is_on else ""}[[index]]\nname = "corp"\nurl = "{url}"\n{token}{claim if is_on else ""}' + (mirror if has_mirror else "")
        )
        world.environ |= {"PIP_INDEX_URL": url, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1"}
        if has_mirror:
            world.environ["PIP_EXTRA_INDEX_URL"] = others
        command = [str(prefix / "shims" / "pip"), "install", "--dry-run", "--ignore-installed", "--no-deps", "-q", *names]
        results.append(Result(Row(f"{label}, {len(names)} names, {'with' if is_on else 'without'}", label, command, dict(world.environ))))
    return results


def main() -> None:
    """Install, measure, print."""
    with tempfile.TemporaryDirectory() as name:
        folder, prefix = Path(name), Path(name) / "prefix"
        command = ["sh", str(toolchains.ROOT / "install.sh"), "--prefix", str(prefix), "--no-modify-path", "--quiet"]
        environ = {**os.environ, "PATH": f"{toolchains.uv().bin}:{os.environ['PATH']}"}
        subprocess.run(command, check=True, env=environ, timeout=600)
        sys.stdout.write(measure(folder, prefix))


if __name__ == "__main__":
    main()
