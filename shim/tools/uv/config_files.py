"""Which configuration files a uv command reads, and the files of its project.

Sources: uv 0.13.8 crates/uv/src/lib.rs, uv-settings/src/lib.rs, uv-workspace/src/workspace.rs,
uv-dirs/src/lib.rs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from fnmatch import fnmatchcase
from glob import escape
from itertools import islice
from typing import Any, NamedTuple

from shim.core.files import MAX_BYTES as MAX_PARSED
from shim.core.files import CannotRead, is_file, read_regular
from shim.core.globs import find_paths
from shim.core.host import Host
from shim.core.model import Origin
from shim.core.toml import read_toml
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
    """Reads files relative to uv's working directory, remembers every one that was wanted, and
    takes note of what is unread.
    """

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
        """Return a TOML document, or None if there is none: uv complains about a broken one by
        itself, if it is broken to it.
        """
        if path not in self._documents:
            self._documents[path] = None
            data = self.read(path)
            if data is not None:
                with self.unread.guard(path):
                    self._documents[path] = _parse(data)
        return self._documents[path]

    def find(self, folder: str, pattern: str) -> list[str]:
        """Return the paths below `folder` that match; what is beyond a great number of them is
        unread.
        """
        try:
            found = list(islice(find_paths(os.path.join(escape(folder), pattern)), MAX_MATCHES + 1))
        except (OSError, ValueError, RecursionError) as error:
            self.unread.note(
                f"what {pattern} matches below {folder}",
                f"cannot be found ({type(error).__name__})",
            )
            return []
        if len(found) > MAX_MATCHES:
            self.unread.note(
                f"what else {pattern} matches below {folder}", f"is more than {MAX_MATCHES} files"
            )
        return sorted(found[:MAX_MATCHES])

    def locate(self, one: StatedUrl) -> StatedUrl:
        """Return what was said with the line where it first stands, if its file was read and has
        it.
        """
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
    """Where a command stands: `start` is where the search for configuration begins, `root` the
    folder with uv.lock, if any.
    """

    start: str
    root: str | None

    def documents(self, reader: Reader) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the pyproject.toml of the project or workspace root, and of each member, with their
        paths.
        """
        if self.root is None:
            return
        path = os.path.join(self.root, "pyproject.toml")
        document = reader.read_toml(path) or {}
        yield path, document
        workspace = _workspace(document)
        for pattern in uv_toml.texts(workspace.get("members")):
            for member in reader.find(self.root, pattern):
                if _is_excluded(workspace, os.path.relpath(member, self.root)):
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
    own = next(
        (
            parent
            for parent in _upward(folder)
            if reader.read(os.path.join(parent, "pyproject.toml")) is not None
        ),
        None,
    )
    if own is None:
        return Project(folder, None)
    document = reader.read_toml(os.path.join(own, "pyproject.toml")) or {}
    if _workspace(document):
        return Project(own, own)
    if "project" not in document:
        return Project(folder, own)
    for parent in list(_upward(own))[1:]:
        workspace = _workspace(reader.read_toml(os.path.join(parent, "pyproject.toml")) or {})
        if workspace:
            return (
                Project(parent, parent)
                if _has_member(workspace, os.path.relpath(own, parent))
                else Project(own, own)
            )
    return Project(own, own)


def _workspace(document: dict[str, Any]) -> dict[str, Any]:
    """Return `[tool.uv.workspace]`; nothing where there is none."""
    table = (uv_toml.tool_table(document) or {}).get("workspace")
    return {"members": [], **table} if isinstance(table, dict) else {}


def _has_member(workspace: dict[str, Any], relative: str) -> bool:
    parts = relative.split("/")
    return not _is_excluded(workspace, relative) and any(
        _matches(pattern, parts) for pattern in uv_toml.texts(workspace.get("members"))
    )


def _is_excluded(workspace: dict[str, Any], relative: str) -> bool:
    return any(
        _matches(pattern, relative.split("/"))
        for pattern in uv_toml.texts(workspace.get("exclude"))
    )


def _matches(pattern: str, parts: list[str]) -> bool:
    """Return whether a path's parts match a pattern whose `*` stays within one part and whose `**`
    stands for any number.
    """
    reached = {0}
    for step in os.path.normpath(pattern).split("/"):
        if step == "**":
            reached = set(range(min(reached, default=len(parts) + 1), len(parts) + 1))
        else:
            reached = {
                index + 1
                for index in reached
                if index < len(parts) and fnmatchcase(parts[index], step)
            }
    return len(parts) in reached


def discover(
    start: str | None, config_file: str | None, reader: Reader, version: tuple[int, ...] | None
) -> list[Document]:
    """Return the configuration files that count: the project's first (none without `start`), then
    the user's, then the machine's.
    """
    if config_file:
        path = reader.join(config_file)
        table = reader.read_toml(path)
        return [Document(path, table, Origin("config", path))] if table is not None else []
    own = _find_project(start, reader) if start else None
    return [*([own] if own else []), *_find_user(reader), *_find_system(reader, version)]


def _find_project(start: str, reader: Reader) -> Document | None:
    """Return the first uv.toml, or pyproject.toml with a [tool.uv], going up. A uv.toml hides the
    pyproject.toml beside it.
    """
    for folder in _upward(start):
        path = os.path.join(folder, "uv.toml")
        table = reader.read_toml(path)
        if table is None:
            path = os.path.join(folder, "pyproject.toml")
            table = uv_toml.tool_table(reader.read_toml(path) or {})
        if table is not None:
            return Document(path, table, Origin("file", path, project=True))
    return None


def _find_user(reader: Reader) -> list[Document]:
    base = reader.host.config_home
    return _first(reader, [os.path.join(base, "uv", "uv.toml")] if base else [])


def _find_system(reader: Reader, version: tuple[int, ...] | None) -> list[Document]:
    unwanted = reader.host.environ.get("UV_NO_SYSTEM_CONFIG", "").lower() in TRUE
    if unwanted and version is not None and version >= FIRST_WITHOUT_SYSTEM:
        return []
    folders = reader.host.config_directories
    return _first(
        reader, [*(os.path.join(folder, "uv", "uv.toml") for folder in folders), "/etc/uv/uv.toml"]
    )


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
