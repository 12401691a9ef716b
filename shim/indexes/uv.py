"""What one uv command may ask: its flags, variables, configuration files, requirements, locks and receipts.

An option replaces its variable; configuration comes after both; lists join. An index of an explicit, named or shadowed kind counts
too: uv seeds and may ask it, and a need too many costs nothing but a look-up.

Sources: uv 0.13.8 crates/uv-cli/src/lib.rs, uv-settings/src/settings.rs, uv-distribution-types/src/index_url.rs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from shim.host import Host
from shim.indexes.uv_command import Command, Part
from shim.indexes.uv_files import Document, Project, Reader, discover, find_project
from shim.indexes.uv_inputs import ROLES, Collector, named_url
from shim.indexes.uv_needs import Said, find_place, make_needs
from shim.indexes.uv_publish import publish_needs
from shim.model import Need, Needs, Origin, Place

DEFAULT_INDEX = "https://pypi.org/simple"
INDEX_OPTIONS = ("default-index", "index", "extra-index-url", "index-url", "find-links")
FILE_OPTIONS = ("requirements", "with-requirements", "constraints", "build-constraints", "overrides")
REQUIREMENT_OPTIONS = ("with", "from")
FOLDER_OPTIONS = ("editable", "with-editable")
PROJECT_VERBS = frozenset(
    {"add", "audit", "build", "check", "export", "lock", "remove", "run", "sync", "tree", "upgrade", "version", "workspace"}
)
#: Until then `uv run` began at the working directory, and `uv pip` did not know --project. Between that and the last release that
#: was measured nobody looked, so both places count.
FIRST_AT_SCRIPT = (0, 13)


def read_command_needs(command: Command, host: Host, version: tuple[int, ...] | None) -> Needs:
    """Return what a command may ask; `version` is uv's release, None if unknown.

    Nothing is fetched; a file that cannot be read is skipped, uv will say so itself.
    """
    reader = Reader(host, command.value("directory", host))
    projects = [find_project(folder, reader) for folder in _find_starts(command, host, reader, version)]
    documents = _read_configuration(command, projects, host, reader, version)
    if command.verb == ("publish",):
        return _finish(command, host, reader, publish_needs(command, documents, host))
    collector = Collector(reader, no_index=_has_no_index(command, documents))
    _add_options(collector, command, host)
    stands_alone = _add_script(collector, command)
    _add_configuration(collector, command, documents)
    _add_inputs(collector, command, host)
    for project in projects if command.verb[0] in PROJECT_VERBS and not stands_alone else ():
        _add_project(collector, project, with_lock=command.verb != ("build",))
    if command.verb == ("tool", "upgrade"):
        _add_receipts(collector, command)
    needs = make_needs(collector.said, host)
    if not collector.no_index and not any(need.role == "index" for need in needs):
        needs += make_needs([Said(DEFAULT_INDEX, Origin("config", "uv's default"), "index")], host)
    return _finish(command, host, reader, needs, collector.unknown)


def script_of(command: Command) -> Part | None:
    """Return the script of `uv run SCRIPT` or `--script SCRIPT`: a path, a URL or `-`; None where a program is run."""
    named = [Part(word.value, word.position, word.start) for word in command.options if word.name == "script" and word.value]
    if named or command.verb != ("run",) or not command.arguments or command.has("module"):
        return named[-1] if named else None
    first = command.arguments[0]
    text = first.value or ""
    is_script = text == "-" or text.lower().endswith((".py", ".pyw")) or text.startswith(("http://", "https://"))
    return Part(text, first.position, first.start) if is_script or command.has("script", "gui-script") else None


def _find_starts(command: Command, host: Host, reader: Reader, version: tuple[int, ...] | None) -> list[str]:
    """Return the folders where the search for a project and its configuration begins; more than one if releases differ."""
    project = command.value("project", host)
    script = script_of(command) if command.verb == ("run",) else None
    if project:
        starts = [reader.join(project)]
        uncertain = command.verb[0] == "pip"
    elif script and script.text != "-" and "://" not in script.text:
        starts = [reader.join(script.text.rpartition("/")[0] or (script.text[:1] if script.text.startswith("/") else "."))]
        uncertain = True
    else:
        return [reader.cwd]
    if uncertain and (version is None or version < FIRST_AT_SCRIPT):
        starts.append(reader.cwd)
    return list(dict.fromkeys(starts))


def _read_configuration(
    command: Command, projects: Iterable[Project], host: Host, reader: Reader, version: tuple[int, ...] | None
) -> list[Document]:
    config_file = command.value("config-file", host)
    if command.is_on("no-config", host) and not config_file:
        return []
    starts = [] if command.verb[0] == "tool" else [project.start for project in projects]
    return discover(starts, config_file, reader, version)


def _has_no_index(command: Command, documents: Iterable[Document]) -> bool:
    """Return whether no index is asked at all: by the option, else by the first file that says something about it."""
    if command.has("no-index"):
        return True
    tables = [document.table for document in documents]
    if command.verb[0] == "pip":
        tables = [table for document in tables for table in (document.get("pip"), document) if isinstance(table, dict)]
    return next((table["no-index"] for table in tables if isinstance(table.get("no-index"), bool)), False)


def _add_options(collector: Collector, command: Command, host: Host) -> None:
    """Add the indexes of argv, and those of variables whose option is not used."""
    for option in INDEX_OPTIONS:
        for part in command.all(option, host):
            collector.add_part(part, _origin(part, option), ROLES[option])


def _origin(part: Part, option: str) -> Origin:
    return Origin("argv", f"--{option}") if isinstance(part.key, int) else Origin("env", part.key)


def _add_script(collector: Collector, command: Command) -> bool:
    """Add what the PEP 723 metadata of a script says, and return whether there is any: then the project does not count."""
    script = script_of(command)
    if script and "://" in script.text:
        collector.add_file_part(script, Origin("argv", "script"))
    elif script and script.text == "-":
        collector.add_file("-")
    elif script:
        return collector.add_script(collector.reader.join(script.text))
    return False


def _add_configuration(collector: Collector, command: Command, documents: Iterable[Document]) -> None:
    """Add the configuration files' indexes: for `uv pip`, its own table goes before the rest of each file."""
    for document in documents:
        own = document.table.get("pip")
        if command.verb[0] in ("pip", "venv") and isinstance(own, dict):
            collector.add_table(own, document.origin)
        collector.add_table(document.table, document.origin)


def _add_inputs(collector: Collector, command: Command, host: Host) -> None:
    """Add what requirements files, direct URLs, local projects and `--with` name."""
    for option in FILE_OPTIONS:
        for part in command.all(option, host):
            collector.add_file_part(part, _origin(part, option))
    for part in command.all("group", host):
        if ":" in part.text:
            collector.add_file(part.text.rpartition(":")[0])
    for option in FOLDER_OPTIONS:
        for part in command.typed(option):
            collector.add_folder(part.text)
    for part in [*(part for option in REQUIREMENT_OPTIONS for part in command.typed(option)), *_requirement_arguments(command)]:
        if command.verb in (("pip", "compile"), ("pip", "sync")):
            collector.add_file_part(part, Origin("argv", "file"))
        elif part.text.startswith((".", "/", "file:")) or command.verb == ("build",):
            collector.add_folder(part.text)
        else:
            collector.add_direct(part.text, Origin("argv", "URL"), part)


def _requirement_arguments(command: Command) -> list[Part]:
    """Return the arguments that name packages or files: what stands behind a program's name is that program's own."""
    if command.verb in (("run",), ("version",)):
        return []
    words = command.arguments[:1] if command.verb == ("tool", "run") else command.arguments
    return [Part(word.value or "", word.position, word.start) for word in words]


def _add_project(collector: Collector, project: Project, *, with_lock: bool) -> None:
    """Add the project's direct URLs, the indexes of workspace members, and the servers of the lock."""
    for path, document in project.documents(collector.reader):
        collector.add_document(document, path)
    if project.root and with_lock:
        collector.add_lock(collector.reader.join("uv.lock", f"{project.root}/pyproject.toml"))


def _add_receipts(collector: Collector, command: Command) -> None:
    """Add the receipts of the tools that are upgraded: those named, or all."""
    names = {re.sub(r"[-_.]+", "-", match[0]).lower() for word in command.arguments if (match := re.match(r"[\w.-]+", word.value or ""))}
    for path, receipt in collector.reader.receipts():
        if not names or command.has("all") or path.split("/")[-2] in names:
            collector.add_receipt(path, receipt)


def _finish(command: Command, host: Host, reader: Reader, needs: list[Need], unknown: Iterable[str] = ()) -> Needs:
    """Return all of it; userinfo in argv and variables that no need stands for is spare."""
    asked = {need.place for need in needs}
    spare = tuple(place for place in _find_places(command, host) if place not in asked)
    return Needs(tuple(needs), tuple(reader.watched), tuple(dict.fromkeys(unknown)), spare)


def _find_places(command: Command, host: Host) -> list[Place]:
    """Return where each userinfo of an index stands in argv and variables, used or replaced."""
    places: dict[Place, None] = {}
    for option in (*INDEX_OPTIONS, "publish-url", "check-url"):
        for part in (*command.typed(option), *command.in_variables(option, host)):
            place = find_place(named_url(part, Origin("argv", option), ROLES.get(option, "publish")))
            if place:
                places[place] = None
    return list(places)
