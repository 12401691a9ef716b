"""The files in which tox, nox, hatch and pip-tools are told what to do, and what those name to the
pips that are started: indexes by options and variables, and requirements files.

What code makes up at run time cannot be read.

Sources: tox 4.67 (`set_env`, `install_command`, `deps`, substitutions `{env:NAME:default}`); nox
2026; hatch 1.18 (`env-vars`); pip-tools 7.6.
"""

from __future__ import annotations

import os
import re

from shim.core.files import CannotRead, is_file, is_folder, read_regular
from shim.core.host import Host
from shim.core.model import Endpoints, Invocation, Origin
from shim.core.toml import read_toml, value_at
from shim.core.typing import Iterator
from shim.tools.pip.settings import Mention
from shim.tools.project.pip_tools_requests import option_endpoints
from shim.tools.project.requests import expand_variables, join, make_endpoint
from shim.tools.unreadable import Unread

NAMED_FILES = re.compile(r"(?:^|[\s\"'])-[rc]\s*[\"']?,?\s*[\"']?([^\s\"',\]{}]+\.(?:txt|in))")
#: Program -> its own files, and the table of pyproject.toml that it reads.
_FILES = {
    "tox": (("tox.ini", "tox.toml", "setup.cfg"), "tox"),
    "nox": (("noxfile.py",), ""),
    "hatch": (("hatch.toml",), "hatch"),
    "pip-compile": ((".pip-tools.toml",), "pip-tools"),
    "pip-sync": ((".pip-tools.toml",), "pip-tools"),
}
#: Words in front of the URL of an index, with one kind of dashes.
_BEFORE_INDEX = re.compile(r"(?:--)?(?:pip-)?(?:(?:extra-)?index-url|pypi-url|find-links)")
#: How tox calls its folder.
_ROOT = r"\{(?:toxinidir|tox_root)\}(?:/|\{/\})"
_PIECE = re.compile(r"[^\s\"',=\[\](){}]+")


def named_endpoints(invocation: Invocation, host: Host) -> Endpoints:
    """Return what a program's own files name to the pips that it starts."""
    unread, found, files = Unread(), [], list[Mention]()
    read: dict[str, None] = {}
    for path, text in _texts(invocation, host, unread):
        read[path] = None
        origin = Origin("file", path, project=True)
        made = (make_endpoint(url, origin, "extra", unread) for url in named_indexes(text, host))
        found += [endpoint for endpoint in made if endpoint]
        named = NAMED_FILES.findall(re.sub(_ROOT, "", text))
        files += [Mention(name, origin) for name in named if is_file(host.path(name))]
    asked = unread.endpoints(found, read)
    if not files:
        return asked
    lines = option_endpoints((), host, [("no-index", Mention("1", files[0].origin))], files=files)
    return join(asked, lines)


def named_indexes(text: str, host: Host) -> Iterator[str]:
    """Yield the URLs behind pip's options and variables for indexes, one or several to each."""
    is_named = False
    for line in text.splitlines():
        is_pips = "install" in line or line.strip(" \t\"'[(").startswith(("-i", "-f"))
        for piece in () if line.lstrip().startswith("#") else _PIECE.findall(line):
            name, _, default = piece.removeprefix("env:").partition(":")
            said = host.environ.get(name, default) if piece.startswith("env:") else piece
            urls = [one for one in expand_variables(said, host).split() if "://" in one]
            if is_named and urls:
                yield from urls
                continue
            word = piece.rstrip(":").replace("_", "-")
            if word in ("-i", "-f"):
                is_named = is_pips
            else:
                is_named = _BEFORE_INDEX.fullmatch(word.lower()) is not None


def _texts(invocation: Invocation, host: Host, unread: Unread) -> Iterator[tuple[str, str]]:
    try:
        yield from own_texts(invocation, host)
    except CannotRead as error:
        unread.note(f"a file of {invocation.tool}", error.why)


def own_texts(invocation: Invocation, host: Host) -> Iterator[tuple[str, str]]:
    """Yield (path, text) of the files in which a program may tell its pip something."""
    names, table = _FILES.get(invocation.tool, ((), ""))
    endings = (".ini", ".toml", ".py", ".cfg")
    typed = [word.rpartition("=")[2] for word in invocation.argv if word.endswith(endings)]
    for name in dict.fromkeys((*names, *typed)):
        path = host.path(name)
        if os.path.basename(path) != "pyproject.toml" and (text := _read(path)):
            yield path, text if os.path.basename(path) != "setup.cfg" else text.partition("[tox")[2]
    if table:
        path = host.path("pyproject.toml")
        own = value_at(read_toml(_read(path)), "tool", table)
        yield path, "\n".join(_words(own))


def _words(value: object, key: str = "") -> Iterator[str]:
    """Yield `key = value` for every text in a table."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _words(part, str(name))
    elif isinstance(value, list):
        for part in value:
            yield from _words(part, key)
    elif value is not None:
        yield f"{key} = {value}"


def _read(path: str) -> str:
    """Return a file's text, nothing if there is no such file. Raises CannotRead."""
    return "" if is_folder(path) else (read_regular(path) or b"").decode("utf-8", "replace")
