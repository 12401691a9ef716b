"""Tools that choose among indexes by themselves: uv, poetry, pdm, pipenv. A claimed name stays with
its index by the tool's own means.

Their locks and caches know the URLs of indexes, so no redirector stands in between. What can be
read is checked: a claimed name that the command, the project or its lock names, and that the tool
would take from another index, stops the command. The hint is the line to write. What comes by way
of another package is seen in the lock.

Sources: uv 0.13.8 documentation "Package indexes" (first-index; `tool.uv.sources`; explicit indexes
are asked for what is pinned to them alone); poetry 2 "Package sources"; pipenv 2026 "Specifying
package indexes"; pdm 2.29 "Respect the order of the sources".
"""

from __future__ import annotations

import re
from itertools import pairwise

from shim.config.index import IndexConfig
from shim.config.settings import Settings
from shim.core.errors import CannotRoute
from shim.core.files import is_file, is_folder, read_regular
from shim.core.host import Host
from shim.core.model import Endpoint, Endpoints, Invocation
from shim.core.package_names import normal_name
from shim.core.toml import value_at
from shim.core.typing import Any, Iterable, Iterator
from shim.routing.inputs import refusing_unread
from shim.routing.locks import find_foreign
from shim.tools.project.locks import NAMES, find_locks, named_lock
from shim.tools.project.requests import find_upwards, read_document
from shim.tools.uv import uvx
from shim.tools.uv.tool import parse
from shim.tools.uv.unsafe import read_tables

TOOLS = frozenset({"uv", "uvx", "poetry", "pdm", "pipenv"})
#: uv's commands that read no project.
WITHOUT_PROJECT = ("pip", "tool", "venv", "python")
_NAME = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?=$|[\[<>=!~;@#(,\s])")
#: Where a pyproject.toml lists requirements.
_LISTS = (
    ("project",),
    ("dependency-groups",),
    ("build-system", "requires"),
    ("tool", "uv", "dev-dependencies"),
)


def refuse_elsewhere(
    invocation: Invocation, endpoints: Endpoints, settings: Settings, host: Host
) -> None:
    """Stop where the tool would take a claimed name from another index than its own.

    Raises:
        CannotRoute: so it is.
    """
    document = _read_project(invocation, host)
    names = dict.fromkeys((*_typed(invocation, host), *_named(document)))
    claimed = {name: index for name in names if (index := settings.index_claiming(name))}
    order = asked_order(endpoints)
    for name, index in claimed.items():
        is_kept = is_pinned(name, index, document) or _comes_first(index, order, invocation)
        if not is_kept:
            first = next((str(endpoint.url) for endpoint in order), "its default index")
            message = f"{invocation.tool} would take {name} from {first}, {_belonging(index)}"
            raise CannotRoute(message, hint=_hint(invocation, name, index))
    if claimed and (strategy := _unsafe_strategy(invocation, endpoints, host)):
        what = f"with index-strategy {strategy} uv would take it from any"
        message = f"{next(iter(claimed))} belongs to one index, and {what}"
        raise CannotRoute(message, hint="leave it out: uv's own default is first-index")
    for lock in _find_locks(invocation, host):
        with refusing_unread(lock):
            found = list(find_foreign(lock, settings))
        for foreign in found:
            message = f"{lock} takes {foreign.name} from {foreign.url}, {_belonging(foreign.index)}"
            hint = _hint(invocation, foreign.name, foreign.index) + "; then lock it anew"
            raise CannotRoute(message, hint=hint)


def _belonging(index: IndexConfig) -> str:
    return f"and it belongs to [[index]] {index.name} ({index.url})"


def asked_order(endpoints: Endpoints) -> list[Endpoint]:
    """Return the indexes in the order in which uv asks them: its default comes last."""
    indexes = [endpoint for endpoint in endpoints.items if endpoint.role in ("index", "extra")]
    return sorted(indexes, key=lambda endpoint: endpoint.role == "index")


def is_pinned(name: str, index: IndexConfig, document: dict[str, Any]) -> bool:
    """Whether a project pins a name to its index, or takes it from its own folders."""
    entries = [value for key, value in _source_tables(document) if normal_name(key) == name]
    lists = (value if isinstance(value, list) else [value] for value in entries)
    tables = [one for values in lists for one in values if isinstance(one, dict)]
    urls = dict(_named_indexes(document))
    return bool(tables) and all(_is_own(table, index, urls) for table in tables)


def _is_own(table: dict[str, Any], index: IndexConfig, urls: dict[str, str]) -> bool:
    if table.get("workspace") is True or isinstance(table.get("path"), str):
        return True
    named = table.get("index") or table.get("source")
    return isinstance(named, str) and _same(urls.get(named, ""), index)


def _same(url: str, index: IndexConfig) -> bool:
    return re.sub(r"://[^/@]*@", "://", url).rstrip("/") == index.url.text.rstrip("/")


def _source_tables(document: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield (name, table) of what a project says about single packages, for each tool."""
    for path in (
        ("tool", "uv", "sources"),
        ("tool", "poetry", "dependencies"),
        ("packages",),
        ("dev-packages",),
    ):
        table = value_at(document, *path)
        yield from table.items() if isinstance(table, dict) else ()
    groups = value_at(document, "tool", "poetry", "group")
    for group in groups.values() if isinstance(groups, dict) else ():
        inner = group.get("dependencies") if isinstance(group, dict) else None
        yield from inner.items() if isinstance(inner, dict) else ()


def _named_indexes(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (name, URL) of the indexes that a project names."""
    for path in (
        ("tool", "uv", "index"),
        ("tool", "poetry", "source"),
        ("tool", "pdm", "source"),
        ("source",),
    ):
        rows = value_at(document, *path)
        for row in rows if isinstance(rows, list) else ():
            name, url = (row.get("name"), row.get("url")) if isinstance(row, dict) else (None, None)
            if isinstance(name, str) and isinstance(url, str):
                yield name, url


def _comes_first(index: IndexConfig, order: list[Endpoint], invocation: Invocation) -> bool:
    """Whether uv asks the index before all others, or another tool, which merges, asks it alone."""
    urls = list(dict.fromkeys(endpoint.url.text.rstrip("/") for endpoint in order))
    own = index.url.text.rstrip("/")
    return urls[:1] == [own] if invocation.family == "uv" else urls == [own]


def _hint(invocation: Invocation, name: str, index: IndexConfig) -> str:
    """Return the line to write."""
    source = f'name = "{index.name}", url = "{index.url}"'
    if invocation.tool == "poetry":
        return (
            f'pyproject.toml: {name} = {{ version = "*", source = "{index.name}" }}, with'
            f" [[tool.poetry.source]] {source}"
        )
    if invocation.tool == "pipenv":
        return (
            f'Pipfile: {name} = {{ version = "*", index = "{index.name}" }}, with [[source]]'
            f" {source}"
        )
    if invocation.tool == "pdm":
        return f"name that source alone, and let it mirror the rest: [[tool.pdm.source]] {source}"
    if _has_no_project(invocation):
        return f"--index {index.url}"
    return (
        f'pyproject.toml: [tool.uv.sources] {name} = {{ index = "{index.name}" }}, with'
        f" [[tool.uv.index]] {source}"
    )


def _typed(invocation: Invocation, host: Host) -> Iterator[str]:
    """Yield the names in argv and its requirements files; nobody claims a word that is none."""
    words = [word.partition("=")[2] if word.startswith("--") else word for word in invocation.argv]
    for text in _uv_requirements(invocation, host) if invocation.family == "uv" else words:
        yield from _names_in(text.split(","))  # --with takes several
    for value in words:
        if value.endswith((".txt", ".in")):
            with refusing_unread(value):
                data = read_regular(host.path(value)) or b""
            yield from _names_in(data.decode("utf-8", "replace").splitlines())


def _uv_requirements(invocation: Invocation, host: Host) -> list[str]:
    """Return the requirements in argv, but for the words of what `uv run` or uvx runs."""
    command = parse(invocation.argv, uvx.VERB if invocation.tool == "uvx" else ())
    options = ("with", "with-editable", "from")
    said = [part.text for name in options for part in command.all(name, host)]
    typed = [word.value or "" for word in command.arguments]
    if command.verb == uvx.VERB:
        return said + typed[:1]
    return said if command.verb == ("run",) else said + typed


def _names_in(texts: Iterable[str]) -> Iterator[str]:
    """Yield the names that requirements begin with, in normal form."""
    yield from (normal_name(match[1]) for text in texts if (match := _NAME.match(text)))


def _named(document: dict[str, Any]) -> Iterator[str]:
    """Yield the names of all requirements in a project file."""
    for path in _LISTS:
        yield from _names_in(_texts(value_at(document, *path)))
    yield from (normal_name(key) for key, _ in _source_tables(document))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


def _read_project(invocation: Invocation, host: Host) -> dict[str, Any]:
    if _has_no_project(invocation):
        return {}
    path = _find_project(invocation, host)
    with refusing_unread(path or ""):
        return read_document(path) if path else {}


def _find_project(invocation: Invocation, host: Host) -> str | None:
    """Return the project's file, or None if there is none."""
    if invocation.tool == "pipenv" and (named := host.environ.get("PIPENV_PIPFILE")):
        return host.path(named)
    name = "Pipfile" if invocation.tool == "pipenv" else "pyproject.toml"
    return find_upwards(name, _start(invocation, host))


def _has_no_project(invocation: Invocation) -> bool:
    projectless = [(word,) for word in WITHOUT_PROJECT] if invocation.family == "uv" else []
    return invocation.tool == "uvx" or invocation.verb[:1] in projectless


def _start(invocation: Invocation, host: Host) -> str:
    """Return the folder where a tool begins to look for its project."""
    options, argv = ("--project", "--directory", "-C", "-p"), invocation.argv
    named = [folder for word, folder in pairwise(argv) if word in options]
    joined = [word for word in argv if word.startswith(("--project=", "--directory="))]
    named += [word.partition("=")[2] for word in joined]
    return next((host.path(folder) for folder in named if is_folder(host.path(folder))), host.cwd)


def _find_locks(invocation: Invocation, host: Host) -> list[str]:
    """Return the locks that a tool may read for its project, those that are there."""
    if _has_no_project(invocation):
        return []
    usual = "uv.lock" if invocation.family == "uv" else NAMES[invocation.tool][0]
    beside = find_upwards(usual, _start(invocation, host))
    if invocation.family == "uv":
        return [beside] if beside else []
    project = _find_project(invocation, host) or beside or host.path("any")
    named = named_lock(invocation.tool, invocation.argv, project, host)
    return [path for path in find_locks(invocation.tool, project, *named) if is_file(path)]


def _unsafe_strategy(invocation: Invocation, endpoints: Endpoints, host: Host) -> str | None:
    """Return uv's strategy, which any file may say, where it may mix indexes for one name."""
    if invocation.family != "uv":
        return None
    typed = re.search(r"--index-strategy[= ](\S+)", " ".join(invocation.argv))
    said = typed[1] if typed else host.environ.get("UV_INDEX_STRATEGY", "")
    texts = [said]
    if not said:
        tables = (
            (path, table) for path in endpoints.files_read for table in read_tables(path, host)
        )
        texts = [
            f"{strategy} ({path})"
            for path, table in tables
            if isinstance(strategy := table.get("index-strategy"), str)
        ]
    return next((text for text in texts if text.startswith("unsafe")), None)
