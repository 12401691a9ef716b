"""What the hot and the cold way of one command import, and what each import costs: `python -X importtime`."""

from __future__ import annotations

import re
import subprocess

from shim.cli.demo.packages import LIBRARY
from shim.install.launchers import base_python
from tests.bench.commands import Scene

LINE = re.compile(r"import time:\s*(\d+) \|\s*(\d+) \| ( *)(\S+)")
SHOWN = 25


def render_imports(scene: Scene) -> str:
    """Return both lists as Markdown: all that the hot way imports, and the dearest of the cold way."""
    site = next(scene.world.prefix.glob("venv/lib/python3*/site-packages"))
    target = str(scene.tool("uv").path)
    words = ["uv", target, scene.launcher("uv"), "0", "pip", "install", "--target", str(scene.installed), LIBRARY]
    command = [base_python(), "-IS", "-X", "importtime", str(site / "shim" / "start.py"), str(site), *words]
    environ = scene.wrapped("uv", UV_DEFAULT_INDEX=scene.url)
    texts = []
    for title, more in (("hot: remembered password", {}), ("cold: asked the keyring", {"SHIM_REFRESH": "1"})):
        for _ in range(2):
            result = subprocess.run(command, env={**environ, **more}, capture_output=True, text=True, check=True, cwd=scene.world.cwd)
        found = [(int(match[2]), int(match[1]), match[4]) for match in map(LINE.match, result.stderr.splitlines()) if match]
        dearest = found if not more else sorted(found, reverse=True)[:SHOWN]
        rows = [f"{cumulative:>8} {own:>8}  {module}" for cumulative, own, module in dearest]
        texts.append(
            f"## Imports, {title}\n\n{len(found)} modules; µs with and without what they import in turn.\n\n```\n"
            + "\n".join(rows)
            + "\n```\n"
        )
    return "\n".join(texts)
