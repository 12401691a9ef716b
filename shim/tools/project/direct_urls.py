"""URLs of single files that a project, its lock or argv names for tools other than pip and uv: a
netrc goes there by host name.

Sources: PEP 508 (`name @ URL`), PEP 621, PEP 735; poetry 2 documentation "url dependencies",
poetry.lock; pdm.lock (`url`); pipenv documentation "Pipfile" (`file`). What git fetches is none: it
knows nothing of what we hand over.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

from shim.core.files import read_regular
from shim.core.model import Endpoint, Endpoints, Origin
from shim.core.toml import may_hide_urls, read_toml, strings_at, value_at
from shim.core.urls import BadUrl, find_userinfo, names_web, parse_url
from shim.formats.requirements import find_direct_url
from shim.tools.unreadable import Unread

MAX_LOCK = 16 << 20
#: In a lock: `url = "…"` or `"file": "…"`, with the type that poetry writes on the line before.
_IN_LOCK = re.compile(
    r"""(?:type = "(\w+)"\n)?["']?\b(?:url|file)["']?\s*[:=]\s*["']((?i:https?)://[^"'\s]+)["']"""
)
#: The parts of a pyproject.toml that every tool installs from; `[tool.NAME]` is the tool's own.
_SHARED = (
    ("project", "dependencies"),
    ("project", "optional-dependencies"),
    ("dependency-groups",),
    ("build-system", "requires"),
)


def direct_endpoints(tool: str, argv: tuple[str, ...], path: str, lock: str) -> Endpoints:
    """Return the URLs in argv, in a project file (pyproject.toml or Pipfile) as `tool` reads it,
    and in its lock beside it.
    """
    lock = os.path.join(os.path.dirname(path), lock)
    unread = Unread()
    document: dict[str, Any] = {}
    with unread.guard(path, careless=True):
        document = read_toml((read_regular(path) or b"").decode("utf-8", "replace"))
    parts = (
        [value_at(document, *key) for key in (*_SHARED, ("tool", tool))]
        if path.endswith(".toml")
        else [document]
    )
    found = {url: path for part in parts for url in _walk(part)}
    if os.path.basename(lock):
        with unread.guard(lock):
            found |= dict.fromkeys(
                _locked_urls((read_regular(lock, MAX_LOCK) or b"").decode("utf-8", "replace")), lock
            )
    origins = {url: Origin("file", where, project=True) for url, where in found.items()}
    origins |= {url: Origin("argv", "URL") for word in argv for url in _walk(word, "url")}
    files_read = (lock,) if os.path.basename(lock) else ()
    endpoints = tuple(
        endpoint
        for url, origin in origins.items()
        if (endpoint := _make_endpoint(url, origin, unread))
    )
    return Endpoints(endpoints, files_read, tuple(unread.texts), careless=tuple(unread.careless))


def _locked_urls(text: str) -> Iterator[str]:
    """Yield the URLs of a lock's files, by a scan; a lock that writes strings as no tool does is
    parsed. Raises CannotRead.
    """
    if not may_hide_urls(text):
        yield from (
            match[2] for match in _IN_LOCK.finditer(text) if match[1] in (None, "url", "legacy")
        )
        return
    import json

    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = read_toml(text)
    yield from strings_at(document, ("url", "file"))


def _make_endpoint(text: str, origin: Origin, unread: Unread) -> Endpoint | None:
    """Return the endpoint of one URL; one with a password of its own is the tool's affair."""
    try:
        url, userinfo = parse_url(text), find_userinfo(text)
    except BadUrl:
        unread.note_url(text, origin)
        return None
    if userinfo and userinfo.password:
        return None
    return Endpoint(url, origin, "direct", username=userinfo.username or None if userinfo else None)


def _walk(value: Any, key: str = "") -> Iterator[str]:
    """Yield the URLs of files: values of `url` and `file`, and requirements like `name @ URL`.
    Sources are not among them.
    """
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _walk(part, name) if name not in ("source", "urls") else ()
    elif isinstance(value, list):
        for part in value:
            yield from _walk(part, key)
    elif isinstance(value, str):
        if key in ("url", "file") and names_web(value):
            yield value
        elif (position := find_direct_url(value)) and "@" in value[: position[0]]:
            yield value[slice(*position)]
