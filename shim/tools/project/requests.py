"""Where tools that install by way of pip, uv or themselves are told about indexes: pip's and uv's
own settings, and project files.

Sources: pipenv 2026 `project.py` (`sources`, `${VAR}`); poetry 2 documentation "Repositories"; pdm
2.2x documentation "Configure the package indexes".
"""

from __future__ import annotations

import os
import re

from shim.core.dataclass import fields, replace
from shim.core.files import CannotRead, is_file, read_regular
from shim.core.host import Host
from shim.core.model import Endpoint, Endpoints, Invocation, Origin, Target
from shim.core.toml import read_toml, value_at
from shim.core.typing import Any, Container, Iterator, Literal, Sequence
from shim.core.urls import BadUrl, find_userinfo, parse_url
from shim.formats.optparse_scan import OptionTable, Word, scan
from shim.tools.installed_version import find_release
from shim.tools.pip import requests
from shim.tools.pip.settings import FileReader, Mention, read_settings
from shim.tools.unreadable import Unread
from shim.tools.uv.command import UvCommand
from shim.tools.uv.requests import read_command_endpoints

#: Which pip these tools start, nobody knows.
_SOME_PIP = Target("pip")
#: No path has more folders than that.
MAX_LEVELS = 4096
_VARIABLE = re.compile(r"\$\{(\w+)\}|\$(\w+)")


def read_project_invocation(
    name: str,
    argv: tuple[str, ...],
    host: Host,
    target: str,
    table: OptionTable,
    verbs: Container[str],
    known: Container[str] | None = None,
) -> Invocation:
    """Return which command this is. Those in `verbs` may install packages; the others ask nobody,
    or run the user's programs. "" stands for the tool alone. `table` has what goes before the verb.

    The verb is the first word that is no option; with `known`, the first one that is known, as a
    tool reads that has options for where no verb is.
    """
    own = argv[: argv.index("--")] if "--" in argv else argv
    words = scan(own, table, interspersed=known is not None)
    found = ((word.value or "", word.position) for word in words if word.name is None)
    verb, position = next((one for one in found if known is None or one[0] in known), ("", -1))
    # Further back it may be a word to the user's program.
    helps = argv[position + 1 : position + 2] in (("-h",), ("--help",))
    helps = helps or any(word.name in ("help", "version") for word in words)
    asks = verb in verbs and not helps
    does = "may install packages" if asks else "asks no index here"
    reason = f"{name} {verb} {does}" if asks and verb else f"{name} {does}"
    made = Target(target, *find_release(target, name, host))
    return Invocation(name, "project", made, argv, (verb,) if verb else (), asks, reason)


def pip_endpoints(host: Host, urls: tuple[Mention, ...] = ()) -> Endpoints:
    """Return what `pip install` asks by variables and configuration alone; `urls` are its index."""
    files = FileReader()
    settings = read_settings(("install",), 0, _SOME_PIP, host, files)
    if urls:
        settings.options["index-url"] = [*urls]
    return requests.read_endpoints("install", settings, _SOME_PIP, host, files)


def installer_endpoints(host: Host, *installers: str) -> Endpoints:
    """Return what the installers (`pip`, `uv`) would ask by variables and configuration, together.

    One with well-known public indexes only is left out: it has nothing that private ones have.
    """
    several = []
    for name in installers:
        if name == "pip":
            endpoints = pip_endpoints(host)
        else:
            endpoints = read_command_endpoints(UvCommand(("pip", "install"), (), ()), host)
        is_public = all(endpoint.url.is_public for endpoint in endpoints.items)
        several.append(replace(endpoints, items=()) if is_public else endpoints)
    return join(*several)


def project_endpoints(name: str, key: tuple[str, ...], host: Host, start: str = "") -> Endpoints:
    """Return the sources at `key` of the nearest file `name`, looked for from `start` upwards."""
    folder = host.path(start) if start else host.cwd
    return sources_in(find_upwards(name, folder) or os.path.join(folder, name), key, host)


def sources_in(path: str, key: tuple[str, ...], host: Host, shown: str = "") -> Endpoints:
    """Return the sources that a project's TOML file has at `key`."""
    unread = Unread()
    rows: Any = None
    with unread.guard(shown or path, careless=True):
        rows = value_at(read_document(path), *key)
    return unread.endpoints(source_endpoints(rows, shown or path, host, unread), [path])


def source_endpoints(rows: Any, path: str, host: Host, unread: Unread) -> Iterator[Endpoint]:
    """Yield the sources among `rows`, what a project's TOML file has for them."""
    origin = Origin("file", path, project=True)
    for row in rows if isinstance(rows, list) else ():
        url = row.get("url") if isinstance(row, dict) else None
        if isinstance(url, str):
            name = row.get("name") if isinstance(row.get("name"), str) else None
            endpoint = make_endpoint(expand_variables(url, host), origin, "extra", unread, name)
            yield from [endpoint] if endpoint else []


def make_endpoint(
    text: str,
    origin: Origin,
    role: Literal["extra", "direct"],
    unread: Unread,
    name: str | None = None,
) -> Endpoint | None:
    """Return the endpoint of a URL; one with a password of its own is the tool's affair."""
    try:
        url, userinfo = parse_url(text), find_userinfo(text)
    except BadUrl:
        unread.note_url(text, origin)
        return None
    if userinfo and userinfo.password:
        return None
    return Endpoint(url, origin, role, name, userinfo.username or None if userinfo else None)


def expand_variables(text: str, host: Host) -> str:
    """Return the text with `${NAME}` and `$NAME` replaced, those that are set."""
    return _VARIABLE.sub(lambda match: host.environ.get(match[1] or match[2], match[0]), text)


def join(*several: Endpoints) -> Endpoints:
    """Return all endpoints together, each URL once."""
    items = {
        (endpoint.url.text, endpoint.username): endpoint
        for endpoints in reversed(several)
        for endpoint in reversed(endpoints.items)
    }
    lists = [
        one.name for one in fields(Endpoints) if one.name not in ("items", "malformed", "routed")
    ]
    joined: dict[str, Any] = {
        name: tuple(dict.fromkeys(one for endpoints in several for one in getattr(endpoints, name)))
        for name in lists
    }
    malformed = tuple(endpoint for endpoints in several for endpoint in endpoints.malformed)
    return Endpoints(tuple(reversed(items.values())), malformed=malformed, **joined)


def find_upwards(name: str, folder: str) -> str | None:
    """Return the nearest file of that name in `folder` or above it, or None."""
    for _ in range(MAX_LEVELS):
        path = os.path.join(folder, name)
        if is_file(path):
            return path
        if folder == "/":
            return None
        folder = os.path.dirname(folder)
    return None


def read_document(path: str) -> dict[str, Any]:
    """Return a TOML file as a document, nothing if there is no such file. Raises CannotRead."""
    return read_toml((read_regular(path) or b"").decode("utf-8", "replace"))


def read_table_at(path: str, key: Sequence[str]) -> Any:
    """Return what a TOML file has at `key`, None if it is none to us: no URL may depend on it."""
    try:
        return value_at(read_document(path), *key)
    except CannotRead:
        return None


def last_value(words: Sequence[Word], name: str) -> str:
    """Return the last value of an option, "" if it was not said."""
    return next((word.value or "" for word in reversed(words) if word.name == name), "")
