"""poetry: the sources of pyproject.toml, asked by its own installer, which reads a netrc; so does
`poetry publish`.

Sources: poetry 2 documentation "Repositories"; `publishing/uploader.py`; measured.
"""

from __future__ import annotations

from shim.core.dataclass import replace
from shim.core.host import Host
from shim.core.model import Endpoints, Invocation
from shim.formats.optparse_scan import read_table, scan
from shim.tools import Tool, words
from shim.tools.project.direct_urls import direct_endpoints
from shim.tools.project.repositories import poetry_endpoints, poetry_variables
from shim.tools.project.requests import join, last_value, project_endpoints, read_project_invocation

NEVER_NEEDS_INDEX = (
    "",
    *words("-h --help -V --version run env config shell check version init new about"),
)
VERBS = words("add build install lock publish remove search self show sync update")
_FOLDERS = "-C --directory =\n-P --project =\n"
_BEFORE = read_table(
    _FOLDERS + "-h --help\n-V --version\n-v --verbose\n-q --quiet\n-n --no-interaction\n"
    "--no-plugins\n--no-cache"
)
_PUBLISH = read_table(
    _FOLDERS + "-h --help\n-r --repository =\n-u --username =\n-p --password =\n--cert =\n"
    "--client-cert =\n--dist-dir =\n--build\n--dry-run"
)


def read_invocation(name: str, argv: tuple[str, ...], host: Host, target: str) -> Invocation:
    """Return which command this is."""
    return read_project_invocation(name, argv, host, target, _BEFORE, VERBS)


def read_endpoints(invocation: Invocation, host: Host) -> Endpoints:
    """Return the sources of the project, or the repository of an upload."""
    is_upload = invocation.verb == ("publish",)
    said = scan(invocation.argv, _PUBLISH if is_upload else _BEFORE)
    folder = last_value(said, "project") or last_value(said, "directory") or "."
    if is_upload:
        typed = bool(last_value(said, "username") and last_value(said, "password"))
        endpoints = poetry_endpoints(last_value(said, "repository"), folder, host)
        return replace(endpoints, items=() if typed else endpoints.items)
    endpoints = project_endpoints("pyproject.toml", ("tool", "poetry", "source"), host, folder)
    items = tuple(
        replace(endpoint, provided_by=_answer(endpoint.index_name or "", host))
        for endpoint in endpoints.items
    )
    direct = direct_endpoints("poetry", invocation.argv, endpoints.files_read[0])
    # A lock names the source of each package, and the project's source of that name is asked.
    sources = {one.url.text.rstrip("/") for one in items}
    others = tuple(one for one in direct.items if one.url.text.rstrip("/") not in sources)
    return join(replace(endpoints, items=items), replace(direct, items=others))


def _answer(name: str, host: Host) -> str | None:
    """Return the user's own variable with the password of a source, or None."""
    variable = poetry_variables(name)[0]
    return variable if host.environ.get(variable) else None


# `publish --password` stays in argv: it has no variable that would count in its place.
TOOL = Tool(NEVER_NEEDS_INDEX, read_invocation, read_endpoints)
