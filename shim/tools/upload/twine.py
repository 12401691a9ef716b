"""twine: uploads. The credential goes into TWINE_USERNAME and TWINE_PASSWORD, which twine alone
reads: it runs nobody's code.

Sources: twine 7.0 `commands/upload.py`, `commands/register.py`, `settings.py`, `cli.py`.
"""

from __future__ import annotations

from shim.core.host import Host
from shim.core.model import Endpoints, Invocation
from shim.formats.optparse_scan import read_table, scan
from shim.tools import Tool
from shim.tools.upload.uploads import (
    Uploader,
    move_password,
    read_upload_endpoints,
    read_upload_invocation,
)

NEVER_NEEDS_INDEX = ("", "-h", "--help", "--version", "check")

#: Verbs that talk to a repository.
VERBS = frozenset({"upload", "register"})
UPLOADER = Uploader(
    url="repository-url",
    repository="repository",
    config_file="config-file",
    username="username",
    password="password",  # noqa: S106 (the option's name)
    variables={
        "repository-url": "TWINE_REPOSITORY_URL",
        "repository": "TWINE_REPOSITORY",
        "username": "TWINE_USERNAME",
        "password": "TWINE_PASSWORD",
    },
)
_TABLE = read_table("""
    -h --help
    -r --repository =
    --repository-url =
    --attestations
    -s --sign
    --sign-with =
    -i --identity =
    -u --username =
    -p --password =
    --non-interactive
    -c --comment =
    --config-file =
    --skip-existing
    --cert =
    --client-cert =
    --verbose
    --disable-progress-bar
    --no-color
    """)


def read_invocation(name: str, argv: tuple[str, ...], host: Host, target: str) -> Invocation:
    """Return which twine command this is; only uploads and registrations talk to a repository."""
    return read_upload_invocation(name, argv, host, target, _TABLE, VERBS, "talks to a repository")


def read_endpoints(invocation: Invocation, host: Host) -> Endpoints:
    """Return the repository that the command uploads to."""
    return (
        read_upload_endpoints(UPLOADER, scan(invocation.argv, _TABLE), host)
        if invocation.touches_index
        else Endpoints()
    )


TOOL = Tool(
    NEVER_NEEDS_INDEX,
    read_invocation,
    read_endpoints,
    log_verbs=frozenset({"upload", "register"}),
    move_secrets=move_password(UPLOADER, _TABLE),
)
