"""pipx: installs programs with pip or uv, which ask what their own settings say.

`pipx run` is left to the `keyring` launcher: the program that it becomes would inherit what we hand
over.

Sources: pipx 1.18 documentation, `backends/__init__.py`; measured.
"""

from __future__ import annotations

from shim.core.host import Host
from shim.core.model import Endpoints, Invocation, Origin
from shim.formats.optparse_scan import Word, read_table, scan
from shim.tools import Tool, words
from shim.tools.pip.settings import Mention
from shim.tools.project.direct_urls import direct_endpoints
from shim.tools.project.pip_tools_requests import option_endpoints
from shim.tools.project.requests import (
    installer_endpoints,
    join,
    last_value,
    read_project_invocation,
)

NEVER_NEEDS_INDEX = (
    "",
    *words("-h --help --version list environment ensurepath completions"),
    *words("uninstall uninstall-all run"),
)
VERBS = words(
    "inject install install-all reinstall reinstall-all upgrade upgrade-all upgrade-shared"
)
_BEFORE = read_table("-h --help\n--version\n-q --quiet\n-v --verbose\n--global")
_TABLE = read_table(
    "-h --help\n-i --index-url =\n--pip-args =\n--backend =\n--python =\n--suffix =\n"
    "--preinstall =\n--cooldown =\n--fetch-python =\n-r --requirement =\n-c --constraint =\n"
    "-e --editable\n-f --force"
)


def read_invocation(name: str, argv: tuple[str, ...], host: Host, target: str) -> Invocation:
    """Return which command this is."""
    return read_project_invocation(name, argv, host, target, _BEFORE, VERBS)


def read_endpoints(invocation: Invocation, host: Host) -> Endpoints:
    """Return the indexes of its options and of the settings of the pip or uv that it may start."""
    if not any(word in VERBS for word in invocation.verb):
        return Endpoints()
    said = scan(invocation.argv, _TABLE)
    backend = last_value(said, "backend") or host.environ.get("PIPX_DEFAULT_BACKEND")
    folders = [one for one in _values(said, None) if "/" in one.text or one.text.startswith(".")]
    asked = option_endpoints(said, host, files=_values(said, "requirement"), folders=folders)
    typed = join(asked, direct_endpoints("pipx", invocation.argv, "", ""))
    may_be_uv = backend != "pip" and not last_value(said, "index-url")
    return join(typed, installer_endpoints(host, "uv")) if may_be_uv else typed


def _values(said: list[Word], name: str | None) -> list[Mention]:
    """Return each value of an option; those of None are the arguments."""
    values = [word.value or "" for word in said if word.name == name]
    return [Mention(value, Origin("argv", value)) for value in values]


TOOL = Tool(NEVER_NEEDS_INDEX, read_invocation, read_endpoints, falls_back_to_other_indexes=True)
