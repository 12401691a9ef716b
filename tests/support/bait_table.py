"""The table of baits: programs, ways to ask for a name, and what makes the name ours. Both indexes have it, the stranger's in version 99.0."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import cycle, product

from tests.support import toolchains
from tests.support.matrix_tools import PIPS
from tests.support.pairwise import choose_pairs
from tests.support.routed import OURS, THEIRS, Pair
from tests.support.world import CANARY, USER, World


@dataclass(frozen=True)
class Scene:
    """A requirement, and the name that must be ours then. `variables` say to any pip what options say to pip itself."""

    requirement: str
    wanted: str
    variables: Mapping[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ()


SCENES = {
    "direct": Scene("corp-lib", "corp-lib"),
    "transitive": Scene("corp-app", "corp-lib"),
    "of a public package": Scene("public-app", "corp-lib"),
    "extra": Scene("corp-app[more]", "corp-extra"),
    "build dependency": Scene("corp-sdist", "corp-build"),
    "constraint": Scene("corp-lib", "corp-lib", {"PIP_CONSTRAINT": "{cwd}/constraints.txt"}, ("-c", "constraints.txt")),
    "upgrade": Scene("corp-lib", "corp-lib", {"PIP_UPGRADE": "1"}, ("-U",)),
    "pre-releases": Scene("corp-lib", "corp-lib", {"PIP_PRE": "1"}, ("--pre",)),
    "another spelling": Scene("Corp_Lib", "corp-lib"),
}
#: How pip alone is asked: by a file, and by projects whose build backend is ours.
PIP_SCENES = {
    "requirements file": Scene("-r", "corp-lib", words=("requirements.txt",)),
    "project": Scene("./project", "corp-lib"),
    "project that leaves it to code": Scene("./dynamic", "corp-lib"),
}
BY = ("claim", "first-index")

_SAY = 'python -c "import sys"'
_TOX = "[tox]\nskipsdist = true\nenv_list = a\n[testenv]\nskip_install = true\ndeps = {0}\ncommands = " + _SAY + "\n"
_NOX = "import nox\nnox.options.default_venv_backend = 'venv'\n\n@nox.session\ndef a(session):\n    session.install('{0}')\n"
_HATCH = (
    '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n[project]\nname = "app"\nversion = "1.0"\n'
    '[tool.hatch.envs.default]\nskip-install = true\ndependencies = ["{0}"]\ninstaller = "pip"\n'
)
_BUILD = '[build-system]\nrequires = ["corp-build", "{0}"]\nbuild-backend = "corp_build"\n[project]\nname = "corp-sdist"\nversion = "1.0"\n'


@dataclass(frozen=True)
class Program:
    """A program that starts pips: its files (`{0}` is the requirement) and what is typed. It may fail with `complaint`, at its end."""

    words: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    package: str = ""
    complaint: str = ""


PROGRAMS = {
    "pipx": Program(("pipx", "install", "--include-deps", "{0}"), complaint="No apps associated"),
    "build": Program(("pyproject-build", "--wheel"), {"pyproject.toml": _BUILD}),
    "tox": Program(("tox", "-q"), {"tox.ini": _TOX}),
    "nox": Program(("nox", "-s", "a"), {"noxfile.py": _NOX}),
    "hatch": Program(("hatch", "env", "create"), {"pyproject.toml": _HATCH}),
    "pip-compile": Program(("pip-compile", "-q", "--no-emit-index-url"), {"requirements.in": "{0}\n"}, "pip-tools"),
    "pip-sync": Program(("pip-sync", "--pip-args", "--target lib"), {"requirements.txt": "{0}\n"}, "pip-tools"),
}
#: (program, scene, what makes it ours)
Row = tuple[str, str, str]


def all_rows() -> list[Row]:
    """Return every row that there is."""
    pips = [f"pip {version}" for version in PIPS]
    return [*product((*pips, *PROGRAMS), SCENES, BY), *product(pips, PIP_SCENES, BY)]


def chosen_rows() -> list[Row]:
    """Return CI's: all pairs for the pips; the other programs, which are slow, see each scene and each way once among them."""
    if os.environ.get("SHIM_TEST_MATRIX") == "all":
        return all_rows()
    pips = choose_pairs(row for row in all_rows() if row[0].startswith("pip "))
    return [*pips, *zip((*PROGRAMS, *PROGRAMS), cycle(SCENES), cycle(BY), strict=False)]


def bare_rows() -> list[tuple[str, str]]:
    """Return (program, scene) for the bare tools: CI's have each program and each scene once."""
    if os.environ.get("SHIM_TEST_MATRIX") == "all":
        return list(dict.fromkeys(row[:2] for row in all_rows()))
    names = ("pip newest", *PROGRAMS, "pip 20.3.4")
    return list(zip(names, SCENES, strict=True))


BACKEND = """
import os, zipfile, corp_build
def get_requires_for_build_wheel(config_settings=None):
    return []
def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = 'project-1-py3-none-any.whl'
    with zipfile.ZipFile(os.path.join(folder, name), 'w') as wheel:
        wheel.writestr('project-1.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: project\\nVersion: 1\\nRequires-Dist: corp-lib\\n')
        wheel.writestr('project-1.dist-info/WHEEL', 'Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
        wheel.writestr('project-1.dist-info/RECORD', '')
    return name
"""
BUILD_SYSTEM = '[build-system]\nrequires = ["corp-build"]\nbuild-backend = "project_backend"\nbackend-path = ["."]\n'


def write_inputs(world: World) -> None:
    """Write the files that pip's scenes name."""
    (world.cwd / "constraints.txt").write_text("corp-lib>=1\n")
    (world.cwd / "requirements.txt").write_text("corp-lib\n")
    static = '[project]\nname = "project"\nversion = "1"\ndependencies = ["corp-lib"]\n'
    for folder, text in (("project", static), ("dynamic", "")):
        (world.cwd / folder).mkdir()
        (world.cwd / folder / "pyproject.toml").write_text(BUILD_SYSTEM + text)
        (world.cwd / folder / "project_backend.py").write_text(BACKEND)


def run(name: str, scene: str, pair: Pair, *, bare: bool = False) -> None:
    """Run a row; it must not fail."""
    world, asked = pair.world, (SCENES | PIP_SCENES)[scene]
    write_inputs(world)
    private = pair.private_url.replace("://", f"://{USER}:{CANARY}@") if bare else pair.private_url
    if name.startswith("pip "):
        world.use(toolchains.pip(name.removeprefix("pip ")))
        words: tuple[str, ...] = ("-i", private, "--extra-index-url", pair.public_url, asked.requirement, *asked.words)
        done = world.run("pip", "install", "--target", world.folder / "out", *words, bare=bare)
        assert done.returncode == 0, done.stderr + done.stdout
        return
    program = PROGRAMS[name]
    world.use(toolchains.program(program.package or name))
    world.environ |= {"PIP_INDEX_URL": private, "PIP_EXTRA_INDEX_URL": pair.public_url, "PIPX_DEFAULT_BACKEND": "pip"}
    world.environ |= {"PIPX_HOME": str(world.folder / "pipx"), "PIPX_BIN_DIR": str(world.folder / "bin")}
    world.environ |= {key: value.format(cwd=world.cwd) for key, value in asked.variables.items()}
    for path, text in program.files.items():
        (world.cwd / path).write_text(text.format(asked.requirement))
    done = world.run(*(word.format(asked.requirement) for word in program.words), timeout=600, bare=bare)
    said = done.stderr + done.stdout
    assert done.returncode == 0 or (program.complaint and program.complaint in said), said


def files_of(requests: list[tuple[str, str | None, int]], name: str, version: str) -> list[str | None]:
    """Return who fetched a file of a package in a version."""
    start = f"/{name.replace('-', '_')}-{version}"
    return [user for path, user, status in requests if start in path and status == 200]


def assert_ours(pair: Pair, wanted: str) -> None:
    """The private index was asked for the name, with the credential at once, and the stranger was not."""
    assert set(files_of(pair.private.requests, wanted, OURS)) == {USER}
    assert wanted not in pair.asked_public()
    assert [path for path, _, status in pair.private.requests if status == 401 and path.count("/") > 2] == []


def is_theirs(pair: Pair, wanted: str) -> bool:
    """Whether the stranger's file was fetched."""
    return bool(files_of(pair.public.requests, wanted, THEIRS))


