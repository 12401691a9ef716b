"""tox: its environments are made with pip, or uv by a plugin, which ask what their own settings
say.

Without a verb it takes more options than ours, `-p auto` among them: the verb is the first word
that is one.

Sources: tox 4.67 documentation "CLI interface", `pass_env` (NETRC and PIP_* reach every
environment); measured.
"""

from __future__ import annotations

import os

from shim.core.files import exists, read_text
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
#: Verbs that make one environment after the other, and those that do so unless they are told
#: otherwise.
ONE_BY_ONE, ONE_BY_ONE_BY_DEFAULT = words("run r devenv d exec e"), ("", "legacy", "le")
#: Where the user's own defaults lie: below the folder of configurations, and below a home on macOS.
_DEFAULTS = "tox/config.ini", "Library/Application Support/tox/config.ini"
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


def starts_one_pip_after_the_other(invocation: Invocation, host: Host) -> bool:
    """Whether this tox surely does. An option, a variable or the user's own defaults may have one
    without a verb make several environments at once.
    """
    verb = invocation.verb[0] if invocation.verb else ""
    if verb not in ONE_BY_ONE_BY_DEFAULT:
        return verb in ONE_BY_ONE
    argv = invocation.argv
    own = argv[: argv.index("--")] if "--" in argv else argv
    names = ("TOX_PARALLEL", "TOXPARALLEL", "TOX_USER_CONFIG_FILE")
    if any(map(_may_be_parallel, own)) or any(host.environ.get(name) for name in names):
        return False
    places = zip((host.config_home, host.home), _DEFAULTS, strict=True)
    files = [os.path.join(folder, name) for folder, name in places if folder]
    return not any(exists(file) and "parallel" in (read_text(file) or "parallel") for file in files)


def _may_be_parallel(word: str) -> bool:
    """Whether a word may be `-p`, alone or behind other letters, or `--parallel`, which may be cut
    short. What follows -e, -m, -f, -c and -x is a value.
    """
    is_short = word.startswith("-") and word[1:2] not in "-emfcx"
    return (is_short and "p" in word) or word.startswith("--p")


def read_endpoints(invocation: Invocation, host: Host) -> Endpoints:
    """Return the indexes of pip's own settings, and of uv's if the plugin is there."""
    has_uv = find_release(invocation.target.path, "tox_uv", host)[0] is not None
    installers = ("pip", "uv") if has_uv else ("pip",)
    return join(named_endpoints(invocation, host), installer_endpoints(host, *installers))


TOOL = Tool(NEVER_NEEDS_INDEX, read_invocation, read_endpoints, falls_back_to_other_indexes=True)
