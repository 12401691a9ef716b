"""flit publish: an upload with FLIT_USERNAME and FLIT_PASSWORD.

Sources: flit 3.12 `__init__.py`, `upload.py`.
"""

from __future__ import annotations

from shim.formats.optparse_scan import read_table
from shim.tools.upload.uploads import Uploader, upload_tool

NEVER_NEEDS_INDEX = ("", "-h", "--help", "-V", "--version", "info", "init")

UPLOADER = Uploader(
    url="index-url",
    config_file="pypirc",
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


# `flit install` starts pip, which asks for itself.
TOOL = upload_tool(NEVER_NEEDS_INDEX, UPLOADER, _TABLE, frozenset({"publish"}), "uploads")
