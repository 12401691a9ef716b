"""URLs of single files that a project, its lock or argv names for tools other than pip and uv: a
netrc goes there by host name.

Sources: PEP 508 (`name @ URL`), PEP 621, PEP 735; poetry 2 documentation "url dependencies",
poetry.lock; pdm.lock (`url`); pipenv documentation "Pipfile" (`file`). What git fetches is none: it
knows nothing of what we hand over.
"""

from __future__ import annotations

import re

from shim.core.model import Endpoints, Origin
from shim.core.toml import may_hide_urls, strings_at, value_at
from shim.core.typing import Any, Iterator
from shim.core.urls import names_web
from shim.formats.requirements import find_direct_url
from shim.tools.project.locks import find_locks, parse_lock, read_lock
from shim.tools.project.requests import make_endpoint, read_document
from shim.tools.unreadable import Unread

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


def direct_endpoints(tool: str, argv: tuple[str, ...], path: str, *named: str) -> Endpoints:
    """Return the URLs in argv, in a project file (pyproject.toml or Pipfile) as `tool` reads it,
    and in its locks beside it or named.
    """
    locks = find_locks(tool, path, *named) if path else []
    unread = Unread()
    document: dict[str, Any] = {}
    with unread.guard(path, careless=True):
        document = read_document(path)
    parts = [value_at(document, *key) for key in (*_SHARED, ("tool", tool))]
    found = dict.fromkeys(_walk(parts if path.endswith(".toml") else document), path)
    for file in locks:
        with unread.guard(file):
            found |= dict.fromkeys(_locked_urls(read_lock(file)), file)
    origins = {url: Origin("file", where, project=True) for url, where in found.items()}
    origins |= {url: Origin("argv", "URL") for word in argv for url in _walk(word, "url")}
    made = (make_endpoint(url, origin, "direct", unread) for url, origin in origins.items())
    return unread.endpoints([endpoint for endpoint in made if endpoint], locks)


def _locked_urls(text: str) -> Iterator[str]:
    """Yield the URLs of a lock's files, by a scan if that sees them all. Raises CannotRead."""
    if not may_hide_urls(text):
        yield from (
            match[2] for match in _IN_LOCK.finditer(text) if match[1] in (None, "url", "legacy")
        )
        return
    yield from strings_at(parse_lock(text), ("url", "file"))


def _walk(value: Any, key: str = "") -> Iterator[str]:
    """Yield the URLs of files, not of sources: values of `url` and `file`, and `name @ URL`."""
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
