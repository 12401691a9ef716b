"""What requirements files, locks and projects say that would step around the redirector, and which
names a command asks for.

A project's file is somebody else's text: an index or a find-links line in it, or a direct URL for a
claimed name, stops the command. What the user types himself is his business.

Sources: pip 26.3 `req/req_file.py`, `req/constructors.py`, `resolution/resolvelib/candidates.py` (a
name in front of a URL is held against the metadata, and a wheel's file name against what is in it);
PEP 508, 621, 735, 751.
"""

from __future__ import annotations

import os
import re
from urllib.parse import unquote, urlsplit

from shim.config.settings import Settings
from shim.core.contextlib import contextmanager, suppress
from shim.core.dataclass import dataclass, field
from shim.core.errors import CannotRoute
from shim.core.files import CannotRead, exists, is_folder, list_folder
from shim.core.host import Host
from shim.core.package_names import is_name, normal_name
from shim.core.toml import read_toml, value_at
from shim.core.typing import Any, Iterable, Iterator
from shim.core.urls import BadUrl, parse_url, shown_url
from shim.formats import requirements
from shim.formats.html_links import is_page
from shim.formats.optparse_scan import read_table, scan
from shim.tools.pip.direct_urls import LocalFiles
from shim.tools.pip.options import REQUIREMENTS_LINE, WANTED
from shim.tools.pip.settings import FileReader, PipSettings

INDEX_LINES = ("index-url", "extra-index-url")
#: pip's options that name a requirements or constraints file.
FILES = ("requirement", "constraint", "build-constraint")
MAX_FILES = 1000
#: What a step around the redirector would do.
AT_STAKE = "pip would take packages from there whatever `packages` and `index-strategy` say"
_LINE_TABLE = read_table(REQUIREMENTS_LINE, WANTED)
_REQUIREMENT = re.compile(
    r"\s*(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*(?P<rest>.*)",
    re.DOTALL,
)
_REMOTE = re.compile(r"(?:[a-z]+\+[a-z]+|https?|ftp|ssh)://\S+", re.IGNORECASE)
_EGG = re.compile(r"[#&]egg=([^&]*)")
_IN_CODE = re.compile(
    r"([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]\n]*\])?\s*@\s*((?:[a-z]+\+[a-z]+|https?)://[^\s\"';,]+)",
    re.IGNORECASE,
)


@contextmanager
def refusing_unread(what: str) -> Iterator[None]:
    """Stop where a file turns out to be readable for pip alone.

    Raises:
        CannotRoute: so it is.
    """
    try:
        yield
    except CannotRead as error:
        raise unread(f"{what} (it {error.why})") from error


def unread(what: str) -> CannotRoute:
    """Return the error for an input that nobody but the tool has read."""
    stake = "from which packages would come whatever `packages` and `index-strategy` say"
    return CannotRoute(
        f"{what} may name an index, {stake}, and shim has not read it",
        hint="make it a plain, valid file, and name that",
    )


@dataclass(slots=True)
class Inputs:
    """Reads the inputs of one command. `names` are those that it asks for itself, in normal form,
    as far as they can be read.

    Every method raises CannotRoute for what would step around the redirector.
    """

    host: Host
    configuration: Settings
    files: FileReader = field(default_factory=FileReader)
    names: dict[str, None] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)

    def read_command(self, settings: PipSettings) -> None:
        """Read what options and arguments name. Raises CannotRead for what is left to pip."""
        for mention in (*settings.arguments, *settings.all("editable")):
            self.add_typed(mention.text)
        for mention in (mention for option in FILES for mention in settings.all(option)):
            self.read_file(mention.text)
        for mention in settings.all("group"):
            path, _, group = mention.text.rpartition(":")
            text = self._text(self.host.path(path or "pyproject.toml"))
            self.add_texts(requirements.read_group_requirements(text, group), path)
        for mention in settings.all("requirements-from-script"):
            text = self._text(self.host.path(mention.text))
            self.add_texts(requirements.read_script_requirements(text), mention.text)

    def add_typed(self, text: str) -> None:
        """Add a requirement of argv; the file of a local project is not the user's word."""
        match = _REQUIREMENT.fullmatch(text)
        if not _REMOTE.search(text) and self._find_project(text):
            self._read_project(text)
        elif match and not match["rest"].startswith("@"):
            self._add_name(match["name"])

    def add_texts(self, texts: Iterable[str], where: str) -> None:
        """Add requirements that a file holds."""
        for text in texts:
            self.add_said(text, where)

    def add_said(self, text: str, where: str) -> None:
        """Add a requirement that a project's file holds."""
        remote = _REMOTE.search(text)
        if remote:
            self._check_direct(text, remote[0], where)
        elif self._find_project(text):
            self._read_project(text)
        elif match := _REQUIREMENT.fullmatch(text):
            self._add_name(match["name"])

    def read_file(self, location: str, parent: str = "") -> None:
        """Read a requirements or constraints file, if it is there, and those it includes."""
        beside = os.path.join(parent, location) if location[:5].lower() != "file:" else location
        path = os.path.normpath(self._path_of(beside))
        if path in self._seen:
            return
        if len(self._seen) >= MAX_FILES:
            message = f"more than {MAX_FILES} files include each other"
            raise CannotRoute(message, hint="name fewer of them")
        self._seen.add(path)
        with refusing_unread(self._shown(path)):
            self._read_lines(path)

    def _read_lines(self, path: str) -> None:
        if requirements.is_pylock(path):
            self.read_lock(path)
            return
        data = self.files.read(path)
        text = requirements.decode_requirements(data) if data else ""
        for line in requirements.read_lines(text, self.host.environ):
            where = f"{self._shown(path)}:{line.number}"
            if line.unread:
                raise CannotRead(line.unread)
            if line.requirement:
                self.add_said(line.requirement, where)
            else:
                self._obey(line.options, path, where)
        for raw in text.splitlines():
            match = _REQUIREMENT.fullmatch(raw.partition(" #")[0].strip().rstrip("\\"))
            if match and "/" not in raw.partition(" #")[0] and not match["rest"].startswith("@"):
                self._add_name(match["name"])

    def read_lock(self, path: str) -> None:
        """Read a pylock.toml: its files are direct URLs, each with the name of its package."""
        document = read_toml(self._text(requirements.split_extras(path)[0]))
        packages = document.get("packages")
        for package in packages if isinstance(packages, list) else ():
            name = package.get("name") if isinstance(package, dict) else None
            for url in _urls_in(package) if isinstance(name, str) else ():
                self._check_owner(str(name), url, self._shown(path))

    def _obey(self, options: tuple[str, ...], path: str, where: str) -> None:
        """Go on with what an option line of a requirements file says."""
        for word in scan(options, _LINE_TABLE):
            value = word.value or ""
            if word.name in INDEX_LINES:
                hint = (
                    "take that line out, and name the index where shim can see to it:"
                    f" PIP_EXTRA_INDEX_URL={shown_url(value)}"
                )
                message = f"{where} names an index of its own, {shown_url(value)}"
                raise CannotRoute(f"{message}: {AT_STAKE}", hint=hint)
            if word.name == "find-links":
                self._check_links(value, path, where)
            elif word.name in FILES and not _REMOTE.match(value):
                self.read_file(value, os.path.dirname(path))
            elif word.name == "editable":
                self.add_said(value, where)

    def _check_links(self, value: str, path: str, where: str) -> None:
        """Stop for find-links with claimed names: a server, a page on disk, or a folder."""
        beside = os.path.join(os.path.dirname(path), value)
        folder = self._path_of(beside if exists(beside) else value)
        names = list_folder(folder) if is_folder(folder) and not _REMOTE.match(value) else [""]
        if any(not name or is_page(name) or self._is_claimed_file(name) for name in names):
            hint = (
                "take that line out; a folder of files that you trust can be named on the command"
                " line: --find-links FOLDER"
            )
            message = f"{where} names a place of links, {shown_url(value)}"
            raise CannotRoute(f"{message}: {AT_STAKE}", hint=hint)

    def _is_claimed_file(self, name: str) -> bool:
        """Whether what is before any hyphen of a file's name is a claimed name."""
        parts = re.split(r"-(?=[^-])", name)
        names = ("-".join(parts[:count]) for count in range(1, len(parts) + 1))
        return any(map(self.configuration.index_claiming, names))

    def _check_direct(self, text: str, url: str, where: str) -> None:
        """Stop for a direct URL of a claimed name, or of none, that is not its index's."""
        if not self.configuration.claims:
            return
        match = _REQUIREMENT.match(text)
        named = match["name"] if match and match["rest"].startswith("@") else None
        name = named or name_in(url)
        if name is None:
            message = f"{where} names a file whose package shim cannot tell, {shown_url(url)}"
            hint = "write its name in front, which pip then insists on: NAME @ URL"
            raise CannotRoute(f"{message}: {AT_STAKE}", hint=hint)
        self._check_owner(name, url, where)

    def _check_owner(self, name: str, url: str, where: str) -> None:
        index = self.configuration.index_claiming(name)
        if index is None:
            return
        with suppress(BadUrl):
            if index.reach(parse_url(url.partition("#")[0])):
                return
        message = (
            f"{where} takes {normal_name(name)} from {shown_url(url)}, and it belongs to [[index]]"
            f" {index.name} ({index.url})"
        )
        hint = (
            "write its name and version there, and no URL; or type that URL on the command line"
            " yourself"
        )
        raise CannotRoute(message, hint=hint)

    def _find_project(self, text: str) -> str | None:
        """Return the folder of a local project that a requirement names, or None."""
        _, at, url = text.partition("@")
        place = url.strip() if at and url.strip()[:5].lower() == "file:" else text
        name, _ = requirements.split_extras(place.partition(";")[0].partition("#")[0].strip())
        if not ("/" in name or name.startswith(".")):
            return None
        folder = self._path_of(name)
        return folder if is_folder(folder) else None

    def _read_project(self, text: str) -> None:
        """Read what a local project and its build need, as far as setup.py does not make it up."""
        folder = self._find_project(text) or ""
        if folder in self._seen:
            return
        self._seen.add(folder)
        path = os.path.join(folder, "pyproject.toml")
        with refusing_unread(self._shown(path)):
            document = read_toml(self._text(path))
        _, extras = requirements.split_extras(text.partition(";")[0].strip())
        optional = value_at(document, "project", "optional-dependencies")
        wanted = {normal_name(extra) for extra in extras}
        needs = (("build-system", "requires"), ("project", "dependencies"))
        lists = [value_at(document, *path) for path in needs]
        if isinstance(optional, dict):
            lists += [values for extra, values in optional.items() if normal_name(extra) in wanted]
        for values in lists:
            texts = values if isinstance(values, list) else []
            self.add_texts((one for one in texts if isinstance(one, str)), self._shown(path))
        for name in ("setup.py", "setup.cfg"):
            code = os.path.join(folder, name)
            for match in _IN_CODE.finditer(self._text(code)):
                self._check_owner(match[1], match[2], self._shown(code))

    def _path_of(self, location: str) -> str:
        return LocalFiles(self.host, self.files).path_of(location)

    def _text(self, path: str) -> str:
        return (self.files.read(path) or b"").decode("utf-8", "replace")

    def _add_name(self, name: str) -> None:
        if is_name(normal := normal_name(name)):
            self.names[normal] = None

    def _shown(self, path: str) -> str:
        return path.removeprefix(self.host.cwd.rstrip("/") + "/")


def _urls_in(value: Any) -> Iterator[str]:
    """Yield the URLs of files in one package of a lock, and of the index that it names."""
    if isinstance(value, dict):
        for key, part in value.items():
            if key in ("url", "index") and isinstance(part, str):
                yield part
            else:
                yield from _urls_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from _urls_in(part)


def name_in(url: str) -> str | None:
    """Return the package that pip takes a URL for, by a wheel's name or a fragment, or None."""
    file = unquote(urlsplit(url).path).rstrip("/").rpartition("/")[2]
    if file.endswith(".whl"):
        return unquote(file).partition("-")[0]
    egg = _EGG.search(url)
    name = egg[1].partition("[")[0] if egg else ""
    return name if is_name(normal_name(name)) else None
