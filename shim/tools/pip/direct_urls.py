"""The single files that a pip command may fetch: direct requirements, and those in locks, groups,
scripts, projects and pages on disk.

Sources: pip 26.3 `_internal/req/constructors.py`, `index/sources.py`, `utils/urls.py`; PEP 508,
621, 723, 735, 751.
"""

from __future__ import annotations

import os

from shim.core import regex as re
from shim.core.dataclass import dataclass, field
from shim.core.files import CannotRead, LeftToCode, exists, is_folder, list_folder
from shim.core.host import Host
from shim.core.model import Origin
from shim.core.typing import Iterable, Iterator
from shim.core.urls import names_web
from shim.formats import requirements
from shim.formats.script import script_block
from shim.formats.wheel import read_requires
from shim.tools import words
from shim.tools.pip.settings import FileReader, Mention
from shim.tools.unreadable import Unread

#: A lock or a page names one URL per file. Those of one server are one endpoint if they share this
#: many folders: enough to tell the repositories of GitLab, Artifactory, Nexus, CodeArtifact and
#: Azure Artifacts apart.
_FOLDERS = 4
#: What pip takes for an archive, and so for a path if a file of that name is there.
ARCHIVES = words(".whl .zip .tar.gz .tgz .tar .tar.bz2 .tbz .tar.xz .txz .tlz .tar.lz .tar.lzma")
#: More pages in a folder, or local projects that need each other, are not looked at.
_MAX_PAGES = 1000
_MAX_PROJECTS = 200
#: Files beside a `setup.py` that say what a project depends on, or that its code reads for that,
#: and how many of them there may be.
_SCANNED = (".py", ".cfg", ".toml", ".txt", ".in")
_MAX_SCANNED = 200
_URL = r"(?i)https?:[\\/]{2}[^\s'\"<>]+"
#: The `file:` URLs that every release of pip reads alike: of this machine, without a query or
#: fragment.
_FILE_URL = r"file:(?://(?:localhost)?)?(/(?!/)[^?#\\|;]*)"


@dataclass(slots=True)
class LocalFiles:
    """Reads what argv, variables and requirements name by path or `file:` URL."""

    host: Host
    files: FileReader

    @property
    def unread(self) -> Unread:
        """What only pip can read."""
        return self.files.unread

    def path_of(self, location: str) -> str:
        """Return an absolute path. Raises CannotRead for a URL that pips read differently."""
        if location[:5].lower() != "file:":
            return os.path.join(self.host.cwd, location)
        from urllib.parse import unquote

        plain = re.fullmatch(_FILE_URL, location)
        path = unquote(plain[1], errors="surrogateescape") if plain else "\0"
        if "\0" in path or not location.isprintable():
            raise CannotRead("is a file: URL that releases of pip read differently")
        return path

    def read_bytes(self, location: str) -> bytes | None:
        """Return the bytes of a file, None if there is none. Raises CannotRead."""
        return self.files.read(self.path_of(location))

    def read_text(self, location: str) -> str:
        """Return the text of a UTF-8 file, "" if there is none. Raises CannotRead."""
        return (self.read_bytes(location) or b"").decode("utf-8", "surrogateescape")

    def shown(self, location: str) -> str:
        """Return a path as people write it: relative if it is below the working directory."""
        return location.removeprefix(self.host.cwd.rstrip("/") + "/")


@dataclass(slots=True)
class DirectUrls:
    """Collects the URLs in `found`; markers ask about `python`, the target's (major, minor).

    Without `with_dependencies` (`--no-deps`) the dependencies of local projects count for nothing.
    """

    local: LocalFiles
    python: tuple[int, int] | None
    with_dependencies: bool
    found: list[Mention] = field(default_factory=list)
    mentioned: dict[str, None] = field(default_factory=dict)
    _projects: set[tuple[str, ...]] = field(default_factory=set)

    def add(self, said: Mention) -> None:
        """Add the URL of a direct requirement, or what a local project needs."""
        position = requirements.find_direct_url(said.text)
        if position is None or requirements.has_blanks(said.text, position):
            self.local.unread.note_url(said.text, said.origin)
        if position is None:
            self._add_project(said)
        elif requirements.may_apply(requirements.marker_of(said.text, position), self.python):
            self.found.append(said.part(*position))

    def add_texts(self, texts: Iterable[str], path: str, extras: Iterable[str] = ()) -> None:
        """Add the direct ones of the requirements that a file holds."""
        origin = Origin("file", self.local.shown(path), project=True)
        for text in texts:
            _, at, place = text.partition("@")
            if (at and place.lstrip()[:5].lower() == "file:") or names_web(text):
                bare, mark, marker = text.partition(";")
                if not mark or requirements.may_apply(mark + marker, self.python, extras):
                    self.add(Mention(bare.strip(), origin))

    def read_lock(self, name: str) -> None:
        """Add the files that a pylock.toml names, those of one server and repository once."""
        with self.local.unread.guard(self.local.shown(name)):
            self._add_files(requirements.find_locked_urls(self.local.read_text(name)), name)

    def read_group(self, path: str, group: str) -> None:
        """Add the direct URLs of one dependency group of a pyproject.toml."""
        with self.local.unread.guard(self.local.shown(path)):
            text = self.local.read_text(path)
            self.add_texts(requirements.read_group_requirements(text, group), path)

    def read_script(self, path: str) -> None:
        """Add the direct URLs of the dependencies of a PEP 723 script."""
        with self.local.unread.guard(self.local.shown(path)):
            block = script_block(self.local.read_text(path))
            self.add_texts(requirements.read_script_requirements(block), path)

    def read_links(self, location: str) -> None:
        """Add the remote files that a page on disk links to; of a folder, its pages."""
        with self.local.unread.guard(self.local.shown(location)):
            from shim.formats.html_links import is_page

            path = self.local.path_of(_expand_home(location, self.local.host))
            for page in self._pages_in(path) if is_folder(path) else [path]:
                if is_page(page):
                    self._read_page(page)

    def _read_page(self, page: str) -> None:
        from shim.formats.html_links import find_linked_files

        with self.local.unread.guard(self.local.shown(page)):
            self._add_files(find_linked_files(self.local.read_bytes(page) or b""), page)

    def _pages_in(self, folder: str) -> Iterator[str]:
        from shim.formats.html_links import is_page

        self.local.files.files_read[folder] = None
        try:
            names = sorted(list_folder(folder))
        except OSError as error:
            raise CannotRead(f"cannot be listed ({error.strerror})") from None
        pages = [os.path.join(folder, name) for name in names if is_page(name)]
        yield from pages[:_MAX_PAGES]
        if len(pages) > _MAX_PAGES:
            raise CannotRead(f"has more than {_MAX_PAGES} pages")

    def _add_files(self, urls: Iterable[tuple[int, str]], path: str) -> None:
        firsts: dict[tuple[str, ...], tuple[int, str]] = {}
        for line, url in urls:
            firsts.setdefault(tuple(url.split("/", 3 + _FOLDERS)[: 3 + _FOLDERS]), (line, url))
        where = self.local.shown(path)
        for line, url in firsts.values():
            self.found.append(Mention(url, Origin("file", where, project=True, line=line)))

    def _add_project(self, said: Mention) -> None:
        """Add the direct URLs that a local project, archive or wheel needs, or its build."""
        place, extras = local_place(said.text)
        if place is None:
            return
        with self.local.unread.guard(self.local.shown(place)):
            path = os.path.normpath(self.local.path_of(place))
            if (path, *extras) in self._projects:
                return
            if len(self._projects) >= _MAX_PROJECTS:
                raise CannotRead("is one of too many local projects")
            self._projects.add((path, *extras))
            if is_folder(path):
                self._read_folder(path, extras)
            elif exists(path):
                self._read_archive(path, extras)

    def _read_folder(self, folder: str, extras: tuple[str, ...]) -> None:
        path = os.path.join(folder, "pyproject.toml")
        wanted = extras if self.with_dependencies else None
        data = self.local.files.read(path)
        text = None if data is None else data.decode("utf-8", "surrogateescape")
        try:
            if text is not None:
                self.add_texts(requirements.read_project_requirements(text, wanted), path, extras)
            elif self.with_dependencies and any(
                exists(os.path.join(folder, name)) for name in ("setup.py", "setup.cfg")
            ):
                raise LeftToCode("leaves it to code to say what the project depends on")
        except LeftToCode:
            if text is not None:
                self.add_texts(requirements.read_project_requirements(text, None), path, extras)
            self._scan(folder)
            raise

    def _scan(self, folder: str) -> None:
        """Note each URL in the files from which code may take what a project depends on."""
        names = sorted(name for name in list_folder(folder) if name.endswith(_SCANNED))
        if len(names) > _MAX_SCANNED:
            raise CannotRead("has too many files that could say what it depends on")
        self.local.files.files_read[folder] = None
        for name in names:
            text = self.local.read_text(os.path.join(folder, name))
            self.mentioned |= dict.fromkeys(re.findall(_URL, text))

    def _read_archive(self, path: str, extras: tuple[str, ...]) -> None:
        if not path.lower().endswith(".whl"):
            raise LeftToCode("says what it depends on when it is built")
        if self.with_dependencies:
            self.local.files.files_read[path] = None
            self.add_texts(read_requires(path), path, extras)


def local_place(text: str) -> tuple[str | None, tuple[str, ...]]:
    """Return the path or `file:` URL that a requirement looks like, if any, and its extras."""
    head, at, url = text.partition("@")
    if at and url.lstrip()[:5].lower() == "file:":
        return url.partition(";")[0].strip(), requirements.split_extras(head.strip())[1]
    name, extras = requirements.split_extras(text.partition(";")[0].strip())
    is_place = (
        "/" in name
        or name.startswith(".")
        or name[:5].lower() == "file:"
        or name.lower().endswith(ARCHIVES)
    )
    return (name if is_place else None), extras


def _expand_home(text: str, host: Host) -> str:
    return os.path.join(host.home, text[2:]) if text.startswith("~/") and host.home else text
