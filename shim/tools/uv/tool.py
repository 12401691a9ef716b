"""uv: which of its commands ask an index, and what they ask.

Sources: uv 0.13.8 crates/uv-cli/src/lib.rs; which command asks was measured by counting requests.
"""

from __future__ import annotations

from shim.core.dataclass import replace
from shim.core.files import read_text, real_path
from shim.core.functools import lru_cache
from shim.core.host import Host
from shim.core.model import Delivery, Endpoints, Invocation, Secret, Target
from shim.formats.optparse_scan import Word, drop_value, scan
from shim.tools import Demand, Tool, words
from shim.tools.uv.command import UvCommand
from shim.tools.uv.options import option_table
from shim.tools.uv.requests import read_command_endpoints, script_of

NEVER_NEEDS_INDEX = (
    *("", "-h", "--help", "-V", "--version", "help", "auth", "cache", "format"),
    *("generate-shell-completion", "init"),
    *("pip check", "pip freeze", "pip show", "pip uninstall", "python", "self"),
    *("tool dir", "tool uninstall", "tool update-shell", "workspace dir", "workspace list"),
)

#: Not `run` and `tool run`, whose output is that of the user's program, and nothing that prints
#: packages, trees or versions.
LOG_VERBS = frozenset(
    {
        *words("add build lock publish remove sync venv"),
        *("pip install", "pip sync", "tool install", "tool upgrade"),
    }
)

#: First words that have a second one.
GROUPS = frozenset({"pip", "tool", "python", "self", "auth", "cache", "workspace"})
ALIASES = {
    ("tool", "uvx"): ("tool", "run"),
    ("tool", "update"): ("tool", "upgrade"),
    ("virtualenv",): ("venv",),
    ("v",): ("venv",),
}

_ASKING = words("add audit build check export lock publish remove run sync tree upgrade")
#: Commands that may ask an index whatever their options are.
ASKING = frozenset(
    {
        *((verb,) for verb in _ASKING),
        *(("pip", verb) for verb in ("compile", "install", "sync")),
        *(("tool", verb) for verb in ("install", "run", "upgrade")),
        ("workspace", "metadata"),
    }
)
#: Commands that ask only with this option.
ASKING_WITH = {
    ("pip", "list"): "outdated",
    ("pip", "tree"): "outdated",
    ("tool", "list"): "outdated",
    ("venv",): "seed",
    ("version",): "bump",
}
#: Options that are secrets themselves, or may be, and the variables that uv reads instead.
SECRET_OPTIONS: dict[tuple[str, ...], dict[str, str]] = {
    ("publish",): {
        "token": "UV_PUBLISH_TOKEN",
        "username": "UV_PUBLISH_USERNAME",
        "password": "UV_PUBLISH_PASSWORD",
    }
}
#: Commands that take the lock as it is with --frozen, and do nothing with it that needs a server.
FROZEN = frozenset({("export",), ("lock",), ("remove",), ("tree",)})
#: Commands whose options end where the user's own program begins.
RUNNERS = frozenset({("run",), ("tool", "run")})

#: Commands that ask an index even if everything is installed already.
SURELY_ASKING = frozenset({("add",), ("lock",), ("pip", "compile"), ("pip", "install")})


def read_invocation(name: str, argv: tuple[str, ...], host: Host, target: str) -> Invocation:
    """Return which uv command this is and whether it may ask an index."""
    return invocation_of(name, parse(argv), argv, host, target)


def read_endpoints(invocation: Invocation, host: Host) -> Endpoints:
    """Return every index and URL that the command may ask, in uv's order."""
    command = parse(invocation.argv)._replace(version=invocation.target.version)
    return read_command_endpoints(command, host)


def move_secrets(invocation: Invocation, delivery: Delivery) -> Delivery:
    """Return the delivery with the token, user and password of an upload in uv's variables instead
    of argv.

    An option that is said twice stays: uv refuses that. So does an empty one, which a variable
    could not say. A user name is no secret unless it stands without a password.
    """
    variables = SECRET_OPTIONS.get(invocation.verb, {})
    if not variables:
        return delivery
    argv, environ = delivery.argv, dict(delivery.environ)
    options = [word for word in parse(argv).options if word.name in variables]
    names = [word.name for word in options]
    has_password = not any(word.name == "password" and not word.value for word in options)
    for word in reversed(options):  # from the end, so that positions stay true
        if word.value and names.count(word.name) == 1:
            is_plain = word.name == "username" and has_password
            environ[variables[word.name or ""]] = word.value if is_plain else Secret(word.value)
            argv = drop_value(argv, word)
    return replace(delivery, argv=argv, environ=environ)


def read_demand(invocation: Invocation, _: Host) -> Demand:
    """Return `packages` for a command that surely asks; others may find all on this machine."""
    return "packages" if invocation.verb in SURELY_ASKING else "answers"


def parse(argv: tuple[str, ...], verb: tuple[str, ...] = ()) -> UvCommand:
    """Return what argv says; with a `verb` given (uvx), it begins behind that."""
    return _parse(argv, verb)


@lru_cache(maxsize=8)  # a default would be another key
def _parse(argv: tuple[str, ...], verb: tuple[str, ...]) -> UvCommand:
    said: list[Word] = []
    position = 0
    while len(verb) < (2 if verb and verb[0] in GROUPS else 1):
        found = scan(argv[position:], option_table(()), interspersed=False)
        said += [_shift(word, position) for word in found if word.name]
        first = next((word for word in found if word.name is None and word.value is not None), None)
        if first is None:
            return UvCommand(verb, tuple(said), ())
        verb = (*verb, first.value or "")
        position += first.position + 1
    verb = ALIASES.get(verb, verb)
    found = scan(argv[position:], option_table(verb), interspersed=verb not in RUNNERS)
    said += [_shift(word, position) for word in found]
    options = tuple(_without_equals(word, argv) for word in said if word.name)
    return UvCommand(verb, options, tuple(word for word in said if word.name is None))


def invocation_of(
    name: str, command: UvCommand, argv: tuple[str, ...], host: Host, target: str
) -> Invocation:
    """Return the invocation of a parsed command."""
    made = Target(target)
    if command.verb in ASKING or command.verb in ASKING_WITH:
        from shim.tools.installed_version import find_release

        version, python, prefix = find_release(target, "uv", host)
        made = Target(target, version or _standalone_version(host, target), python, prefix)
    reason = why_not(command._replace(version=made.version), host)
    why = reason or f"uv {' '.join(command.verb)} may ask an index"
    return Invocation(name, "uv", made, argv, command.verb, reason is None, why)


def why_not(command: UvCommand, host: Host) -> str | None:
    """Return why a command asks no index, or None if it may."""
    shows_version = command.has("version") and command.verb != ("version",)
    if not command.verb or command.has("help") or shows_version:
        return "help or version"
    text = " ".join(("uv", *command.verb))
    wanted = ASKING_WITH.get(command.verb)
    if command.verb not in ASKING and wanted is None:
        return f"{text} asks no index"
    if command.verb == ("tool", "run") and not command.arguments:
        return "uv lists the installed tools"
    if command.has("show-settings"):
        return "uv shows its settings"
    if command.is_on("offline", host):
        return "uv is offline"
    if command.verb in FROZEN and command.is_on("frozen", host) and not command.has("outdated"):
        return f"{text} --frozen asks no index"
    if wanted and not command.is_on(wanted, host):
        bumps = command.verb == ("version",) and command.arguments
        return None if bumps else f"{text} with these options asks no index"
    brings = command.has("with", "with-editable", "with-requirements") or script_of(command)
    if command.verb == ("run",) and not brings:
        for option in ("no-sync", "no-project"):
            if command.is_on(option, host):
                return f"uv run --{option} asks no index"
    return None


def _shift(word: Word, by: int) -> Word:
    return word._replace(position=word.position + by)


def _without_equals(word: Word, argv: tuple[str, ...]) -> Word:
    """Return the word of `-i=URL` without the `=`, which is a part of the value to optparse."""
    joined = word.start > 0 and not argv[word.position].startswith("--")
    if joined and word.value and word.value.startswith("="):
        return word._replace(value=word.value[1:], start=word.start + 1)
    return word


def _standalone_version(host: Host, target: str) -> tuple[int, ...] | None:
    """Return the version that uv's own installer wrote down, if it speaks of this very file."""
    import os

    text = read_text(os.path.join(host.config_home or "", "uv", "uv-receipt.json"))
    if not text:
        return None
    import json

    from shim.tools.installed_version import parse_version

    try:
        receipt = json.loads(text)
        prefix = str(receipt["install_prefix"])
        if real_path(target).startswith(real_path(prefix) + "/"):
            return parse_version(str(receipt["version"])) or None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return None


TOOL = Tool(
    NEVER_NEEDS_INDEX,
    read_invocation,
    read_endpoints,
    log_verbs=LOG_VERBS,
    move_secrets=move_secrets,
    demand=read_demand,
)
