"""build (`pyproject-build`): installs what a build needs, with pip or uv, which ask what their own settings say.

Sources: build 1.6 documentation, `env.py`; measured.
"""

from __future__ import annotations

import os

from shim.core.host import Host
from shim.core.model import Invocation, Needs, Target
from shim.formats.optparse_scan import read_table, scan
from shim.tools import Tool
from shim.tools.installed_version import find_release
from shim.tools.project.direct_urls import direct_needs
from shim.tools.project.requests import installer_needs, join, last_value

NEEDLESS = ("-h", "--help", "-V", "--version")

_TABLE = read_table(
    """
    -h --help
    -V --version
    -n --no-isolation
    --installer =
    -o --outdir =
    -C --config-setting =
    --config-json =
    --env-dir =
    """
)


def read_invocation(name: str, argv: tuple[str, ...], host: Host, target: str) -> Invocation:
    """Return which command this is: it has no verbs, and without isolation it installs nothing."""
    asks = not {"help", "version", "no-isolation"} & {word.name for word in scan(argv, _TABLE)}
    reason = "build installs what the build needs" if asks else "build asks no index here"
    made = Target(target, *find_release(target, "build", host))
    return Invocation(name, "project", made, argv, (), asks, reason)


def read_needs(invocation: Invocation, host: Host) -> Needs:
    """Return the indexes of the installer's own settings."""
    if not invocation.touches_index:
        return Needs()
    words = scan(invocation.argv, _TABLE)
    needs = installer_needs(host, "uv" if last_value(words, "installer") == "uv" else "pip")
    folder = next((word.value or "" for word in words if word.name is None), ".")
    return join(needs, direct_needs("build", (), host.path(os.path.join(folder, "pyproject.toml")), "")) if needs.items else needs


TOOL = Tool(NEEDLESS, read_invocation, read_needs, falls_open=True)
