"""hatch: environments made by pip or uv, which ask what their own settings say; `hatch publish`
uploads with variables of its own.

`hatch shell` is left to the `keyring` launcher: a shell that stays would keep what we hand over.

Sources: hatch 1.18 documentation "Publishing", `publish/index.py`, `publish/auth.py`; measured.
"""

from __future__ import annotations

from shim.core.host import Host
from shim.core.model import Endpoints, Invocation
from shim.formats.optparse_scan import read_table, scan
from shim.tools import Tool, words
from shim.tools.project.direct_urls import direct_endpoints
from shim.tools.project.own_files import named_endpoints
from shim.tools.project.repositories import hatch_repositories
from shim.tools.project.requests import (
    find_upwards,
    installer_endpoints,
    join,
    last_value,
    read_project_invocation,
)
from shim.tools.upload.uploads import Uploader, as_upload, move_password, read_upload_endpoints

NEVER_NEEDS_INDEX = ("", *words("-h --help --version clean config new python self shell status"))
VERBS = words("build check dep env fmt lock project publish run test version")
_BEFORE = read_table(
    "-h --help\n--version\n-e --env =\n-p --project =\n--data-dir =\n--cache-dir =\n--config =\n"
    "-v --verbose\n-q --quiet"
)
_PUBLISH = read_table(
    "-h --help\n-r --repo =\n-u --user =\n-a --auth =\n--ca-cert =\n--client-cert =\n"
    "--client-key =\n-p --publisher =\n-o --option =\n-n --no-prompt\n-y --yes\n"
    "--initialize-auth\n-e --env =\n--config =\n--data-dir =\n--cache-dir ="
)
UPLOADER = Uploader(
    url="repo",
    repository="repo",
    config_file="config",
    username="user",
    password="auth",  # noqa: S106 (the option's name)
    variables={
        "repo": "HATCH_INDEX_REPO",
        "config": "HATCH_CONFIG",
        "user": "HATCH_INDEX_USER",
        "auth": "HATCH_INDEX_AUTH",
    },
)


def read_invocation(name: str, argv: tuple[str, ...], host: Host, target: str) -> Invocation:
    """Return which command this is; of `run` the user's program is a part."""
    return as_upload(read_project_invocation(name, argv, host, target, _BEFORE, VERBS))


def read_endpoints(invocation: Invocation, host: Host) -> Endpoints:
    """Return the repository of an upload, else the indexes of pip's and uv's own settings."""
    if invocation.verb != ("publish",):
        named = named_endpoints(invocation, host)
        endpoints = join(named, installer_endpoints(host, "pip", "uv"))
        path = find_upwards("pyproject.toml", host.cwd)
        if not (path and endpoints.items):
            return endpoints
        return join(endpoints, direct_endpoints("hatch", (), path))
    said = scan(invocation.argv, _PUBLISH)
    known = hatch_repositories(last_value(said, "repo"), last_value(said, "config"), host)
    return read_upload_endpoints(UPLOADER, said, host, known)


TOOL = Tool(
    NEVER_NEEDS_INDEX,
    read_invocation,
    read_endpoints,
    falls_back_to_other_indexes=True,
    log_verbs=frozenset({"publish"}),
    move_secrets=move_password(UPLOADER, _PUBLISH),
)
