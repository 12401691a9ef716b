"""URLs of single files that a project, its lock or argv names for tools other than pip and uv: a netrc goes there by host name.

Sources: PEP 508 (`name @ URL`), PEP 621, PEP 735; poetry 2 documentation "url dependencies", poetry.lock; pdm.lock (`url`); pipenv
documentation "Pipfile" (`file`). What git fetches is none: it knows nothing of what we hand over.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

from shim.formats.toml import may_hide_urls, parse_toml, strings_at, value_at
from shim.model import Need, Needs, Origin
from shim.urls import BadUrl, find_userinfo, parse_url

MAX_BYTES = 16 << 20
#: In a lock: `url = "…"` or `"file": "…"`, with the type that poetry writes on the line before.
_IN_LOCK = re.compile(r"""(?:type = "(\w+)"\n)?["']?\b(?:url|file)["']?\s*[:=]\s*["']((?i:https?)://[^"'\s]+)["']""")
_REQUIREMENT = re.compile(r"\s*[\w.-]+\s*(?:\[[^]]*\])?\s*@\s*(https?://[^\s;]+)")
#: The parts of a pyproject.toml that every tool installs from; `[tool.NAME]` is the tool's own.
_SHARED = (("project", "dependencies"), ("project", "optional-dependencies"), ("dependency-groups",), ("build-system", "requires"))


def direct_needs(tool: str, argv: tuple[str, ...], path: str, lock: str) -> Needs:
    """Return the URLs in argv, in a project file (pyproject.toml or Pipfile) as `tool` reads it, and in its lock beside it."""
    lock = os.path.join(os.path.dirname(path), lock)
    document = parse_toml(_read(path)) or {}
    parts = [value_at(document, *key) for key in (*_SHARED, ("tool", tool))] if path.endswith(".toml") else [document]
    found = {url: path for part in parts for url in _walk(part)}
    found |= dict.fromkeys(_locked_urls(_read(lock)), lock)
    origins = {url: Origin("file", where, project=True) for url, where in found.items()}
    origins |= {url: Origin("argv", "URL") for word in argv for url in _walk(word, "url")}
    watched = (lock,) if os.path.basename(lock) else ()
    return Needs(tuple(need for url, origin in origins.items() if (need := _make_need(url, origin))), watched)


def _locked_urls(text: str) -> Iterator[str]:
    """Yield the URLs of a lock's files, by a scan; a lock that writes strings as no tool does is parsed."""
    if not may_hide_urls(text):
        yield from (match[2] for match in _IN_LOCK.finditer(text) if match[1] in (None, "url", "legacy"))
        return
    import json

    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = parse_toml(text)
    yield from strings_at(document, ("url", "file"))


def _make_need(text: str, origin: Origin) -> Need | None:
    """Return the need of one URL; one with a password of its own is the tool's affair."""
    try:
        url, userinfo = parse_url(text), find_userinfo(text)
    except BadUrl:
        return None
    if userinfo and userinfo.password:
        return None
    return Need(url, origin, "direct", username=userinfo.username or None if userinfo else None)


def _walk(value: Any, key: str = "") -> Iterator[str]:
    """Yield the URLs of files: values of `url` and `file`, and requirements like `name @ URL`. Sources are not among them."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _walk(part, name) if name not in ("source", "urls") else ()
    elif isinstance(value, list):
        for part in value:
            yield from _walk(part, key)
    elif isinstance(value, str):
        if key in ("url", "file") and value.lower().startswith(("http://", "https://")):
            yield value
        elif match := _REQUIREMENT.match(value):
            yield match[1]


def _read(path: str) -> str:
    try:
        with open(path, "rb") as stream:
            return stream.read(MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
