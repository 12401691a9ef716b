"""Which configuration files a uv command reads, and the files of its project.

Sources: uv 0.13.8 crates/uv/src/lib.rs, uv-settings/src/lib.rs, uv-workspace/src/workspace.rs, uv-dirs/src/lib.rs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from glob import glob
from typing import Any

from shim.formats import uv_toml
from shim.host import Host
from shim.model import Origin

#: No configuration or lock file is larger.
MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Document:
    """One configuration file: its path, uv's table in it, and the origin that people are shown."""

    path: str
    table: dict[str, Any]
    origin: Origin


class Reader:
    """Reads files relative to uv's working directory, and remembers every one that was wanted."""

    def __init__(self, host: Host, directory: str | None) -> None:
        self.host = host
        self.cwd = os.path.normpath(os.path.join(host.cwd, directory or "."))
        self.watched: dict[str, None] = {}
        self._root: str | None = None

    def join(self, path: str, parent: str | None = None) -> str:
        """Return an absolute path, relative to the file `parent` or to the working directory."""
        return os.path.normpath(os.path.join(os.path.dirname(parent) if parent else self.cwd, path))

    def read(self, path: str) -> bytes | None:
        """Return a regular file's bytes, or None."""
        self.watched[path] = None
        try:
            if not os.path.isfile(path) or os.path.getsize(path) > MAX_BYTES:
                return None
            with open(path, "rb") as stream:
                return stream.read()
        except (OSError, ValueError):
            return None

    def read_toml(self, path: str) -> dict[str, Any] | None:
        """Return a TOML document, or None if there is none."""
        data = self.read(path)
        return None if data is None else uv_toml.parse_toml(data.decode("utf-8", "replace"))

    def set_project(self, named: str | None) -> str:
        """Find the workspace root above the project folder, or above the working directory; return it, or that folder."""
        folder = self.join(named) if named else self.cwd
        if os.path.isfile(folder):
            folder = os.path.dirname(folder)
        self._root = self._find_root(folder)
        return self._root or folder

    def _find_root(self, folder: str) -> str | None:
        """Return the folder of the pyproject.toml that rules here: a workspace's that has this project as a member, or its own."""
        project: str | None = None
        for parent in _upward(folder):
            document = self.read_toml(os.path.join(parent, "pyproject.toml"))
            if document is None:
                continue
            workspace = (uv_toml.tool_table(document) or {}).get("workspace")
            if isinstance(workspace, dict):
                if project is None or self._is_member(workspace, parent, project):
                    return parent
                return project
            project = project or parent
        return project

    def _is_member(self, workspace: dict[str, Any], root: str, folder: str) -> bool:
        relative = os.path.relpath(folder, root)
        excluded = any(fnmatch(relative, pattern) for pattern in uv_toml.texts(workspace.get("exclude")))
        return not excluded and any(fnmatch(relative, pattern) for pattern in uv_toml.texts(workspace.get("members")))

    def project_documents(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the pyproject.toml of the project or workspace root, and of each member."""
        if self._root is None:
            return
        path = os.path.join(self._root, "pyproject.toml")
        document = self.read_toml(path) or {}
        yield path, document
        workspace = (uv_toml.tool_table(document) or {}).get("workspace")
        for pattern in uv_toml.texts(workspace.get("members")) if isinstance(workspace, dict) else ():
            for member in sorted(glob(os.path.join(self._root, pattern))):
                found = self.read_toml(os.path.join(member, "pyproject.toml"))
                if found is not None and member != self._root:
                    yield os.path.join(member, "pyproject.toml"), found

    def lock_path(self) -> str | None:
        """Return where the project's uv.lock is, or would be."""
        return os.path.join(self._root, "uv.lock") if self._root else None

    def receipts(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the receipt of each installed tool."""
        folder = self.host.environ.get("UV_TOOL_DIR") or os.path.join(self.host.data_home or "/nonexistent", "uv", "tools")
        for path in sorted(glob(os.path.join(folder, "*", "uv-receipt.toml"))):
            yield path, self.read_toml(path) or {}


def discover(verb: tuple[str, ...], config_file: str | None, no_config: bool, project: str | None, reader: Reader) -> list[Document]:
    """Return the configuration files that count, the project's first, then the user's, then the machine's."""
    start = reader.set_project(project)
    if config_file:
        path = reader.join(config_file)
        table = reader.read_toml(path)
        return [Document(path, table, Origin("config", path))] if table is not None else []
    if no_config:
        return []
    found = [] if verb[0] in ("tool", "self") else _find_project(start, reader)
    return [*found, *_find_user(reader), *_find_system(reader)]


def _find_project(start: str, reader: Reader) -> list[Document]:
    """Return the first uv.toml, or pyproject.toml with a [tool.uv], going up. A uv.toml hides the pyproject.toml beside it."""
    for folder in _upward(start):
        path = os.path.join(folder, "uv.toml")
        table = reader.read_toml(path)
        if table is not None:
            return [Document(path, table, Origin("file", path, project=True))]
        path = os.path.join(folder, "pyproject.toml")
        table = uv_toml.tool_table(reader.read_toml(path) or {})
        if table is not None:
            return [Document(path, table, Origin("file", path, project=True))]
    return []


def _find_user(reader: Reader) -> list[Document]:
    base = reader.host.config_home
    return _first(reader, [os.path.join(base, "uv", "uv.toml")] if base else [])


def _find_system(reader: Reader) -> list[Document]:
    if reader.host.is_set("UV_NO_SYSTEM_CONFIG"):
        return []
    folders = reader.host.config_directories
    return _first(reader, [*(os.path.join(folder, "uv", "uv.toml") for folder in folders), "/etc/uv/uv.toml"])


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
