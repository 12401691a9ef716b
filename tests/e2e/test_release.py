"""`scripts/release`: a release of this commit can be made, its version is one, and its links lead somewhere wherever they are read."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from shim import __version__
from tests.support.toolchains import ROOT, uv

SCRIPT = ROOT / "scripts" / "release"
REPOSITORY = "https://git.corp.example/tools/pip-uv-shim"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    spec = importlib.util.spec_from_loader("release", importlib.machinery.SourceFileLoader("release", str(SCRIPT)))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.timeout(900)
def test_a_release_of_this_commit_passes_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{uv().bin}:/usr/bin:/bin")
    result = subprocess.run([sys.executable, SCRIPT, "--dry-run", "--repository", REPOSITORY], capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stdout + result.stderr
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["version", "built", "built", "twine", "installed", "demo", "sbom"]
    assert f"pip_uv_shim-{__version__}-py3-none-any.whl" in result.stdout
    assert "keyring" in result.stdout


def test_a_release_is_made_from_its_tag_alone() -> None:
    tags = subprocess.run(["git", "-c", "safe.directory=*", "tag", "--points-at", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    if f"v{__version__}" in tags.stdout.split():
        return  # which the test above has played
    result = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, check=False)

    assert result.returncode == 1
    assert f"a release is made from the tag v{__version__}" in result.stderr


@pytest.mark.quick
def test_every_file_names_this_version_and_a_bump_changes_all_of_them(script: ModuleType, tmp_path: Path) -> None:
    assert script.read_version() == __version__
    for place in [*script.PLACES, "CHANGELOG.md"]:
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / place, tmp_path / place)
    script.ROOT = tmp_path
    (tmp_path / "docs/ci.md").write_text((ROOT / "docs/ci.md").read_text().replace(f"ref: v{__version__}", "ref: v98.7.6"))
    with pytest.raises(SystemExit, match=r"docs/ci.md says 98\.7\.6"):
        script.read_version()
    log = tmp_path / "CHANGELOG.md"
    log.write_text(log.read_text().replace(script.UNRELEASED, f"{script.UNRELEASED}\n* Something new.\n"))
    for _ in range(2):
        script.bump("99.8.7")

    assert log.read_text().count("## 99.8.7") == 1
    assert script.read_version() == "99.8.7"
    assert script.read_notes("99.8.7").startswith("* Something new.")
    assert not [place for place in script.PLACES if __version__ in re.findall(script.PLACES[place], (tmp_path / place).read_text())]


def test_a_package_leads_to_its_repository(script: ModuleType, tmp_path: Path) -> None:
    """In the repository README's links are relative; a package index has no files beside it."""
    folder = script.export(tmp_path / "source", REPOSITORY, __version__)
    links = re.findall(r"(?:\]\(|src=\")([^)\"]+)", (folder / "README.md").read_text())

    assert f"{REPOSITORY}/blob/v{__version__}/docs/start.md" in links
    assert [link for link in links if not link.startswith(("https://", "#"))] == []
    urls = tomllib.loads((folder / "pyproject.toml").read_text())["project"]["urls"]
    assert urls["Changelog"] == f"{REPOSITORY}/blob/v{__version__}/CHANGELOG.md"


def test_the_workflow_calls_this_script_and_uploads_what_it_leaves() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]

    assert workflow[True]["push"]["tags"] == ["v*"]  # YAML takes `on` for a yes
    assert any(step.get("run", "").startswith("scripts/release ") for step in steps)
    assert workflow["jobs"]["publish"]["permissions"]["id-token"] == "write"
    assert not re.search(r"secrets\.|password", (ROOT / ".github" / "workflows" / "release.yml").read_text())
