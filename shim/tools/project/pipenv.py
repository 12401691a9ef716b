"""pipenv: the sources of a Pipfile, asked by the pip that it brings along.

Sources: pipenv 2026 documentation "Specifying package indexes", `PIPENV_PIPFILE`; measured.
"""

from __future__ import annotations

import os

from shim.core.files import is_file
from shim.core.host import Host
from shim.core.model import Endpoints, Invocation, Origin
from shim.core.typing import Any, Iterator, Sequence
from shim.formats.optparse_scan import Word, read_table, scan
from shim.tools import Tool, words
from shim.tools.pip.settings import Mention, mention_of
from shim.tools.project.direct_urls import direct_endpoints
from shim.tools.project.locks import find_locks, named_lock, sources_of_lock
from shim.tools.project.pip_tools_requests import (
    OptionMention,
    option_endpoints,
    pip_options,
    split_arguments,
)
from shim.tools.project.requests import (
    find_upwards,
    join,
    project_endpoints,
    read_project_invocation,
    source_endpoints,
    sources_in,
)
from shim.tools.unreadable import Unread

NEVER_NEEDS_INDEX = (
    "",
    *words("-h --help --version run shell graph check verify requirements scripts open"),
)
VERBS = words("install lock outdated sync uninstall update upgrade")
_BEFORE = read_table(
    "-h --help\n--version\n--python =\n--pypi-mirror =\n-v --verbose\n-q --quiet\n--clear\n"
    "--site-packages\n--bare"
)
#: `--index` takes the name of a source as well as a URL; it is one more index.
_TABLE = read_table(
    "-h --help\n-i --index =\n--python =\n--pypi-mirror =\n-r --requirements =\n--categories =\n"
    "--extra-pip-args =\n-e --editable ="
)
#: Option -> its variable, and what it says to the pip: a mirror stands for pypi.org.
_HANDED = {
    "pypi-mirror": ("PIPENV_PYPI_MIRROR", "extra-index-url"),
    "extra-pip-args": ("PIPENV_EXTRA_PIP_ARGS", "pip-args"),
    "index": ("", "extra-index-url"),
}


def read_invocation(name: str, argv: tuple[str, ...], host: Host, target: str) -> Invocation:
    """Return which command this is."""
    return read_project_invocation(name, argv, host, target, _BEFORE, VERBS)


def read_endpoints(invocation: Invocation, host: Host) -> Endpoints:
    """Return the sources of the project, and the indexes of pip's own settings."""
    said = scan(invocation.argv, _TABLE)
    typed = [word._replace(name=_HANDED[word.name][1]) for word in said if word.name in _HANDED]
    unread, configured = Unread(), list[OptionMention]()
    with unread.guard("PIPENV_EXTRA_PIP_ARGS"):
        configured += _of_variables(host)
    if named := host.environ.get("PIPENV_PIPFILE"):
        path = host.path(named)
        sources = sources_in(path, ("source",), host, os.path.relpath(path, host.cwd))
    else:
        sources = project_endpoints("Pipfile", ("source",), host)
    pipfile = host.path(sources.files_read[0])
    locks = named_lock("pipenv", invocation.argv, pipfile, host)
    locked = [_locked_sources(path, host) for path in find_locks("pipenv", pipfile, *locks)]
    direct = direct_endpoints("pipenv", invocation.argv, pipfile, *locks)
    asked = option_endpoints(typed, host, configured, files=_requirements(said, pipfile, host))
    said_first = [*locked, sources] if invocation.verb == ("sync",) else [sources, *locked]
    return join(*said_first, asked, direct, unread.endpoints((), ()))


def _locked_sources(path: str, host: Host) -> Endpoints:
    """Return the sources of a lock, which stand for the Pipfile's once it is there."""
    unread = Unread()
    rows: list[Any] = []
    with unread.guard(path, careless=True):
        rows = sources_of_lock(path)
    return unread.endpoints(source_endpoints(rows, path, host, unread), [path])


def _of_variables(host: Host) -> Iterator[OptionMention]:
    """Yield what variables hand to the pip."""
    for variable, name in _HANDED.values():
        if text := host.environ.get(variable):
            mention = Mention(text, Origin("env", variable), variable)
            if name != "pip-args":
                yield name, mention
            for option, value in pip_options(split_arguments(text)) if name == "pip-args" else ():
                yield option, Mention(value, mention.origin)


def _requirements(said: Sequence[Word], pipfile: str, host: Host) -> list[Mention]:
    """Return the files of `-r`, else the project's own, which pipenv takes into its Pipfile."""
    typed = [mention_of(word) for word in said if word.name == "requirements" and word.value]
    found = None if typed or is_file(pipfile) else find_upwards("requirements.txt", host.cwd)
    return [Mention(found, Origin("file", found, project=True))] if found else typed


TOOL = Tool(NEVER_NEEDS_INDEX, read_invocation, read_endpoints, falls_back_to_other_indexes=True)
