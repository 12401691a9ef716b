"""TOML as the tools read it, which is more than Python's own parser knows.

What a tool understands and we do not could hide from us whom it will ask, or that it checks no certificate. uv reads TOML 1.1 (from
0.9 on) and passes over a byte order mark; `tomllib` reads 1.0 before Python 3.15, and stops at the mark.

Sources: TOML 1.1.0; uv 0.13.8 (the `toml` crate); CPython 3.15 "What's New", tomllib; tomli 2.4 change log.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_MARK = "\ufeff"

#: What can keep a URL from standing in a text as it is: an escape (JSON's too), a broken line, a string of several lines.
_DISGUISE = re.compile(r"""\\[uUxe/]|\\[ \t]*\r?\n|'{3}|"{3}""")


def read_toml(text: str) -> dict[str, Any]:
    """Return the document.

    Raises:
        ValueError: it is not TOML, or not as far as the parser that is there can tell. The message says what and where.
    """
    import tomllib

    text = text.removeprefix(_MARK)
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # an integer of thousands of digits is a plain ValueError
        problem = str(error)
    try:
        import tomli  # an extra: TOML 1.1 for a Python that knows 1.0
    except ImportError:
        raise ValueError(problem) from None
    try:
        return tomli.loads(text)
    except RecursionError as error:
        raise ValueError(str(error)) from None


def may_hide_urls(text: str) -> bool:
    """Return whether a scan of a TOML or JSON text for `"https://...` could miss one that a parser would see."""
    return bool(_DISGUISE.search(text))


def value_at(document: Any, *key: str) -> Any:
    """Return what stands at a key of a document, or None."""
    for part in key:
        document = document.get(part) if isinstance(document, dict) else None
    return document


def strings_at(value: Any, keys: tuple[str, ...], key: str = "") -> Iterator[str]:
    """Yield every string in a document that stands under one of `keys`, however deep."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from strings_at(part, keys, name)
    elif isinstance(value, list):
        for part in value:
            yield from strings_at(part, keys, key)
    elif isinstance(value, str) and key in keys:
        yield value


def parse_toml(text: str) -> dict[str, Any] | None:
    """Return the document, or None for what is not TOML: the tool says so itself."""
    try:
        return read_toml(text)
    except ValueError:
        return None
