"""The options of one pip command, all layers applied: argv > environment > configuration files.

Each value keeps where it was written, so that people can be told and a secret in it can be cut out.

Sources: pip 20.3.4 and 26.3 `_internal/configuration.py`, `cli/main_parser.py`, `cli/parser.py`,
`utils/appdirs.py`.
"""

from __future__ import annotations

import os

from shim.core.dataclass import dataclass, field, replace
from shim.core.files import CannotRead, exists, read_regular
from shim.core.functools import cache, lru_cache
from shim.core.host import Host
from shim.core.model import Location, Origin, Target
from shim.core.typing import Sequence
from shim.core.urls import Userinfo, userinfo_of_server
from shim.formats.optparse_scan import Option, OptionTable, Word, read_table, scan
from shim.tools.pip.config_file import Sections, normal_key, read_pip_config
from shim.tools.pip.options import COMMANDS, GENERAL, MAIN, WANTED
from shim.tools.unreadable import Unread

#: Where pip reads its machine-wide pip.conf, beside `$XDG_CONFIG_DIRS`.
MACHINE_FOLDER = "/etc"

#: A pip's release, None if unknown.
Release = tuple[int, ...] | None

_FIRST_WITH_PYTHON = (22, 3)

_SINGLE = frozenset({"index-url", "index", "python", "cert", "client-cert", "proxy"})
_WHOLE = _SINGLE | {"group"}
#: Any URL but those of version control: what follows `git+` is for git, which knows nothing of what
#: we hand over.
_SCHEME_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-"
_TRUE = frozenset({"y", "yes", "t", "true", "on", "1"})


@dataclass(frozen=True, slots=True)
class Mention:
    """A text that somebody wrote: it begins at `start` of the element of argv or variable `key`."""

    text: str
    origin: Origin
    key: int | str | None = None
    start: int = 0

    def part(self, start: int, end: int) -> Mention:
        """Return the mention of `text[start:end]`."""
        return replace(self, text=self.text[start:end], start=self.start + start)

    def place_of(self, userinfo: Userinfo | None) -> Location | None:
        """Return where the userinfo of our URL stands, or would; None for a file's."""
        return Location.of_userinfo(self.text, self.key, userinfo, self.start)

    @property
    def written_userinfo(self) -> Location | None:
        """Where the userinfo of our URL stands, if it is a URL to us that has one."""
        userinfo = userinfo_of_server(self.text)
        return self.place_of(userinfo) if userinfo else None


@dataclass(slots=True)
class PipSettings:
    """The options of a command, all layers applied: name -> mentions (of a flag, one)."""

    options: dict[str, list[Mention]] = field(default_factory=dict)
    arguments: list[Mention] = field(default_factory=list)

    def all(self, name: str) -> list[Mention]:
        """Return what was said for an option, in order; nothing if it was not said."""
        return self.options.get(name, [])

    def is_on(self, name: str) -> bool:
        """Return whether a flag is on."""
        return any(mention.text.lower() in _TRUE for mention in self.all(name))


class FileReader:
    """Reads regular files once, remembers every path that was wanted, and notes what is unread."""

    def __init__(self) -> None:
        self.files_read: dict[str, None] = {}
        self.unread = Unread()
        self._read: dict[str, bytes | CannotRead | None] = {}

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, None if there is none. Raises CannotRead for one left to pip."""
        if path == os.devnull:
            return b""
        self.files_read[path] = None
        if path not in self._read:
            try:
                self._read[path] = read_regular(path)
            except CannotRead as error:
                self._read[path] = error
        found = self._read[path]
        if isinstance(found, CannotRead):
            raise CannotRead(found.why)
        return found


@lru_cache(maxsize=8)
def find_verb(argv: tuple[str, ...], release: Release) -> tuple[tuple[Word, ...], int | None]:
    """Return the options before pip's command, and the command's position in argv, if any."""
    words = scan(argv, read_table(MAIN, release=release), interspersed=False)
    position = next((word.position for word in words if word.name is None), None)
    return tuple(word for word in words if word.name), position


def find_other_python(argv: tuple[str, ...], target: Target, host: Host) -> str | None:
    """Return the Python that `--python`, PIP_PYTHON or `[global] python` has pip start itself with;
    None for the target's own. pip asks this before it knows of `--isolated`.
    """
    is_older = target.version is not None and target.version < _FIRST_WITH_PYTHON
    if is_older or "_PIP_RUNNING_IN_SUBPROCESS" in host.environ:
        return None
    typed = [word.value for word in find_verb(argv, target.version)[0] if word.name == "python"]
    if typed:
        return typed[-1]
    configured, _ = read_config("", target.prefix, False, host, FileReader())
    layers = (_read_variables(host), configured)
    said = (layer["python"].text for layer in layers if "python" in layer)
    return next(filter(None, said), None)


@lru_cache(maxsize=8)
def scan_command(argv: tuple[str, ...], verb: int, release: Release) -> tuple[Word, ...]:
    """Return what argv says to the command at position `verb`; general options before it are the
    command's as well.

    Raises:
        KeyError: a command that never asks an index.
    """
    rest = [*argv[:verb], *argv[verb + 1 :]]
    words = scan(rest, command_table(argv[verb], release))
    return tuple(word._replace(position=word.position + (word.position >= verb)) for word in words)


@cache
def command_table(name: str, release: Release) -> OptionTable:
    """Return the options of pip's command. Raises KeyError for one that never asks an index."""
    return read_table(COMMANDS[name] + GENERAL, WANTED, release)


def is_isolated(argv: Sequence[str]) -> bool:
    """Return whether pip ignores variables and the user's files: it looks for this very word."""
    return "--isolated" in argv


def read_settings(
    argv: tuple[str, ...], verb: int, target: Target, host: Host, files: FileReader
) -> PipSettings:
    """Return the options of the command at argv's position `verb`, all layers applied.

    One is the pip.conf of the target's environment. Raises KeyError as `scan_command`.
    """
    isolated = is_isolated(argv)
    table = command_table(argv[verb], target.version)
    settings = PipSettings()
    layers = read_config(argv[verb], target.prefix, isolated, host, files)
    layers.append({} if isolated else _read_variables(host))
    for layer in layers:
        for key, mention in layer.items():
            option = table.long.get("--" + key)
            if option and mention.text:
                settings.options[option.name] = _split_value(option, mention)
    for word in scan_command(argv, verb, target.version):
        said = mention_of(word)
        if word.name is None:
            settings.arguments.append(said)
        elif word.name in _SINGLE or word.value is None:
            settings.options[word.name] = [said]
        else:
            settings.options[word.name] = [*settings.all(word.name), said]
    return settings


def read_connection(host: Host) -> dict[str, str]:
    """Return `proxy` and `cert` of variables and the user's and machine's pip.conf.

    Not what an environment's own pip.conf says: it may have come with a project.
    """
    layers = (*read_config("download", None, False, host, FileReader()), _read_variables(host))
    return {
        key: layer[key].text
        for layer in layers
        for key in ("proxy", "cert")
        if key in layer and layer[key].text
    }


def find_places(
    argv: tuple[str, ...], verb: int, release: Release, host: Host
) -> tuple[Location, ...]:
    """Return where each userinfo stands in argv and `PIP_*`, be its URL asked, said twice, or
    replaced by a later one. URLs of version control keep theirs. Raises KeyError as `scan_command`.
    """
    table = command_table(argv[verb], release)
    mentions = [
        mention_of(word)
        for word in scan_command(argv, verb, release)
        if word.name is None or word.name in WANTED
    ]
    for key, variable in ({} if is_isolated(argv) else _read_variables(host)).items():
        option = table.long.get("--" + key)
        if option and option.name in WANTED:
            mentions += _split_value(option, variable)
    places = (mention.written_userinfo for mention in mentions if _has_plain_scheme(mention.text))
    return tuple(place for place in places if place)


def _has_plain_scheme(text: str) -> bool:
    """Whether some `scheme://` in a text is none of a version control system, `git+https://`."""
    for before in text.split("://")[:-1]:
        rest = before.rstrip(_SCHEME_LETTERS)
        if rest != before and not rest.endswith("+"):
            return True
    return False


def mention_of(word: Word) -> Mention:
    """Return what one word of argv says; a flag says `1`."""
    origin = Origin("argv", f"--{word.name}" if word.name else "URL")
    return Mention("1" if word.value is None else word.value, origin, word.position, word.start)


def _split_value(option: Option, mention: Mention) -> list[Mention]:
    """Return the values in a variable or a pip.conf, where white space divides several."""
    if not option.takes_value or option.name in _WHOLE:
        return [mention]
    values, position = [], 0
    for text in mention.text.split():
        position = mention.text.index(text, position)
        values.append(mention.part(position, position + len(text)))
        position += len(text)
    return values


def _read_variables(host: Host) -> dict[str, Mention]:
    """Return what `PIP_*` variables say, by option name."""
    return {
        normal_key(name[4:]): Mention(value, Origin("env", name), name)
        for name, value in host.environ.items()
        if name.startswith("PIP_")
    }


def read_config(
    verb: str, prefix: str | None, isolated: bool, host: Host, files: FileReader
) -> list[dict[str, Mention]]:
    """Return the `[global]` and the `[<command>]` of all configuration files, each merged."""
    merged: dict[str, dict[str, Mention]] = {"global": {}, verb: {}}
    for path in _config_files(prefix, isolated, host, files):
        sections: Sections = {}
        with files.unread.guard(path):
            text = (files.read(path) or b"").decode("utf-8", "surrogateescape")
            sections = read_pip_config(text.replace("\r\n", "\n").replace("\r", "\n"))
        for section, layer in merged.items():
            for key, (value, line) in sections.get(section, {}).items():
                layer[key] = Mention(value, Origin("config", path, line=line))
    return list(merged.values())


def _config_files(prefix: str | None, isolated: bool, host: Host, files: FileReader) -> list[str]:
    """Return the configuration files that pip reads, least first."""
    named = host.environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return []
    folders = (host.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":")
    bases = [os.path.join(_expand_home(folder, host), "pip") for folder in folders if folder]
    bases.append(MACHINE_FOLDER)
    own = [os.path.join(host.cwd, named)] if named else []
    files.files_read |= dict.fromkeys(own)
    if not isolated and not any(map(exists, own)):
        config_home = host.environ.get("XDG_CONFIG_HOME", "").strip() or "~/.config"
        bases += [os.path.join(_expand_home("~", host), ".pip")]
        bases += [os.path.join(_expand_home(config_home, host), "pip")]
    bases += [prefix] if prefix else []
    return [*(os.path.join(host.cwd, base, "pip.conf") for base in bases), *own]


def _expand_home(path: str, host: Host) -> str:
    """Return `path` with a leading `~` as pip reads it: HOME, else the password database."""
    if path != "~" and not path.startswith("~/"):
        return path
    home = host.environ.get("HOME")
    if home is None:
        import pwd

        try:
            home = pwd.getpwuid(os.getuid()).pw_dir
        except KeyError:
            return path
    return home.rstrip("/") + path[1:] or "/"
