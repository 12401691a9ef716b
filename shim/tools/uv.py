"""uv: which of its commands ask an index, and what they ask.

Sources: uv 0.13.8 crates/uv-cli/src/lib.rs; which command asks was measured by counting requests.
"""

from __future__ import annotations

from typing import Literal

from shim.formats.optparse_scan import Word, scan
from shim.host import Host
from shim.indexes.uv import Command, read_command_needs
from shim.model import Invocation, Needs, Target
from shim.tools.uv_options import SWITCHES, option_table

NEEDLESS = (
    "",
    "-h",
    "--help",
    "-V",
    "--version",
    "help",
    "auth",
    "cache",
    "generate-shell-completion",
    "init",
    "pip freeze",
    "pip show",
    "pip check",
    "pip uninstall",
    "python find",
    "python dir",
    "python pin",
    "python uninstall",
    "python update-shell",
    "self version",
    "tool dir",
    "tool uninstall",
    "tool update-shell",
)

#: uv stops at a 401 or 403 by itself.
FALLS_OPEN = False

#: First words that have a second one.
GROUPS = frozenset({"pip", "tool", "python", "self", "auth", "cache", "workspace"})
ALIASES = {("tool", "uvx"): ("tool", "run"), ("tool", "update"): ("tool", "upgrade"), ("virtualenv",): ("venv",), ("v",): ("venv",)}

#: Commands that may ask an index whatever their options are.
ASKING = frozenset(
    {
        *((verb,) for verb in ("add", "audit", "build", "check", "export", "lock", "publish", "remove", "run", "sync", "tree", "upgrade")),
        *(("pip", verb) for verb in ("compile", "install", "sync")),
        *(("tool", verb) for verb in ("install", "run", "upgrade")),
        ("workspace", "metadata"),
    }
)
#: Commands that ask only with one of these options.
ASKING_WITH = {
    ("pip", "list"): ("outdated",),
    ("pip", "tree"): ("outdated",),
    ("tool", "list"): ("outdated",),
    ("venv",): ("seed",),
    ("version",): ("bump",),
}
#: Commands whose options end where the user's own program begins.
RUNNERS = frozenset({("run",), ("tool", "run")})

#: Commands that ask an index even if everything is installed already.
SURELY_ASKING = frozenset({("add",), ("lock",), ("pip", "compile"), ("pip", "install")})


def read_invocation(name: str, argv: tuple[str, ...], host: Host, target: str) -> Invocation:
    """Return which uv command this is and whether it may ask an index. `target` is the real uv's path."""
    return invocation_of(name, parse(argv), argv, host, target)


def read_needs(invocation: Invocation, host: Host) -> Needs:
    """Return every index and URL that the command may ask, in uv's order."""
    if not invocation.touches_index:
        return Needs()
    return read_command_needs(parse(invocation.argv), host)


def read_demand(invocation: Invocation, host: Host) -> Literal["packages", "answers"]:  # noqa: ARG001 (what every tool takes)
    """Return `packages` for a command that surely asks an index; others may find all that they need on this machine."""
    return "packages" if invocation.verb in SURELY_ASKING else "answers"


def parse(argv: tuple[str, ...], verb: tuple[str, ...] = ()) -> Command:
    """Return the command's verb, options and arguments. With a `verb` given (uvx), argv begins behind it."""
    words: list[Word] = []
    position = 0
    while len(verb) < (2 if verb and verb[0] in GROUPS else 1):
        found = scan(argv[position:], option_table(()), interspersed=False)
        words += [_shift(word, position) for word in found if word.name]
        first = next((word for word in found if word.name is None and word.value is not None), None)
        if first is None:
            return Command(verb, tuple(words), ())
        verb = (*verb, first.value or "")
        position += first.position + 1
    verb = ALIASES.get(verb, verb)
    found = scan(argv[position:], option_table(verb), interspersed=verb not in RUNNERS)
    words += [_shift(word, position) for word in found]
    options = tuple(word for word in words if word.name)
    return Command(verb, options, tuple(word for word in words if word.name is None))


def invocation_of(name: str, command: Command, argv: tuple[str, ...], host: Host, target: str) -> Invocation:
    """Return the invocation of a parsed command."""
    reason = why_not(command, host)
    if reason is not None:
        return Invocation(name, "uv", Target(target), argv, command.verb, False, reason)
    from shim.targets import find_release

    version, python, prefix = find_release(target, "uv", host)
    version = version or _standalone_version(host, target)
    text = " ".join(("uv", *command.verb))
    return Invocation(name, "uv", Target(target, version, python, prefix), argv, command.verb, True, f"{text} may ask an index")


def why_not(command: Command, host: Host) -> str | None:
    """Return why a command asks no index, or None if it may."""
    said = {word.name for word in command.options}
    if not command.verb or said & {"help"} or ("version" in said and command.verb != ("version",)):
        return "help or version"
    text = " ".join(("uv", *command.verb))
    wanted = ASKING_WITH.get(command.verb)
    if command.verb not in ASKING and wanted is None:
        return f"{text} asks no index"
    if _is_on("offline", said, host):
        return "uv is offline"
    if wanted and not any(_is_on(option, said, host) for option in wanted) and not (command.verb == ("version",) and command.arguments):
        return f"{text} with these options asks no index"
    if command.verb == ("run",) and "no-sync" in said and not said & {"with", "with-editable", "requirements"}:
        return "uv run --no-sync asks no index"
    return None


def _is_on(option: str, said: set[str | None], host: Host) -> bool:
    return option in said or host.environ.get(SWITCHES.get(option, ""), "").lower() in ("1", "true", "yes", "on")


def _shift(word: Word, by: int) -> Word:
    return Word(word.name, word.value, word.position + by, word.start)


def _standalone_version(host: Host, target: str) -> tuple[int, ...] | None:
    """Return the version that uv's own installer wrote down, if it speaks of this very file."""
    import json
    import os

    from shim.targets import parse_version

    try:
        with open(os.path.join(host.config_home or "", "uv", "uv-receipt.json"), encoding="utf-8") as stream:
            receipt = json.load(stream)
        prefix = str(receipt["install_prefix"])
        if os.path.realpath(target).startswith(os.path.realpath(prefix) + "/"):
            return parse_version(str(receipt["version"])) or None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return None
