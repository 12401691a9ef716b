"""Which configuration files a uv command reads, and the files of its project.

Sources: uv 0.13.8 crates/uv/src/lib.rs, uv-settings/src/lib.rs, uv-workspace/src/workspace.rs,
uv-dirs/src/lib.rs.
"""

from __future__ import annotations

import os
from itertools import islice

from shim.core.files import MAX_BYTES as MAX_PARSED
from shim.core.files import CannotRead, is_file, read_regular
from shim.core.host import Host
from shim.core.model import Origin
from shim.core.toml import read_toml
from shim.core.typing import Any, Iterator, NamedTuple
from shim.formats import uv_toml
from shim.tools.unreadable import Unread
from shim.tools.uv.command import TRUE
from shim.tools.uv.endpoints import StatedUrl

#: No lock file is larger; of what has to be parsed, none is nearly so.
MAX_BYTES = 64 * 1024 * 1024

#: No workspace has more members; what matches beyond is left out.
MAX_MATCHES = 2000

#: The first release that knows UV_NO_SYSTEM_CONFIG.
FIRST_WITHOUT_SYSTEM = (0, 11, 16)


class Document(NamedTuple):
    """One configuration file: its path, uv's table in it, and the origin that people are shown."""

    path: str
    table: dict[str, Any]
    origin: Origin


class Reader:
    """Reads files as uv names them, remembers each that was wanted, and notes what is unread."""

    def __init__(self, host: Host, directory: str | None) -> None:
        self.host = host
        self.cwd = os.path.normpath(os.path.join(host.cwd, directory or "."))
        self.files_read: dict[str, None] = {}
        self.unread = Unread()
        self._data: dict[str, bytes | None] = {}
        self._documents: dict[str, dict[str, Any] | None] = {}

    def join(self, path: str, parent: str | None = None) -> str:
        """Return an absolute path, relative to the file `parent` or to the working directory."""
        return os.path.normpath(os.path.join(os.path.dirname(parent) if parent else self.cwd, path))

    def read(self, path: str) -> bytes | None:
        """Return a regular file's bytes, None if there is none to read."""
        if path not in self._data:
            self.files_read[path] = None
            self._data[path] = None
            with self.unread.guard(path):
                self._data[path] = read_regular(path, MAX_BYTES)
        return self._data[path]

    def read_text(self, path: str) -> str:
        """Return a file's text; nothing where there is none."""
        return (self.read(path) or b"").decode("utf-8", "replace")

    def read_toml(self, path: str) -> dict[str, Any] | None:
        """Return a TOML document, None for a broken one as well: uv complains about that itself."""
        if path not in self._documents:
            self._documents[path] = None
            data = self.read(path)
            if data is not None:
                with self.unread.guard(path):
                    self._documents[path] = _parse(data)
        return self._documents[path]

    def find(self, folder: str, pattern: str) -> list[str]:
        """Return the paths below `folder` that match; beyond a great number they are unread."""
        from glob import escape

        from shim.core.globs import find_paths

        where = f"{pattern} matches below {folder}"
        try:
            found = list(islice(find_paths(os.path.join(escape(folder), pattern)), MAX_MATCHES + 1))
        except (OSError, ValueError, RecursionError) as error:
            self.unread.note(f"what {where}", f"cannot be found ({type(error).__name__})")
            return []
        if len(found) > MAX_MATCHES:
            self.unread.note(f"what else {where}", f"is more than {MAX_MATCHES} files")
        return sorted(found[:MAX_MATCHES])

    def locate(self, one: StatedUrl) -> StatedUrl:
        """Return what was said with the line where it first stands in its file, if it does."""
        origin = one.origin
        may_tell = origin.kind in ("file", "config") and origin.line is None
        data = self._data.get(self.join(origin.where)) if may_tell else None
        position = data.find(one.text.encode("utf-8", "replace")) if data else -1
        if data is None or position < 0:
            return one
        line = data.count(10, 0, position) + 1
        return one._replace(origin=origin._replace(where=self.join(origin.where), line=line))

    def receipts(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the name and the receipt's path of each installed tool, and the receipt."""
        folder = self.host.environ.get("UV_TOOL_DIR") or os.path.join(
            self.host.data_home or "/nonexistent", "uv", "tools"
        )
        for path in self.find(self.join(folder), "*/uv-receipt.toml"):
            yield path, self.read_toml(path) or {}


def _parse(data: bytes) -> dict[str, Any]:
    if len(data) > MAX_PARSED:
        raise CannotRead(f"is larger than {MAX_PARSED >> 20} MB")
    return read_toml(data.decode("utf-8", "replace"))


class Project(NamedTuple):
    """Where the search for configuration begins, and the folder with uv.lock, if any."""

    start: str
    root: str | None

    def documents(self, reader: Reader) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the pyproject.toml of project or workspace and of each member, with its path."""
        if self.root is None:
            return
        path = os.path.join(self.root, "pyproject.toml")
        document = reader.read_toml(path) or {}
        yield path, document
        workspace = _workspace(document)
        for pattern in uv_toml.texts(workspace.get("members")):
            for member in reader.find(self.root, pattern):
                if _matches_any(workspace.get("exclude"), os.path.relpath(member, self.root)):
                    continue
                path = os.path.join(os.path.normpath(member), "pyproject.toml")
                found = reader.read_toml(path)
                if found is not None:
                    yield path, found


def find_project(folder: str, reader: Reader) -> Project:
    """Return the project that rules `folder`: its workspace's root if it is a member of one, else
    its own folder.

    A pyproject.toml without `[project]` or a workspace is no root for configuration, but may have a
    lock.
    """
    if is_file(folder):
        folder = os.path.dirname(folder)
    for own in _upward(folder):
        path = os.path.join(own, "pyproject.toml")
        if reader.read(path) is not None:
            break
    else:
        return Project(folder, None)
    document = reader.read_toml(path) or {}
    if _workspace(document):
        return Project(own, own)
    if "project" not in document:
        return Project(folder, own)
    for parent in list(_upward(own))[1:]:
        workspace = _workspace(reader.read_toml(os.path.join(parent, "pyproject.toml")) or {})
        if workspace:
            root = parent if _has_member(workspace, os.path.relpath(own, parent)) else own
            return Project(root, root)
    return Project(own, own)


def _workspace(document: dict[str, Any]) -> dict[str, Any]:
    """Return `[tool.uv.workspace]`; nothing where there is none."""
    table = (uv_toml.tool_table(document) or {}).get("workspace")
    return {"members": [], **table} if isinstance(table, dict) else {}


def _has_member(workspace: dict[str, Any], relative: str) -> bool:
    is_named = _matches_any(workspace.get("members"), relative)
    return is_named and not _matches_any(workspace.get("exclude"), relative)


def _matches_any(patterns: object, relative: str) -> bool:
    return any(_matches(pattern, relative.split("/")) for pattern in uv_toml.texts(patterns))


def _matches(pattern: str, parts: list[str]) -> bool:
    """Return whether a path's parts match a pattern; its `**` stands for any number of them."""
    from fnmatch import fnmatchcase

    reached = {0}
    for step in os.path.normpath(pattern).split("/"):
        if step == "**":
            reached = set(range(min(reached, default=len(parts) + 1), len(parts) + 1))
        else:
            last = len(parts)
            reached = {at + 1 for at in reached if at < last and fnmatchcase(parts[at], step)}
    return len(parts) in reached


def discover(
    start: str | None, config_file: str | None, reader: Reader, version: tuple[int, ...] | None
) -> list[Document]:
    """Return the configuration files that count: project's (if `start`), user's, machine's."""
    if config_file:
        path = reader.join(config_file)
        table = reader.read_toml(path)
        return [Document(path, table, Origin("config", path))] if table is not None else []
    own = _find_project(start, reader) if start else []
    base = reader.host.config_home
    users = _first(reader, [os.path.join(base, "uv", "uv.toml")] if base else [])
    return [*own, *users, *_find_system(reader, version)]


def _find_project(start: str, reader: Reader) -> list[Document]:
    """Return the first uv.toml, else pyproject.toml with a [tool.uv], in a folder or above."""
    for folder in _upward(start):
        path = os.path.join(folder, "uv.toml")
        table = reader.read_toml(path)
        if table is None:
            path = os.path.join(folder, "pyproject.toml")
            table = uv_toml.tool_table(reader.read_toml(path) or {})
        if table is not None:
            return [Document(path, table, Origin("file", path, project=True))]
    return []


def _find_system(reader: Reader, version: tuple[int, ...] | None) -> list[Document]:
    unwanted = reader.host.environ.get("UV_NO_SYSTEM_CONFIG", "").lower() in TRUE
    if unwanted and version is not None and version >= FIRST_WITHOUT_SYSTEM:
        return []
    folders = (*reader.host.config_directories, "/etc")
    return _first(reader, [os.path.join(folder, "uv", "uv.toml") for folder in folders])


def _first(reader: Reader, paths: list[str]) -> list[Document]:
    for path in paths:
        table = reader.read_toml(path)
        if table is not None:
            return [Document(path, table, Origin("config", path))]
    return []


def _upward(folder: str) -> Iterator[str]:
    """Yield the folder and its parents up to the root."""
    while True:
        yield folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return
        folder = parent
