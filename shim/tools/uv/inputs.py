"""What a uv command's inputs name: requirements files, scripts, locks, receipts, and the projects
it builds.

Sources: uv 0.13.8 crates/uv-requirements-txt/src/lib.rs, uv-requirements/src/sources.rs,
uv-distribution/src/metadata/lowering.rs.
"""

from __future__ import annotations

import os

from shim.core import regex as re
from shim.core.dataclass import dataclass, field
from shim.core.files import CannotRead
from shim.core.model import Endpoint, Origin
from shim.core.toml import read_toml
from shim.core.typing import Any, Iterable, Iterator
from shim.core.urls import BadUrl, names_web, parse_url
from shim.formats import requirements, uv_toml
from shim.formats.optparse_scan import read_table, scan
from shim.tools.uv.command import Part
from shim.tools.uv.config_files import Reader, find_project
from shim.tools.uv.endpoints import Role, StatedUrl
from shim.tools.uv.index_order import ROLES, index_of

#: How many files may name each other in one command: more is a loop in disguise.
MAX_FILES = 1000

#: What stands for the project in its folder, where a requirements file may be named.
PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg")

_LINE_TABLE = read_table(
    "-i --index-url =\n--extra-index-url =\n--no-index\n-f --find-links =\n-r --requirement =\n"
    "-c --constraint =\n-e --editable ="
)
#: Where Python ends a line and others do not, or the other way round, and controls.
_ODD = "[\\x00-\\x08\\x0b-\\x1f\\x7f\\x85\u2028\u2029]"
_VARIABLE = r"\$\{([A-Z0-9_]+)\}"
_LOCAL_LINE = r"(?m)^[ \t]*((?:\.|/|[\w.-]+/|file:)[^\s;#]*)"

#: What may stand behind a URL and a blank: a marker, options of the line, a comment, extras.
BEHIND_URL = (";", "--", "#", "[")


@dataclass(slots=True)
class Collector:
    """Gathers what inputs say. With `builds_only`, what a project needs when it runs does not
    count.

    `lines` are the index lines of requirements files, `pinned` the indexes that sources name,
    `said` everything else. What may say more and is not ours to read stands in the reader's
    `unread`.
    """

    reader: Reader
    builds_only: bool = False
    lines: list[StatedUrl] = field(default_factory=list)
    pinned: list[StatedUrl] = field(default_factory=list)
    said: list[StatedUrl] = field(default_factory=list)
    no_index: bool = False
    _seen: set[str] = field(default_factory=set)

    def add(self, text: str, origin: Origin, role: Role) -> None:
        """Add a URL that a file names."""
        self.said.append(StatedUrl(text, origin, role))

    def add_direct(self, text: str, origin: Origin, part: Part | None = None) -> None:
        """Add the URL of a direct requirement, if it is one. uv puts variables into it first."""
        if part is None:
            environ = self.reader.host.environ
            text = re.sub(_VARIABLE, lambda match: environ.get(match[1], match[0]), text)
        found = requirements.find_direct_url(text)
        behind = text[found[1] :].rstrip() if found else ""
        # To uv blanks are a part of the URL, which it leaves out, and so is a semicolon without a
        # blank before it.
        if behind and (behind[0] == ";" or not behind.lstrip().startswith(BEHIND_URL)):
            self.reader.unread.note_url(text, origin)
        if found:
            key, start = (part.key, part.start + found[0]) if part else (None, 0)
            url = StatedUrl(text[slice(*found)], origin, "direct", None, key, start)
            self.said.append(url)
        elif names_web(behind_name := (text.partition("@")[2].split() or [""])[0]):
            self.add(behind_name, origin, "direct")
        elif names_web(text):
            self.reader.unread.note_url(text, origin)

    def add_document(
        self, document: dict[str, Any], path: str, root: dict[str, Any] | None = None
    ) -> set[str] | None:
        """Add what a pyproject.toml or script names beside configuration: direct URLs, and sources.

        Those of a workspace's member may also name the indexes of its `root`. Returns the packages
        whose sources count, None for all.
        """
        origin = Origin("file", path, project=True)
        for_build = uv_toml.build_requirement_texts(document)
        for_use = [] if self.builds_only else uv_toml.requirement_texts(document)
        for text in [*for_use, *for_build]:
            self.add_direct(text, origin)
        names = {uv_toml.requirement_name(text) for text in for_build}
        wanted = names if self.builds_only else None
        tables = [uv_toml.tool_table(one) or {} for one in (document, root or {})]
        self._add_sources(tables, path, wanted)
        return wanted

    def _add_sources(
        self, tables: list[dict[str, Any]], path: str, wanted: set[str] | None
    ) -> None:
        """Add what the sources in the first table name; the indexes may stand in any of them."""
        origin = Origin("file", path, project=True)
        for url in uv_toml.source_urls(tables[0]):
            self.add(url, origin, "direct")
        self._add_pinned(uv_toml.source_indexes(tables[0], wanted), tables, origin)
        for source in uv_toml.source_paths(tables[0]):
            self.add_folder(source, path)

    def _add_pinned(
        self, names: Iterable[str], tools: Iterable[dict[str, Any]], origin: Origin
    ) -> None:
        """Add the indexes of these names: the first of a name counts, if it has a URL."""
        rows = [row for tool in tools for row in uv_toml.tables(tool.get("index"))]
        indexes = [index_of(row, origin) for row in rows if isinstance(row.get("url"), str)]
        for name in names:
            one = next((one for one in indexes if one.name == name), None)
            if one and not one.never:
                self.pinned.append(one._replace(role="links" if one.flat else "extra"))

    def add_folder(self, path: str, parent: str | None = None) -> None:
        """Add what a local project names: uv obeys its pyproject.toml when it builds it, and the
        sources of the workspace that it is a member of.
        """
        path = re.sub(r"\[[^\]]*\]$", "", path.removeprefix("file://").removeprefix("file:"))
        path = os.path.join(self.reader.join(path, parent), "pyproject.toml")
        document = self.reader.read_toml(path) if self._is_new(path) else None
        if not document:
            return
        project = find_project(os.path.dirname(path), self.reader)
        top = os.path.join(project.root or "", "pyproject.toml")
        root = (self.reader.read_toml(top) or {}) if top != path else document
        wanted = self.add_document(document, path, root)
        tables = [uv_toml.tool_table(one) or {} for one in (root, document)]
        if root is not document:
            self._add_sources(tables[:1], top, wanted)
        if any(map(uv_toml.names_members, tables)):
            for member, _ in project.documents(self.reader):
                self.add_folder(os.path.dirname(member))

    def add_script(self, path: str) -> dict[str, Any]:
        """Add what a PEP 723 script's metadata names beside configuration; return the metadata."""
        from shim.formats.script import script_block

        document: dict[str, Any] = {}
        with self.reader.unread.guard(path, careless=True):
            document = read_toml(script_block(self.reader.read_text(path)))
        self.add_document(document, path)
        return document

    def add_receipt(self, path: str, tool: dict[str, Any]) -> None:
        """Add the direct URLs that a tool was installed from."""
        for requirement in uv_toml.tables(tool.get("requirements")):
            for url in uv_toml.texts(requirement.get("url")):
                self.add(url, Origin("config", path), "direct")

    def add_file_part(self, part: Part, origin: Origin, *, with_lines: bool) -> None:
        """Add what a requirements or constraints file in argv or a variable says, if it is local.

        Only `uv pip` obeys its index lines (`with_lines`).
        """
        if _is_remote(part.text):
            self._add_remote(StatedUrl(part.text, origin, "input", None, part.key, part.start))
        else:
            self.add_file(part.text, with_lines=with_lines)

    def add_file(self, name: str, parent: str | None = None, *, with_lines: bool = False) -> None:
        """Add what a file says, be it a requirements file, a lock, a script or a project."""
        if name == "-":
            self.reader.unread.note("standard input")
            return
        if _is_odd(name):
            self.reader.unread.note(name, "is a URL, or a name that programs read differently")
            return
        path = self.reader.join(name.removeprefix("file://"), parent)
        if os.path.basename(path) in PROJECT_FILES:
            self.add_folder(os.path.dirname(path))
        elif not self._is_new(f"{path} {with_lines}"):
            pass
        elif requirements.is_pylock(path):
            with self.reader.unread.guard(path):
                origin = Origin("file", path, project=True)
                for url, registry in _find_locked(self.reader.read_text(path)):
                    self.said.append(StatedUrl(url, origin, "direct", registry=registry))
        elif path.endswith((".py", ".pyw")):
            self.add_script(path)
        else:
            self._add_requirements(path, with_lines=with_lines)

    def _add_requirements(self, path: str, *, with_lines: bool) -> None:
        text = ""
        with self.reader.unread.guard(path):
            text = _decode(self.reader.read(path) or b"")
        for line in requirements.read_lines(text, self.reader.host.environ):
            where = Origin("file", path, project=True, line=line.number)
            is_odd = {"$", "\\"} & set("".join((*line.options, line.requirement)))
            odd = "has a variable or a backslash, which programs read differently" if is_odd else ""
            if why := line.unread or odd:
                self.reader.unread.note(str(where), why)
            if line.requirement:
                self.add_direct(line.requirement, where)
            for word in scan(line.options, _LINE_TABLE):
                value = (word.value or "").removeprefix("=")
                if word.name in ("requirement", "constraint", "editable"):
                    self._add_named_file(word.name, value, where, path, with_lines=with_lines)
                elif with_lines:
                    self._add_index_line(word.name or "", value, where)
        for match in re.finditer(_LOCAL_LINE, text):
            self.add_folder(match[1], path)

    def _add_remote(self, one: StatedUrl) -> None:
        self.said.append(one)
        try:
            self.reader.unread.note_remote(Endpoint(parse_url(one.text), one.origin, "input"))
        except BadUrl:
            self.reader.unread.note_url(one.text, one.origin)

    def _add_named_file(
        self, kind: str, value: str, where: Origin, path: str, *, with_lines: bool
    ) -> None:
        """Add what another file says; uv does not obey index lines of constraints files there."""
        if kind == "editable":
            self.add_folder(value, path)
        elif _is_remote(value):
            self._add_remote(StatedUrl(value, where, "input"))
        else:
            self.add_file(value, path, with_lines=with_lines and kind == "requirement")

    def _add_index_line(self, name: str, value: str, where: Origin) -> None:
        if name == "no-index":
            self.no_index = True
        elif name in ROLES:
            self.lines.append(StatedUrl(value, where, ROLES[name]))

    def _is_new(self, path: str) -> bool:
        """Whether a file was not added before; false when there are too many."""
        if path in self._seen:
            return False
        if len(self._seen) >= MAX_FILES:
            self.reader.unread.note("more files", f"is beyond the first {MAX_FILES}")
            return False
        self._seen.add(path)
        return True


def _find_locked(text: str) -> Iterator[tuple[str, str]]:
    """Yield each URL of a pylock.toml with the index of its package, or "". Raises CannotRead."""
    for package in re.split(r"(?m)^\[\[packages\]\]", text):
        match = re.search(r'(?m)^index = "([^"\\]*)"', package)
        index = match[1] if match else ""
        yield from ((url, index) for _, url in requirements.find_locked_urls(package))


def _is_remote(text: str) -> bool:
    return text[:8].lower().startswith(("http://", "https://"))


def _is_odd(name: str) -> bool:
    """Whether a name may be a URL to uv: a `file:` one that is not plain, or an odd spelling."""
    rest = name.removeprefix("file://")
    return (
        names_web(rest)
        or "file:" in rest.lower()
        or (rest != name and any(letter in rest for letter in "?#%\\"))
    )


def _decode(data: bytes) -> str:
    """Return a requirements file's text as uv reads it, in UTF-8 always. Raises CannotRead."""
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise CannotRead("is not UTF-8") from None
    if re.search(_ODD, text):
        raise CannotRead("holds letters at which programs end a line differently")
    return text


def read_lock(
    reader: Reader, path: str, configured: Iterable[str], *, frozen: bool
) -> list[StatedUrl]:
    """Return the folders that a uv.lock's files lie in: all if the lock is `frozen`, else those
    whose index is `configured`.

    uv drops a lock that was made from other indexes. A frozen one needs no index, but the
    credential of an index opens its files.
    """
    from shim.tools.uv.lock_file import find_folders

    said: list[StatedUrl] = []
    origin = Origin("file", path, project=True)
    known = {url.rstrip("/") for url in configured}
    for registry, folders in find_folders(reader.read(path) or b"", known).items():
        if frozen and any(_server(folder) == _server(registry) for folder in folders):
            said.append(StatedUrl(registry, origin, "extra"))
        if frozen or not registry or registry.rstrip("/") in known:
            said += [StatedUrl(folder, origin, "direct", registry=registry) for folder in folders]
    return said


def _server(url: str) -> list[str]:
    return url.split("/")[:3]
