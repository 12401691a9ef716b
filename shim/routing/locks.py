"""Claimed names in lock files that were locked from elsewhere: uv.lock, poetry.lock, Pipfile.lock,
pdm.lock, pylock.toml.

A lock that does not say where a file comes from (poetry's for its first source, pdm's without
`static_urls`) is no evidence. A lock is somebody else's text: one that is not written as its tool
writes it is read as TOML, however long that takes.

Sources: uv 0.13.8 crates/uv-resolver/src/lock; poetry.lock and pdm.lock as poetry 2.5 and pdm 2.29
write them; pipenv 2026 Pipfile.lock (`_meta.sources`, `index`); PEP 751.
"""

from __future__ import annotations

import os
import re

from shim.config.index import IndexConfig
from shim.config.settings import Settings
from shim.core.dataclass import dataclass
from shim.core.files import read_regular
from shim.core.package_names import normal_name
from shim.core.toml import may_hide_urls, read_toml, value_at
from shim.core.typing import Any, Iterator
from shim.core.urls import BadUrl, parse_url
from shim.tools.project.locks import parse_lock

NAMES = ("uv.lock", "poetry.lock", "Pipfile.lock", "pdm.lock", "pylock.toml")
MAX_BYTES = 64 << 20
#: In uv.lock: a package's name, and where it comes from, without a TOML parse: 5 MB of it would
#: take 1.6 s.
_PACKAGE = re.compile(
    r'(?m)^\[\[package\]\]\nname = "([^"\n]*)"(?:\n(?!\[).*)*?\nsource = \{ (\w+) = "([^"\n]*)"'
)
#: All ways to begin a package in TOML.
_BEGINNING = re.compile(
    r"""(?m)^[ \t]*(?:\[[ \t]*\[[ \t]*["']?package["']?[ \t]*\]|["']?package["']?[ \t]*[.=])"""
)


@dataclass(frozen=True, slots=True)
class Foreign:
    """A claimed name that a lock takes from another place than its index."""

    name: str
    url: str
    index: IndexConfig


def find_foreign(path: str, settings: Settings) -> Iterator[Foreign]:
    """Yield each claimed name with a URL in a lock that is not its index's.

    Raises:
        CannotRead: nobody here can tell what it says.
    """
    text = (read_regular(path, MAX_BYTES) or b"").decode("utf-8", "replace").replace("\r\n", "\n")
    for name, url in dict.fromkeys(_sources(os.path.basename(path), text)):
        index = settings.index_claiming(name)
        if index and not _is_its_own(url, index):
            yield Foreign(normal_name(name), re.sub(r"://[^/@\s]*@", "://", url), index)


def _is_its_own(url: str, index: IndexConfig) -> bool:
    """Whether a URL is the index or a file on it; a path on this machine is nobody else's."""
    bare = url.partition("+")[2] if re.match(r"[a-z]+\+", url) else url
    if "://" not in bare or bare.startswith("file:"):
        return True
    if url.startswith(("git+", "hg+", "svn+", "bzr+")):
        return False
    try:
        return index.reach(parse_url(bare.partition("#")[0])) is not None
    except BadUrl:
        return False


def _sources(kind: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield (name, URL) for all that a lock says about where a package comes from. uv's has one
    name of its own, the others may have any.
    """
    if kind == "uv.lock":
        for name, what, place in _uv_packages(text):
            if what in ("registry", "url", "git"):
                yield name, f"git+{place}" if what == "git" else place
        return
    document = parse_lock(text or "{}")
    yield from _pipenv_sources(document)
    for key in ("package", "packages"):
        for package in _rows(value_at(document, key)):
            yield from ((str(package.get("name", "")), url) for url in _urls_of(package))


def _uv_packages(text: str) -> list[tuple[str, str, str]]:
    """Return (name, kind of source, place) of the packages in a uv.lock. Raises CannotRead."""
    scanned: list[tuple[str, str, str]] = _PACKAGE.findall(text)
    if len(scanned) == len(_BEGINNING.findall(text)) and not may_hide_urls(text):
        return scanned
    rows = [(row.get("name"), row.get("source")) for row in _rows(read_toml(text).get("package"))]
    return [
        (str(name), what, str(place))
        for name, source in rows
        if isinstance(source, dict)
        for what, place in source.items()
    ]


def _urls_of(package: dict[str, Any]) -> Iterator[str]:
    """Yield the URLs of a package in a TOML lock: its source's, its index's, its files'."""
    source = package.get("source")
    if isinstance(source, dict) and isinstance(source.get("url"), str):
        yield f"git+{source['url']}" if source.get("type") == "git" else source["url"]
    for key in ("url", "index", "git"):
        if isinstance(package.get(key), str):
            yield f"git+{package[key]}" if key == "git" else package[key]
    for key in ("files", "wheels", "sdist", "archive"):
        value = package.get(key)
        for row in _rows(value if isinstance(value, list) else [value]):
            if isinstance(row.get("url"), str):
                yield row["url"]


def _pipenv_sources(document: Any) -> Iterator[tuple[str, str]]:
    meta = document.get("_meta") if isinstance(document, dict) else None
    rows = _rows(meta.get("sources") if isinstance(meta, dict) else None)
    urls = {
        row["name"]: row["url"]
        for row in rows
        if isinstance(row.get("name"), str) and isinstance(row.get("url"), str)
    }
    for section in ("default", "develop"):
        packages = document.get(section) if isinstance(document, dict) else None
        for name, package in packages.items() if isinstance(packages, dict) else ():
            if isinstance(package, dict):
                url = urls.get(str(package.get("index")), package.get("file"))
                yield from [(name, str(url))] if url else ()


def _rows(value: Any) -> list[dict[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
