"""What one pip command will ask: its settings, and what requirements files then add to them or
replace.

Sources: pip 20.3.4 and 26.3 `_internal/cli/req_command.py`, `req/req_file.py`,
`index/collector.py`, `models/search_scope.py`; the same layouts are run with real pips in
tests/e2e/test_pip_needs.py.
"""

from __future__ import annotations

import os
import stat

from shim.core.dataclass import dataclass, field, replace
from shim.core.files import CannotRead, exists, read_status
from shim.core.host import Host
from shim.core.model import Endpoint, Endpoints, Origin, Target
from shim.core.typing import Iterator
from shim.formats import requirements
from shim.formats.optparse_scan import read_table, scan
from shim.tools.pip.direct_urls import DirectUrls, LocalFiles
from shim.tools.pip.endpoints import (
    Role,
    make_endpoint,
    make_malformed,
    note_unread,
    without_repeats,
)
from shim.tools.pip.options import REQUIREMENTS_LINE, WANTED
from shim.tools.pip.settings import FileReader, Mention, PipSettings

_DEFAULT = Origin("config", "pip's default", is_default=True)
_DEFAULT_INDEX = "https://pypi.org/simple"
_DEFAULT_SEARCH = "https://pypi.org/pypi"
_LINE_TABLE = read_table(REQUIREMENTS_LINE, WANTED)

#: From this release on `--no-index` also holds for requirements files read after it.
_NO_INDEX_LASTS = (22, 3, 1)

#: From this release on blanks before an index's URL are nothing; before it, pip says that there is
#: no such location, and goes on.
_TAKES_BLANKS = (24, 1)

#: How many times requirements files may include each other in one command, and how deep, and what
#: they may say in all: more is a loop in disguise.
_MAX_INCLUDES = 1000
_MAX_DEPTH = 50
_MAX_LINES = 200_000


def read_endpoints(
    verb: str, settings: PipSettings, target: Target, host: Host, files: FileReader
) -> Endpoints:
    """Return what the command `verb` of `target` with these settings will ask."""
    local = LocalFiles(host, files)
    direct = DirectUrls(local, target.python, with_dependencies=not settings.is_on("no-deps"))
    lasts = target.version is not None and target.version >= _NO_INDEX_LASTS
    reader = _Reader(local, direct, no_index_lasts=lasts)
    if verb == "search":
        asked = (settings.all("index") or [Mention(_DEFAULT_SEARCH, _DEFAULT)])[-1]
        reader.indexes = [("index", asked)]
    elif verb == "uninstall":
        reader.read_requirements(settings)
        reader.indexes, reader.links, direct.found = [], [], []
    else:
        reader.begin(settings)
        reader.read_inputs(settings)
    takes_blanks = target.version is None or target.version >= _TAKES_BLANKS
    items: list[Endpoint] = []
    malformed: list[Endpoint] = []
    for role, mention in reader.found():
        if endpoint := make_endpoint(role, mention):
            items.append(endpoint)
        else:
            note_unread(role, mention, files.unread)
        is_odd = endpoint is None or not (takes_blanks or mention.text[0].isalpha())
        if is_odd and (meant := make_malformed(role, mention)):
            malformed.append(meant)
    return files.unread.endpoints(
        without_repeats(items),
        files.files_read,
        malformed=tuple(without_repeats(malformed)),
        mentioned=tuple(direct.mentioned),
    )


@dataclass(slots=True)
class _Reader:
    """Where pip will look, as its requirements files change it line by line."""

    local: LocalFiles
    direct: DirectUrls
    no_index_lasts: bool
    indexes: list[tuple[Role, Mention]] = field(default_factory=list)
    links: list[Mention] = field(default_factory=list)
    remote: list[Mention] = field(default_factory=list)
    no_index: bool = False
    _includes: int = 0
    _count: int = 0
    _lines: dict[str, list[requirements.Line]] = field(default_factory=dict)

    def found(self) -> Iterator[tuple[Role, Mention]]:
        """Yield everything found so far, in pip's order."""
        yield from self.indexes
        yield from (("links", mention) for mention in self.links)
        yield from (("input", mention) for mention in self.remote)
        yield from (("direct", mention) for mention in self.direct.found)

    def begin(self, settings: PipSettings) -> None:
        """Start with what argv, environment and configuration say."""
        self.no_index = settings.is_on("no-index")
        self.links = list(settings.all("find-links"))
        if not self.no_index:
            index = (settings.all("index-url") or [Mention(_DEFAULT_INDEX, _DEFAULT)])[-1]
            self.indexes = [
                ("index", index),
                *(("extra", mention) for mention in settings.all("extra-index-url")),
            ]

    def read_inputs(self, settings: PipSettings) -> None:
        """Read what pip reads, in its order: a later file replaces what an earlier one said."""
        for mention in settings.all("constraint"):
            self._read_file(mention)
        for mention in (*settings.arguments, *settings.all("editable")):
            self.direct.add(mention)
        for mention in settings.all("group"):
            self._read_group(mention)
        self.read_requirements(settings)
        for mention in settings.all("requirements-from-script"):
            self.direct.read_script(mention.text)
        self._read_build_constraints(settings)
        for mention in self.links:
            if not _is_remote(mention.text):
                self.direct.read_links(mention.text)

    def read_requirements(self, settings: PipSettings) -> None:
        """Read the requirements files, and what they include."""
        for mention in settings.all("requirement"):
            if requirements.is_pylock(mention.text):
                self._read_lock(mention)
            else:
                self._read_file(mention)

    def _read_build_constraints(self, settings: PipSettings) -> None:
        """Add what build constraints say: the pip that installs build dependencies obeys them."""
        ours = self.indexes
        self.indexes = list(ours)
        for mention in settings.all("build-constraint"):
            self._read_file(mention)
        self.indexes = ours + [("extra", mention) for _, mention in self.indexes]

    def _read_file(self, said: Mention, parents: tuple[str, ...] = ()) -> None:
        """Apply one requirements or constraints file; `parents` are those that include it."""
        location = self._locate(said.text, parents[-1] if parents else None)
        if location in parents:
            return  # pip stops here
        self._includes += 1
        if self._includes > _MAX_INCLUDES or len(parents) > _MAX_DEPTH or self._count > _MAX_LINES:
            self.local.unread.note(
                f"more files after {said.origin}", "is one of too many includes", careless=True
            )
        elif _is_remote(location):
            self._add_remote(replace(said, text=location) if parents else said)
        else:
            # Who types the name of a pipe fills it himself; a file is a project's text.
            careless = said.origin.project or not _is_pipe(self.local, location)
            with self.local.unread.guard(self.local.shown(location), careless=careless):
                self._apply_lines(location, parents)

    def _apply_lines(self, location: str, parents: tuple[str, ...]) -> None:
        """Apply the lines of a local file."""
        for line in self._read_lines(location):
            self._count += 1
            origin = Origin("file", self.local.shown(location), project=True, line=line.number)
            if line.unread:
                self.local.unread.note(str(origin), line.unread, careless=True)
            elif line.requirement:
                self.direct.add(Mention(line.requirement, origin))
            else:
                self._apply(line.options, origin, (*parents, location))

    def _apply(self, options: tuple[str, ...], origin: Origin, parents: tuple[str, ...]) -> None:
        """Apply one option line. One that includes a file does nothing else; neither does one with
        `-e`.

        What `--index-url` replaces here is gone for the requirements themselves. Two helpers of pip
        still ask extra indexes of variables and pip.conf: the pip that installs build dependencies,
        and the check for a newer pip. Neither is an endpoint: a command must not stop for an index
        that it most likely leaves alone.
        """
        said: dict[str, list[Mention]] = {}
        for word in scan(options, _LINE_TABLE):
            if word.name:
                said.setdefault(word.name, []).append(Mention(word.value or "", origin))
        if "editable" in said:
            self.direct.add(said["editable"][0])
            return
        nested = said.get("requirement") or said.get("constraint")
        if nested:
            self._read_file(nested[0], parents)
            return
        if "no-index" in said:
            self.no_index, self.indexes = True, []
        # An empty one is as good as none to pip, other than an empty extra one.
        named = [mention for mention in said.get("index-url", [])[-1:] if mention.text]
        if not (self.no_index and (self.no_index_lasts or "no-index" in said)) and named:
            self.indexes = [("index", named[0])]
        if not (self.no_index and self.no_index_lasts):
            self.indexes += [("extra", mention) for mention in said.get("extra-index-url", [])]
        # pip takes the first find-links of a line and drops the others.
        for mention in said.get("find-links", [])[:1]:
            self.links.append(self._beside(mention, parents[-1]))

    def _beside(self, said: Mention, parent: str) -> Mention:
        """Return a find-links page as pip takes it: beside the file that names it, if there."""
        beside = os.path.join(os.path.dirname(parent), said.text)
        try:
            is_there = exists(self.local.path_of(beside))
        except (CannotRead, ValueError):
            is_there = False
        return replace(said, text=beside) if is_there else said

    def _read_lines(self, location: str) -> list[requirements.Line]:
        """Return the lines that matter of a file that others may include. Raises CannotRead."""
        if location not in self._lines:
            is_url = location[:5].lower() == "file:"
            if not is_url and not location.startswith("/"):
                raise CannotRead("is written so that releases of pip read it differently")
            data = self.local.read_bytes(location)
            if is_url and data and (not data.isascii() or b"\x1b" in data or b"~{" in data):
                raise CannotRead("is text whose encoding pip guesses")
            text = requirements.decode_requirements(data) if data else ""
            self._lines[location] = list(requirements.read_lines(text, self.local.host.environ))
        return self._lines[location]

    def _read_lock(self, said: Mention) -> None:
        """Add the files that a pylock.toml names; a remote one is an endpoint itself."""
        name, _ = requirements.split_extras(said.text)
        if _is_remote(name):
            self._add_remote(said.part(0, len(name)))
        else:
            self.direct.read_lock(name)

    def _read_group(self, said: Mention) -> None:
        """Add the direct URLs of a group, `[pyproject.toml:]NAME`, or of a lock's group."""
        path, colon, group = said.text.rpartition(":")
        if colon and requirements.is_pylock(path):
            self._read_lock(said.part(0, len(path)))
        else:
            self.direct.read_group(path or "pyproject.toml", group)

    def _add_remote(self, said: Mention) -> None:
        self.remote.append(said)
        if endpoint := make_endpoint("input", said):
            self.local.unread.note_remote(endpoint)

    def _locate(self, text: str, parent: str | None) -> str:
        """Return where pip looks for a file: a URL, an absolute path, or what is neither to us."""
        if not text.isprintable() or text != text.strip():  # before a URL some pips pass over that
            return text
        if parent and _has_scheme(parent):
            from urllib.parse import urljoin

            try:
                return urljoin(parent, text)
            except ValueError:
                return text
        if _has_scheme(text):
            return text
        folder = os.path.dirname(parent) if parent else self.local.host.cwd
        return os.path.normpath(os.path.join(folder, text))


def _is_pipe(local: LocalFiles, location: str) -> bool:
    try:
        return stat.S_ISFIFO(read_status(local.path_of(location)).st_mode)
    except (CannotRead, OSError, ValueError):
        return False


def _has_scheme(text: str) -> bool:
    return text[:8].lower().startswith(("http:", "https:", "file:"))


def _is_remote(text: str) -> bool:
    return text[:8].lower().startswith(("http:", "https:"))
