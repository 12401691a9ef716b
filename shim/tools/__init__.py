"""The wrapped programs: one module each, named in `TOOLS`, loaded when one is used. Tools never import each other."""

from __future__ import annotations

from importlib import import_module
from typing import Literal, Protocol, cast

from shim.core.host import Host
from shim.core.model import Delivery, Invocation, Needs

#: Launcher name -> module in this package. Adding a tool is one file and one line here.
TOOLS = {
    "pip": "pip.tool",
    "pip3": "pip.tool",
    "uv": "uv.tool",
    "uvx": "uv.uvx",
    "twine": "upload.twine",
    "flit": "upload.flit",
    "pipx": "project.pipx",
    "pipenv": "project.pipenv",
    "poetry": "project.poetry",
    "pdm": "project.pdm",
    "hatch": "project.hatch",
    "pyproject-build": "project.build",
    "pip-compile": "project.pip_tools",
    "pip-sync": "project.pip_tools",
    "tox": "project.tox",
    "nox": "project.nox",
}


#: What a command wants of its indexes: packages for sure, an answer or maybe packages, or nothing since all is on this machine.
Demand = Literal["packages", "answers", "nothing"]


class Tool(Protocol):
    """What a tool module offers.

    `NEEDLESS` lists the argument beginnings that never touch an index, as the launcher sees them: `freeze`, `pip show`
    (one or two words, or an option like `--version`); "" is the bare name. They go to the target without starting Python.
    """

    NEEDLESS: tuple[str, ...]
    #: Whether a private index that cannot be asked must stop this tool's index verbs, because it would take the package elsewhere.
    FALLS_OPEN: bool
    #: Verbs, their words joined by a blank, all of whose output is a log for people and no data: secrets in it may be masked.
    LOG_VERBS: frozenset[str]

    def read_invocation(self, name: str, argv: tuple[str, ...], host: Host, target: str) -> Invocation:
        """Return what this command is, from its argv and environment alone (and the target's metadata on disk)."""

    def read_needs(self, invocation: Invocation, host: Host) -> Needs:
        """Return every index and URL that the command will ask, in the tool's own order of precedence."""

    def read_demand(self, invocation: Invocation, host: Host) -> Demand:
        """Return what the command wants of its indexes."""

    def move_secrets(self, invocation: Invocation, delivery: Delivery) -> Delivery:
        """Return the delivery with the values of options that are secrets themselves (`--token`) in the tool's variables instead."""


def load_tool(name: str) -> Tool:
    """Return the tool module behind a launcher's name. `pip3.12` counts as `pip3`. Raises KeyError for an unknown name."""
    module = TOOLS.get(name) or TOOLS[name.partition(".")[0]]
    return cast(Tool, import_module(f"shim.tools.{module}"))
