"""pdm: the sources of pyproject.toml and of its own configuration, asked by its own installer,
which reads a netrc and asks a `keyring`.

Sources: pdm 2.29 documentation "Configure the package indexes", "Publish"; `cli/commands/publish`;
unearth 0.17 `auth.py`; measured.
"""

from __future__ import annotations

from shim.core.host import Host
from shim.core.model import Endpoints, Invocation
from shim.formats.optparse_scan import read_table, scan
from shim.tools import Tool, words
from shim.tools.project.direct_urls import direct_endpoints
from shim.tools.project.locks import named_lock
from shim.tools.project.repositories import pdm_repositories, pdm_sources
from shim.tools.project.requests import join, last_value, project_endpoints, read_project_invocation
from shim.tools.upload.uploads import Uploader, as_upload, move_password, read_upload_endpoints

NEVER_NEEDS_INDEX = (
    "",
    *words("-h --help -V --version run config info show list cache completion"),
)
VERBS = words("add build install lock outdated publish remove sync update")
_BEFORE = read_table(
    "-h --help\n-V --version\n-c --config =\n-v --verbose\n-q --quiet\n-I --ignore-python\n"
    "--no-cache\n-n --non-interactive\n"
)
_PROJECT = read_table("-h --help\n-p --project =\n-c --config =")
_PUBLISH = read_table(
    "-h --help\n-r --repository =\n-u --username =\n-P --password =\n-S --sign\n-i --identity =\n"
    "-c --comment =\n--no-build\n-d --dest =\n--skip-existing\n--no-verify-ssl\n--ca-certs =\n"
    "-p --project =\n-k --skip ="
)
UPLOADER = Uploader(
    url="repository",
    variables={
        "repository": "PDM_PUBLISH_REPO",
        "username": "PDM_PUBLISH_USERNAME",
        "password": "PDM_PUBLISH_PASSWORD",
    },
)


def read_invocation(name: str, argv: tuple[str, ...], host: Host, target: str) -> Invocation:
    """Return which command this is."""
    return as_upload(read_project_invocation(name, argv, host, target, _BEFORE, VERBS))


def read_endpoints(invocation: Invocation, host: Host) -> Endpoints:
    """Return the repository of an upload, else the sources of project and configuration."""
    said = scan(invocation.argv, _PROJECT)
    folder = last_value(said, "project") or host.environ.get("PDM_PROJECT") or "."
    if invocation.verb == ("publish",):
        return read_upload_endpoints(
            UPLOADER, scan(invocation.argv, _PUBLISH), host, pdm_repositories("", folder, host)
        )
    own = pdm_sources(last_value(said, "config"), folder, host)
    project = project_endpoints("pyproject.toml", ("tool", "pdm", "source"), host, folder)
    path, argv = project.files_read[0], invocation.argv
    direct = direct_endpoints("pdm", argv, path, *named_lock("pdm", argv, path, host))
    return join(project, own, direct)


TOOL = Tool(
    NEVER_NEEDS_INDEX,
    read_invocation,
    read_endpoints,
    log_verbs=frozenset({"publish"}),
    move_secrets=move_password(UPLOADER, _PUBLISH),
)
