"""`python -m tests.bench.instructions [--record]`: how many instructions a wrapped command takes, hot and cold, beyond an interpreter's start.

A clock says little on a busy machine; callgrind counts the same each time. What is counted: `start.py` as the launcher starts it, up to
the `execve` that becomes the tool. Hash seed, paths' lengths and the command are fixed. The numbers of `instructions.json` hold for one
build of Python each.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shim.cli.demo.server import PrivateIndex
from shim.install.launchers import base_python, site_folder

ROOT = Path(__file__).parents[2]
REFERENCE = Path(__file__).with_suffix(".json")
#: By so much may a count grow over the recorded one. The long way changes with everything that is added.
TOLERANCES = {"hot": 0.05, "cold": 0.2}
#: Runs start.py until it becomes the tool; the status says whether the long way was gone.
DRIVER = """
import posix, sys
posix.execve = lambda *_: posix._exit(10 + ("shim.pipeline.run" in sys.modules))
sys.argv = sys.argv[1:]
with open(sys.argv[0], encoding="utf-8") as stream:
    text = stream.read()
__file__ = sys.argv[0]
exec(text)  # not compile(), which makes ten million instructions' worth of types for syntax trees at its first call
"""
HOT, COLD = 10, 11


@dataclass(frozen=True)
class Scene:
    """One command in a world of its own: `uv pip install x` from a private index that takes the cached token."""

    folder: Path
    environ: dict[str, str]

    @property
    def records(self) -> Path:
        return self.folder / "runtime" / "shim" / "tokens" / "plans"

    def command(self) -> list[str]:
        target = str(self.folder / "bin" / "uv")
        words = [str(ROOT / "shim" / "start.py"), site_folder(), "uv", target, str(self.folder / "shims" / "uv"), "0"]
        return [*python(), "-c", DRIVER, *words, "pip", "install", "corp-lib"]

    def run(self) -> int:
        """Run the command, uncounted; return HOT or COLD."""
        return subprocess.run(self.command(), env=self.environ, cwd=self.folder / "project", check=False).returncode

    def count(self, command: list[str]) -> tuple[int, int]:
        """Return the exit status of a command and the instructions it took."""
        counted = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={os.devnull}", *command]
        result = subprocess.run(counted, env=self.environ, cwd=self.folder / "project", check=False, capture_output=True, text=True)
        collected = re.search(r"Collected\s*:\s*(\d+)", result.stderr)
        if collected is None:
            raise RuntimeError(result.stderr)
        return result.returncode, int(collected[1])


def python() -> list[str]:
    """Return the interpreter as launchers start it, but that it takes its hash seed from a variable."""
    return [base_python(), "-s", "-S", "-P"]


@contextmanager
def scene() -> Iterator[Scene]:
    """Make the scene in a folder whose path is as long on every machine, as is the index's URL but for the digits of a port."""
    folder = Path(tempfile.mkdtemp(prefix="shim-count-", dir="/tmp"))
    try:
        for name in ("home", "bin", "shims", "project", "config/shim", "runtime"):
            (folder / name).mkdir(parents=True, mode=0o700)
        (folder / "bin" / "uv").write_text("#!/bin/sh\n")
        (folder / "bin" / "uv").chmod(0o755)
        with PrivateIndex(str(folder), {"corp-lib": []}, "alice", "token") as index:
            url = f"http://{index.netloc}/simple/"
            (folder / "config" / "shim" / "config.toml").write_text(
                f'[[index]]\nname = "corp"\nurl = "{url}"\nusername = "alice"\nmax-age = "1d"\ncommand = {{ argv = ["/bin/echo", "token"] }}\n'
            )
            environ = {
                "HOME": str(folder / "home"),
                "XDG_CONFIG_HOME": str(folder / "config"),
                "XDG_RUNTIME_DIR": str(folder / "runtime"),
                "PATH": f"{folder / 'shims'}:{folder / 'bin'}:/usr/bin:/bin",
                "UV_DEFAULT_INDEX": url,
                "LANG": "C.UTF-8",
                "PYTHONHASHSEED": "0",
            }
            yield Scene(folder, environ)
    finally:
        shutil.rmtree(folder)


def measure() -> dict[str, int]:
    """Return the instructions of an interpreter's start, and what the hot and the cold way take beyond it."""
    with scene() as made:
        statuses = [made.run() for _ in range(2)]
        if statuses != [COLD, HOT]:
            raise RuntimeError(f"the record was not replayed: {statuses}")
        _, start = made.count([*python(), "-c", "import posix; posix._exit(0)"])
        status, hot = made.count(made.command())
        if status != HOT:
            raise RuntimeError("the counted command was not replayed")
        for record in made.records.iterdir():
            record.unlink()
        status, cold = made.count(made.command())
        if status != COLD:
            raise RuntimeError("the counted command did not go the long way")
    return {"start": start, "hot": hot - start, "cold": cold - start}


def build() -> str:
    """Return the name of this build of Python, as far as its instructions go."""
    return f"{sys.version.split()[0]} {sys.version[sys.version.index('[') :]} {os.uname().machine} {' '.join(os.confstr('CS_GNU_LIBC_VERSION').split())}"  # type: ignore[union-attr]


def read_reference() -> dict[str, int] | None:
    """Return what was recorded for this build of Python, or None."""
    found: dict[str, int] | None = json.loads(REFERENCE.read_text()).get(build())
    return found


def main() -> None:
    counted = measure()
    print(f"{build()}: {counted}, recorded: {read_reference()}")
    if "--record" in sys.argv:
        kept = json.loads(REFERENCE.read_text()) if REFERENCE.exists() else {}
        REFERENCE.write_text(json.dumps({**kept, build(): counted}, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
