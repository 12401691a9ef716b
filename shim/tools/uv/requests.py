"""What one uv command may ask: its flags, variables, configuration files, requirements, locks and
receipts.

An option replaces its variable; configuration comes after both; lists join.

Sources: uv 0.13.8 crates/uv-cli/src/lib.rs, uv-settings/src/settings.rs, uv/src/commands.
"""

from __future__ import annotations

import os

from shim.core.host import Host
from shim.core.model import Endpoint, Endpoints, Location, Origin
from shim.core.toml import table_at
from shim.core.typing import Any, Iterable, Iterator
from shim.formats import uv_toml
from shim.tools import words
from shim.tools.uv.command import Part, UvCommand
from shim.tools.uv.config_files import Document, Project, Reader, discover, find_project
from shim.tools.uv.endpoints import StatedUrl, find_place, make_endpoints
from shim.tools.uv.index_order import ROLES, Layer, in_order, layer_of, named_url, settle
from shim.tools.uv.inputs import Collector, read_lock

INDEX_OPTIONS = ("default-index", "index", "extra-index-url", "index-url", "find-links")
#: Options that name requirements files; `uv pip` obeys the index lines of those in LINE_OPTIONS.
FILE_OPTIONS = words("requirements with-requirements constraints build-constraints overrides")
LINE_OPTIONS = ("requirements", "constraints", "overrides")
REQUIREMENT_OPTIONS = ("with", "from")
FOLDER_OPTIONS = ("editable", "with-editable")
PROJECT_VERBS = frozenset(
    words("add audit build check export lock remove run sync tree upgrade version workspace")
)
#: Those to which --isolated, by its old meaning, is --no-config.
ISOLATED_VERBS = frozenset(words("build pip publish venv"))
#: Those that fetch what a lock names.
SYNC_VERBS = frozenset({"add", "check", "remove", "run", "sync", "version"})
#: Those that ask where tools came from.
RECEIPT_VERBS = (("tool", "upgrade"), ("tool", "list"))
#: The first release whose `uv run` begins at the script's folder, not at the working directory.
FIRST_AT_SCRIPT = (0, 12)
#: Until then a source's index was asked in spite of --no-index.
FIRST_PINNED_OFF = (0, 7)

#: What configures indexes, and where it stands.
Tables = list[tuple[dict[str, Any], Origin]]


def read_command_endpoints(command: UvCommand, host: Host) -> Endpoints:
    """Return what a command may ask. Nothing is fetched; what is unread may name any server."""
    reader = Reader(host, command.value("directory", host))
    projects = [find_project(folder, reader) for folder in _find_starts(command, host, reader)]
    configurations = [_read_configuration(command, project, host, reader) for project in projects]
    if command.verb == ("publish",):
        from shim.tools.uv.publish import publish_endpoints

        asked = publish_endpoints(command, configurations[0], host, reader.unread)
        return _finish(command, host, reader, asked)
    options = _read_options(command, host)
    collector = Collector(reader, builds_only=command.verb == ("build",))
    script = _read_script(collector, command)
    _add_inputs(collector, command, host)
    if command.verb[0] in PROJECT_VERBS and not script:
        for project in projects:
            _add_project(collector, project)
    said = [
        one
        for documents in configurations
        for one in _settle(collector, command, options, _tables(command, script, documents))
    ]
    if command.verb[0] in SYNC_VERBS:
        configured, frozen = [one.text for one in said], command.is_on("frozen", host)
        for lock in _find_locks(reader, script_of(command) if script else None, projects):
            collector.said += read_lock(reader, lock, configured, frozen=frozen)
    stated = map(reader.locate, [*said, *collector.said])
    return _finish(command, host, reader, make_endpoints(stated, host, reader.unread))


def script_of(command: UvCommand) -> Part | None:
    """Return the script of `uv run SCRIPT` or `--script SCRIPT`: a path, a URL or `-`."""
    named = [word for word in command.options if word.name == "script" and word.value]
    if named:
        return Part.of_word(named[-1])
    if command.verb != ("run",) or not command.arguments or command.has("module"):
        return None
    first = Part.of_word(command.arguments[0])
    is_file = first.text.lower().endswith((".py", ".pyw")) or first.text == "-"
    is_script = is_file or first.text.startswith(("http://", "https://"))
    return first if is_script or command.has("script", "gui-script") else None


def _find_starts(command: UvCommand, host: Host, reader: Reader) -> list[str]:
    """Return where the search for a project begins: two folders if uv's release is unknown."""
    project = command.value("project", host)
    script = script_of(command) if command.verb == ("run",) else None
    if project:
        return [reader.join(project)]
    if script is None or script.text == "-" or "://" in script.text:
        return [reader.cwd]
    at_script = os.path.dirname(reader.join(script.text))
    if command.version is None:
        return list(dict.fromkeys([at_script, reader.cwd]))
    return [at_script if command.version >= FIRST_AT_SCRIPT else reader.cwd]


def _read_configuration(
    command: UvCommand, project: Project, host: Host, reader: Reader
) -> list[Document]:
    config_file = command.value("config-file", host)
    is_isolated = command.has("isolated") and command.verb[0] in ISOLATED_VERBS
    if (is_isolated or command.is_on("no-config", host)) and not config_file:
        return []
    start = None if command.verb[0] == "tool" else project.start
    return discover(start, config_file, reader, command.version)


def _read_options(command: UvCommand, host: Host) -> Layer:
    """Return the indexes of argv, and those of variables whose option is not used."""

    def said(option: str) -> list[StatedUrl]:
        parts = command.all(option, host)
        return [named_url(part, part.origin(option), ROLES[option]) for part in parts]

    indexes = [*said("default-index"), *said("index")]
    return Layer(indexes, said("extra-index-url"), said("index-url"), said("find-links"))


def _read_script(collector: Collector, command: UvCommand) -> dict[str, Any]:
    """Return the metadata of a PEP 723 script, if any. With it, the project does not count."""
    script = script_of(command)
    if script and "://" in script.text:
        collector.add_file_part(script, Origin("argv", "script"), with_lines=False)
    elif script and script.text == "-":
        collector.add_file("-")
    elif script:
        return collector.add_script(collector.reader.join(script.text))
    return {}


def _tables(command: UvCommand, script: dict[str, Any], documents: Iterable[Document]) -> Tables:
    """Return the tables that configure indexes; for `uv pip`, `[pip]` of all files is first."""
    tables = [(document.table, document.origin) for document in documents]
    if command.verb[0] in ("pip", "venv"):
        own = [(table.get("pip"), origin) for table, origin in tables]
        return [*((table, origin) for table, origin in own if isinstance(table, dict)), *tables]
    own_script, where = uv_toml.tool_table(script), script_of(command)
    if own_script and where:
        return [(own_script, Origin("file", where.text, project=True)), *tables]
    return tables


def _settle(
    collector: Collector, command: UvCommand, options: Layer, tables: Tables
) -> list[StatedUrl]:
    """Return the indexes that the command asks: each installed tool has its own, from its receipt.

    Listing them minds no option, no variable, and of configuration only the [[index]] tables.
    """
    if command.verb == ("tool", "list"):
        options = Layer()
        tables = [({"index": table.get("index")}, origin) for table, origin in tables]
    several = [tables]
    if command.verb in RECEIPT_VERBS:
        several = [[receipt, *tables] for receipt in _read_receipts(collector, command)]
    return [one for tables in several for one in _settle_once(collector, command, options, tables)]


def _settle_once(
    collector: Collector, command: UvCommand, options: Layer, tables: Tables
) -> list[StatedUrl]:
    layers = [layer_of(table, origin) for table, origin in tables]
    groups = [[options], layers] if command.verb[0] in ("pip", "venv") else [[options, *layers]]
    # The first table that says something about it counts.
    switches = (table.get("no-index") for table, _ in tables)
    configured = next((switch for switch in switches if isinstance(switch, bool)), False)
    no_index = command.has("no-index") or collector.no_index or configured
    said = settle([*in_order(*groups), *collector.lines], no_index=no_index)
    if not no_index:
        given = {one.name for one in options.index}
        return [*said, *(one for one in collector.pinned if one.name not in given)]
    is_off = command.version is not None and command.version >= FIRST_PINNED_OFF
    return said if is_off else [*said, *collector.pinned]


def _add_inputs(collector: Collector, command: UvCommand, host: Host) -> None:
    """Add what requirements files, direct URLs, local projects and `--with` name."""
    is_pip = command.verb[0] == "pip"
    for option in FILE_OPTIONS:
        with_lines = is_pip and option in LINE_OPTIONS
        for part in command.all(option, host):
            collector.add_file_part(part, part.origin(option), with_lines=with_lines)
    for part in command.all("group", host):
        if ":" in part.text:
            collector.add_file(part.text.rpartition(":")[0])
        elif is_pip:
            collector.add_folder(command.value("project", host) or ".")
    for option in FOLDER_OPTIONS:
        for part in command.typed(option):
            collector.add_folder(part.text)
    typed = [part for option in REQUIREMENT_OPTIONS for part in command.typed(option)]
    for part in [*typed, *_requirement_arguments(command)]:
        if command.verb in (("pip", "compile"), ("pip", "sync")):
            collector.add_file_part(part, Origin("argv", "file"), with_lines=True)
        elif part.text.startswith((".", "/", "file:")) or command.verb == ("build",):
            collector.add_folder(part.text)
        else:
            collector.add_direct(part.text, Origin("argv", "URL"), part)


def _requirement_arguments(command: UvCommand) -> list[Part]:
    """Return the arguments that name packages or files; what follows a program is its own."""
    if command.verb in (("run",), ("version",)):
        return []
    end = 1 if command.verb == ("tool", "run") else None
    return [Part.of_word(word) for word in command.arguments[:end]]


def _add_project(collector: Collector, project: Project) -> None:
    """Add what a project, its workspace's members and their sources name."""
    documents = list(project.documents(collector.reader))
    for path, document in documents:
        collector.add_document(document, path, documents[0][1])


def _find_locks(reader: Reader, script: Part | None, projects: Iterable[Project]) -> list[str]:
    if script:
        return [f"{reader.join(script.text)}.lock"]
    return [os.path.join(one.root, "uv.lock") for one in projects if one.root]


def _read_receipts(
    collector: Collector, command: UvCommand
) -> Iterator[tuple[dict[str, Any], Origin]]:
    """Yield the options in the receipts of the tools that are asked about: those named, or all."""
    names = {uv_toml.requirement_name(word.value or "") for word in command.arguments}
    for path, receipt in collector.reader.receipts():
        is_asked = not names or command.has("all") or path.split("/")[-2] in names
        if is_asked and isinstance(receipt.get("tool"), dict):
            collector.add_receipt(path, receipt["tool"])
            yield table_at(receipt, "tool", "options"), Origin("config", path)


def _finish(command: UvCommand, host: Host, reader: Reader, endpoints: list[Endpoint]) -> Endpoints:
    """Return all of it; userinfo in argv and variables that no endpoint stands for is unused."""
    asked = {endpoint.location for endpoint in endpoints}
    unused_userinfo = tuple(place for place in _find_places(command, host) if place not in asked)
    return reader.unread.endpoints(endpoints, reader.files_read, unused_userinfo=unused_userinfo)


def _find_places(command: UvCommand, host: Host) -> list[Location]:
    """Return where each userinfo of an index stands in argv and variables, used or replaced."""
    places: dict[Location, None] = {}
    for option in (*INDEX_OPTIONS, "publish-url", "check-url"):
        for part in (*command.typed(option), *command.in_variables(option, host)):
            url = named_url(part, part.origin(option), ROLES.get(option, "publish"))
            if place := find_place(url):
                places[place] = None
    return list(places)
