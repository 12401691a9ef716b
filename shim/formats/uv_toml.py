"""Reads the parts of uv.toml, `[tool.uv]` and PEP 723 scripts that name URLs.

Sources: uv 0.13.8 crates/uv-settings/src/settings.rs, uv-distribution-types/src/index.rs; PEP 723.
"""

from __future__ import annotations

import re
from typing import Any

_SCRIPT_BLOCK = re.compile(r"(?m)^# /// script$\s(?P<content>(^#(| .*)$\s)+)^# ///$")


def parse_toml(text: str) -> dict[str, Any] | None:
    """Return the document, or None for what is not TOML: uv stops there by itself."""
    import tomllib

    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return None


def tool_table(document: dict[str, Any]) -> dict[str, Any] | None:
    """Return `[tool.uv]` of a pyproject.toml, or None if there is none."""
    table = document.get("tool")
    table = table.get("uv") if isinstance(table, dict) else None
    return table if isinstance(table, dict) else None


def script_document(text: str) -> dict[str, Any]:
    """Return the metadata block of a PEP 723 script as a document; nothing where there is not exactly one."""
    blocks = [match["content"] for match in _SCRIPT_BLOCK.finditer(text)]
    if len(blocks) != 1:
        return {}
    lines = blocks[0].splitlines(keepends=True)
    return parse_toml("".join(line[2:] if line.startswith("# ") else line[1:] for line in lines)) or {}


def texts(value: object) -> list[str]:
    """Return the strings of a value that is a string or a list of them."""
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def tables(value: object) -> list[dict[str, Any]]:
    """Return the tables of a value that is a list of them."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def requirement_texts(document: dict[str, Any]) -> list[str]:
    """Return the requirements that a pyproject.toml or script names, as written."""
    found = texts(document.get("dependencies"))
    project = document.get("project")
    if isinstance(project, dict):
        found += texts(project.get("dependencies"))
        optional = project.get("optional-dependencies")
        found += [text for value in optional.values() for text in texts(value)] if isinstance(optional, dict) else []
    groups = document.get("dependency-groups")
    found += [text for value in groups.values() for text in texts(value)] if isinstance(groups, dict) else []
    build = document.get("build-system")
    return found + (texts(build.get("requires")) if isinstance(build, dict) else [])


def source_urls(table: dict[str, Any]) -> list[str]:
    """Return the `url` of each `[tool.uv.sources]` entry."""
    sources = table.get("sources")
    entries = sources.values() if isinstance(sources, dict) else ()
    rows = [row for entry in entries for row in ([entry] if isinstance(entry, dict) else tables(entry))]
    return [row["url"] for row in rows if isinstance(row.get("url"), str)]
