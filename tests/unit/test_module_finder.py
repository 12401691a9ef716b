"""The finder of our own modules finds what Python's finder finds, and leaves to it whatever is not as it should be."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.toolchains import ROOT

#: Imports modules with or without our finder, and says of each where it is from, by whom, and what it holds.
SCRIPT = """
import json, sys
root, with_finder, *names = sys.argv[1:]
sys.path.insert(0, root)
if with_finder == "1":
    from shim.hotpath.module_finder import install
    install()
    install()
    assert [str(one) for one in sys.meta_path].count(str(sys.meta_path[0])) == 1
told = {}
for name in names:
    module = __import__(name, fromlist=["x"])
    told[name] = {
        "file": module.__file__, "package": module.__package__, "path": [*getattr(module, "__path__", [])], "doc": module.__doc__,
        "loader": type(module.__loader__).__name__, "cached": module.__spec__.cached, "names": sorted(vars(module)),
        "source": module.__loader__.get_source(name)[:99], "code": module.__loader__.get_code(name).co_filename,
    }
print(json.dumps(told))
"""


def import_in(root: Path, *names: str, with_finder: bool = True) -> dict[str, dict[str, object]]:
    words = [sys.executable, "-IS", "-c", SCRIPT, str(root), str(int(with_finder)), *names]
    told: dict[str, dict[str, object]] = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    return told


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder with our package in it, compiled, and a module of the test's."""
    shutil.copytree(ROOT / "shim", tmp_path / "shim", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "shim" / "core" / "probe.py").write_text('"""Old."""\n')
    import_in(tmp_path, *NAMES, with_finder=False)
    return tmp_path


NAMES = ("shim.core.probe", "shim.core", "shim.core.files", "shim.pipeline.run", "shim.tools.uv.tool", "shim.delivery")


def without_loaders(told: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    return {name: {key: value for key, value in facts.items() if key != "loader"} for name, facts in told.items()}


def test_a_module_is_the_one_that_python_finds(root: Path) -> None:
    ours, pythons = import_in(root, *NAMES), import_in(root, *NAMES, with_finder=False)

    assert without_loaders(ours) == without_loaders(pythons)
    assert {facts["loader"] for facts in ours.values()} == {"_Loader"}
    assert {facts["loader"] for facts in pythons.values()} == {"SourceFileLoader"}


def change_text(source: Path, _compiled: Path) -> None:
    source.write_text('"""New, and of another size."""\n')


def change_time(source: Path, _compiled: Path) -> None:
    source.write_text('"""New."""\n'.ljust(source.stat().st_size))
    os.utime(source, (1, 1))


def cut_off(source: Path, compiled: Path) -> None:
    change_text(source, compiled)
    compiled.write_bytes(compiled.read_bytes()[:7])


def other_release(source: Path, compiled: Path) -> None:
    status = source.stat()
    source.write_text('"""New."""\n'.ljust(status.st_size))
    os.utime(source, ns=(status.st_mtime_ns, status.st_mtime_ns))
    compiled.write_bytes(b"\1" + compiled.read_bytes()[1:])


def hashed(source: Path, compiled: Path) -> None:
    change_text(source, compiled)
    command = [sys.executable, "-m", "compileall", "-fq", "--invalidation-mode", "checked-hash", str(source)]
    subprocess.run(command, check=True)


def no_compiled(source: Path, compiled: Path) -> None:
    change_text(source, compiled)
    compiled.unlink()


def very_large(source: Path, compiled: Path) -> None:
    source.write_text(f'"""New."""\nx = {"y" * 70_000!r}\n')
    subprocess.run([sys.executable, "-m", "compileall", "-fq", str(source)], check=True)
    assert compiled.stat().st_size > 1 << 16


def made_a_package(source: Path, _compiled: Path) -> None:
    source.unlink()
    source.with_suffix("").mkdir()
    (source.with_suffix("") / "__init__.py").write_text('"""New."""\n')


@pytest.mark.parametrize("change", [change_text, change_time, cut_off, other_release, hashed, no_compiled, very_large, made_a_package])
def test_what_was_compiled_of_another_text_is_not_run(change: object, root: Path) -> None:
    source = root / "shim" / "core" / "probe.py"
    (compiled,) = (source.parent / "__pycache__").glob("probe.*.pyc")
    assert callable(change)
    change(source, compiled)

    told = import_in(root, "shim.core.probe")["shim.core.probe"]

    assert str(told["doc"]).startswith("New")


def test_what_is_not_there_is_not_found(root: Path) -> None:
    script = "import sys; sys.path.insert(0, sys.argv[1])\nfrom shim.hotpath.module_finder import ModuleFinder, install\ninstall()\n"
    script += "assert ModuleFinder.find_spec('json') is None and ModuleFinder.find_spec('shimmer.x') is None\nimport shim.core.nowhere"

    result = subprocess.run([sys.executable, "-IS", "-c", script, str(root)], capture_output=True, text=True, check=False)

    assert result.stderr.splitlines()[-1] == "ModuleNotFoundError: No module named 'shim.core.nowhere'"
