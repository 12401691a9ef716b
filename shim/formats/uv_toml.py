"""Reads the parts of uv.toml, `[tool.uv]` and the metadata of scripts that name URLs.

Sources: uv 0.13.8 crates/uv-settings/src/settings.rs, uv-distribution-types/src/index.rs; PEP 503,
735.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

_NAME = re.compile(r"[\w.-]+", re.ASCII)

#: Lists of requirements in `[tool.uv]`.
_REQUIREMENT_KEYS = (
    "dev-dependencies",
    "constraint-dependencies",
    "override-dependencies",
    "build-constraint-dependencies",
)


def tool_table(document: dict[str, Any]) -> dict[str, Any] | None:
    """Return `[tool.uv]` of a pyproject.toml, or None if there is none."""
    table = document.get("tool")
    table = table.get("uv") if isinstance(table, dict) else None
    return table if isinstance(table, dict) else None


def texts(value: object) -> list[str]:
    """Return the strings of a value that is a string or a list of them."""
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def tables(value: object) -> list[dict[str, Any]]:
    """Return the tables of a value that is a list of them."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def requirement_texts(document: dict[str, Any]) -> list[str]:
    """Return the requirements that a pyproject.toml or script names for those who use it, as
    written.
    """
    project, tool = _table(document.get("project")), tool_table(document) or {}
    lists = [document.get("dependencies"), project.get("dependencies")]
    lists += [
        *_table(project.get("optional-dependencies")).values(),
        *_table(document.get("dependency-groups")).values(),
    ]
    lists += [tool.get(key) for key in _REQUIREMENT_KEYS]
    return [text for value in lists for text in texts(value)]


def build_requirement_texts(document: dict[str, Any]) -> list[str]:
    """Return the requirements that a pyproject.toml names for building it and what it uses."""
    extra = _table((tool_table(document) or {}).get("extra-build-dependencies"))
    return [
        text
        for value in (_table(document.get("build-system")).get("requires"), *extra.values())
        for text in texts(value)
    ]


def source_urls(table: dict[str, Any]) -> list[str]:
    """Return the `url` of each `[tool.uv.sources]` entry."""
    return [row["url"] for row in _sources(table) if isinstance(row.get("url"), str)]


def source_paths(table: dict[str, Any]) -> list[str]:
    """Return the `path` of each `[tool.uv.sources]` entry."""
    return [row["path"] for row in _sources(table) if isinstance(row.get("path"), str)]


def source_indexes(table: dict[str, Any], packages: Collection[str] | None = None) -> list[str]:
    """Return the index names in `[tool.uv.sources]`, each once: of all packages, or of those given
    by normalised name.
    """
    sources = {
        name: row
        for name, row in _table(table.get("sources")).items()
        if packages is None or normalise(name) in packages
    }
    return list(
        dict.fromkeys(
            row["index"]
            for row in _sources({"sources": sources})
            if isinstance(row.get("index"), str)
        )
    )


def requirement_name(text: str) -> str:
    """Return the normalised name of the package that a requirement asks for."""
    match = _NAME.match(text)
    return normalise(match[0]) if match else ""


def normalise(name: str) -> str:
    """Return a package name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _sources(table: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for entry in _table(table.get("sources")).values():
        yield from [entry] if isinstance(entry, dict) else tables(entry)


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
