"""pip-tools: `pip-compile` asks with the pip beside it, `pip-sync` starts that pip. Neither is
given a URL with a password.

Sources: pip-tools 7.6 `scripts/compile.py` (the header and the `--index-url` lines of the output
are made of what it was told); measured.
"""

from __future__ import annotations

from shim.core.host import Host
from shim.core.model import Endpoints, Invocation, Target
from shim.formats.optparse_scan import read_table, scan
from shim.tools import Tool
from shim.tools.installed_version import find_release
from shim.tools.project.pip_tools_requests import pip_tools_endpoints

NEVER_NEEDS_INDEX = ("-h", "--help", "--version")

#: Command -> the file that it reads if none is named.
SOURCES = {"pip-compile": "requirements.in", "pip-sync": "requirements.txt"}
_BOTH = """
-h --help
--version
-i --index-url =
--extra-index-url =
-f --find-links =
--no-index
--trusted-host =
--pip-args =
--config =
--no-config
--cert =
--client-cert =
"""
_TABLES = {
    "pip-compile": (
        _BOTH + "-c --constraint =\n-o --output-file =\n--extra =\n-P --upgrade-package =\n"
        "--annotation-style =\n--newline =\n--max-rounds =\n--cache-dir =\n--resolver =\n"
        "--unsafe-package =\n--build-deps-for =\n--uploaded-prior-to =\n"
        "-v --verbose\n-q --quiet\n-U --upgrade"
    ),
    "pip-sync": _BOTH + "--python-executable =\n-v --verbose\n-q --quiet\n-a --ask\n-n --dry-run",
}


def read_invocation(name: str, argv: tuple[str, ...], host: Host, target: str) -> Invocation:
    """Return which command this is. The release that counts for the way of handing over is
    nobody's: the pip beside it is not seen.
    """
    asks = not {"help", "version"} & {word.name for word in scan(argv, read_table(_TABLES[name]))}
    reason = f"{name} asks like pip" if asks else "help or version"
    made = Target(target, *find_release(target, "pip_tools", host))
    return Invocation(name, "project", made, argv, (), asks, reason)


def read_endpoints(invocation: Invocation, host: Host) -> Endpoints:
    """Return every index that pip would ask for these requirements."""
    words = scan(invocation.argv, read_table(_TABLES[invocation.tool]))
    return pip_tools_endpoints(words, SOURCES[invocation.tool], invocation.target, host)


TOOL = Tool(NEVER_NEEDS_INDEX, read_invocation, read_endpoints, falls_back_to_other_indexes=True)
