"""What one pip command will ask: its settings, and what requirements files then add to them or replace.

Sources: pip 20.3.4 and 26.3 `_internal/cli/req_command.py`, `req/req_file.py`, `index/collector.py`,
`models/search_scope.py`; the same layouts are run with real pips in tests/e2e/test_pip_needs.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import urljoin

from shim.formats import requirements
from shim.formats.optparse_scan import read_table, scan
from shim.formats.pip_options import REQUIREMENTS_LINE, WANTED
from shim.host import Host
from shim.indexes.pip_direct import DirectUrls, LocalFiles
from shim.indexes.pip_settings import Files, Mention, Settings
from shim.model import Need, Needs, Origin, Secret, Target
from shim.urls import BadUrl, find_userinfo, parse_url

Role = Literal["index", "extra", "links", "input", "direct"]

_DEFAULT = Origin("config", "pip's default")
_DEFAULT_INDEX = "https://pypi.org/simple"
_DEFAULT_SEARCH = "https://pypi.org/pypi"
_LINE_TABLE = read_table(REQUIREMENTS_LINE, WANTED)

#: From this release on `--no-index` also holds for requirements files read after it.
_NO_INDEX_LASTS = (22, 3, 1)

#: From this release on blanks before an index's URL are nothing; before it, pip says that there is no such location, and goes on.
_TAKES_BLANKS = (24, 1)

#: How many times requirements files may include each other in one command: more is a loop in disguise.
_MAX_INCLUDES = 1000


def read_needs(verb: str, settings: Settings, target: Target, host: Host, files: Files) -> Needs:
    """Return what the command `verb` of `target` with these settings will ask.

    Nothing is fetched. A file that cannot be read is skipped: pip will say so itself.
    """
    local = LocalFiles(host, files)
    direct = DirectUrls(local, target.python, with_dependencies=not settings.is_on("no-deps"))
    reader = _Reader(local, direct, no_index_lasts=target.version is not None and target.version >= _NO_INDEX_LASTS)
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
    items: list[Need] = []
    garbled: list[Need] = []
    for role, mention in reader.found():
        if need := _make_need(role, mention):
            items.append(need)
        if (need is None or not (takes_blanks or mention.text[0].isalpha())) and (meant := _make_garbled(role, mention)):
            garbled.append(meant)
    unknown = tuple(dict.fromkeys(local.unknown))
    return Needs(tuple(_without_repeats(items)), tuple(files.watched), unknown, garbled=tuple(_without_repeats(garbled)))


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
    _lines: dict[str, list[requirements.Line]] = field(default_factory=dict)

    def found(self) -> Iterator[tuple[Role, Mention]]:
        """Yield everything found so far, in pip's order."""
        yield from self.indexes
        for mention in self.links:
            yield "links", mention
        for mention in self.remote:
            yield "input", mention
        for mention in self.direct.found:
            yield "direct", mention

    def begin(self, settings: Settings) -> None:
        """Start with what argv, environment and configuration say."""
        self.no_index = settings.is_on("no-index")
        self.links = list(settings.all("find-links"))
        if not self.no_index:
            index = (settings.all("index-url") or [Mention(_DEFAULT_INDEX, _DEFAULT)])[-1]
            self.indexes = [("index", index), *(("extra", mention) for mention in settings.all("extra-index-url"))]

    def read_inputs(self, settings: Settings) -> None:
        """Read what pip reads, in its order, since a later file replaces what an earlier one said."""
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
        # The pages of an index on disk may link to any server; there may be thousands.
        self.local.unknown += [mention.text for _, mention in self.indexes if mention.text[:5].lower() == "file:"]
        for mention in self.links:
            if not _is_remote(mention.text):
                self.direct.read_links(mention.text)

    def read_requirements(self, settings: Settings) -> None:
        """Read the requirements files, and what they include."""
        for mention in settings.all("requirement"):
            if requirements.is_pylock(mention.text):
                self._read_lock(mention)
            else:
                self._read_file(mention)

    def _read_build_constraints(self, settings: Settings) -> None:
        """Add what build constraints say: only the pip that installs build dependencies obeys them, beside this one."""
        ours = self.indexes
        self.indexes = list(ours)
        for mention in settings.all("build-constraint"):
            self._read_file(mention)
        self.indexes = ours + [("extra", mention) for _, mention in self.indexes]

    def _read_file(self, said: Mention, parents: tuple[str, ...] = ()) -> None:
        """Apply one requirements or constraints file that `said` names, in the last of `parents` or before any file."""
        location = self._locate(said.text, parents[-1] if parents else None)
        self._includes += 1
        if location in parents or self._includes > _MAX_INCLUDES:
            return
        if _is_remote(location):
            self._add_remote(replace(said, text=location) if parents else said)
            return
        for line in self._read_lines(location):
            origin = Origin("file", f"{self.local.shown(location)}:{line.number}", project=True)
            if line.requirement:
                self.direct.add(Mention(line.requirement, origin))
            else:
                self._apply(line.options, origin, (*parents, location))

    def _apply(self, options: tuple[str, ...], origin: Origin, parents: tuple[str, ...]) -> None:
        """Apply one option line. One that includes a file does nothing else; neither does one with `-e`.

        What `--index-url` replaces here is gone for the requirements themselves. Two helpers of pip still ask extra
        indexes of variables and pip.conf: the pip that installs build dependencies, and the check for a newer pip.
        Neither is a need: a command must not stop for an index that it most likely leaves alone.
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
        if not (self.no_index and (self.no_index_lasts or "no-index" in said)) and "index-url" in said:
            self.indexes = [("index", said["index-url"][-1])]
        if not (self.no_index and self.no_index_lasts):
            self.indexes += [("extra", mention) for mention in said.get("extra-index-url", [])]
        # pip takes the first find-links of a line and drops the others.
        self.links += [self._beside(mention, parents[-1]) for mention in said.get("find-links", [])[:1]]

    def _beside(self, said: Mention, parent: str) -> Mention:
        """Return a find-links page as pip takes it: beside the file that names it, if it is there."""
        beside = os.path.join(os.path.dirname(parent), said.text)
        return replace(said, text=beside) if os.path.exists(self.local.path_of(beside)) else said

    def _read_lines(self, location: str) -> list[requirements.Line]:
        """Return the lines that matter of one file, which several others may include."""
        if location not in self._lines:
            data = self.local.read_bytes(location)
            text = requirements.decode_requirements(data) if data else ""
            self._lines[location] = list(requirements.read_lines(text, self.local.host.environ))
        return self._lines[location]

    def _read_lock(self, said: Mention) -> None:
        """Add the files that a pylock.toml names; a remote one is a need itself, and what it names unknown."""
        name, _ = requirements.split_extras(said.text)
        if _is_remote(name):
            self._add_remote(said.part(0, len(name)))
        else:
            self.direct.read_lock(name)

    def _read_group(self, said: Mention) -> None:
        """Add the direct URLs of a dependency group, `[pyproject.toml:]NAME`, or of a lock's group."""
        path, colon, group = said.text.rpartition(":")
        if colon and requirements.is_pylock(path):
            self._read_lock(said.part(0, len(path)))
        else:
            self.direct.read_group(path or "pyproject.toml", group)

    def _add_remote(self, said: Mention) -> None:
        need = _make_need("input", said)
        if need:
            self.remote.append(said)
            self.local.unknown.append(need.url.text)

    def _locate(self, text: str, parent: str | None) -> str:
        """Return where pip looks for a file that `parent` names: a URL, or an absolute path."""
        if parent and _has_scheme(parent):
            try:
                return urljoin(parent, text)
            except ValueError:
                return text
        if _has_scheme(text):
            return text
        folder = os.path.dirname(parent) if parent else self.local.host.cwd
        return os.path.normpath(os.path.join(folder, text))


def _has_scheme(text: str) -> bool:
    return text[:8].lower().startswith(("http:", "https:", "file:"))


def _is_remote(text: str) -> bool:
    return text[:8].lower().startswith(("http:", "https:"))


def _make_need(role: Role, said: Mention) -> Need | None:
    """Return the need of a URL that was written somewhere; None for paths, file: URLs and all that is no plain URL.

    Blanks before it are nothing to pip; behind it they are a part of its path, and it is no plain URL.
    """
    said = said.part(len(said.text) - len(said.text.lstrip()), len(said.text))
    try:
        url = parse_url(said.text)
        userinfo = find_userinfo(said.text)
    except BadUrl:
        return None
    if userinfo is None:
        return Need(url, said.origin, role, place=said.place_of(None))
    # An empty password behind a user name is an answer too: servers take the token as the user's name.
    is_given = userinfo.password is not None and bool(userinfo.password or userinfo.username)
    given = Secret(userinfo.password or "") if is_given else None
    return Need(url, said.origin, role, username=userinfo.username or None, given=given, place=said.place_of(userinfo))


def _make_garbled(role: Role, said: Mention) -> Need | None:
    """Return the need that was meant by a URL with white space, control characters or quotes in it; None for any other text.

    Variables come with them: `docker --env-file` keeps quotes and the carriage returns of a file from Windows.
    """
    meant = "".join(letter for letter in said.text if letter.isprintable() and letter not in " '\"")
    is_garbled = role in ("index", "extra", "links") and meant != said.text
    return _make_need(role, Mention(meant, said.origin)) if is_garbled else None


def _without_repeats(needs: Iterable[Need]) -> Iterator[Need]:
    """Yield each need once: the first of those with the same URL, user name and password."""
    seen: dict[tuple[str, str | None], list[Secret | None]] = {}
    for need in needs:
        known = seen.setdefault((need.url.text, need.username), [])
        if not any(_is_same(need.given, other) for other in known):
            known.append(need.given)
            yield need


def _is_same(one: Secret | None, other: Secret | None) -> bool:
    return one is other if one is None or other is None else one.same_as(other)
