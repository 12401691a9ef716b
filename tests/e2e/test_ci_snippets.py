"""The snippets of docs/ci.md, line by line, as the runners run them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from shim.cli.demo.server import PrivateIndex
from tests.support import toolchains
from tests.support.documents import blocks
from tests.support.world import CANARY, USER, World

GITHUB, GITLAB = (block.text for block in blocks("docs/ci.md", "yaml"))


@pytest.fixture
def job(world: World, wheels: Path, index: PrivateIndex) -> World:
    """A runner's world: a Python with pip that can be installed into, uv, and shim's packages without an index."""
    subprocess.run([toolchains.python_for(), "-m", "venv", world.folder / "python"], check=True)
    tools = f"{world.folder}/python/bin:{toolchains.uv().bin}:/usr/bin:/bin"
    world.environ |= {"CI": "true", "PATH": tools, "UV_FIND_LINKS": str(wheels), "PIP_FIND_LINKS": str(wheels)}
    return world


def here(text: str, index: PrivateIndex) -> str:
    return text.replace("https://pypi.corp.example/", f"http://{index.netloc}/").replace("alice", USER)


def run(world: World, shell: list[str], lines: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    result = world.run(*shell, lines, **environ)
    assert result.returncode == 0, f"{lines}\n{result.stdout}{result.stderr}"
    assert CANARY not in result.stdout + result.stderr
    return result


def test_the_steps_of_a_github_job(job: World, index: PrivateIndex) -> None:
    """Each step is a bash of its own; what it appends to GITHUB_PATH goes before PATH, the last line first."""
    (job.cwd / ".shim").symlink_to(toolchains.ROOT)
    paths = job.folder / "github-path"
    paths.touch()
    (build,) = yaml.safe_load(here(GITHUB, index))["jobs"].values()
    environ = {**build["env"], "RUNNER_TEMP": str(job.folder / "tmp"), "GITHUB_PATH": str(paths)}
    ran = []
    for step in (step for step in build["steps"] if "run" in step):
        assert step.get("if", "always()") == "always()"
        secrets = {name: CANARY if "secrets." in value else value for name, value in step.get("env", {}).items()}
        path = ":".join([*reversed(paths.read_text().split()), job.environ["PATH"]])
        run(job, ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"], step["run"], {**environ, **secrets, "PATH": path})
        ran.append(step["name"])

    assert ran == ["shim", "log in", "install", "log out"]
    assert {who for _, who, status in index.requests if status == 200} == {USER}
    assert list((job.cwd / ".venv").glob("lib/python3*/site-packages/corp_lib.py"))
    assert job.leftovers() == []


def test_the_lines_of_a_gitlab_job(job: World, index: PrivateIndex) -> None:
    """before_script and script are one shell with `set -eo pipefail`, after_script is another one."""
    (definition,) = yaml.safe_load(here(GITLAB, index)).values()
    place = str(job.folder / "tmp")
    lines, after = (
        "\n".join(["set -eo pipefail", *part]).replace("/tmp/", f"{place}/")
        for part in ([*definition["before_script"], *definition["script"], "env"], definition["after_script"])
    )
    # git fetches the checkout from here instead of the example's server.
    git = {"GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": f"url.file://{toolchains.ROOT}.insteadOf", "GIT_CONFIG_KEY_1": "safe.directory"}
    git |= {"GIT_CONFIG_VALUE_0": "https://git.corp.example/tools/pip-uv-shim", "GIT_CONFIG_VALUE_1": "*"}
    result = run(job, ["bash", "-c"], lines, {**definition["variables"], **git, "PYPI_TOKEN": CANARY})

    assert "Successfully installed corp-lib" in result.stdout
    assert "PYPI_TOKEN" not in result.stdout
    run(job, ["bash", "-c"], after, {})
    assert not os.path.exists(f"{place}/shim/shims/pip")
    assert job.leftovers() == []
