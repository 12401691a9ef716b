"""Real Pythons, pips and uvs, made once and kept in .cache/toolchains."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).parents[2]
CACHE = (ROOT / ".cache" / "toolchains").resolve()  # a venv knows its own path

#: The Pythons that most tools here run on, the best first; at last the one that runs the tests.
USUAL = ("3.11", "3.12", "3.13", f"3.{sys.version_info.minor}")
#: How much of a tool's folder name its requirements may take.
LONGEST_LABEL = 100
#: Old pip -> the Pythons that it starts on, the best first: those of its time, then those that only work. No other will do: Python 3.12
#: has neither `distutils` nor `pkgutil.ImpImporter`. Every pip from 23.1.2 on starts on any Python that shim itself runs on.
#: Found by starting each of them with each Python from 3.8 to 3.14 (`pip install --no-index`).
PYTHONS_OF_PIP = {
    "20.3.4": ("3.9", "3.8", "3.10", "3.11"),
    "21.3.1": ("3.10", "3.9", "3.8", "3.11"),
    "22.3.1": ("3.11", "3.10", "3.9", "3.8"),
    "23.0.1": ("3.11", "3.10", "3.9", "3.8"),
}


@dataclass(frozen=True)
class Tool:
    """A real tool in a release of its own: its folder of programs, and the interpreter behind it."""

    name: str
    version: str
    bin: Path
    python: Path

    @property
    def path(self) -> Path:
        return self.bin / self.name


@cache
def pythons() -> dict[str, Path]:
    """Return "3.x" -> interpreter for every Python here that can make an environment: Debian's, pyenv's, the one that runs this."""
    found: dict[str, Path] = {}
    folders = [Path("/usr/bin"), Path("/usr/local/bin"), Path(sys.base_prefix) / "bin"]
    root = os.environ.get("PYENV_ROOT") or (
        shutil.which("pyenv") and subprocess.run(["pyenv", "root"], capture_output=True, text=True, check=True).stdout.strip()
    )
    if root:
        folders += sorted(Path(root, "versions").glob("*/bin"))
    for folder in folders:
        for candidate in sorted(folder.glob("python3.*")):
            match = re.fullmatch(r"python(3\.\d+)", candidate.name)
            if match and os.access(candidate, os.X_OK) and _has_ensurepip(candidate, match[1]):
                found.setdefault(match[1], candidate)
    return dict(sorted(found.items(), key=lambda item: int(item[0].partition(".")[2])))


def _has_ensurepip(python: Path, version: str) -> bool:
    """Whether it brings what `-m venv` needs, which Debian keeps in a package of its own."""
    return any((python.resolve().parents[1] / "lib" / f"python{version}" / "ensurepip").glob("__init__.py"))


def python_for(*wanted: str) -> Path:
    """Return the first of the wanted Pythons that is here, else the one that runs this test."""
    return next((pythons()[version] for version in wanted or USUAL if version in pythons()), Path(sys.executable))


def python_of_pip(version: str) -> Path:
    """Return the best Python here for a pip of that release; the test is skipped where there is none that it starts on."""
    wanted = PYTHONS_OF_PIP.get(version, USUAL)
    if version in PYTHONS_OF_PIP and not any(python in pythons() for python in wanted):
        pytest.skip(f"pip {version} starts on no Python that is here: put python{wanted[0]} on PATH, or `pyenv install {wanted[0]}`")
    return python_for(*wanted)


def pip(version: str) -> Tool:
    """Return a pip of that release ("newest" is the package index's) in a venv of the best Python for it."""
    python = python_of_pip(version)
    return _make("pip", CACHE / f"pip-{version}-{_label(python)}", python, "pip" if version == "newest" else f"pip=={version}")


def pip_environment(tool: Tool, folder: Path) -> Tool:
    """Return the same pip in a virtual environment of its own, made at `folder`, whose site-packages are the tool's."""
    real = Path(os.path.realpath(tool.python))
    (library,) = (tool.bin.parent / "lib").glob("python3*")
    (folder / "lib" / library.name).mkdir(parents=True)
    (folder / "lib" / library.name / "site-packages").symlink_to(library / "site-packages")
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to(real)
    (folder / "pyvenv.cfg").write_text(f"home = {real.parent}\nversion = {library.name.removeprefix('python')}\n")
    script = folder / "bin" / "pip"
    script.write_text(f"#!{folder}/bin/python\nimport sys\nfrom pip._internal.cli.main import main\nsys.exit(main())\n")
    script.chmod(0o755)
    return Tool("pip", tool.version, folder / "bin", folder / "bin" / "python")


def _link(source: str, target: str) -> None:
    """Make a second name for a file of a package; a copy where temporary files are on another file system.

    A second name is a change to the first one. What a record of a command looks at (the tool, pyvenv.cfg, what is installed) is copied: the
    command of another test, which runs at the same time, would not be replayed.
    """
    try:
        if "/site-packages/" not in source or ".dist-info/" in source:
            raise OSError
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def own_copy(tool: Tool, folder: Path) -> Tool:
    """Return the same tool in an environment at `folder` that the test may change: others run the shared one at the same time."""
    shutil.copytree(tool.bin.parent, folder, symlinks=True, copy_function=_link)
    script = folder / "bin" / tool.name
    if script.read_bytes().startswith(b"#!"):
        text = script.read_text().replace(f"{tool.bin}/", f"{folder}/bin/", 1)
        script.unlink()
        script.write_text(text)
        script.chmod(0o755)
    return Tool(tool.name, tool.version, folder / "bin", folder / "bin" / tool.python.name)


def bundled_pip(python: Path) -> Tool:
    """Return the pip that this Python brings along."""
    return _make("pip", CACHE / f"pip-bundled-{_label(python)}", python)


def uv(version: str = "newest") -> Tool:
    """Return a uv of that release in a venv of its own."""
    python = python_for()
    return _make("uv", CACHE / f"uv-{version}", python, "uv" if version == "newest" else f"uv=={version}")


def program(name: str, *requirements: str) -> Tool:
    """Return the newest release of a tool of Python's, in a venv of its own; `requirements` say more than its name."""
    python = python_for()
    others = "".join(f"-{word}" for requirement in requirements if (word := re.sub(r"[^\w.]+", "_", requirement)) != name)
    if len(others) > LONGEST_LABEL:  # a file name has room for 255 bytes
        others = f"-{hashlib.sha256(others.encode()).hexdigest()[:16]}"
    return _make(name, CACHE / f"{name}-newest{others}-{_label(python)}", python, *(requirements or [name]))


def newest_wheel(name: str) -> Path:
    """Return the wheel of a project's newest release, got once."""
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = CACHE / f"wheel-{name}"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            _run(pip("newest").python, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "-d", f"{folder}.new", name)
            Path(f"{folder}.new").rename(folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


def _make(name: str, folder: Path, python: Path, *requirements: str) -> Tool:
    """Return a tool from a venv with the requirements, made once by whichever test process comes first."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not (folder / "ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _run(python, "-m", "venv", folder)
            if requirements:
                _run(folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--upgrade", *requirements)
            (folder / "ready").write_text(_release(folder, name.replace("-", "_")))
    return Tool(name, (folder / "ready").read_text(), folder / "bin", folder / "bin" / "python")


def _label(python: Path) -> str:
    """Return a folder name that tells two Pythons of one release apart."""
    return str(python.resolve()).strip("/").replace("/", "_")


def _release(folder: Path, distribution: str) -> str:
    (information,) = next((folder / "lib").glob("python3*")).glob(f"site-packages/{distribution}-*.dist-info")
    return information.name.removesuffix(".dist-info").partition("-")[2]


def _run(*command: object) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environ, timeout=300)
