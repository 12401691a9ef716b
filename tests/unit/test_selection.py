"""What the runner says of tests that were skipped, and which rows a quick run keeps."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import engines, machine, selection, toolchains


def test_what_was_skipped_is_said_by_reason_the_most_first() -> None:
    skipped = [("no root", "a.py::one"), *((f"no {what}", f"b.py::{test}[{row}]") for what in ("mounts",) for test in "vwxyz" for row in (1, 2))]

    assert [*selection.explain(skipped)] == [
        "   10  no mounts",
        "         b.py::v",
        "         b.py::w",
        "         b.py::x",
        "         and 2 more",
        "    1  no root",
        "         a.py::one",
    ]


def test_a_quick_run_keeps_one_row_of_each_suite() -> None:
    rows = [("a", "a::1", False), ("a", "a::2[newest]", False), ("a", "a::3[newest]", False), ("b", "b::1[newest]", False), ("b", "b::2", True)]

    assert selection.one_of_each([*rows, ("c", "c::1", False), ("c", "c::2", False)]) == {"a::2[newest]", "b::2", "c::1"}


@pytest.mark.parametrize("version", toolchains.PYTHONS_OF_PIP)
def test_an_old_pip_is_skipped_by_name_where_no_python_starts_it(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchains, "pythons", dict)
    with pytest.raises(pytest.skip.Exception, match=f"pip {version} starts on no Python that is here: .*pyenv install"):
        toolchains.pip(version)


def test_what_is_not_installed_is_named_by_the_package_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "SYSTEM_PATH", "/nonexistent")

    assert machine.lacks_programs("nginx", "git") == "not installed here: apt install nginx-light git"


@pytest.mark.parametrize(("kind", "worker", "status"), [("machine.CannotRunHere", ["-n1"], 0), ("pytest.skip.Exception", [], 1)])
def test_what_is_here_and_cannot_start_is_listed_and_no_failure(kind: str, worker: list[str], status: int, tmp_path: Path) -> None:
    """With --no-skips, and from a worker as well."""
    (tmp_path / "test_engine.py").write_text(
        f"import pytest\nfrom tests.support import machine\n\ndef test_engine():\n    raise {kind}('x cannot run here')\n"
    )
    words = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", *worker, "--no-skips"]
    words += ["--basetemp", tmp_path / "temporary", tmp_path / "test_engine.py"]  # or it would clear away what runs before have left
    result = subprocess.run(words, cwd=toolchains.ROOT, capture_output=True, text=True, check=False)

    assert result.returncode == status, result.stdout + result.stderr
    assert "    1  x cannot run here" in result.stdout


@pytest.mark.parametrize("said", ["mount overlay: operation not permitted", "error initializing graphdriver: driver not supported"])
def test_an_engine_cannot_run_for_what_the_kernel_says(said: str) -> None:
    failed = subprocess.CompletedProcess(["docker"], 1, "", f"level=error\n{said}\n")
    with pytest.raises(machine.CannotRunHere, match=f"docker cannot run on this machine: {said}"):
        engines.explain_failure("docker", failed)


@pytest.mark.parametrize("said", ["unknown flag: --taag", "processing tar file(): duplicates of file paths not supported"])
def test_what_a_test_got_wrong_is_no_excuse(said: str) -> None:
    failed = subprocess.CompletedProcess(["podman"], 125, "", f"{said}\n")
    with pytest.raises(AssertionError, match=re.escape(said)):
        engines.explain_failure("podman", failed)
