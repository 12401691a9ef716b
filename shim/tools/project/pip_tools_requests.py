"""What `pip-compile`, `pip-sync` and pipx ask: pip's settings, and what their own options,
`--pip-args` and configuration add.

Sources: pip-tools 7.6 `scripts/options.py`, `scripts/compile.py`, `utils.py` (`select_config_file`,
`override_defaults_from_config_file`); pipx 1.18 `main.py`.
"""

from __future__ import annotations

import os
import shlex

from shim.core.dataclass import replace
from shim.core.files import CannotRead
from shim.core.host import Host
from shim.core.model import Endpoints, Origin, Target
from shim.core.toml import table_at, value_at
from shim.core.typing import Any, Container, Iterator, Sequence
from shim.formats.optparse_scan import Word, scan
from shim.formats.uv_toml import texts
from shim.tools.pip import requests
from shim.tools.pip.settings import FileReader, Mention, command_table, mention_of, read_settings
from shim.tools.project.requests import join, read_document, read_table_at
from shim.tools.unreadable import Unread

#: The options that say where packages come from, as pip calls them.
OPTIONS = ("index-url", "extra-index-url", "find-links", "no-index", "constraint", "trusted-host")
#: Where pip-tools looks for its configuration: the first that has a `[tool.pip-tools]`.
CONFIG_FILES = (".pip-tools.toml", "pyproject.toml")
#: Sources of pip-compile that are no requirements files.
PROJECTS = ("setup.py", "setup.cfg", "pyproject.toml")

#: Nobody writes more; shlex takes the square of a word's length.
MAX_ARGUMENTS = 16_384

OptionMention = tuple[str, Mention]


def pip_tools_endpoints(
    words: Sequence[Word], default: str, target: Target, host: Host
) -> Endpoints:
    """Return what `pip-compile` or `pip-sync` asks; it reads `default` where no file is named."""
    sources = [mention_of(word) for word in words if word.name is None]
    sources = sources or [Mention(default, Origin("config", "default"))]
    unread = Unread()
    path = _config_file(words, host, unread)
    configured: list[OptionMention] = []
    if path:
        with unread.guard(path, careless=True):
            table = read_table_at(path, ("tool", "pip-tools"))
            configured += configured_options(table, path)
    files = [mention for mention in sources if os.path.basename(mention.text) not in PROJECTS]
    folders = [
        replace(mention, text=os.path.dirname(mention.text) or ".")
        for mention in sources
        if mention not in files
    ]
    endpoints = option_endpoints(words, host, configured, target, files, folders)
    return join(endpoints, unread.endpoints((), [path] if path else ()))


def option_endpoints(
    words: Sequence[Word],
    host: Host,
    configured: Sequence[OptionMention] = (),
    target: Target | None = None,
    files: Sequence[Mention] = (),
    folders: Sequence[Mention] = (),
) -> Endpoints:
    """Return what pip asks by its own settings, with `configured` and `words` on top.

    Userinfo in argv that no endpoint stands for is unused.
    """
    target = target or Target("pip")
    reader = FileReader()
    settings = read_settings(("install",), 0, target, host, reader)
    typed = [(word.name, mention_of(word)) for word in words if word.name in OPTIONS]
    with reader.unread.guard("--pip-args"):
        typed += _pip_arguments(words)
    handed = [mention for name, mention in typed if name == "requirement"]
    for name, mention in (*configured, *typed):
        several = name in ("extra-index-url", "find-links", "constraint", "trusted-host")
        settings.options[name] = [*settings.all(name), mention] if several else [mention]
    settings.options["requirement"] = [*files, *handed]
    settings.arguments = list(folders)
    endpoints = requests.read_endpoints("install", settings, target, host, reader)
    asked = {endpoint.location for endpoint in endpoints.items}
    places = (mention.written_userinfo for _, mention in typed)
    unused = tuple(place for place in places if place and place not in asked)
    return replace(endpoints, unused_userinfo=unused)


def _pip_arguments(words: Sequence[Word]) -> Iterator[OptionMention]:
    """Yield what `--pip-args` hands to pip: its value is split as a shell would."""
    for word in words:
        if word.name != "pip-args":
            continue
        for name, text in _split(word.value or "", (*OPTIONS, "requirement")):
            start = (word.value or "").find(text)
            key = word.position if start >= 0 else None  # a quoted text stands nowhere as it is
            origin = Origin("argv", f"--pip-args (--{name})")
            yield name, Mention(text, origin, key, word.start + max(start, 0))


def _split(text: str, names: Container[str] = OPTIONS) -> Iterator[tuple[str, str]]:
    return pip_options(split_arguments(text), names)


def split_arguments(text: str) -> list[str]:
    """Return the arguments for pip in a text; none where the tool will say that it is none."""
    if len(text) > MAX_ARGUMENTS:
        raise CannotRead("has pip-args of unusual length")
    try:
        return shlex.split(text)
    except ValueError:
        return []


def pip_options(
    arguments: Sequence[str], names: Container[str] = OPTIONS
) -> Iterator[tuple[str, str]]:
    """Yield the options called `names` among arguments of `pip install`, and what they say."""
    for word in scan(arguments, command_table("install", None)):
        if word.name and word.name in names:
            yield word.name, "1" if word.value is None else word.value


def configured_options(
    table: Any, path: str, names: Container[str] = OPTIONS
) -> Iterator[OptionMention]:
    """Yield the options called `names` of a `[tool.pip-tools]` table, for all commands and for
    each; keys may have underscores. Raises CannotRead.
    """
    origin = Origin("file", path, project=True)
    for layer in (table_at(table), table_at(table, "compile"), table_at(table, "sync")):
        for key, value in layer.items():
            name = key.replace("_", "-")
            said = ["1"] if value is True else texts(value)
            if name == "pip-args":
                options = (option for text in said for option in _split(text, names))
                yield from ((option, Mention(text, origin)) for option, text in options)
            elif name in names:
                yield from ((name, Mention(text, origin)) for text in said)


def _config_file(words: Sequence[Word], host: Host, unread: Unread) -> str | None:
    """Return the configuration file that counts; one that is none to us may be the one."""
    if any(word.name == "no-config" for word in words):
        return None
    typed = [word.value for word in words if word.name == "config" and word.value]
    sources = [host.path(word.value or "") for word in words if word.name is None]
    folders = dict.fromkeys([host.cwd, *map(os.path.dirname, sources)])
    found = [os.path.join(folder, name) for folder in folders for name in CONFIG_FILES]
    for path in [host.path(typed[-1])] if typed else found:
        with unread.guard(path, careless=True):
            if value_at(read_document(path), "tool", "pip-tools") or typed:
                return path
    return None
