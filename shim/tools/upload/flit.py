"""flit publish: an upload with FLIT_USERNAME and FLIT_PASSWORD.

Sources: flit 3.12 `__init__.py`, `upload.py`.
"""

from __future__ import annotations

from shim.core.host import Host
from shim.core.model import Endpoints, Invocation
from shim.formats.optparse_scan import read_table, scan
from shim.tools import Tool
from shim.tools.upload.uploads import Uploader, read_upload_endpoints, read_upload_invocation

NEVER_NEEDS_INDEX = ("", "-h", "--help", "-V", "--version", "info", "init")

UPLOADER = Uploader(
    url="index-url",
    repository="repository",
    config_file="pypirc",
    username="username",
    password="password",  # noqa: S106 (the variable's key)
    variables={
        "index-url": "FLIT_INDEX_URL",
        "username": "FLIT_USERNAME",
        "password": "FLIT_PASSWORD",
    },
)
_TABLE = read_table("""
    -h --help
    -f --ini-file =
    --repository =
    --pypirc =
    --format =
    --use-vcs
    --no-use-vcs
    --debug
    """)


def read_invocation(name: str, argv: tuple[str, ...], host: Host, target: str) -> Invocation:
    """Return which flit command this is; `flit install` starts pip, which asks for itself."""
    return read_upload_invocation(name, argv, host, target, _TABLE, {"publish"}, "uploads")


def read_endpoints(invocation: Invocation, host: Host) -> Endpoints:
    """Return the repository that the command uploads to."""
    return (
        read_upload_endpoints(UPLOADER, scan(invocation.argv, _TABLE), host)
        if invocation.touches_index
        else Endpoints()
    )


TOOL = Tool(NEVER_NEEDS_INDEX, read_invocation, read_endpoints, log_verbs=frozenset({"publish"}))
