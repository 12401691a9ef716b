"""twine: uploads. The credential goes into TWINE_USERNAME and TWINE_PASSWORD, which twine alone
reads: it runs nobody's code.

Sources: twine 7.0 `commands/upload.py`, `commands/register.py`, `settings.py`, `cli.py`.
"""

from __future__ import annotations

from shim.formats.optparse_scan import read_table
from shim.tools.upload.uploads import Uploader, upload_tool

NEVER_NEEDS_INDEX = ("", "-h", "--help", "--version", "check")

VERBS = frozenset({"upload", "register"})
UPLOADER = Uploader(
    url="repository-url",
    config_file="config-file",
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


TOOL = upload_tool(NEVER_NEEDS_INDEX, UPLOADER, _TABLE, VERBS, "talks to a repository")
