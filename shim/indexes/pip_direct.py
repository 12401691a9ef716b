"""The single files that a pip command may fetch: direct requirements, and those in locks, groups, scripts, projects and pages on disk.

Sources: pip 26.3 `_internal/req/constructors.py`, `index/sources.py`; PEP 508, 621, 723, 735, 751.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from shim.formats import requirements
from shim.host import Host
from shim.indexes.pip_settings import Files, Mention
from shim.model import Origin

#: A lock or a page names one URL per file. Those of one server are one need if they share this many folders: enough to tell the
#: repositories of GitLab, Artifactory, Nexus, CodeArtifact and Azure Artifacts apart.
_FOLDERS = 4


@dataclass(slots=True)
class LocalFiles:
    """Reads what argv, variables and requirements name by path or `file:` URL; `unknown` are those that only pip can read."""

    host: Host
    files: Files
    unknown: list[str] = field(default_factory=list)

    def path_of(self, location: str) -> str:
        """Return the absolute path of a path or `file:` URL."""
        if location[:5].lower() == "file:":
            location = unquote(location.partition(":")[2].removeprefix("//localhost").removeprefix("//"))
        return os.path.join(self.host.cwd, location)

    def read_bytes(self, location: str) -> bytes | None:
        """Return the bytes of a file, None if it cannot be read."""
        path = self.path_of(location)
        data = self.files.read(path)
        if data is None and os.path.exists(path):
            self.unknown.append(path)
        return data

    def read_text(self, location: str) -> str:
        """Return the text of a UTF-8 file, "" if it cannot be read."""
        return (self.read_bytes(location) or b"").decode("utf-8", "surrogateescape")

    def shown(self, location: str) -> str:
        """Return a path as people write it: relative if it is below the working directory."""
        return location.removeprefix(self.host.cwd.rstrip("/") + "/")


@dataclass(slots=True)
class DirectUrls:
    """Collects the URLs in `found`. `python` is the target's (major, minor), which markers ask about.

    Without `with_dependencies` (`--no-deps`) the dependencies of local projects count for nothing.
    """

    local: LocalFiles
    python: tuple[int, int] | None
    with_dependencies: bool = True
    found: list[Mention] = field(default_factory=list)
    _projects: set[str] = field(default_factory=set)

    def add(self, said: Mention, folder: str = "") -> None:
        """Add the URL of a direct requirement, or what a local project needs. `folder` is where a relative path begins."""
        position = requirements.find_direct_url(said.text)
        if position is None:
            self._add_project(said.text, folder)
        elif requirements.may_apply(said.text[position[1] :], self.python):
            self.found.append(said.part(*position))

    def add_texts(self, texts: Iterable[str], path: str) -> None:
        """Add the direct ones of the requirements that a file holds."""
        origin = Origin("file", self.local.shown(path), project=True)
        for text in texts:
            if requirements.find_direct_url(text):
                self.add(Mention(text, origin))

    def read_lock(self, name: str) -> None:
        """Add the files that a pylock.toml names, those of one server and repository once."""
        self._add_files(requirements.find_locked_urls(self.local.read_text(name)), name)

    def read_group(self, path: str, group: str) -> None:
        """Add the direct URLs of one dependency group of a pyproject.toml."""
        text = self.local.read_text(path)
        self.add_texts(requirements.read_group_requirements(text, group) if text else [], path)

    def read_script(self, path: str) -> None:
        """Add the direct URLs of the dependencies of a PEP 723 script."""
        self.add_texts(requirements.read_script_requirements(self.local.read_text(path)), path)

    def read_links(self, location: str) -> None:
        """Add the remote files that a page on disk links to; of a folder, its pages."""
        path = self.local.path_of(_expand_home(location, self.local.host))
        for page in self._pages_in(path) if os.path.isdir(path) else [path]:
            if requirements.is_page(page):
                self._add_files(requirements.find_linked_files(self.local.read_text(page)), page)

    def _pages_in(self, folder: str) -> Iterator[str]:
        self.local.files.watched[folder] = None
        try:
            yield from (os.path.join(folder, name) for name in sorted(os.listdir(folder)))
        except OSError:
            return

    def _add_files(self, urls: Iterable[tuple[int, str]], path: str) -> None:
        seen: set[tuple[str, ...]] = set()
        for line, url in urls:
            key = tuple(url.split("/", 3 + _FOLDERS)[: 3 + _FOLDERS])
            if key not in seen:
                seen.add(key)
                self.found.append(Mention(url, Origin("file", f"{self.local.shown(path)}:{line}", project=True)))

    def _add_project(self, text: str, folder: str) -> None:
        """Add the direct URLs that the pyproject.toml of a local project names: what builds it, and what it needs."""
        _, at, url = text.partition("@")
        place = url if at and url.lstrip()[:5].lower() == "file:" else text
        name, extras = requirements.split_extras(place.partition(";")[0].strip())
        if not ("/" in name or name.startswith(".")):
            return
        path = os.path.join(self.local.path_of(os.path.join(folder, name)), "pyproject.toml")
        if path in self._projects or not os.path.isfile(path):
            return
        self._projects.add(path)
        read = requirements.read_project_requirements(self.local.read_text(path), extras if self.with_dependencies else None)
        self.add_texts(read, path)


def _expand_home(text: str, host: Host) -> str:
    return os.path.join(host.home, text[2:]) if text.startswith("~/") and host.home else text
