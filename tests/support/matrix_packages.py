"""The packages of the servers' matrix, and how to tell afterwards where a package came from.

The version tells: 1.0 is the private one, 0.5 what a server shows to strangers, 0.9 and 99.0 are a
stranger's namesakes. Everything is wanted below 9: a stranger's 0.9 is taken where the private one
is not found, and pip has no reason of its own to take the stranger's.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from shim.cli.demo.packages import build_sdist, build_wheel

APP, DEPENDENCY, BACKEND, FROM_SOURCE = "corp-app", "corp-dep", "corp-build", "corp-sdist"
PRIVATE, OLDER, NAMESAKES = "1.0", "0.5", ("0.9", "99.0")
#: What is asked for.
WANTED = {name: f"{name}<9" for name in (APP, DEPENDENCY, BACKEND, FROM_SOURCE)}

_APP = 'VERSION = "{version}"\n\ndef main():\n    print("{name} is", VERSION)\n'
_BACKEND = """
import os, zipfile

def get_requires_for_build_wheel(config_settings=None):
    return []

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    files = {{
        "corp_sdist.py": 'BUILT_BY = "{version}"\\n',
        "corp_sdist-1.0.dist-info/METADATA":
            "Metadata-Version: 2.1\\nName: corp-sdist\\nVersion: 1.0\\n",
        "corp_sdist-1.0.dist-info/WHEEL":
            "Wheel-Version: 1.0\\nGenerator: corp\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }}
    record = "corp_sdist-1.0.dist-info/RECORD"
    files[record] = "".join(path + ",,\\n" for path in [*files, record])
    name = "corp_sdist-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
    return name
"""
_BUILT = re.compile(r'BUILT_BY = "(.+)"')
_INSTALLED = re.compile(r"(corp_\w+)-([\d.]+)\.dist-info")
_ARCHIVE = re.compile(r"(corp_\w+)-([\d.]+)(?:-py3-none-any\.whl|\.tar\.gz)")
#: `corp-app is 1.0` (printed by its program), `corp-app==1.0`, a table of a lock, and Pipfile.lock.
_SAID = (
    re.compile(r"\b(corp-\w+) is ([\d.]+)"),
    re.compile(r"\b(corp-\w+)==([\d.]+)"),
    re.compile(r'name = "(corp-\w+)"\nversion = "([\d.]+)"'),
    re.compile(r'"(corp-\w+)": \{[^}]*"version": "==([\d.]+)"', re.DOTALL),
)


@dataclass(frozen=True)
class Shelf:
    """A folder, and project -> file names in it."""

    folder: Path
    files: Mapping[str, tuple[str, ...]]


def make_shelves(folder: Path) -> dict[str, Shelf]:
    """Write all; return `whole`, `left` (which needs `right`), `right`, `older`, `stranger`."""
    made = {name: folder / name for name in ("whole", "left", "right", "older", "stranger")}
    for path in made.values():
        path.mkdir(parents=True)
    contents = {
        "whole": [*_wheels(made["whole"], PRIVATE), _sdist(made["whole"])],
        "left": [_wheel(made["left"], APP, PRIVATE, WANTED[DEPENDENCY]), _sdist(made["left"])],
        "right": [_wheel(made["right"], name, PRIVATE) for name in (DEPENDENCY, BACKEND)],
        "older": [*_wheels(made["older"], OLDER), _wheel(made["older"], FROM_SOURCE, OLDER)],
        "stranger": [
            name
            for version in NAMESAKES
            for name in (
                *_wheels(made["stranger"], version),
                _wheel(made["stranger"], FROM_SOURCE, version),
            )
        ],
    }
    return {name: shelve(made[name], files) for name, files in contents.items()}


def shelve(folder: Path, names: list[str]) -> Shelf:
    """Return a shelf of files, each below its project."""
    files: dict[str, tuple[str, ...]] = {}
    for name in names:
        project = re.split(r"-\d", name)[0].replace("_", "-")
        files[project] = (*files.get(project, ()), name)
    return Shelf(folder, files)


def _wheels(folder: Path, version: str) -> list[str]:
    return [_wheel(folder, name, version) for name in (APP, DEPENDENCY, BACKEND)]


def _wheel(folder: Path, project: str, version: str, requires: str = "") -> str:
    module = project.replace("-", "_")
    source = (_BACKEND if project == BACKEND else _APP).format(name=project, version=version)
    files = {f"{module}.py": source}
    if project == APP:
        files[f"{module}-{version}.dist-info/entry_points.txt"] = (
            f"[console_scripts]\n{project} = {module}:main\n"
        )
    name = build_wheel(str(folder), project, files, version)
    return _require(folder / name, requires) if requires else name


def _require(path: Path, requirement: str) -> str:
    """Add a requirement to a wheel; return its name."""
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    (metadata,) = (name for name in members if name.endswith("/METADATA"))
    members[metadata] += f"Requires-Dist: {requirement}\n".encode()
    with zipfile.ZipFile(path, "w") as new:
        for name, data in members.items():
            new.writestr(name, data)
    return path.name


def _sdist(folder: Path) -> str:
    return build_sdist(str(folder), FROM_SOURCE, WANTED[BACKEND], "corp_build", PRIVATE)


def found_in(folder: Path) -> Iterator[str]:
    """Yield `NAME VERSION` of our packages in a folder, installed or as archives, and who built."""
    for path in folder.rglob("corp_*"):
        match = _INSTALLED.fullmatch(path.name) or _ARCHIVE.fullmatch(path.name)
        if match:
            yield f"{match[1].replace('_', '-')} {match[2]}"
        text = _source_of(path)
        if text and (built := _BUILT.search(text)):
            yield f"{FROM_SOURCE} built by {built[1]}"


def _source_of(path: Path) -> str:
    if path.name == "corp_sdist.py":
        return path.read_text()
    if path.name.startswith("corp_sdist-") and path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            return wheel.read("corp_sdist.py").decode()
    return ""


def said_in(text: str) -> Iterator[str]:
    """Yield `NAME VERSION` of our packages that a lock file or a program's output tells of."""
    for pattern in _SAID:
        for match in pattern.finditer(text):
            yield f"{match[1]} {match[2]}"
