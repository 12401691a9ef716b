"""Packages that a private index and another index of the same pip command both have: pip takes the
higher version, whoever made it.

Asked is what pip would ask, `INDEX/NAME/`, with the credential that the index has here; names are
those of the requirements files.
Sources: PEP 503 (normal names), PEP 508.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from shim.cli.doctor.check import Finding
from shim.config.settings import load_settings
from shim.core.errors import UsageError
from shim.core.files import read_named
from shim.core.host import Host
from shim.core.model import Resolution, Route
from shim.core.own_launchers import find_target
from shim.core.urls import Url, parse_url
from shim.credentials.resolve import resolve
from shim.net.http_client import Asked, probe_all
from shim.preflight.route import route_to
from shim.routing.default_index import find_usage, used_indexes
from shim.tools import load_tool

#: For all indexes together, for each name.
TIMEOUT_S = 15.0
_NAME = re.compile(
    r"^\s*(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:$|[\[<>=!~;@#(]|\s)"
)


def find(files: list[str], host: Host) -> Iterator[Finding]:
    """Yield a problem for each name on more than one index, and advice for what could not be found
    out.

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
    endpoints = usage.endpoints
    resolutions = [
        resolution
        for resolution in resolve(endpoints, settings, host)
        if resolution.endpoint.role in ("index", "extra")
    ]
    private = [
        resolution
        for resolution in resolutions
        if resolution.index or resolution.credential or resolution.endpoint.username
    ]
    if not private or len(resolutions) < 2:
        indexes = ", ".join(str(resolution.endpoint.url) for resolution in resolutions) or "none"
        hint = (
            f"pip would ask: {indexes}; name the other one in the file as well:"
            " --extra-index-url URL"
        )
        raise UsageError("these requirements have no private index beside another one", hint=hint)
    ways = [
        (
            one,
            route_to(
                one.endpoint.url,
                settings.index_named(one.index) if one.index else None,
                invocation,
                host,
            ),
        )
        for one in resolutions
    ]
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
    """Yield a problem if `use-as` puts a private index beside a public one for pip, which asks both
    at once.
    """
    used = used_indexes(load_settings(host))
    private = [index.name for index in used if not index.url.is_public]
    public = [index.name for index in used if index.url.is_public] or (
        ["pypi.org"] if used and used[0].use_as == "extra" else []
    )
    if private and public:
        text = (
            f"use-as puts {', '.join(private)} beside {', '.join(public)}: pip takes the higher"
            " version, whoever made it"
        )
        yield Finding(
            "problem",
            "config.toml",
            text,
            f"let {private[0]} pass public packages on, and be the only one with use-as ="
            ' "default"',
        )


def _judge(name: str, private: list[Resolution], having: list[Resolution]) -> Iterator[Finding]:
    ours = [resolution for resolution in having if resolution in private]
    others = [resolution for resolution in having if resolution not in private]
    if ours and others:
        text = (
            f"is on {ours[0].endpoint.url} and on {others[0].endpoint.url}: pip takes the higher"
            " version, whoever made it"
        )
        yield Finding(
            "problem",
            name,
            text,
            "use one index that proxies the other, or uv, which takes the first index that has the"
            " name",
        )
    elif len(ours) > 1:
        text = (
            f"is on {ours[0].endpoint.url} and on {ours[1].endpoint.url}: pip takes the higher"
            " version"
        )
        yield Finding("advice", name, text)


def _read_lines(path: str) -> list[str]:
    return read_named(path).decode("utf-8", "replace").replace("\\\n", " ").splitlines()


def read_names(files: list[str], host: Host) -> list[str]:
    """Return the normal names of the packages in requirements files and those that they include.
    Raises UsageError.
    """
    names: dict[str, None] = {}
    waiting, seen = [host.path(file) for file in files], set[str]()
    while waiting:
        path = waiting.pop(0)
        if path in seen:
            continue
        seen.add(path)
        for line in _read_lines(path):
            included = re.match(r"\s*(?:-r\s*|--requirement[\s=]+)(\S+)", line)
            if included and "://" not in included[1]:
                waiting.append(
                    host.path(f"{path.rpartition('/')[0]}/{included[1]}")
                    if not included[1].startswith("/")
                    else included[1]
                )
            elif match := _NAME.match(line):
                names[re.sub(r"[-_.]+", "-", match["name"]).lower()] = None
    return list(names)


def _page(resolution: Resolution, name: str) -> Url:
    return parse_url(f"{resolution.endpoint.url.text.rstrip('/')}/{name}/")
