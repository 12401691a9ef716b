"""build (`pyproject-build`): installs what a build needs, with pip or uv, which ask what their own
settings say.

Sources: build 1.6 documentation, `env.py`; measured.
"""

from __future__ import annotations

import os

from shim.core.host import Host
from shim.core.model import Endpoints, Invocation, Target
from shim.formats.optparse_scan import read_table, scan
from shim.tools import Tool
from shim.tools.installed_version import find_release
from shim.tools.project.direct_urls import direct_endpoints
from shim.tools.project.requests import installer_endpoints, join, last_value

NEVER_NEEDS_INDEX = ("-h", "--help", "-V", "--version")

_TABLE = read_table("""
    -h --help
    -V --version
    -n --no-isolation
    --installer =
    -o --outdir =
    -C --config-setting =
    --config-json =
    --env-dir =
    """)


def read_invocation(name: str, argv: tuple[str, ...], host: Host, target: str) -> Invocation:
    """Return which command this is: it has no verbs, and without isolation it installs nothing."""
    asks = not {"help", "version", "no-isolation"} & {word.name for word in scan(argv, _TABLE)}
    reason = "build installs what the build needs" if asks else "build asks no index here"
    made = Target(target, *find_release(target, "build", host))
    return Invocation(name, "project", made, argv, (), asks, reason)


def read_endpoints(invocation: Invocation, host: Host) -> Endpoints:
    """Return the indexes of the installer's own settings."""
    words = scan(invocation.argv, _TABLE)
    endpoints = installer_endpoints(host, "uv" if last_value(words, "installer") == "uv" else "pip")
    folder = next((word.value or "" for word in words if word.name is None), ".")
    path = host.path(os.path.join(folder, "pyproject.toml"))
    direct = direct_endpoints("build", (), path) if endpoints.items else Endpoints()
    return join(endpoints, direct)


TOOL = Tool(NEVER_NEEDS_INDEX, read_invocation, read_endpoints, falls_back_to_other_indexes=True)
