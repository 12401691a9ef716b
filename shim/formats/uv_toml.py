"""Reads the parts of uv.toml, `[tool.uv]` and the metadata of scripts that name URLs.

Sources: uv 0.13.8 crates/uv-settings/src/settings.rs, uv-distribution-types/src/index.rs; PEP 503,
735.
"""

from __future__ import annotations

from shim.core import regex as re
from shim.core.package_names import normal_name
from shim.core.toml import strings_of, table_at, value_at
from shim.core.typing import Any, Collection

_NAME = r"(?a)[\w.-]+"

#: Lists of requirements in `[tool.uv]`.
_REQUIREMENT_KEYS = (
    "dev-dependencies",
    "constraint-dependencies",
    "override-dependencies",
    "build-constraint-dependencies",
)


def tool_table(document: dict[str, Any]) -> dict[str, Any] | None:
    """Return `[tool.uv]` of a pyproject.toml, or None if there is none."""
    table = value_at(document, "tool", "uv")
    return table if isinstance(table, dict) else None


def texts(value: object) -> list[str]:
    """Return the strings of a value that is a string or a list of them."""
    return [value] if isinstance(value, str) else strings_of(value)


def tables(value: object) -> list[dict[str, Any]]:
    """Return the tables of a value that is a list of them."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def requirement_texts(document: dict[str, Any]) -> list[str]:
    """Return the requirements that a pyproject.toml or script has for those who use it."""
    lists = [document.get("dependencies"), value_at(document, "project", "dependencies")]
    lists += table_at(document, "project", "optional-dependencies").values()
    lists += table_at(document, "dependency-groups").values()
    lists += [value_at(document, "tool", "uv", key) for key in _REQUIREMENT_KEYS]
    return [text for value in lists for text in texts(value)]


def build_requirement_texts(document: dict[str, Any]) -> list[str]:
    """Return the requirements that a pyproject.toml names for building it and what it uses."""
    extra = table_at(document, "tool", "uv", "extra-build-dependencies")
    lists = (value_at(document, "build-system", "requires"), *extra.values())
    return [text for value in lists for text in texts(value)]


def source_urls(table: dict[str, Any]) -> list[str]:
    """Return the `url` of each `[tool.uv.sources]` entry."""
    return _in_sources(table_at(table, "sources"), "url")


def source_paths(table: dict[str, Any]) -> list[str]:
    """Return the `path` of each `[tool.uv.sources]` entry."""
    return _in_sources(table_at(table, "sources"), "path")


def source_indexes(table: dict[str, Any], packages: Collection[str] | None = None) -> list[str]:
    """Return the index names in `[tool.uv.sources]`, of all packages or of these normal names."""
    sources = {
        name: row
        for name, row in table_at(table, "sources").items()
        if packages is None or normal_name(name) in packages
    }
    return list(dict.fromkeys(_in_sources(sources, "index")))


def names_members(table: dict[str, Any]) -> bool:
    """Return whether a `[tool.uv.sources]` entry is a member of the same workspace."""
    return any(row.get("workspace") is True for row in _rows(table_at(table, "sources")))


def requirement_name(text: str) -> str:
    """Return the normal name of the package that a requirement asks for."""
    match = re.match(_NAME, text)
    return normal_name(match[0]) if match else ""


def _in_sources(sources: dict[str, Any], key: str) -> list[str]:
    """Return what the sources say for a key."""
    return [row[key] for row in _rows(sources) if isinstance(row.get(key), str)]


def _rows(sources: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the tables of the sources, each of which is one or a list of them."""
    entries = ([one] if isinstance(one, dict) else tables(one) for one in sources.values())
    return [row for rows in entries for row in rows]
