"""Where a tool uploads to: an option, a variable, or a section of .pypirc.

Sources: twine 7.0 `settings.py`, `utils.py` (get_config, get_repository_from_config); flit 3.12
`upload.py`; the .pypirc specification (packaging.python.org).
"""

from __future__ import annotations

import configparser
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, replace

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
from shim.core.urls import BadUrl, find_userinfo, parse_url
from shim.formats.optparse_scan import OptionTable, Word, drop_value, scan
from shim.tools.installed_version import find_release

_PYPI, _TEST = "https://upload.pypi.org/legacy/", "https://test.pypi.org/legacy/"
#: The repositories that the tools know without a configuration file; the last two are hatch's.
KNOWN = {"pypi": _PYPI, "testpypi": _TEST, "main": _PYPI, "test": _TEST}


@dataclass(frozen=True, slots=True)
class Uploader:
    """How one tool is told about a repository: its options, and the variables that stand in for
    them ("" for none).
    """

    url: str
    repository: str
    config_file: str
    username: str
    password: str
    variables: Mapping[str, str]

    def said(self, option: str, words: list[Word], host: Host) -> str | None:
        """Return what an option says, else its variable; None for neither or empty."""
        typed = [word.value for word in words if option and word.name == option]
        return (
            typed[-1] if typed else host.environ.get(self.variables.get(option, ""), "")
        ) or None


@dataclass(frozen=True, slots=True)
class Repositories:
    """The repositories that a configuration file names: name -> `repository` (the URL), `username`,
    `password`, as far as it says them.

    `project` are the names whose URL a file of the project says.
    """

    path: str
    rows: Mapping[str, Mapping[str, str]]
    default: str = "pypi"
    project: frozenset[str] = frozenset()


def read_upload_endpoints(
    uploader: Uploader, words: list[Word], host: Host, repositories: Repositories | None = None
) -> Endpoints:
    """Return the one endpoint that the command uploads to, and who answers for it already. Without
    `repositories` a .pypirc has them.
    """
    if repositories is None:
        path = host.path(uploader.said(uploader.config_file, words, host) or "~/.pypirc")
        repositories = Repositories(path, read_pypirc(path))
    path = repositories.path
    name = uploader.said(uploader.repository, words, host) or repositories.default
    section = repositories.rows.get(name, {})
    url = uploader.said(uploader.url, words, host)
    if url and (
        uploader.url != uploader.repository or "://" in url
    ):  # some tools take a name and a URL by the same option
        origin, key = _origin(uploader.url, uploader, words)
        section = {}  # the tools read no section then
    else:
        url = section.get("repository") or KNOWN.get(name)
        is_project = name in repositories.project
        origin, key = (
            Origin("file" if is_project else "config", f"{path} [{name}]", project=is_project),
            None,
        )
    if not url:
        return Endpoints((), (path,))
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
    place = (
        Location("argv" if isinstance(key, int) else "env", key, userinfo.start, userinfo.end)
        if given and userinfo and key is not None
        else None
    )
    return Endpoints(
        (
            Endpoint(
                target, origin, "publish", name, username, given, place, None if given else answered
            ),
        ),
        (path,),
    )


def read_upload_invocation(
    name: str,
    argv: tuple[str, ...],
    host: Host,
    target: str,
    table: OptionTable,
    verbs: Container[str],
    does: str,
) -> Invocation:
    """Return which command of a tool that only uploads this is; `does` says what those in `verbs`
    do.
    """
    words = scan(argv, table)
    verb = next((word.value or "" for word in words if word.name is None), "")
    asks = verb in verbs and not any(word.name == "help" for word in words)
    reason = f"{name} {verb} {does}" if asks else f"{name} asks no repository here"
    made = Target(target, *find_release(target, name, host))
    return Invocation(name, "upload", made, argv, (verb,), asks, reason)


def as_upload(found: Invocation, verb: str = "publish") -> Invocation:
    """Return the invocation of a tool that does other things as well, as an upload if it is one."""
    if found.verb != (verb,) or not found.touches_index:
        return found
    return replace(found, family="upload", reason=f"{found.tool} {verb} uploads")


def move_password(
    uploader: Uploader, table: OptionTable
) -> Callable[[Invocation, Delivery], Delivery]:
    """Return a tool's `move_secrets`: what is typed as password goes from argv into its
    variable.
    """

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


def _origin(option: str, uploader: Uploader, words: list[Word]) -> tuple[Origin, int | str | None]:
    """Return where the URL was said, and the element of argv (None if it is only a part of one) or
    the variable.
    """
    typed = [word for word in words if word.name == option]
    if typed:
        return Origin("argv", f"--{option}"), typed[-1].position if typed[-1].start == 0 else None
    variable = uploader.variables[option]
    return Origin("env", variable), variable


def read_pypirc(path: str) -> dict[str, dict[str, str]]:
    """Return section -> keys of a .pypirc; nothing for a file that is not there or cannot be
    understood.
    """
    parser = configparser.RawConfigParser()
    try:
        parser.read_string((read_regular(path) or b"").decode("utf-8"))
    except (
        CannotRead,
        UnicodeDecodeError,
        configparser.Error,
        AttributeError,
    ):  # AttributeError: a value continued before it began
        return {}
    return {name: dict(parser[name]) for name in parser.sections()}
