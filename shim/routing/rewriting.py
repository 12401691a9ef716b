"""What changes in a command and its environment so that pip has one index, the redirector, and
reaches it without a proxy.

Taken away are the options and variables that name indexes, where they stand; all else stays, in its
order. What pip.conf says about indexes is answered by a variable, which goes before it. A proxy
that an option or pip.conf names is one for pip's whole session, loopback included; the same proxy
in requests' own variables is not.

Sources: pip 20.3.4 to 26.3 `configuration.py`, `cli/parser.py` (a variable is read as the same key
of a pip.conf is, and goes before it), `cli/index_command.py` (`--proxy`, and from 25.3 on
`trust_env`); requests `utils.py` (`get_environ_proxies`, `should_bypass_proxies`).
"""

from __future__ import annotations

import os

from shim.core.dataclass import replace
from shim.core.errors import CannotRoute
from shim.core.host import Host
from shim.core.model import Delivery, Invocation, Secret, Target
from shim.core.typing import Iterable
from shim.formats.optparse_scan import drop_value
from shim.hotpath.redirector_process import STAND_IN
from shim.tools.pip.config_file import normal_key
from shim.tools.pip.settings import (
    FileReader,
    Mention,
    PipSettings,
    find_verb,
    is_isolated,
    read_config,
    read_settings,
    scan_command,
)

INDEX_OPTIONS = ("index-url", "extra-index-url")
#: pip's keys for its indexes; the last two are other names of the first.
INDEX_KEYS = frozenset({"index-url", "extra-index-url", "pypi-url"})
PROXY_NAMES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
NO_PROXY_NAMES = ("no_proxy", "NO_PROXY")
#: From this release on `--proxy` also makes pip ignore requests' variables for authorities.
FIRST_WITHOUT_ENVIRONMENT = (23, 1)
AUTHORITIES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")

Changes = dict[str, str | Secret | None]


def rewrite_pip(
    delivery: Delivery, invocation: Invocation, settings: PipSettings, host: Host, address: str
) -> Delivery:
    """Return the delivery of a pip command with the redirector as its only index. Its argv is the
    invocation's, word by word.

    Raises:
        CannotRoute: `--isolated` keeps pip from the variables that would be needed.
    """
    position = _verb_of(invocation, invocation.argv)
    environ: Changes = {**delivery.environ, **index_variables(settings, host, address)}
    argv, dropped = delivery.argv, [*INDEX_OPTIONS]
    proxies = settings.all("proxy")
    if proxies:
        environ |= _proxy_variables(proxies[-1], invocation, host, address)
        dropped.append("proxy")
    words = scan_command(invocation.argv, position, invocation.target.version)
    # From the end, so that positions stay true.
    for word in reversed([word for word in words if word.name in dropped]):
        argv = drop_value(argv, word)
    if is_isolated(invocation.argv):
        _refuse_isolated(settings, proxies)
        behind = _verb_of(invocation, argv) + 1
        argv = (*argv[:behind], "--index-url", STAND_IN, *argv[behind:])
    return replace(delivery, argv=argv, environ=environ)


def rewrite_starter(delivery: Delivery, host: Host, address: str) -> Delivery:
    """Return the delivery of a program that starts pips which read their own settings.

    Raises:
        CannotRoute: a proxy is named where nobody but pip reads it.
    """
    settings = read_settings(("install",), 0, Target("pip"), host, FileReader())
    environ: Changes = {
        **delivery.environ,
        **index_variables(settings, host, address),
        "PIP_EXTRA_INDEX_URL": STAND_IN,
    }
    if proxies := settings.all("proxy"):
        what = "names a proxy for pip's whole session, loopback included, where its only index"
        hint = "name it in HTTPS_PROXY and HTTP_PROXY instead"
        raise CannotRoute(f"{proxies[-1].origin} {what} would be", hint=hint)
    return replace(delivery, environ=environ)


def _verb_of(invocation: Invocation, argv: tuple[str, ...]) -> int:
    """Return where the command's name stands in argv."""
    _, position = find_verb(argv, invocation.target.version)
    if position is None:
        raise ValueError("a pip without a command asks no index")
    return position


def index_variables(settings: PipSettings, host: Host, address: str) -> Changes:
    """Return pip's variables for the redirector, and NO_PROXY where there is a proxy."""
    changes: Changes = dict.fromkeys(_variables(INDEX_KEYS, host))
    changes["PIP_INDEX_URL"] = STAND_IN
    said = settings.all("extra-index-url")
    is_said = any(mention.origin.kind in ("env", "config") for mention in said)
    if is_said or "PIP_EXTRA_INDEX_URL" in changes:
        # An empty one would be none, and pip.conf's be asked.
        changes["PIP_EXTRA_INDEX_URL"] = STAND_IN
    if not _has_proxy(host):
        return changes
    either = next((host.environ[one] for one in NO_PROXY_NAMES if host.environ.get(one)), "")
    for name in NO_PROXY_NAMES:
        if host.environ.get(name) or name == "no_proxy":
            changes[name] = ",".join(filter(None, (host.environ.get(name) or either, address)))
    return changes


def _has_proxy(host: Host) -> bool:
    names = ("http_proxy", "all_proxy")
    return any(name.lower() in names and value for name, value in host.environ.items())


def _variables(keys: Iterable[str], host: Host) -> list[str]:
    """Return the variables of pip's that say one of the keys, in whatever spelling."""
    own = [name for name in host.environ if name.startswith("PIP_")]
    return [name for name in own if normal_key(name[4:]) in keys]


def _proxy_variables(said: Mention, invocation: Invocation, host: Host, address: str) -> Changes:
    """Return the proxy that pip is told as requests' own variables, and none of pip's."""
    value: str | Secret = Secret(said.text) if "@" in said.text else said.text
    changes: Changes = dict.fromkeys(_variables({"proxy"}, host))
    changes |= dict.fromkeys(PROXY_NAMES, value) | dict.fromkeys(NO_PROXY_NAMES, address)
    version = invocation.target.version
    if version is None or version >= FIRST_WITHOUT_ENVIRONMENT:
        changes |= {name: None for name in AUTHORITIES if name in host.environ}
    return changes | (_without_files(invocation, host) if said.origin.kind == "config" else {})


def _without_files(invocation: Invocation, host: Host) -> Changes:
    """Return what pip.conf says but proxy and indexes as variables, and that no file is read."""
    layers = read_config(invocation.verb[0], invocation.target.prefix, False, host, FileReader())
    merged = {key: mention.text for layer in layers for key, mention in layer.items()}
    own = [name[4:] for name, value in host.environ.items() if name.startswith("PIP_") and value]
    left_out = {*map(normal_key, own), *INDEX_KEYS, "proxy"}
    kept = {key: value for key, value in merged.items() if value and key not in left_out}
    variables = {f"PIP_{key.upper().replace('-', '_')}": value for key, value in kept.items()}
    return {**variables, "PIP_CONFIG_FILE": os.devnull}


def _refuse_isolated(settings: PipSettings, proxies: list[Mention]) -> None:
    """Stop where a pip with `--isolated` would still go by an index or a proxy in a file."""
    said = [mention for name in INDEX_OPTIONS for mention in settings.all(name)] + proxies
    config = next((mention for mention in said if mention.origin.kind == "config"), None)
    if config:
        message = (
            f"--isolated keeps pip from what shim would tell it, and {config.origin} names another"
            " index or a proxy"
        )
        raise CannotRoute(message, hint="leave --isolated out of this command")
