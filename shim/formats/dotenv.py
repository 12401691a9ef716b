"""Reads dotenv text with python-dotenv, an optional dependency. Values are taken as they stand:
`${NAME}` is not replaced.

Sources: python-dotenv 1.2 `dotenv_values(stream=, interpolate=)` (quotes, `export`, comments,
escapes).
"""

from __future__ import annotations

#: More than any such file; a wrong path often leads to something larger.
MAX_BYTES = 1 << 20


class NoReader(Exception):
    """python-dotenv is not installed beside us."""


def parse_dotenv(text: str) -> dict[str, str]:
    """Return name -> value; a name without `=`, or a line that is not understood, is left out.

    Raises:
        NoReader: python-dotenv is missing.
    """
    try:
        from dotenv import dotenv_values
    except ImportError:
        raise NoReader from None
    import io
    import logging

    # Its warnings about a line go nowhere: we never print.
    logging.getLogger("dotenv").addHandler(logging.NullHandler())
    values = dotenv_values(stream=io.StringIO(text), interpolate=False)
    return {name: value for name, value in values.items() if value is not None}
