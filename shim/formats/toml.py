"""TOML as the tools read it, which is more than Python's own parser knows.

What a tool understands and we do not could hide from us whom it will ask, or that it checks no certificate. uv reads TOML 1.1 (from
0.9 on) and passes over a byte order mark; `tomllib` reads 1.0 before Python 3.15, and stops at the mark.

Sources: TOML 1.1.0; uv 0.13.8 (the `toml` crate); CPython 3.15 "What's New", tomllib; tomli 2.4 change log.
"""

from __future__ import annotations

from typing import Any

_MARK = "\ufeff"


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


def parse_toml(text: str) -> dict[str, Any] | None:
    """Return the document, or None for what is not TOML: the tool says so itself."""
    try:
        return read_toml(text)
    except ValueError:
        return None
