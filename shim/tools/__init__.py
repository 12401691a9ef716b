"""The wrapped programs: a module each, loaded when it is used. Tools never import each other."""

from __future__ import annotations

from shim.core.dataclass import dataclass
from shim.core.host import Host
from shim.core.importing import import_module
from shim.core.model import Delivery, Endpoints, Invocation
from shim.core.typing import Callable, Literal, cast

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


#: What a command wants of its indexes: packages for sure, an answer or maybe packages, or nothing
#: since all is on this machine.
Demand = Literal["packages", "answers", "nothing"]


def _leave(_: Invocation, delivery: Delivery) -> Delivery:
    return delivery


@dataclass(frozen=True, slots=True)
class Tool:
    """What a tool module offers, as `TOOL`. What most of them have in common is the default."""

    never_needs_index: tuple[str, ...]
    """The argument beginnings that never touch an index, as the launcher sees them: `freeze`,
    `pip show` (one or two words, or an option like `--version`); "" is the bare name. They go to
    the target without starting Python.
    """
    read_invocation: Callable[[str, tuple[str, ...], Host, str], Invocation]
    """Return what a command is, from the launcher's name, argv, the host and the target's path (and
    the target's metadata on disk)."""
    find_endpoints: Callable[[Invocation, Host], Endpoints]
    """Return every index and URL that a command which asks any will ask, in the tool's order."""
    falls_back_to_other_indexes: bool = False
    """Whether a private index that cannot be asked must stop this tool's index verbs, because it
    would take the package from the next index, as pip does. Others stop by themselves at a refusal.
    """
    log_verbs: frozenset[str] = frozenset()
    """Verbs, their words joined by a blank, all of whose output is a log for people and no data:
    secrets in it may be masked."""
    move_secrets: Callable[[Invocation, Delivery], Delivery] = _leave
    """Return the delivery with the values of options that are secrets themselves (`--token`) in the
    tool's variables instead."""
    demand: Callable[[Invocation, Host], Demand] | None = None
    """What `read_demand` says, where a tool knows more than the default."""

    def read_endpoints(self, invocation: Invocation, host: Host) -> Endpoints:
        """Return what the command will ask: nothing unless it touches an index."""
        return self.find_endpoints(invocation, host) if invocation.touches_index else Endpoints()

    def read_demand(self, invocation: Invocation, host: Host) -> Demand:
        """Return what the command wants: packages where it falls open, unless it uploads."""
        if self.demand:
            return self.demand(invocation, host)
        takes = self.falls_back_to_other_indexes and invocation.family != "upload"
        return "packages" if takes else "answers"


def words(text: str) -> tuple[str, ...]:
    """Return the words of a text: many verbs read better in a line than in a column."""
    return tuple(text.split())


def load_tool(name: str) -> Tool:
    """Return the tool behind a launcher's name; `pip3.12` counts as `pip3`. Raises KeyError."""
    module = TOOLS.get(name) or TOOLS[name.partition(".")[0]]
    return cast(Tool, import_module(f"shim.tools.{module}").TOOL)
