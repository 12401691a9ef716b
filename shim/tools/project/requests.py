"""Where tools that install by way of pip, uv or themselves are told about indexes: pip's and uv's
own settings, and project files.

Sources: pipenv 2026 `project.py` (`sources`, `${VAR}`); poetry 2 documentation "Repositories"; pdm
2.2x documentation "Configure the package indexes".
"""

from __future__ import annotations

import os
import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

from shim.core.files import CannotRead, is_file, read_regular
from shim.core.host import Host
from shim.core.model import Endpoint, Endpoints, Invocation, Origin, Target
from shim.core.toml import read_toml, value_at
from shim.core.urls import BadUrl, find_userinfo, parse_url
from shim.formats.optparse_scan import OptionTable, Word, scan
from shim.tools.installed_version import find_release
from shim.tools.pip import requests
from shim.tools.pip.settings import FileReader, Mention, PipSettings, read_settings
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
    distribution: str = "",
) -> Invocation:
    """Return which command this is. Those in `verbs` may install packages; the others ask nobody,
    or run the user's programs.

    "" stands for the tool alone. `table` has the options before the verb; `distribution` is what
    the tool's package is called.
    """
    words = scan(argv[: argv.index("--")] if "--" in argv else argv, table, interspersed=False)
    verb, position = next(
        ((word.value or "", word.position) for word in words if word.name is None), ("", -1)
    )
    behind = argv[
        position + 1 : position + 2
    ]  # further back it may be a word to the user's program
    helps = any(word.name in ("help", "version") for word in words) or behind in (
        ("-h",),
        ("--help",),
    )
    asks = verb in verbs and not helps
    reason = (
        f"{' '.join(filter(None, (name, verb)))} may install packages"
        if asks
        else f"{name} asks no index here"
    )
    made = Target(target, *find_release(target, distribution or name, host))
    return Invocation(name, "project", made, argv, (verb,) if verb else (), asks, reason)


def pip_endpoints(host: Host, urls: tuple[Mention, ...] = ()) -> Endpoints:
    """Return what `pip install` would ask by its variables and configuration alone, `urls` (from an
    option) replacing the index.
    """
    files = FileReader()
    settings: PipSettings = read_settings(("install",), 0, _SOME_PIP, host, files)
    if urls:
        settings.options["index-url"] = [*urls]
    return requests.read_endpoints("install", settings, _SOME_PIP, host, files)


def installer_endpoints(host: Host, *installers: str) -> Endpoints:
    """Return what the installers (`pip`, `uv`) that a tool may start would ask by their variables
    and configuration, together.

    One that knows well-known public indexes only is left out: it is no other place for what the
    private ones have.
    """
    several = (
        (
            pip_endpoints(host)
            if name == "pip"
            else read_command_endpoints(UvCommand(("pip", "install"), (), ()), host)
        )
        for name in installers
    )
    return join(
        *(
            (
                endpoints
                if any(not endpoint.url.is_public for endpoint in endpoints.items)
                else replace(endpoints, items=())
            )
            for endpoints in several
        )
    )


def project_endpoints(name: str, key: tuple[str, ...], host: Host, start: str = "") -> Endpoints:
    """Return the sources that the nearest project file `name` has at `key`: tables with a `url`.
    `start` is the folder to begin at.
    """
    folder = host.path(start) if start else host.cwd
    return sources_in(find_upwards(name, folder) or os.path.join(folder, name), key, host)


def sources_in(path: str, key: tuple[str, ...], host: Host, shown: str = "") -> Endpoints:
    """Return the sources that a project's TOML file has at `key`; it is unread if it is none to
    us.
    """
    unread = Unread()
    rows: Any = None
    with unread.guard(shown or path, careless=True):
        rows = value_at(read_document(path), *key)
    found = tuple(source_endpoints(rows, shown or path, host, unread))
    return Endpoints(found, (path,), tuple(unread.texts), careless=tuple(unread.careless))


def source_endpoints(rows: Any, path: str, host: Host, unread: Unread) -> Iterator[Endpoint]:
    """Yield the sources among `rows`, what a project's TOML file has for them; one with a password
    in its URL is the tool's own affair.
    """
    origin = Origin("file", path, project=True)
    for row in rows if isinstance(rows, list) else ():
        url = row.get("url") if isinstance(row, dict) else None
        if not isinstance(url, str):
            continue
        expanded = expand_variables(url, host)
        try:
            target, userinfo = parse_url(expanded), find_userinfo(expanded)
        except BadUrl:
            unread.note_url(expanded, origin)
            continue
        if userinfo and userinfo.password:
            continue
        name = row.get("name") if isinstance(row.get("name"), str) else None
        username = userinfo.username or None if userinfo else None
        yield Endpoint(target, origin, "extra", name, username)


def expand_variables(text: str, host: Host) -> str:
    """Return the text with `${NAME}` and `$NAME` replaced; a variable that is not set stays as it
    is written.
    """
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
    """Return what a TOML file has at `key`, None if it has nothing there or is none to us: for what
    no URL depends on.
    """
    try:
        return value_at(read_document(path), *key)
    except CannotRead:
        return None


def last_value(words: Sequence[Word], name: str) -> str:
    """Return the last value of an option, "" if it was not said."""
    return next((word.value or "" for word in reversed(words) if word.name == name), "")
