"""A world with nothing of the user's in it: fresh folders, a scrubbed environment, a PATH of our choosing."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from shim.cli.demo.watch import find_in_files, needles
from shim.delivery.memory_file import PIPE_FOLDER
from tests.support.toolchains import Tool

#: Another one in each run: what a second run on this machine does must not look like a leak of ours.
CANARY = f"s3cr3t-canary-{os.getpid()}"
USER = "alice"
#: How long a process of ours may take to end after its tool, on a machine with other work.
ENDS_WITHIN_S = 30.0


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for what happens soon after a command."""
    deadline = time.monotonic() + ENDS_WITHIN_S
    while not is_so():
        assert time.monotonic() < deadline, "it is still there"
        time.sleep(0.02)


@dataclass
class World:
    """One test's world. `environ` holds all that a command gets; `vaults` are the places that may hold the canary."""

    folder: Path
    prefix: Path
    environ: dict[str, str] = field(default_factory=dict)
    vaults: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name, below in {
            "HOME": "home",
            "TMPDIR": "tmp",
            "XDG_CONFIG_HOME": "config",
            "XDG_DATA_HOME": "data",
            "XDG_STATE_HOME": "state",
            "XDG_RUNTIME_DIR": "runtime",
            "XDG_CONFIG_DIRS": "xdg",
        }.items():
            (self.folder / below).mkdir(mode=0o700)
            self.environ[name] = str(self.folder / below)
        (self.folder / "cwd").mkdir()
        self.vaults += [self.folder / "runtime" / "shim" / "tokens", self.folder / "data" / "shim" / "stored", self.folder / "config"]
        self.environ |= {
            "PATH": f"{self.prefix / 'shims'}:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INPUT": "1",
            "PIP_RETRIES": "0",
            "PIP_CACHE_DIR": str(self.folder / "pip-cache"),
            "UV_CACHE_DIR": str(self.folder / "uv-cache"),
            "UV_PYTHON_DOWNLOADS": "never",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        }

    @property
    def cwd(self) -> Path:
        return self.folder / "cwd"

    @property
    def config(self) -> Path:
        """The user's config.toml."""
        return self.folder / "config" / "shim" / "config.toml"

    def configure(self, text: str) -> None:
        """Write config.toml."""
        self.config.parent.mkdir(parents=True, exist_ok=True)
        self.config.write_text(text)

    def use(self, tool: Tool) -> None:
        """Put a tool behind the launchers."""
        self.environ["PATH"] = f"{self.prefix / 'shims'}:{tool.bin}:/usr/bin:/bin"
        self.environ["VIRTUAL_ENV"] = str(tool.bin.parent)

    def run(
        self, *command: object, input: str | None = None, bare: bool = False, timeout: float = 120, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command here; `bare` takes the launchers off PATH. Output is text."""
        full = {**self.environ, **environ}
        if bare:
            full["PATH"] = full["PATH"].removeprefix(f"{self.prefix / 'shims'}:")
        words = [str(word) for word in command]
        stdin = {"input": input} if input is not None else {"stdin": subprocess.DEVNULL}
        return subprocess.run(
            ["/usr/bin/env", *words],
            env=full,
            cwd=self.cwd,
            text=True,
            capture_output=True,
            check=False,
            timeout=timeout,
            errors="surrogateescape",
            **stdin,
        )

    def shim(self, *words: object, **options: object) -> subprocess.CompletedProcess[str]:
        """Run `shim WORDS`."""
        return self.run("shim", *words, **options)  # type: ignore[arg-type]

    def leftovers(self) -> list[str]:
        """Return the files that hold the canary and should not."""
        return find_in_files(str(self.folder), needles(USER, CANARY), [str(vault) for vault in self.vaults])

    def pipes(self) -> list[str]:
        """Return the folders of named pipes that are there now."""
        # Not `rglob`, which fails at a folder that goes away meanwhile.
        return sorted(f"{folder}/{name}" for folder, names, _ in os.walk(self.folder) for name in names if name.startswith(PIPE_FOLDER))

    def wait_for_pipes(self) -> None:
        """Wait until no named pipe is left of the commands that have ended."""
        wait_until(lambda: self.pipes() == [])
