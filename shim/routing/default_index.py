"""`use-as`: an index of our configuration for a command that names none itself, put as if the user
had set the tool's own variables.

The URLs have no userinfo: the credential goes its usual way, and so do the checks before the tool
starts. What the user says anywhere (option, variable, configuration file, requirements file) goes
before it, all of it. Commands that write their indexes into a project or a lock file are left
alone. A nested command recognises the variables by MARK and decides anew.

Order. pip has none: it takes the highest version on any index. uv takes the first index that has
the name, so private indexes come first, the default among them before the extra ones, then public
ones, whatever they are used as.

Sources: pip 26.3 configuration.py (a variable goes before pip.conf) and build_env/installer.py
(build dependencies come from the same indexes); uv 0.13.8 crates/uv-static/src/env_vars.rs; what
each does was counted on real servers.
"""

from __future__ import annotations

from shim.config.index import IndexConfig
from shim.config.settings import Settings, config_files, load_settings
from shim.core.dataclass import replace
from shim.core.errors import ShimError
from shim.core.files import mentions
from shim.core.host import Host
from shim.core.model import Delivery, Endpoint, Endpoints, Invocation, Origin
from shim.core.typing import Iterable, Mapping, NamedTuple, cast
from shim.tools import Tool

#: What we set for the tool that this process runs below, so that it is told from what the user set.
MARK = "_SHIM_USE_AS"
#: uv's commands that use an index for this environment or user alone. `uv lock`, `add`, `sync` and
#: `run` write it down, or read what is written.
UV_VERBS = (
    *(("pip", verb) for verb in ("compile", "install", "list", "sync", "tree")),
    *(("tool", verb) for verb in ("install", "run", "upgrade")),
    ("venv",),
)
UV_OPTIONS = ("default-index", "index", "index-url", "extra-index-url")
RECEIPT = "uv-receipt.toml"
_KEY = b"use-as"
PIP_OPTIONS = ("index-url", "extra-index-url", "no-index")
#: Tools that ask with a pip which reads pip's variables. A uv that one of them starts from PATH is
#: a launcher, and decides for itself.
PIP_STARTERS = frozenset(
    {"pipx", "pip-compile", "pip-sync", "pyproject-build", "tox", "nox", "hatch"}
)
#: Ends of options about indexes that name none: what `pip-compile` writes into its output, and how
#: uv goes about several.
BESIDE_INDEX = ("emit-index-url", "index-strategy")


class Usage(NamedTuple):
    """What a command asks, the variables that `use-as` adds for it (None: takes back), and why it
    adds none, in words.

    The `warning` is for a command that asks strangers although the configuration has a private
    default.
    """

    endpoints: Endpoints
    added: Mapping[str, str | None]
    why_not: str = ""
    warning: str = ""


def find_usage(tool: Tool, invocation: Invocation, host: Host) -> Usage:
    """Return what the command asks with the indexes of `use-as`, where it names none itself.

    Raises:
        ConfigError: the configuration, which speaks of `use-as`, is broken: without it the command
            would ask strangers.
    """
    inherited = find_inherited(host.environ)
    endpoints = tool.read_endpoints(invocation, around(host, inherited))
    if not is_mentioned(host):
        return Usage(endpoints, inherited)
    asked = _all_asked(invocation, endpoints, around(host, inherited))
    if reason := _why_not(invocation, asked, around(host, inherited)):
        return Usage(endpoints, inherited, reason, _warning(invocation, asked, host))
    used = used_indexes(load_settings(host))
    if not used:
        return Usage(endpoints, inherited)
    variables = uv_variables(used) if invocation.family == "uv" else pip_variables(used)
    mark = "\t".join(f"{name}={value}" for name, value in variables.items())
    added = {**inherited, **variables, MARK: mark}
    with_ours = tool.read_endpoints(invocation, around(host, added))
    items = tuple(_name_origin(endpoint, variables, used) for endpoint in with_ours.items)
    if items == with_ours.items:
        return Usage(endpoints, inherited, "this command takes no index from variables")
    return Usage(replace(with_ours, items=items), added)


def used_indexes(settings: Settings) -> tuple[IndexConfig, ...]:
    """Return the indexes with `use-as`: the first default (the user's if any), then extras."""
    defaults = [index for index in settings.indexes if index.use_as == "default"]
    return (*defaults[:1], *(index for index in settings.indexes if index.use_as == "extra"))


def around(host: Host, changes: Mapping[str, str | None]) -> Host:
    """Return the host with changed variables; an observed environment stays observed."""
    if not changes:
        return host
    environ = cast(dict[str, str], host.environ).copy()
    for name, value in changes.items():
        if value is None:
            environ.pop(name, None)
        else:
            environ[name] = value
    return replace(host, environ=environ)


def put_into(delivery: Delivery, added: Mapping[str, str | None], warning: str = "") -> Delivery:
    """Return the delivery with the variables of `use-as`, unless a channel changed them."""
    if not added and not warning:
        return delivery
    warnings = (*delivery.warnings, *([warning] if warning else []))
    return replace(delivery, environ={**added, **delivery.environ}, warnings=warnings)


def find_inherited(environ: Mapping[str, str]) -> dict[str, str | None]:
    """Return what a command above this one has set, unchanged since, each to be taken back."""
    marked = dict(text.partition("=")[::2] for text in environ.get(MARK, "").split("\t") if text)
    ours = [name for name, value in marked.items() if environ.get(name) == value]
    return dict.fromkeys([*ours, MARK]) if marked else {}


def is_mentioned(host: Host) -> bool:
    """Whether a config file speaks of `use-as`, be it broken or not."""
    return mentions(config_files(host), (_KEY,))


def pip_variables(used: tuple[IndexConfig, ...]) -> dict[str, str]:
    """Return pip's variables for the indexes."""
    defaults = [index.url.text for index in used if index.use_as == "default"]
    extras = [index.url.text for index in used if index.use_as == "extra"]
    variables = {"PIP_INDEX_URL": " ".join(defaults), "PIP_EXTRA_INDEX_URL": " ".join(extras)}
    return {name: value for name, value in variables.items() if value}


def uv_variables(used: tuple[IndexConfig, ...]) -> dict[str, str]:
    """Return uv's variables, without names: a stranger's project may have an index of that name."""
    urls = [index.url.text for index in uv_order(used)]
    if used[0].use_as == "extra":
        return {"UV_INDEX": " ".join(urls)}
    return {**({"UV_INDEX": " ".join(urls[:-1])} if urls[1:] else {}), "UV_DEFAULT_INDEX": urls[-1]}


def uv_order(used: Iterable[IndexConfig]) -> list[IndexConfig]:
    """Return the indexes in the order in which uv is to ask them: private ones first."""
    return sorted(used, key=lambda index: index.url.is_public)


def is_eligible(invocation: Invocation) -> bool:
    """Whether `use-as` is for this kind of command at all."""
    if invocation.family == "uv":
        return invocation.verb in UV_VERBS
    return invocation.family == "pip" or invocation.tool in PIP_STARTERS


def _why_not(invocation: Invocation, endpoints: Endpoints, host: Host) -> str:
    """Return why `use-as` does not count for this command, in words; nothing if it does."""
    if not is_eligible(invocation) or _writes_index(invocation, host):
        what = "writes its indexes into a project or lock file, or reads them there"
        return f"this command {what}: name them there"
    if named := _find_named(endpoints, host):
        return f"{named.origin} names an index"
    if said := _says(invocation, host):
        return f"{said} is said"
    if any(endpoint.origin.is_default for endpoint in endpoints.items):
        return ""
    return "this command asks no default index"


def _all_asked(invocation: Invocation, endpoints: Endpoints, host: Host) -> Endpoints:
    """Return the endpoints, with those of pip's settings for a tool that starts a pip."""
    if invocation.tool not in PIP_STARTERS:
        return endpoints
    from shim.tools.project.requests import join, pip_endpoints

    return join(endpoints, pip_endpoints(host))


def _find_named(endpoints: Endpoints, host: Host) -> Endpoint | None:
    """Return the first index that somebody names; a receipt may name one that came by `use-as`."""
    indexes = (one for one in endpoints.items if one.role in ("index", "extra"))
    named = [one for one in indexes if not one.origin.is_default]
    if any(RECEIPT in one.origin.where for one in named):
        ours = {index.url.text for index in used_indexes(load_settings(host))}
        named = [
            one for one in named if RECEIPT not in one.origin.where or one.url.text not in ours
        ]
    return named[0] if named else None


def _warning(invocation: Invocation, endpoints: Endpoints, host: Host) -> str:
    """Return that an index which somebody names keeps the private default away, if so."""
    default = next((endpoint for endpoint in endpoints.items if endpoint.origin.is_default), None)
    replaced = any(
        endpoint.role == "index" and not endpoint.origin.is_default for endpoint in endpoints.items
    )
    if default is None or replaced or not is_eligible(invocation):
        return ""
    try:
        named, used = _find_named(endpoints, host), used_indexes(load_settings(host))
    except ShimError:  # the configuration is not what this command goes by
        return ""
    if named is None or not used or used[0].use_as != "default" or used[0].url.is_public:
        return ""
    what = f"{default.url} is asked and {used[0].name} is not, since {named.origin} names an index"
    return f"{what}: use-as is for commands that name none"


def _writes_index(invocation: Invocation, host: Host) -> bool:
    """Whether the command writes a lock, with the places of all files in it."""
    if invocation.verb == ("pip", "compile"):
        from shim.tools.uv.tool import parse

        command = parse(invocation.argv)
        output, form = command.value("output-file", host) or "", command.value("format", host) or ""
        return output.endswith(".toml") or form.endswith(".toml")
    return invocation.family == "pip" and invocation.verb == ("lock",)


def _says(invocation: Invocation, host: Host) -> str | None:
    """Return the option of an index that argv, a variable or pip.conf says, be it a mere path."""
    if invocation.family == "pip":
        from shim.tools.pip import tool as pip

        if "--isolated" in invocation.argv:
            return "--isolated"
        said = pip.read_options(invocation, host, PIP_OPTIONS)
        return next((f"--{name}" for name in PIP_OPTIONS[:2] if said[name]), None)
    if invocation.family == "uv":
        from shim.tools.uv import tool as uv
        from shim.tools.uv import uvx

        command = uv.parse(invocation.argv, uvx.VERB if invocation.tool == "uvx" else ())
        if command.has("no-index") or host.is_set("UV_NO_INDEX"):
            return "--no-index"
        return next((f"--{name}" for name in UV_OPTIONS if command.all(name, host)), None)
    return find_index_option(invocation.argv)


def find_index_option(argv: tuple[str, ...]) -> str | None:
    """Return the option before `--` that names an index to a pip, or switches them off, or None;
    never its value, which may hold a password.
    """
    for word in argv[: argv.index("--")] if "--" in argv else argv:
        # Blanks are in what --pip-args is given.
        is_option = word.startswith("-") or " " in word
        for piece in word.replace("=", " ", 1).split() if is_option else ():
            name = piece[:2] if piece.startswith("-i") else piece.partition("=")[0]
            is_index = name.startswith("--") and "index" in name
            if name == "-i" or (is_index and not name.endswith(BESIDE_INDEX)):
                return name
    return None


def _name_origin(
    endpoint: Endpoint, variables: Mapping[str, str], used: tuple[IndexConfig, ...]
) -> Endpoint:
    """Return an endpoint of ours with the [[index]] that it comes from, for people."""
    if endpoint.location is None or endpoint.location.key not in variables:
        return endpoint
    index = next((index for index in used if index.url.text == endpoint.url.text), used[0])
    origin = Origin("env", f"{endpoint.location.key}, by use-as of [[index]] {index.name}")
    return replace(endpoint, origin=origin)
