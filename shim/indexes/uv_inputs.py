"""What a uv command's inputs name: requirements files, scripts, locks, receipts, and the projects it builds.

Sources: uv 0.13.8 crates/uv-requirements-txt/src/lib.rs, uv-requirements/src/sources.rs, uv-distribution/src/metadata/lowering.rs.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Any

from shim.formats import requirements, uv_toml
from shim.formats.optparse_scan import read_table, scan
from shim.formats.uv_lock import find_file_folders, find_registries
from shim.indexes.uv_command import Part
from shim.indexes.uv_files import Reader
from shim.indexes.uv_needs import Role, Said
from shim.model import Origin
from shim.urls import BadUrl, parse_url

ROLES: dict[str, Role] = {
    "index": "extra",
    "default-index": "index",
    "index-url": "index",
    "extra-index-url": "extra",
    "find-links": "links",
}
#: How many files may name each other in one command: more is a loop in disguise.
MAX_FILES = 1000

_LINE_TABLE = read_table("-i --index-url =\n--extra-index-url =\n-f --find-links =\n-r --requirement =\n-c --constraint =\n-e --editable =")
_LOCAL_LINE = re.compile(r"(?m)^[ \t]*((?:\.|/|[\w.-]+/|file:)[^\s;#]*)")


@dataclass(slots=True)
class Collector:
    """Gathers what is said, in uv's order. `unknown` holds what may say more and is not ours to read."""

    reader: Reader
    said: list[Said] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    no_index: bool = False
    _seen: set[str] = field(default_factory=set)

    def add(self, text: str, origin: Origin, role: Role, name: str | None = None) -> None:
        """Add a URL that a file names, with the line where it stands."""
        if not (self.no_index and role in ("index", "extra")):
            self.said.append(Said(text, self.reader.locate(origin, text), role, name))

    def add_part(self, part: Part, origin: Origin, role: Role) -> None:
        """Add `URL` or `name=URL` of argv or a variable; a bare name, a path and a file: URL will be no need."""
        if self.no_index and role in ("index", "extra"):
            return
        self.said.append(named_url(part, origin, role))

    def add_direct(self, text: str, origin: Origin, part: Part | None = None) -> None:
        """Add the URL of a direct requirement, if it is one."""
        found = requirements.find_direct_url(text)
        if found and part:
            self.said.append(Said(text[slice(*found)], origin, "direct", None, part.key, part.start + found[0]))
        elif found:
            self.add(text[slice(*found)], origin, "direct")

    def add_table(self, table: dict[str, Any], origin: Origin) -> None:
        """Add the indexes of a uv.toml, `[tool.uv]`, `[pip]` or receipt table."""
        for index in uv_toml.tables(table.get("index")):
            role: Role = "links" if index.get("format") == "flat" else "index" if index.get("default") is True else "extra"
            self._add_index(index, origin, role)
        for key in ("index-url", "extra-index-url", "find-links"):
            for text in uv_toml.texts(table.get(key)):
                self.add(text, origin, ROLES[key])

    def _add_index(self, index: dict[str, Any], origin: Origin, role: Role) -> None:
        if isinstance(index.get("url"), str) and index.get("authenticate") != "never":
            name = index.get("name")
            self.add(index["url"], origin, role, name if isinstance(name, str) else None)

    def add_document(self, document: dict[str, Any], path: str) -> None:
        """Add what a pyproject.toml or script names beside configuration: direct URLs, indexes its sources may name, its path sources."""
        origin = Origin("file", path, project=True)
        tool = uv_toml.tool_table(document) or {}
        for text in uv_toml.requirement_texts(document):
            self.add_direct(text, origin)
        for url in uv_toml.source_urls(tool):
            self.add(url, origin, "direct")
        for index in uv_toml.tables(tool.get("index")):
            if index.get("name"):
                self._add_index(index, origin, "links" if index.get("format") == "flat" else "extra")
        for source in uv_toml.source_paths(tool):
            self.add_folder(source, path)

    def add_folder(self, path: str, parent: str | None = None) -> None:
        """Add what the pyproject.toml of a local project names: uv obeys its sources when it builds it."""
        path = re.sub(r"\[[^\]]*\]$", "", path.removeprefix("file://").removeprefix("file:"))
        path = os.path.join(self.reader.join(path, parent), "pyproject.toml")
        if self._is_new(path):
            document = self.reader.read_toml(path)
            if document:
                self.add_document(document, path)

    def add_script(self, path: str) -> bool:
        """Add what the metadata of a PEP 723 script names, its configuration first, and its lock. Return whether it has metadata."""
        document = uv_toml.script_document(self.reader.read_text(path))
        self.add_table(uv_toml.tool_table(document) or {}, Origin("file", path, project=True))
        self.add_document(document, path)
        self.add_lock(f"{path}.lock")
        return bool(document)

    def add_lock(self, path: str) -> None:
        """Add the registries of a uv.lock, and the folders of files that lie elsewhere."""
        data = self.reader.read(path) or b""
        origin = Origin("file", path, project=True)
        self.said += [Said(url, origin, "extra") for url in find_registries(data)]
        self.said += [Said(url, origin, "direct") for url in find_file_folders(data)]

    def add_receipt(self, path: str, receipt: dict[str, Any]) -> None:
        """Add what a tool was installed from."""
        tool = receipt.get("tool")
        if isinstance(tool, dict):
            options = tool.get("options")
            self.add_table(options if isinstance(options, dict) else {}, Origin("config", path))
            for requirement in uv_toml.tables(tool.get("requirements")):
                for url in uv_toml.texts(requirement.get("url")):
                    self.add(url, Origin("config", path), "direct")

    def add_file_part(self, part: Part, origin: Origin) -> None:
        """Add what a requirements or constraints file named in argv or a variable says; a remote one is the need itself."""
        if _is_remote(part.text):
            self.said.append(Said(part.text, origin, "input", None, part.key, part.start))
            self.unknown.append(_shown(part.text))
        else:
            self.add_file(part.text)

    def add_file(self, name: str, parent: str | None = None) -> None:
        """Add what a file says, be it a requirements file, a lock, a script or a project."""
        if name == "-":
            self.unknown.append("standard input")
            return
        path = self.reader.join(name.removeprefix("file://"), parent)
        if path.endswith("/pyproject.toml"):
            self.add_folder(os.path.dirname(path))
            return
        if not self._is_new(path):
            return
        if requirements.is_pylock(path):
            for _, url in requirements.find_locked_urls(self.reader.read_text(path)):
                self.said.append(Said(url, Origin("file", path, project=True), "direct"))
        elif path.endswith((".py", ".pyw")):
            self.add_script(path)
        else:
            self._add_requirements(path)

    def _add_requirements(self, path: str) -> None:
        data = self.reader.read(path)
        text = requirements.decode_requirements(data) if data else ""
        for line in requirements.read_lines(text, self.reader.host.environ):
            where = Origin("file", f"{path}:{line.number}", project=True)
            if line.requirement:
                self.add_direct(line.requirement, where)
            for word in scan(line.options, _LINE_TABLE):
                self._add_line_option(word.name or "", (word.value or "").removeprefix("="), where, path)
        for match in _LOCAL_LINE.finditer(text):
            self.add_folder(match[1], path)

    def _add_line_option(self, name: str, value: str, where: Origin, path: str) -> None:
        if name in ("requirement", "constraint") and _is_remote(value):
            self.said.append(Said(value, where, "input"))
            self.unknown.append(_shown(value))
        elif name in ("requirement", "constraint"):
            self.add_file(value, path)
        elif name == "editable":
            self.add_folder(value, path)
        elif name in ROLES:
            # Configured indexes go before a file's in uv, so its `-i` is one more index here.
            self.add(value, where, "links" if name == "find-links" else "extra")

    def _is_new(self, path: str) -> bool:
        """Whether a file was not added before; false when there are too many."""
        if path in self._seen or len(self._seen) >= MAX_FILES:
            return False
        self._seen.add(path)
        return True


def named_url(part: Part, origin: Origin, role: Role) -> Said:
    """Return `URL` or `name=URL` as what is said: a name has no colon, so a `=` within a URL divides nothing."""
    name, equals, rest = part.text.partition("=")
    if role in ("index", "extra") and equals and ":" not in name and "/" not in name:
        return Said(rest, origin, role, name, part.key, part.start + len(name) + 1)
    return Said(part.text, origin, role, None, part.key, part.start)


def _is_remote(text: str) -> bool:
    return text[:8].lower().startswith(("http://", "https://"))


def _shown(text: str) -> str:
    try:
        return parse_url(text).text
    except BadUrl:
        return "a remote file"
