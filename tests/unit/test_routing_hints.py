"""Hints about `packages` and `index-strategy`, met and followed in one process: what they say makes the trouble go away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from shim.cli.setup.fields import read_packages
from shim.config import policy
from shim.config.settings import Settings, load_settings
from shim.core.errors import ShimError
from shim.core.host import Host
from shim.core.model import Delivery, Invocation, Routes, Target
from shim.routing import companion, inputs
from shim.routing.planning import find_routing
from shim.routing.rewriting import rewrite_starter
from shim.tools import TOOLS, load_tool
from tests.support.hints import follows

CORP, PUBLIC = "https://pypi.corp.example/simple/", "https://public.example/simple/"
CONFIG = f'[[index]]\nname = "corp"\nurl = "{CORP}"\npackages = ["corp-*"]\n'
WHEEL = "https://public.example/files/corp_lib-99.0-py3-none-any.whl"
INDEXES = {"PIP_INDEX_URL": CORP, "PIP_CONFIG_FILE": "/dev/null"}


@dataclass(frozen=True)
class Case:
    """A command and its files, and the same once the hint is followed; what is not said again stays."""

    line: str
    hint: str
    files: Mapping[str, str] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    then_line: str = ""
    then_files: Mapping[str, str] = field(default_factory=dict)
    then_environ: Mapping[str, str | None] = field(default_factory=dict)


def hint_of(attempt: Callable[[], object]) -> str | None:
    """Return the hint that an attempt ends with, None if it works."""
    try:
        attempt()
    except ShimError as error:
        return error.hint
    return None


def plan(line: str, folder: Path, environ: Mapping[str, str]) -> None:
    """Find out whether a command may run, as a wrapped one does."""
    (folder / "config.toml").write_text(CONFIG)
    host = Host({"HOME": str(folder), "SHIM_CONFIG_FILE": str(folder / "config.toml"), **environ}, str(folder))
    name, *words = line.split()
    tool = load_tool(name)
    family = "uv" if name in ("uv", "uvx") else "pip" if name == "pip" else "project"
    verb = ("pip", "install") if words[:2] == ["pip", "install"] else tuple(words[:1])
    invocation = Invocation(name, family, Target(name, (25, 3), (3, 11)), tuple(words), verb, True, "test")  # type: ignore[arg-type]
    routing = find_routing(tool, invocation, tool.read_endpoints(invocation, host), host)
    if routing and not routing.pip:
        rewrite_starter(Delivery(tuple(words)), host, "127.0.0.1")


PROJECT = '[project]\nname = "p"\nversion = "1"\ndependencies = ["corp-lib"]\n'
POETRY = '[tool.poetry.dependencies]\ncorp-lib = "*"\n[[tool.poetry.source]]\nname = "public"\nurl = "https://public.example/simple/"\n'
UV_INDEX = f'[[tool.uv.index]]\nname = "corp"\nurl = "{CORP}"\nexplicit = true\n'
UV_LOCK = 'version = 1\n[[package]]\nname = "corp-lib"\nversion = "1"\nsource = {{ registry = "{}" }}\n'
NAMED = "name the indexes in PIP_INDEX_URL and PIP_EXTRA_INDEX_URL or pip.conf"
CASES = {
    "index line": Case(
        "pip install -r r.txt",
        f"take that line out, and name the index where shim can see to it: PIP_EXTRA_INDEX_URL={PUBLIC}",
        {"r.txt": f"--extra-index-url {PUBLIC}\nother\n"},
        then_files={"r.txt": "other\n"},
        then_environ={"PIP_EXTRA_INDEX_URL": PUBLIC},
    ),
    "links line": Case(
        "pip install -r r.txt",
        "take that line out; a folder of files that you trust can be named on the command line: --find-links FOLDER",
        {"r.txt": "-f wheels\ncorp-lib\n", "wheels/corp_lib-1-py3-none-any.whl": ""},
        then_line="pip install -r r.txt --find-links wheels",
        then_files={"r.txt": "corp-lib\n"},
    ),
    "direct URL": Case(
        "pip install -r r.txt",
        "write its name and version there, and no URL; or type that URL on the command line yourself",
        {"r.txt": f"corp-lib @ {WHEEL}\n"},
        then_files={"r.txt": "corp-lib==99.0\n"},
    ),
    "direct URL in a constraints file": Case(
        "tox",
        "write its name and version there, and no URL; or type that URL on the command line yourself",
        {"c.txt": f"corp-lib @ {WHEEL}\n"},
        {"PIP_CONSTRAINT": "c.txt"},
        then_files={"c.txt": "corp-lib==99.0\n"},
    ),
    "nameless URL": Case(
        "pip install -r r.txt",
        "write its name in front, which pip then insists on: NAME @ URL",
        {"r.txt": "https://public.example/main.zip\n"},
        then_files={"r.txt": "other @ https://public.example/main.zip\n"},
    ),
    "unread": Case(
        "uv lock",
        "make it a plain, valid file, and name that",
        {"pyproject.toml": "[[[" + PROJECT},
        then_files={"pyproject.toml": PROJECT.replace("corp-lib", "other")},
    ),
    "page of links": Case(
        f"pip install -f {PUBLIC} corp-lib",
        "fetch its files into a folder, and name that: --find-links FOLDER",
        {"wheels/x": ""},
        then_line="pip install -f wheels corp-lib",
    ),
    "index on disk": Case(
        "pip install -i file:///nowhere corp-lib",
        "leave it out, or serve that folder: python -m http.server --bind 127.0.0.1",
        then_line="pip install -i http://127.0.0.1:8000/ corp-lib",
    ),
    "proxy": Case(
        "tox",
        "name it in HTTPS_PROXY and HTTP_PROXY instead",
        environ={"PIP_PROXY": "http://proxy.example:3128"},
        then_environ={"PIP_PROXY": None, "HTTPS_PROXY": "http://proxy.example:3128", "HTTP_PROXY": "http://proxy.example:3128"},
    ),
    "argv of a starter": Case(f"pipx install -i {PUBLIC} corp-lib", f"leave it out, and {NAMED}", then_line="pipx install corp-lib"),
    "file of a starter": Case(
        "tox",
        f"take that out, and {NAMED}",
        {"tox.ini": f"[testenv]\nset_env = PIP_INDEX_URL={PUBLIC}\n"},
        then_files={"tox.ini": "[testenv]\n"},
    ),
    "uv of a starter": Case(
        "nox",
        "let nox install with pip for this command, or run uv itself: it has a strategy of its own",
        environ={"NOX_DEFAULT_VENV_BACKEND": "uv"},
        then_environ={"NOX_DEFAULT_VENV_BACKEND": "venv"},
    ),
    "pip-compile": Case(
        "pip-compile",
        "add --no-emit-index-url: which index a name comes from is said in shim's config.toml",
        then_line="pip-compile --no-emit-index-url",
    ),
    "uv project": Case(
        "uv lock",
        f'pyproject.toml: [tool.uv.sources] corp-lib = {{ index = "corp" }}, with [[tool.uv.index]] name = "corp", url = "{CORP}"',
        {"pyproject.toml": PROJECT},
        then_files={"pyproject.toml": PROJECT + '[tool.uv.sources]\ncorp-lib = { index = "corp" }\n' + UV_INDEX},
    ),
    "uv pip": Case("uv pip install corp-lib", f"--index {CORP}", then_line=f"uv pip install corp-lib --index {CORP}"),
    "uv's other strategy": Case(
        f"uv pip install --index {CORP} --index-strategy unsafe-best-match corp-lib",
        "leave it out: uv's own default is first-index",
        then_line=f"uv pip install --index {CORP} corp-lib",
    ),
    "uv.lock": Case(
        "uv lock",
        f'pyproject.toml: [tool.uv.sources] corp-lib = {{ index = "corp" }}, with [[tool.uv.index]] name = "corp", url = "{CORP}"; then lock it anew',
        {"pyproject.toml": PROJECT + '[tool.uv.sources]\ncorp-lib = { index = "corp" }\n' + UV_INDEX, "uv.lock": UV_LOCK.format(PUBLIC)},
        then_files={"uv.lock": UV_LOCK.format(CORP)},
    ),
    "poetry": Case(
        "poetry lock",
        f'pyproject.toml: corp-lib = {{ version = "*", source = "corp" }}, with [[tool.poetry.source]] name = "corp", url = "{CORP}"',
        {"pyproject.toml": POETRY},
        then_files={
            "pyproject.toml": POETRY.replace('lib = "*"', 'lib = { version = "*", source = "corp" }')
            + f'[[tool.poetry.source]]\nname = "corp"\nurl = "{CORP}"\n'
        },
    ),
    "pipenv": Case(
        "pipenv lock",
        f'Pipfile: corp-lib = {{ version = "*", index = "corp" }}, with [[source]] name = "corp", url = "{CORP}"',
        {"Pipfile": f'[[source]]\nname = "pypi"\nurl = "{PUBLIC}"\n[packages]\ncorp-lib = "*"\n'},
        then_files={"Pipfile": f'[[source]]\nname = "corp"\nurl = "{CORP}"\n[packages]\ncorp-lib = {{ version = "*", index = "corp" }}\n'},
    ),
    "pdm": Case(
        "pdm lock",
        f'name that source alone, and let it mirror the rest: [[tool.pdm.source]] name = "corp", url = "{CORP}"',
        {"pyproject.toml": PROJECT + f'[[tool.pdm.source]]\nname = "pypi"\nurl = "{PUBLIC}"\n'},
        then_files={"pyproject.toml": PROJECT + f'[[tool.pdm.source]]\nname = "pypi"\nurl = "{CORP}"\n'},
    ),
}


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)


@follows(
    "take that line out, and name the index where shim can see to it: PIP_EXTRA_INDEX_URL={}",
    "take that line out; a folder of files that you trust can be named on the command line: --find-links FOLDER",
    "write its name and version there, and no URL; or type that URL on the command line yourself",
    "write its name in front, which pip then insists on: NAME @ URL",
    "make it a plain, valid file, and name that",
    "fetch its files into a folder, and name that: --find-links FOLDER",
    "leave it out, or serve that folder: python -m http.server --bind 127.0.0.1",
    "name it in HTTPS_PROXY and HTTP_PROXY instead",
    "leave it out, and name the indexes in PIP_INDEX_URL and PIP_EXTRA_INDEX_URL or pip.conf",
    "take that out, and name the indexes in PIP_INDEX_URL and PIP_EXTRA_INDEX_URL or pip.conf",
    "let {} install with pip for this command, or run uv itself: it has a strategy of its own",
    "add --no-emit-index-url: which index a name comes from is said in shim's config.toml",
    'pyproject.toml: [tool.uv.sources] {} = { index = "{}" }, with [[tool.uv.index]] {}',
    "--index {}",
    "leave it out: uv's own default is first-index",
    "{}; then lock it anew",
    'pyproject.toml: {} = { version = "*", source = "{}" }, with [[tool.poetry.source]] {}',
    'Pipfile: {} = { version = "*", index = "{}" }, with [[source]] {}',
    "name that source alone, and let it mirror the rest: [[tool.pdm.source]] {}",
)
@pytest.mark.parametrize("name", CASES)
def test_a_command_that_is_stopped_runs_once_its_hint_is_followed(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    environ = {**INDEXES, **case.environ}
    write(tmp_path, case.files)
    assert hint_of(lambda: plan(case.line, tmp_path, environ)) == case.hint

    write(tmp_path, case.then_files)
    changed = {key: value for key, value in {**environ, **case.then_environ}.items() if value is not None}
    plan(case.then_line or case.line, tmp_path, changed)


@follows("name fewer of them")
def test_files_that_include_each_other_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "MAX_FILES", 2)
    write(tmp_path, {"a.txt": "-r b.txt\n", "b.txt": "-r c.txt\n", "c.txt": "other\n"})

    assert hint_of(lambda: plan("pip install -r a.txt", tmp_path, INDEXES)) == "name fewer of them"
    plan("pip install -r b.txt", tmp_path, INDEXES)


@follows("take them out")
def test_an_index_with_quotes(tmp_path: Path) -> None:
    assert hint_of(lambda: plan("pip install other", tmp_path, {**INDEXES, "PIP_INDEX_URL": f"{CORP}\r"})) == "take them out"
    plan("pip install other", tmp_path, INDEXES)


def configured(folder: Path, text: str) -> Settings:
    (folder / "config.toml").write_text(text)
    return load_settings(Host({"SHIM_CONFIG_FILE": str(folder / "config.toml")}, "/"))


@follows("write names, with * for any letters: packages = {}", "make the patterns so narrow that no name fits both")
def test_patterns_of_the_configuration(tmp_path: Path) -> None:
    other = '[[index]]\nname = "b"\nurl = "https://b.example/"\npackages = ["{}"]\n'

    assert (
        hint_of(lambda: configured(tmp_path, CONFIG.replace("corp-*", "a b")))
        == 'write names, with * for any letters: packages = ["corp-*", "acme-lib"]'
    )
    assert hint_of(lambda: configured(tmp_path, CONFIG + other.format("*-lib"))) == "make the patterns so narrow that no name fits both"
    assert len(configured(tmp_path, CONFIG + other.format("acme-*")).claims) == 2


@follows("write names, with * for any letters: 'corp-* acme-lib'", "make it so narrow that no name fits both, or change that one first")
def test_patterns_of_setup(tmp_path: Path) -> None:
    settings = configured(tmp_path, CONFIG)

    assert hint_of(lambda: read_packages("corp/lib", settings)) == "write names, with * for any letters: 'corp-* acme-lib'"
    assert hint_of(lambda: read_packages("*-lib", settings)) == "make it so narrow that no name fits both, or change that one first"
    assert read_packages("Acme_Lib, free-*", settings) == ["acme-lib", "free-*"]
    assert read_packages("", settings) == []


@follows('write index-strategy = "first-index", or take it out')
def test_a_strategy_of_the_policy() -> None:
    assert hint_of(lambda: policy._read({"index-strategy": "best"}, "p")) == 'write index-strategy = "first-index", or take it out'
    assert policy._read({"index-strategy": "first-index"}, "p").index_strategy == "first-index"
    assert policy._read({}, "p").index_strategy is None


@follows("without `packages` and `index-strategy` in your config.toml it would not be needed")
def test_a_system_that_starts_no_more_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> str:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(companion, "start_companion", fail)
    hint = hint_of(lambda: companion.accompany(Delivery((), routes=Routes((), (), None)), {}))
    assert hint == "without `packages` and `index-strategy` in your config.toml it would not be needed"
    assert companion.accompany(Delivery(()), {}) == Delivery(())


def test_every_tool_that_is_held_to_an_index_is_one_of_ours() -> None:
    from shim.routing import own_strategy
    from shim.routing.default_index import PIP_STARTERS
    from shim.tools.project.locks import NAMES

    assert own_strategy.TOOLS | PIP_STARTERS | {"pip"} <= set(TOOLS)
    assert own_strategy.TOOLS - {"uv", "uvx"} <= set(NAMES)
