"""tox: its environments are made with pip, or uv by a plugin, which ask what their own settings
say.

Without a verb it takes more options than ours, `-p auto` among them: the verb is the first word
that is one.

Sources: tox 4.67 documentation "CLI interface", `pass_env` (NETRC and PIP_* reach every
environment); measured.
"""

from __future__ import annotations

from shim.core.host import Host
from shim.core.model import Endpoints, Invocation
from shim.formats.optparse_scan import read_table
from shim.tools import Tool, words
from shim.tools.installed_version import find_release
from shim.tools.project.own_files import named_endpoints
from shim.tools.project.requests import installer_endpoints, join, read_project_invocation

#: Not `list` and `config`: they install what `requires` names before they answer.
NEVER_NEEDS_INDEX = ("-h", "--help", "--version", "quickstart", "q", "schema", "man")

VERBS = ("", *words("run r run-parallel p devenv d exec e legacy le depends de list l config c"))
KNOWN = (*VERBS[1:], *words("quickstart q schema man"))
_TABLE = read_table("""
    -h --help
    --version
    -e --env =
    -m --labels =
    -f --factors =
    --skip-env =
    -c --conf =
    -x --override =
    --workdir =
    --root =
    --runner =
    --colored =
    --stderr-color =
    --result-json =
    --discover =
    --installpkg =
    --develop
    """)


def read_invocation(name: str, argv: tuple[str, ...], host: Host, target: str) -> Invocation:
    """Return which command this is; tox alone runs the environments."""
    return read_project_invocation(name, argv, host, target, _TABLE, VERBS, KNOWN)


def read_endpoints(invocation: Invocation, host: Host) -> Endpoints:
    """Return the indexes of pip's own settings, and of uv's if the plugin is there."""
    has_uv = find_release(invocation.target.path, "tox_uv", host)[0] is not None
    installers = ("pip", "uv") if has_uv else ("pip",)
    return join(named_endpoints(invocation, host), installer_endpoints(host, *installers))


TOOL = Tool(NEVER_NEEDS_INDEX, read_invocation, read_endpoints, falls_back_to_other_indexes=True)
