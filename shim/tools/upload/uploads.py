"""Where a tool uploads to: an option, a variable, or a section of .pypirc.

Sources: twine 7.0 `settings.py`, `utils.py` (get_config, get_repository_from_config); flit 3.12
`upload.py`; the .pypirc specification (packaging.python.org).
"""

from __future__ import annotations

import configparser

from shim.core.dataclass import dataclass, replace
from shim.core.files import CannotRead, read_regular
from shim.core.host import Host
from shim.core.model import (
    Delivery,
    Endpoint,
    Endpoints,
    Invocation,
    Location,
    Origin,
    Secret,
    Target,
)
from shim.core.typing import Callable, Literal, Mapping
from shim.core.urls import BadUrl, find_userinfo, parse_url
from shim.formats.optparse_scan import OptionTable, Word, drop_value, scan
from shim.tools import Tool
from shim.tools.installed_version import find_release

_PYPI, _TEST = "https://upload.pypi.org/legacy/", "https://test.pypi.org/legacy/"
#: The repositories that the tools know without a configuration file; the last two are hatch's.
KNOWN = {"pypi": _PYPI, "testpypi": _TEST, "main": _PYPI, "test": _TEST}


@dataclass(frozen=True, slots=True)
class Uploader:
    """The options that tell a tool about a repository, and the variables in place of them."""

    url: str
    variables: Mapping[str, str]
    repository: str = "repository"
    config_file: str = ""
    username: str = "username"
    password: str = "password"  # noqa: S105 (the option's name)

    def said(self, option: str, words: list[Word], host: Host) -> str | None:
        """Return what an option says, else its variable; None for neither or empty."""
        typed = [word.value for word in words if word.name == option]
        variable = self.variables.get(option, "")
        return (typed[-1] if typed else host.environ.get(variable)) or None


@dataclass(frozen=True, slots=True)
class Repositories:
    """What the configuration file `path` says of each repository: `repository` (the URL),
    `username`, `password`. `project` are the names whose URL a file of the project says.
    """

    path: str
    rows: Mapping[str, Mapping[str, str]]
    default: str = "pypi"
    project: frozenset[str] = frozenset()


def read_upload_endpoints(
    uploader: Uploader, words: list[Word], host: Host, repositories: Repositories | None = None
) -> Endpoints:
    """Return the one endpoint of an upload; without `repositories` a .pypirc has them."""
    if repositories is None:
        path = host.path(uploader.said(uploader.config_file, words, host) or "~/.pypirc")
        repositories = Repositories(path, read_pypirc(path))
    path = repositories.path
    name = uploader.said(uploader.repository, words, host) or repositories.default
    section = repositories.rows.get(name, {})
    url = uploader.said(uploader.url, words, host) or ""
    # Some tools take a name and a URL by the same option.
    if url and (uploader.url != uploader.repository or "://" in url):
        origin, key = _origin(uploader, words)
        section = {}  # the tools read no section then
    else:
        url = section.get("repository") or KNOWN.get(name, "")
        is_project = name in repositories.project
        kind: Literal["file", "config"] = "file" if is_project else "config"
        origin, key = Origin(kind, f"{path} [{name}]", project=is_project), None
    try:
        target, userinfo = parse_url(url), find_userinfo(url)
    except BadUrl:
        return Endpoints((), (path,))
    given = Secret(userinfo.password) if userinfo and userinfo.password else None
    username = (
        (userinfo.username if userinfo else None)
        or uploader.said(uploader.username, words, host)
        or section.get("username")
    )
    answered = None
    if uploader.said(uploader.password, words, host):
        answered = uploader.variables.get(uploader.password) or f"--{uploader.password}"
    elif section.get("password"):
        answered = f"{path} [{name}]"
    place = Location.of_userinfo(url, key, userinfo) if given else None
    answered = None if given else answered
    endpoint = Endpoint(target, origin, "publish", name, username, given, place, answered)
    return Endpoints((endpoint,), (path,))


def upload_tool(
    never_needs_index: tuple[str, ...],
    uploader: Uploader,
    table: OptionTable,
    verbs: frozenset[str],
    does: str,
) -> Tool:
    """Return a tool that only uploads; `does` says what it does by its `verbs`."""

    def read_invocation(name: str, argv: tuple[str, ...], host: Host, target: str) -> Invocation:
        words = scan(argv, table)
        verb = next((word.value or "" for word in words if word.name is None), "")
        asks = verb in verbs and not any(word.name == "help" for word in words)
        reason = f"{name} {verb} {does}" if asks else f"{name} asks no repository here"
        made = Target(target, *find_release(target, name, host))
        return Invocation(name, "upload", made, argv, (verb,), asks, reason)

    def find_endpoints(invocation: Invocation, host: Host) -> Endpoints:
        return read_upload_endpoints(uploader, scan(invocation.argv, table), host)

    return Tool(
        never_needs_index,
        read_invocation,
        find_endpoints,
        log_verbs=verbs,
        move_secrets=move_password(uploader, table),
    )


def as_upload(found: Invocation) -> Invocation:
    """Return the invocation of a tool that does other things as well, as an upload if it is one."""
    if found.verb != ("publish",) or not found.touches_index:
        return found
    return replace(found, family="upload", reason=f"{found.tool} publish uploads")


def move_password(
    uploader: Uploader, table: OptionTable
) -> Callable[[Invocation, Delivery], Delivery]:
    """Return a tool's `move_secrets`: a password in argv goes into its variable."""

    def move(invocation: Invocation, delivery: Delivery) -> Delivery:
        is_upload = invocation.family == "upload" and invocation.touches_index
        words = scan(delivery.argv, table) if is_upload else []
        typed = [word for word in words if word.name == uploader.password and word.value]
        if not typed:
            return delivery
        argv = delivery.argv
        for word in reversed(typed):  # from the end, so that positions stay true
            argv = drop_value(argv, word)
        variable = uploader.variables[uploader.password]
        environ = {**delivery.environ, variable: Secret(typed[-1].value or "")}
        return replace(delivery, argv=argv, environ=environ)

    return move


def _origin(uploader: Uploader, words: list[Word]) -> tuple[Origin, int | str | None]:
    """Return where the URL was said, and the variable or whole element of argv that it is."""
    typed = [word for word in words if word.name == uploader.url]
    if typed:
        position = typed[-1].position if typed[-1].start == 0 else None
        return Origin("argv", f"--{uploader.url}"), position
    variable = uploader.variables[uploader.url]
    return Origin("env", variable), variable


def read_pypirc(path: str) -> dict[str, dict[str, str]]:
    """Return section -> keys of a .pypirc; nothing for what is not there or not understood."""
    parser = configparser.RawConfigParser()
    try:
        parser.read_string((read_regular(path) or b"").decode("utf-8"))
    # AttributeError: a value continued before it began
    except (CannotRead, UnicodeDecodeError, configparser.Error, AttributeError):
        return {}
    return {name: dict(parser[name]) for name in parser.sections()}
