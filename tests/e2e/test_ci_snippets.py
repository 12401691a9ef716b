"""The snippets of docs/ci.md and the action of action.yml, line by line, as the runners run them."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from shim.cli.demo.server import PrivateIndex
from tests.support import toolchains
from tests.support.documents import blocks
from tests.support.world import CANARY, USER, World

ACTION, GITHUB, GITLAB = (block.text for block in blocks("docs/ci.md", "yaml"))

pytestmark = pytest.mark.long


@pytest.fixture
def job(world: World, wheels: Path, index: PrivateIndex) -> World:
    """A runner's world: a Python with pip that can be installed into, uv, and shim's packages without an index."""
    toolchains.own_copy(toolchains.bundled_pip(toolchains.python_for()), world.folder / "python")
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


@dataclass
class Runner:
    """What a GitHub runner keeps from step to step: the lines of GITHUB_PATH and GITHUB_ENV, and a folder that it empties after the job."""

    job: World
    environ: dict[str, str]
    ran: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.temp = self.job.folder / "runner-temp"
        self.temp.mkdir()
        for name in ("GITHUB_PATH", "GITHUB_ENV"):
            (self.job.folder / name).touch()
            self.environ[name] = str(self.job.folder / name)
        self.environ["RUNNER_TEMP"] = str(self.temp)

    def play(self, step: dict[str, Any], inputs: dict[str, str]) -> None:
        """Run one step, or those of our action if the step uses it; any other action is the machine's own Python."""
        given = {name: self.fill(str(value), inputs) for name, value in (step.get("env") or {}).items()}
        if "run" in step and self.holds(step.get("if", ""), inputs):
            kept = dict(line.split("=", 1) for line in (self.job.folder / "GITHUB_ENV").read_text().splitlines())
            path = ":".join([*reversed((self.job.folder / "GITHUB_PATH").read_text().split()), self.job.environ["PATH"]])
            shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"]
            self.job.environ |= {name: value for name, value in kept.items() if name == "SHIM_CONFIG_FILE"}
            run(self.job, shell, step["run"], {**self.environ, **kept, **given, "PATH": path})
            self.ran.append(step.get("name", step["run"]))
        elif step.get("uses", "").startswith("corp/pip-uv-shim@"):
            action = yaml.safe_load((toolchains.ROOT / "action.yml").read_text())
            # GitHub writes `true` of YAML as a text of small letters.
            chosen = {name: str(step["with"].get(name, about["default"])) for name, about in action["inputs"].items()}
            chosen |= {name: "true" for name, value in step["with"].items() if value is True}
            assert set(step["with"]) <= set(chosen)
            for part in action["runs"]["steps"]:
                assert part["shell"] == "bash"
                self.play(part, {name: self.fill(value, inputs) for name, value in chosen.items()})

    def fill(self, text: str, inputs: dict[str, str]) -> str:
        """Return a value with its expressions evaluated: secrets, inputs and the folder of the action."""
        values = {**{f"inputs.{name}": value for name, value in inputs.items()}, "github.action_path": str(toolchains.ROOT)}
        return re.sub(r"\$\{\{ *([\w.-]+) *\}\}", lambda found: CANARY if found[1].startswith("secrets.") else values[found[1]], text)

    @staticmethod
    def holds(condition: str, inputs: dict[str, str]) -> bool:
        """Return what a condition says: `always()`, or comparisons of inputs."""
        compared = re.findall(r"inputs\.([\w-]+) (==|!=) '(.*?)'", condition)
        assert compared or condition in ("", "always()"), condition
        return all((inputs[name] == value) == (sign == "==") for name, sign, value in compared)


def test_a_job_with_the_action(job: World, index: PrivateIndex) -> None:
    """What it leaves to the runner lies in the folder that the runner empties, and nothing is left after log-out either."""
    (build,) = yaml.safe_load(here(ACTION, index))["jobs"].values()
    runner = Runner(job, dict(build.get("env", {})))
    job.vaults.append(runner.temp / "shim")
    for step in build["steps"]:
        runner.play(step, {})

    assert runner.ran[:3] == ["install", "log in", "packages"]
    assert runner.ran[-1] == "log out"
    assert {who for _, who, status in index.requests if status == 200} == {USER}
    assert {path.rpartition("/")[2] for path, _, status in index.requests if status == 200} >= {"corp_lib-1.0-py3-none-any.whl"}
    assert list(runner.temp.iterdir()) == []
    job.vaults.remove(runner.temp / "shim")
    assert job.leftovers() == []


def test_a_wrong_password_ends_the_step_of_the_action(job: World, index: PrivateIndex) -> None:
    runner = Runner(job, {})
    uses = {"uses": "corp/pip-uv-shim@v0.2.0", "with": {"index-url": f"http://{index.netloc}/simple/", "username": USER, "password": "wrong"}}
    with pytest.raises(AssertionError, match=r"(?s)shim status.*401.*hint: "):
        runner.play(uses, {})


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
