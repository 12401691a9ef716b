"""How each tool of the matrix is told where packages are, and what it does: one function a task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from shim.cli.demo.packages import build_wheel
from tests.support import toolchains
from tests.support.matrix_http import SECRETS
from tests.support.matrix_packages import APP, BACKEND, DEPENDENCY, FROM_SOURCE, WANTED
from tests.support.matrix_street import SURROUNDINGS, Index
from tests.support.toolchains import Tool

#: The password in a URL of the command line, in one of a variable, with us, or (bare) in a netrc.
Way = Literal["typed", "variable", "configured", "netrc"]


@dataclass(frozen=True)
class Stand:
    """What a task gets: an empty folder to work in, the indexes of its cell, the password's way."""

    folder: Path
    indexes: Sequence[Index]
    way: Way
    surroundings: str
    upload: str

    def said(self, index: Index) -> str:
        """Return the URL as it is written in this cell."""
        return index.typed if self.way in ("typed", "variable") else index.url

    def write(self, name: str, text: str) -> None:
        """Write a file of the project."""
        (self.folder / name).parent.mkdir(exist_ok=True)
        (self.folder / name).write_text(text)


@dataclass
class Task:
    """Commands, one after the other as long as they succeed, and their variables.

    `texts` are files that belong to the result.
    """

    commands: list[list[str]]
    environ: dict[str, str] = field(default_factory=dict)
    texts: tuple[str, ...] = ()


def pip(*words: str) -> Callable[[Stand], Task]:
    """Return a task of pip: `{out}` is left to the working folder."""

    def make(stand: Stand) -> Task:
        options, environ = pip_options(stand)
        return Task([["pip", words[0], *options, *words[1:]]], environ)

    return make


def pip_options(stand: Stand) -> tuple[list[str], dict[str, str]]:
    """Return how pip is told: by options or by variables.

    Beside pypi.org the private index is the extra one, as most people write it.
    """
    urls = [stand.said(index) for index in stand.indexes]
    first = [] if stand.surroundings == "pypi.org" else [urls.pop(0)]
    if stand.way == "variable":
        environ = {"PIP_INDEX_URL": " ".join(first), "PIP_EXTRA_INDEX_URL": " ".join(urls)}
        return [], {name: text for name, text in environ.items() if text}
    return [
        *(["-i", *first] if first else []),
        *(w for u in urls for w in ("--extra-index-url", u)),
    ], {}


def uv_options(stand: Stand) -> tuple[list[str], dict[str, str]]:
    """Return how uv is told: the last index is the default one, if pypi.org is not that."""
    urls = [stand.said(index) for index in stand.indexes]
    default = [] if stand.surroundings == "pypi.org" else [urls.pop()]
    if stand.way == "variable":
        environ = {"UV_INDEX": " ".join(urls), "UV_DEFAULT_INDEX": " ".join(default)}
        return [], {name: text for name, text in environ.items() if text}
    return [
        *(w for u in urls for w in ("--index", u)),
        *(w for u in default for w in ("--default-index", u)),
    ], {}


PROJECT = (
    '[project]\nname = "some-project"\nversion = "1.0"\n'
    'requires-python = ">=3.11"\ndependencies = [{requires}]\n'
)
SHOW = f"import {APP.replace('-', '_')} as it; it.main()"


def uv(
    *words: str,
    project: bool | str = False,
    then: Sequence[Sequence[str]] = (),
    texts: Sequence[str] = (),
) -> Callable[[Stand], Task]:
    """Return a task of uv: the first words are the verb and `{}` where the options go."""

    def make(stand: Stand) -> Task:
        options, environ = uv_options(stand)
        if project is not False:
            stand.write(
                "pyproject.toml", PROJECT.format(requires=f'"{project}"' if project else "")
            )
        commands = [
            [w for word in command for w in (options if word == "{}" else [word])]
            for command in (words, *then)
        ]
        return Task(commands, environ, tuple(texts))

    return make


def publish(stand: Stand) -> Task:
    """uv publish."""
    name = "corp_new-1.0-py3-none-any.whl"
    (stand.folder / "dist").mkdir()
    build_wheel(str(stand.folder / "dist"), "corp-new", {"corp_new.py": ""})
    url = stand.said(Index("corp", stand.upload, stand.indexes[0].user))
    words = ["uv", "publish", "--trusted-publishing", "never"]
    if stand.way == "variable":
        return Task([[*words, f"dist/{name}"]], {"UV_PUBLISH_URL": url})
    return Task([[*words, "--publish-url", url, f"dist/{name}"]])


def pipenv(stand: Stand) -> Task:
    """pipenv lock, in an environment that is there. Who names no source is the first one's."""
    text, environ = "", {"VIRTUAL_ENV": str(toolchains.pip("newest").bin.parent)}
    for index in stand.indexes:
        url = stand.said(index)
        if stand.way == "variable" and index.user:
            environ |= {f"{index.name.upper()}_URL": url}
            url = f"${{{index.name.upper()}_URL}}"
        text += f'[[source]]\nname = "{index.name}"\nurl = "{url}"\nverify_ssl = false\n\n'
    text += f'[packages]\n{APP} = "<9"\n'
    if stand.surroundings == "two":
        text += f'{DEPENDENCY} = {{version = "<9", index = "team"}}\n'
    stand.write("Pipfile", text)
    return Task([["pipenv", "lock"]], environ, ("Pipfile.lock",))


def pdm(stand: Stand) -> Task:
    """pdm lock: the source named pypi stands in its default's place."""
    text, environ = PROJECT.format(requires=f'"{WANTED[APP]}"'), {}
    for number, index in enumerate(stand.indexes):
        url = stand.said(index)
        if stand.way == "variable" and index.user:
            environ |= {f"{index.name.upper()}_URL": url}
            url = f"${{{index.name.upper()}_URL}}"
        name = "pypi" if number == 0 and stand.surroundings != "pypi.org" else index.name
        text += f'[[tool.pdm.source]]\nname = "{name}"\nurl = "{url}"\n'
    stand.write("pyproject.toml", text)
    return Task([["pdm", "lock"]], environ, ("pdm.lock",))


def poetry(stand: Stand) -> Task:
    """poetry lock: passwords are in its own variables."""
    text, environ = PROJECT.format(requires=f'"{WANTED[APP]}"'), {}
    for number, index in enumerate(stand.indexes):
        priority = "supplemental" if number else "primary"
        text += f'[[tool.poetry.source]]\nname = "{index.name}"\nurl = "{index.url}"\n'
        text += f'priority = "{priority}"\n'
        if stand.way == "variable" and index.user:
            name = f"POETRY_HTTP_BASIC_{index.name.upper()}"
            environ |= {f"{name}_USERNAME": index.user, f"{name}_PASSWORD": SECRETS[index.user]}
    stand.write("pyproject.toml", text)
    return Task([["poetry", "lock", "--no-interaction"]], environ, ("poetry.lock",))


def pipx(stand: Stand) -> Task:
    """pipx install."""
    options, environ = pip_options(stand)
    more = [f"--pip-args={' '.join(options)}"] if options else []
    return Task([["pipx", "install", *more, WANTED[APP]]], environ)


def build(stand: Stand) -> Task:
    """A wheel of a project whose build backend is private. Its pip is told by variables alone."""
    _, environ = pip_options(by_variable(stand))
    backend = f'[build-system]\nrequires = ["{WANTED[BACKEND]}"]\nbuild-backend = "corp_build"\n'
    stand.write("pyproject.toml", f'{backend}[project]\nname = "{FROM_SOURCE}"\nversion = "1.0"\n')
    return Task([["pyproject-build", "--wheel"]], environ)


def tox(stand: Stand) -> Task:
    """An environment of tox, whose pip is told by variables alone."""
    _, environ = pip_options(by_variable(stand))
    stand.write(
        "tox.ini",
        f'[testenv]\npackage = skip\ndeps = {WANTED[APP]}\ncommands = python -c "{SHOW}"\n',
    )
    return Task([["tox", "-q", "-e", "py"]], environ)


def by_variable(stand: Stand) -> Stand:
    """Return the stand with its indexes as they are written in a variable."""
    indexes = [Index(index.name, stand.said(index)) for index in stand.indexes]
    return Stand(stand.folder, indexes, "variable", stand.surroundings, stand.upload)


@dataclass(frozen=True)
class Job:
    """A tool in a release and what it does; CI picks fewer cells of those that are slow."""

    tool: Callable[[], Tool]
    task: Callable[[Stand], Task]
    is_slow: bool = False
    ways: tuple[Way, ...] = ("typed", "variable", "configured")
    surroundings: tuple[str, ...] = SURROUNDINGS


PIPS = ("20.3.4", "23.2.1", "25.3", "newest")
UVS = ("newest", "0.9.30", "0.7.22", "0.5.31")
PIP_TASKS = {
    "install": pip("install", "--target", "out", WANTED[APP]),
    "download": pip("download", "-d", "out", WANTED[APP]),
    "wheel": pip("wheel", "-w", "out", WANTED[APP]),
    "sdist": pip("install", "--target", "out", WANTED[FROM_SOURCE]),
}
_AND_SYNC = (("uv", "sync", "{}"),)
UV_TASKS: dict[str, Callable[[Stand], Task]] = {
    "pip install": uv("uv", "pip", "install", "{}", "--target", "out", WANTED[APP]),
    "pip sdist": uv("uv", "pip", "install", "{}", "--target", "out", WANTED[FROM_SOURCE]),
    "lock, sync": uv("uv", "lock", "{}", project=WANTED[APP], then=_AND_SYNC, texts=("uv.lock",)),
    "run": uv("uv", "run", "{}", "python", "-c", SHOW, project=WANTED[APP], texts=("uv.lock",)),
    "run --with": uv(
        "uv", "run", "{}", "--no-project", "--with", WANTED[APP], "python", "-c", SHOW
    ),
    "uvx": uv("uvx", "{}", "--from", WANTED[APP], APP),
    "tool install": uv("uv", "tool", "install", "{}", WANTED[APP]),
    "add": uv("uv", "add", "{}", WANTED[APP], project="", texts=("uv.lock", "pyproject.toml")),
    "export": uv(
        "uv",
        "export",
        "{}",
        "--no-header",
        "-o",
        "requirements.txt",
        project=WANTED[APP],
        texts=("uv.lock", "requirements.txt"),
    ),
    "publish": publish,
}


def pip_of(version: str) -> Callable[[], Tool]:
    """Return what makes that pip."""
    return lambda: toolchains.pip(version)


def uv_of(version: str) -> Callable[[], Tool]:
    """Return what makes that uv."""
    return lambda: toolchains.uv(version)


def program(name: str, *requirements: str) -> Callable[[], Tool]:
    """Return what makes the newest release of a tool."""
    return lambda: toolchains.program(name, *requirements)


_IN_VARIABLES: tuple[Way, ...] = ("variable", "configured")
JOBS: dict[str, Job] = {
    **{
        f"pip {version} {name}": Job(pip_of(version), task)
        for version in PIPS
        for name, task in PIP_TASKS.items()
    },
    **{
        f"uv {version} {name}": Job(
            uv_of(version), task, surroundings=("alone",) if name == "publish" else Job.surroundings
        )
        for version in UVS
        for name, task in UV_TASKS.items()
    },
    "pipenv": Job(program("pipenv"), pipenv, is_slow=True),
    "pdm": Job(program("pdm", "pdm[locked]"), pdm, is_slow=True),
    "poetry": Job(program("poetry"), poetry, is_slow=True, ways=_IN_VARIABLES),
    "pipx": Job(program("pipx"), pipx, is_slow=True),
    "build": Job(program("build", "build", "pip>=26.2"), build, is_slow=True, ways=_IN_VARIABLES),
    "tox": Job(program("tox"), tox, is_slow=True, ways=_IN_VARIABLES),
}
