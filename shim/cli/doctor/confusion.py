"""Packages that a private index and another one of the same pip command both have.

Asked is what pip would ask, `INDEX/NAME/`, with the credential that the index has here.
Sources: PEP 503 (normal names), PEP 508.
"""

from __future__ import annotations

import os
import re

from packaging.utils import canonicalize_name

from shim.cli.doctor.check import Finding
from shim.config.settings import load_settings
from shim.core.errors import UsageError
from shim.core.files import read_named
from shim.core.host import Host
from shim.core.model import Resolution, Route
from shim.core.own_launchers import find_target
from shim.core.typing import Iterator
from shim.core.urls import Url, parse_url
from shim.credentials.resolve import resolve
from shim.net.http_client import Asked, probe_all
from shim.preflight.route import route_to
from shim.routing.default_index import find_usage, used_indexes
from shim.tools import load_tool

#: For all indexes together, for each name.
TIMEOUT_S = 15.0
HIGHER = "pip takes the higher version"
_NAME = re.compile(
    r"^\s*(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:$|[\[<>=!~;@#(]|\s)"
)


def find(files: list[str], host: Host) -> Iterator[Finding]:
    """Yield a problem for each name on more than one index, and advice for what is unknown.

    Raises:
        UsageError: no file, one that cannot be read, or no private index beside another one.
        ShimError: there is no pip, or a source is broken.
    """
    beside = list(find_beside(host))
    yield from beside
    if not files and beside:
        return
    if not files:
        raise UsageError(
            "--confusion needs to know what you install",
            hint="shim doctor --confusion -r requirements.txt",
        )
    names = read_names(files, host)
    tool, argv = load_tool("pip"), ("install", *(word for file in files for word in ("-r", file)))
    invocation = tool.read_invocation("pip", argv, host, find_target("pip", host))
    usage, settings = find_usage(tool, invocation, host), load_settings(host)
    ways = []
    for one in resolve(usage.endpoints, settings, host):
        if one.endpoint.role in ("index", "extra"):
            index = settings.index_named(one.index) if one.index else None
            ways.append((one, route_to(one.endpoint.url, index, invocation, host)))
    private = [one for one, _ in ways if one.index or one.credential or one.endpoint.username]
    if not private or len(ways) < 2:
        indexes = ", ".join(str(one.endpoint.url) for one, _ in ways) or "none"
        raise UsageError(
            "these requirements have no private index beside another one",
            hint=f"pip would ask: {indexes}; name the other one in the file as well:"
            " --extra-index-url URL",
        )
    for name in names:
        yield from _ask(name, ways, private, host)


def _ask(
    name: str, ways: list[tuple[Resolution, Route]], private: list[Resolution], host: Host
) -> Iterator[Finding]:
    """Yield what is to be said of one name, once all indexes were asked for it."""
    questions = [Asked(_page(one, name), one.credential, route) for one, route in ways]
    outcomes = probe_all(questions, host, TIMEOUT_S)
    answers = [(one, outcome) for (one, _), outcome in zip(ways, outcomes, strict=True)]
    having = [one for one, outcome in answers if outcome.is_success and not outcome.is_form]
    yield from _judge(name, private, having)
    for one, outcome in answers:
        if not outcome.is_success and outcome.status != 404:
            reason = outcome.error or outcome.status
            text = f"{one.endpoint.url} did not say whether it has it ({reason})"
            yield Finding("advice", name, text)


def find_beside(host: Host) -> Iterator[Finding]:
    """Yield a problem if `use-as` puts a private index beside a public one for pip."""
    used = used_indexes(load_settings(host))
    private = [index.name for index in used if not index.url.is_public]
    public = [index.name for index in used if index.url.is_public] or (
        ["pypi.org"] if used and used[0].use_as == "extra" else []
    )
    if private and public:
        both = f"{', '.join(private)} beside {', '.join(public)}"
        hint = (
            f'let {private[0]} pass public packages on, and be the only one with use-as = "default"'
        )
        text = f"use-as puts {both}: {HIGHER}, whoever made it"
        yield Finding("problem", "config.toml", text, hint)


def _judge(name: str, private: list[Resolution], having: list[Resolution]) -> Iterator[Finding]:
    ours = [one.endpoint.url for one in having if one in private]
    others = [one.endpoint.url for one in having if one not in private]
    if ours and others:
        hint = (
            "use one index that proxies the other, or uv, which takes the first index that has the"
            " name"
        )
        text = f"is on {ours[0]} and on {others[0]}: {HIGHER}, whoever made it"
        yield Finding("problem", name, text, hint)
    elif len(ours) > 1:
        yield Finding("advice", name, f"is on {ours[0]} and on {ours[1]}: {HIGHER}")


def read_names(files: list[str], host: Host) -> list[str]:
    """Return the normal names of the packages in requirements files, included ones as well."""
    names: dict[str, None] = {}
    waiting, seen = [host.path(file) for file in files], set[str]()
    while waiting:
        path = waiting.pop(0)
        if path in seen:
            continue
        seen.add(path)
        text = read_named(path).decode("utf-8", "replace").replace("\\\n", " ")
        for line in text.splitlines():
            included = re.match(r"\s*(?:-r\s*|--requirement[\s=]+)(\S+)", line)
            if included and "://" not in included[1]:
                waiting.append(host.path(os.path.join(os.path.dirname(path), included[1])))
            elif match := _NAME.match(line):
                names[canonicalize_name(match["name"])] = None
    return list(names)


def _page(resolution: Resolution, name: str) -> Url:
    return parse_url(f"{resolution.endpoint.url.text.rstrip('/')}/{name}/")
