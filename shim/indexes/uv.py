"""What one uv command may ask: its flags, variables, configuration files, requirements, locks and receipts.

An option replaces its variable; configuration comes after both; lists join. An index of an explicit, named or shadowed kind counts
too: uv seeds and may ask it, and a need too many costs nothing but a look-up.

Sources: uv 0.13.8 crates/uv-cli/src/lib.rs, uv-settings/src/settings.rs, uv-distribution-types/src/index_url.rs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from shim.formats import requirements, uv_toml
from shim.formats.optparse_scan import Word, read_table, scan
from shim.formats.uv_lock import find_locked_urls
from shim.host import Host
from shim.indexes.uv_files import Document, Reader, discover
from shim.indexes.uv_needs import Role, Said, make_needs
from shim.model import Need, Needs, Origin
from shim.urls import BadUrl, parse_url

DEFAULT_INDEX = "https://pypi.org/simple"
#: What stands in for an option, and how several values are separated there.
SPLIT = {"index": None, "extra-index-url": None, "find-links": ","}
ROLES: dict[str, Role] = {
    "index": "extra",
    "default-index": "index",
    "index-url": "index",
    "extra-index-url": "extra",
    "find-links": "links",
}
FILE_OPTIONS = ("requirements", "constraints", "build-constraints", "overrides")
PROJECT_VERBS = frozenset({"add", "audit", "check", "export", "lock", "remove", "run", "sync", "tree", "upgrade", "version", "workspace"})
MAX_INCLUDES = 200
_LINE_TABLE = read_table("-i --index-url =\n--extra-index-url =\n-f --find-links =\n-r --requirement =\n-c --constraint =\n-e --editable =")


@dataclass(frozen=True, slots=True)
class Command:
    """A parsed command line: the verb as words, and options and arguments with their positions in argv."""

    verb: tuple[str, ...]
    options: tuple[Word, ...]
    arguments: tuple[Word, ...]

    def all(self, name: str) -> list[Word]:
        """Return every use of an option."""
        return [word for word in self.options if word.name == name]

    def last(self, name: str) -> str | None:
        """Return an option's last value, or None."""
        return next((word.value for word in reversed(self.options) if word.name == name), None)


@dataclass(slots=True)
class _Collector:
    """Gathers what is said, in uv's order."""

    host: Host
    reader: Reader
    said: list[Said] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    includes: int = 0

    def add(self, text: str, origin: Origin, role: Role, key: int | str | None = None, start: int = 0) -> None:
        """Add `URL` or `name=URL`; a bare name, a path and a file: URL are no need."""
        name, equals, rest = text.partition("=")
        named = bool(equals) and ":" not in name and "/" not in name
        if named and role in ("index", "extra"):
            text, start = rest, start + len(name) + 1
        self.said.append(Said(text, origin, role, name if named else None, key, start))

    def add_direct(self, text: str, origin: Origin, key: int | str | None = None, start: int = 0) -> None:
        """Add the URL of a direct requirement, if it is one."""
        found = requirements.find_direct_url(text)
        if found:
            self.said.append(Said(text[found[0] : found[1]], origin, "direct", None, key, start + found[0]))

    def add_table(self, table: dict[str, Any], origin: Origin) -> None:
        """Add the indexes of a uv.toml, `[tool.uv]`, `[pip]` or receipt table."""
        for index in uv_toml.tables(table.get("index")):
            if isinstance(index.get("url"), str) and index.get("authenticate") != "never":
                role: Role = "links" if index.get("format") == "flat" else "index" if index.get("default") is True else "extra"
                name = index.get("name")
                self.said.append(Said(index["url"], origin, role, name if isinstance(name, str) else None))
        for key in ("index-url", "extra-index-url", "find-links"):
            for text in uv_toml.texts(table.get(key)):
                self.add(text, origin, ROLES[key])

    def add_document(self, document: dict[str, Any], origin: Origin) -> None:
        """Add the direct URLs of a project or script."""
        for text in uv_toml.requirement_texts(document):
            self.add_direct(text, origin)
        for url in uv_toml.source_urls(uv_toml.tool_table(document) or {}):
            self.said.append(Said(url, origin, "direct"))

    def add_requirements(self, path: str, origin: Origin, key: int | str | None = None, start: int = 0, parent: str | None = None) -> None:
        """Add what a requirements or constraints file names; a remote one is the need itself."""
        self.includes += 1
        if self.includes > MAX_INCLUDES:
            return
        if path.lower().startswith(("http://", "https://")):
            self.said.append(Said(path, origin, "input", None, key, start))
            self.unknown.append(path)
            return
        path = self.reader.join(path, parent)
        if path.endswith(".toml"):
            self._add_toml_input(path)
            return
        data = self.reader.read(path)
        for line in requirements.read_lines(requirements.decode_requirements(data) if data else "", self.host.environ):
            where = Origin("file", f"{path}:{line.number}", project=True)
            if line.requirement:
                self.add_direct(line.requirement, where)
            for word in scan(line.options, _LINE_TABLE):
                if word.name in ("requirement", "constraint"):
                    self.add_requirements(word.value or "", where, parent=path)
                elif word.name in ROLES:
                    # uv lets configured indexes go before a file's, so its `-i` is one more index here.
                    self.said.append(Said(word.value or "", where, "extra" if word.name != "find-links" else "links"))

    def _add_toml_input(self, path: str) -> None:
        origin = Origin("file", path, project=True)
        text = (self.reader.read(path) or b"").decode("utf-8", "replace")
        if requirements.is_pylock(path):
            for url in dict.fromkeys(url for _, url in requirements.find_locked_urls(text)):
                self.said.append(Said(url, origin, "direct"))
        else:
            self.add_document(uv_toml.parse_toml(text) or {}, origin)


def read_command_needs(command: Command, host: Host) -> Needs:
    """Return what a command may ask. Nothing is fetched; a file that cannot be read is skipped, uv will say so itself."""
    reader = Reader(host, _last(command, host, "directory"))
    collector = _Collector(host, reader)
    documents = discover(
        command.verb, _last(command, host, "config-file"), _is_on(command, host, "no-config"), _project(command, host), reader
    )
    if not _is_on(command, host, "no-index"):
        _add_options(collector, command)
        _add_script(collector, command)
        _add_config(collector, command, documents)
    _add_inputs(collector, command)
    if command.verb[0] in PROJECT_VERBS:
        _add_project(collector, documents, reader)
    if command.verb == ("tool", "upgrade"):
        for path, receipt in reader.receipts():
            table = receipt.get("tool")
            options = table.get("options") if isinstance(table, dict) else None
            collector.add_table(options if isinstance(options, dict) else {}, Origin("config", path))
    if command.verb == ("publish",):
        return _publish_needs(collector, command, documents)
    if not any(said.role == "index" for said in collector.said) and not _is_on(command, host, "no-index"):
        collector.said.append(Said(DEFAULT_INDEX, Origin("config", "uv's default"), "index"))
    return _needs(collector, make_needs(collector.said, host))


def _needs(collector: _Collector, needs: list[Need]) -> Needs:
    return Needs(tuple(needs), tuple(collector.reader.watched), tuple(dict.fromkeys(_shown(text) for text in collector.unknown)))


def _shown(text: str) -> str:
    try:
        return parse_url(text).text
    except BadUrl:
        return "a remote file"


def _last(command: Command, host: Host, option: str) -> str | None:
    """Return an option's value: the flag, else its variable, which is not given if empty."""
    names = {"config-file": "UV_CONFIG_FILE", "directory": "UV_WORKING_DIR", "project": "UV_PROJECT"}
    legacy = host.environ.get("UV_WORKING_DIRECTORY") if option == "directory" else None
    return command.last(option) or host.environ.get(names[option]) or legacy or None


def _project(command: Command, host: Host) -> str | None:
    """Return the folder where discovery starts: --project, else the folder of a script that `uv run` is given, else None."""
    named = _last(command, host, "project")
    if named is None and command.verb == ("run",) and command.arguments and (command.arguments[0].value or "").endswith(".py"):
        return (command.arguments[0].value or "").rpartition("/")[0] or None
    return named


def _is_on(command: Command, host: Host, option: str) -> bool:
    variable = "UV_" + option.upper().replace("-", "_")
    return bool(command.all(option)) or host.environ.get(variable, "").lower() in ("1", "true", "yes", "on")


def _add_options(collector: _Collector, command: Command) -> None:
    """Add the indexes of argv, and those of variables whose option is not used."""
    for option in ("default-index", "index", "extra-index-url", "index-url", "find-links"):
        used = command.all(option)
        for word in used:
            collector.add(word.value or "", Origin("argv", f"--{option}"), ROLES[option], word.position, word.start)
        variable = "UV_" + option.upper().replace("-", "_")
        value = "" if used else collector.host.environ.get(variable, "")
        for text, start in _split(value, option):
            collector.add(text, Origin("env", variable), ROLES[option], variable, start)


def _split(value: str, option: str) -> Iterator[tuple[str, int]]:
    """Yield the values in a variable and where each begins."""
    if option not in SPLIT:
        if value:
            yield value, 0
        return
    position = 0
    for text in value.split(SPLIT[option]):
        position = value.index(text, position)
        yield text.strip(), position + len(text) - len(text.lstrip())
        position += len(text)


def _add_script(collector: _Collector, command: Command) -> None:
    """Add what the PEP 723 metadata of a script says: `uv run x.py`, `uv add --script x.py`."""
    name = command.last("script") or (command.arguments[0].value if command.verb == ("run",) and command.arguments else None)
    if not name:
        return
    if name.startswith(("http://", "https://")):
        word = command.arguments[0]
        collector.said.append(Said(name, Origin("argv", "script"), "input", None, word.position, word.start))
        collector.unknown.append(name)
        return
    path = collector.reader.join(name)
    document = uv_toml.script_document((collector.reader.read(path) or b"").decode("utf-8", "replace"))
    origin = Origin("file", path, project=True)
    collector.add_table(uv_toml.tool_table(document) or {}, origin)
    collector.add_document(document, origin)


def _add_config(collector: _Collector, command: Command, documents: Iterable[Document]) -> None:
    """Add the configuration files' indexes: for `uv pip`, its own table goes before the rest of each file."""
    for document in documents:
        own = document.table.get("pip")
        if command.verb[0] in ("pip", "venv") and isinstance(own, dict):
            collector.add_table(own, document.origin)
        collector.add_table(document.table, document.origin)


def _add_inputs(collector: _Collector, command: Command) -> None:
    """Add what requirements files, direct URLs and `--with` name."""
    for option in FILE_OPTIONS:
        used = command.all(option)
        for word in used:
            collector.add_requirements(word.value or "", Origin("argv", f"--{option}"), word.position, word.start)
        variable = {"requirements": "UV_REQUIREMENT", "constraints": "UV_CONSTRAINT", "build-constraints": "UV_BUILD_CONSTRAINT"}.get(
            option, "UV_OVERRIDE"
        )
        for text in [] if used else collector.host.environ.get(variable, "").split():
            collector.add_requirements(text, Origin("env", variable))
    for word in [*command.all("with"), *command.all("from"), *(() if command.verb == ("run",) else command.arguments)]:
        text = word.value or ""
        if command.verb in (("pip", "compile"), ("pip", "sync")):
            collector.add_requirements(text, Origin("argv", "file"), word.position, word.start)
        else:
            collector.add_direct(text, Origin("argv", "URL"), word.position, word.start)


def _add_project(collector: _Collector, documents: Iterable[Document], reader: Reader) -> None:
    """Add the project's direct URLs, the indexes of workspace members, and the servers of the lock."""
    configured = {document.path for document in documents}
    for path, document in reader.project_documents():
        origin = Origin("file", path, project=True)
        collector.add_document(document, origin)
        if path not in configured:
            collector.add_table({"index": (uv_toml.tool_table(document) or {}).get("index")}, origin)
    lock = reader.lock_path()
    data = reader.read(lock) if lock else None
    for url in find_locked_urls(data) if data else ():
        collector.said.append(Said(url, Origin("file", lock or "", project=True), "direct"))


def _publish_needs(collector: _Collector, command: Command, documents: Iterable[Document]) -> Needs:
    """Return the upload endpoint and the index that is asked what it has already."""
    host = collector.host
    said: list[Said] = []
    for option, role in (("publish-url", "publish"), ("check-url", "index")):
        variable = {"publish-url": "UV_PUBLISH_URL", "check-url": "UV_PUBLISH_CHECK_URL"}[option]
        used = command.all(option)
        said += [Said(word.value or "", Origin("argv", f"--{option}"), role, None, word.position, word.start) for word in used[-1:]]  # type: ignore[arg-type]
        if not used and host.environ.get(variable):
            said.append(Said(host.environ[variable], Origin("env", variable), role, None, variable))  # type: ignore[arg-type]
        elif not used:
            rows = ((document.table.get(option), document.origin) for document in documents)
            said += [Said(text, origin, role) for text, origin in rows if isinstance(text, str)][:1]  # type: ignore[arg-type]
    wanted = command.last("index") or host.environ.get("UV_PUBLISH_INDEX")
    for document in documents if wanted else ():
        for index in uv_toml.tables(document.table.get("index")):
            if index.get("name") == wanted:
                said += [
                    Said(str(index.get("publish-url")), document.origin, "publish", wanted),
                    Said(str(index.get("url")), document.origin, "index", wanted),
                ]
    answered = next((name for name in ("UV_PUBLISH_TOKEN", "UV_PUBLISH_PASSWORD") if host.environ.get(name)), None)
    typed = any(command.all(option) for option in ("token", "password"))
    return _needs(collector, make_needs(said, host, "--token" if typed else answered))
