"""The dev container CLI, newest release of npm's, kept in .cache/: what VS Code, Codespaces and CI start dev containers with."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from tests.support import debian, machine
from tests.support.engines import Engine

#: Without buildx, as Debian has docker, the CLI may not use BuildKit.
HERE = ("--docker-path", "docker", "--buildkit", "never")
PACKAGE = "@devcontainers/cli"


def lacks_cli() -> str:
    """Return why there can be no CLI here, or an empty text."""
    return machine.lacks_programs("node", "npm")


def program() -> Path:
    """Return the CLI, got by whichever test process comes first."""
    debian.CACHE.mkdir(parents=True, exist_ok=True)
    folder = debian.CACHE / "devcontainers-cli"
    made = folder / "node_modules" / ".bin" / "devcontainer"
    with FileLock(f"{folder}.lock"):
        if not made.exists():
            words = ["npm", "install", "--prefix", folder, "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", PACKAGE]
            subprocess.run(words, check=True, capture_output=True, timeout=300)
    return made


@dataclass
class DevContainer:
    """A folder with a .devcontainer, and the engine that runs it; `environ` is what the user's own variables are."""

    engine: Engine
    workspace: Path
    environ: Mapping[str, str]

    def call(self, *words: object) -> subprocess.CompletedProcess[str]:
        """Run one command of the CLI, which has to succeed."""
        environ = {**self.engine.environ, **self.environ}
        # The first docker on PATH is the engine's own: `features test` takes no other.
        environ["PATH"] = f"{Path(self.engine.words[0]).parent}:{environ['PATH']}"
        environ.pop("DOCKER_BUILDKIT", None)
        command = [program(), *words]
        result = subprocess.run(
            command, env=environ, cwd=self.workspace, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=600
        )
        assert result.returncode == 0, f"{command}\n{result.stdout}{result.stderr}"
        return result

    def up(self) -> str:
        """Build and start it; return the container's name."""
        said = self.call("up", *HERE, "--workspace-folder", self.workspace).stdout
        outcome = json.loads(said.splitlines()[-1])
        assert outcome["outcome"] == "success", said
        return str(outcome["containerId"])

    def exec(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command in it, as an editor's terminal does."""
        return self.call("exec", *HERE[:2], "--workspace-folder", self.workspace, *words)
