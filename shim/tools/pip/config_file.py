"""Reads the text of a pip.conf as pip's RawConfigParser does, with the line of each value.

configparser itself costs as much as two interpreter starts and forgets the lines.

Sources: pip 26.3 `_internal/configuration.py`; CPython `Lib/configparser.py`
(`RawConfigParser._read`, defaults), 3.13.
"""

from __future__ import annotations

from shim.core.dataclass import dataclass
from shim.core.files import CannotRead
from shim.core.functools import lru_cache
from shim.core.typing import Mapping, MappingProxyType

#: Section -> key (normal form, like `index-url`) -> (value, line number from 1).
Sections = Mapping[str, Mapping[str, tuple[str, int]]]


@dataclass(slots=True)
class _Value:
    lines: list[str]
    number: int


def normal_key(name: str) -> str:
    """Return pip's one spelling of a name: `Index_URL` and `--index-url` are `index-url`."""
    return name.lower().replace("_", "-").removeprefix("--")


@lru_cache(maxsize=32)
def read_pip_config(text: str) -> Sections:
    """Return what a pip.conf says.

    A key or section said twice, which pip refuses as well, is taken as the last one. `[DEFAULT]`
    counts for every section, as configparser has it. Nothing is expanded and no quote is taken off.

    Raises:
        CannotRead: pip refuses the text as a whole (it then stops with an error), or another
            Python's pip reads it differently.
    """
    sections: dict[str, dict[str, _Value]] = {}
    section: dict[str, _Value] | None = None
    value: _Value | None = None
    indent = 0
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if not stripped or stripped[0] in "#;":
            if not stripped and value is not None:
                value.lines.append("")
            continue
        depth = len(line) - len(line.lstrip())
        if section is not None and value is not None and depth > indent:
            value.lines.append(stripped)
            continue
        indent = depth
        name = stripped[1 : stripped.rfind("]")] if stripped.startswith("[") else ""
        if name and "]" in stripped:
            if "]" in name:
                raise CannotRead(f"has a header with brackets in line {number}")
            section, value = sections.setdefault(name, {}), None
            continue
        key, separator, text_of_value = stripped.partition("=")
        if ":" in key or not separator:
            key, separator, text_of_value = stripped.partition(":")
        if section is None or not separator or not key.rstrip():
            raise CannotRead(f"is no pip.conf in line {number}")
        value = _Value([text_of_value.strip()], number)
        section[normal_key(key.rstrip())] = value
    return _with_defaults(sections)


def _with_defaults(sections: dict[str, dict[str, _Value]]) -> Sections:
    """Return the sections with `[DEFAULT]` merged into each of them, and values joined."""
    defaults = sections.pop("DEFAULT", {})
    merged = {
        name: {
            key: ("\n".join(value.lines).rstrip(), value.number)
            for key, value in (defaults | keys).items()
        }
        for name, keys in sections.items()
    }
    return MappingProxyType({name: MappingProxyType(keys) for name, keys in merged.items()})
