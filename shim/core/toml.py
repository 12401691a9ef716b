"""TOML as the tools read it, which is more than Python's own parser knows.

What a tool understands and we do not could hide from us whom it will ask, or that it checks no
certificate. uv reads TOML 1.1 (from 0.9 on) and passes over a byte order mark; `tomllib` reads 1.0
before Python 3.15, and stops at the mark.

Sources: TOML 1.1.0; uv 0.13.8 (the `toml` crate); CPython 3.15 "What's New", tomllib; tomli 2.4
change log.
"""

from __future__ import annotations

from shim.core import regex as re
from shim.core.files import CannotRead
from shim.core.functools import lru_cache
from shim.core.typing import Any, Iterator

_MARK = "\ufeff"

#: How many steps Python's parser may take over keys of many parts, which cost it the square of
#: their number.
_MAX_STEPS = 50_000_000

#: What can keep a URL from standing in a text as it is: an escape (JSON's too), a broken line, a
#: string of several lines.
_DISGUISE = r"""\\[uUxe/]|\\[ \t]*\r?\n|'{3}|"{3}"""


def read_toml(text: str) -> dict[str, Any]:
    """Return the document, which is the caller's own.

    Raises:
        CannotRead: it is not TOML, as far as the parser that is there can tell.
    """
    found = _parse(text.removeprefix(_MARK))
    if isinstance(found, str):
        raise CannotRead(found)
    return _copy(found)


@lru_cache(maxsize=32)
def _parse(text: str) -> dict[str, Any] | str:
    """Return the document, or why it cannot be read. Several steps of a command read one file."""
    if not text:  # of a file that is not there, mostly
        return {}
    import tomllib

    if _is_costly(text):
        return "has keys of too many parts"
    try:
        return tomllib.loads(text)
    # An integer of thousands of digits is a plain ValueError.
    except (ValueError, RecursionError) as error:
        problem = str(error)
    try:
        import tomli  # an extra: TOML 1.1 for a Python that knows 1.0
    except ImportError:
        return f"is not valid TOML: {problem}"
    try:
        return tomli.loads(text)
    except (ValueError, RecursionError) as error:
        return f"is not valid TOML: {error}"


def _copy(document: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of a document and all that is in it, in which no depth is too deep."""
    copied = document.copy()
    waiting: list[Any] = [copied]
    while waiting:
        part = waiting.pop()
        for key, value in part.items() if isinstance(part, dict) else enumerate(part):
            if isinstance(value, (dict, list)):
                part[key] = value.copy()
                waiting.append(part[key])
    return copied


def _is_costly(text: str) -> bool:
    """Whether reading takes long, since a key is deep, or every line below a deep header."""
    dots = [line.count(".") for line in text.split("\n")]
    return sum(count * count for count in dots) + max(dots) * len(dots) > _MAX_STEPS


def may_hide_urls(text: str) -> bool:
    """Return whether a scan of TOML or JSON for `"https://...` may miss what a parser sees."""
    return bool(re.search(_DISGUISE, text))


def value_at(document: Any, *key: str) -> Any:
    """Return what stands at a key of a document, or None."""
    for part in key:
        document = document.get(part) if isinstance(document, dict) else None
    return document


def table_at(document: Any, *key: str) -> dict[str, Any]:
    """Return the table at a key of a document, an empty one where there is none."""
    found = value_at(document, *key)
    return found if isinstance(found, dict) else {}


def strings_of(value: object) -> list[str]:
    """Return the strings of a value that is a list with some."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


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
    """Return the document, or None for what is none to us."""
    try:
        return read_toml(text)
    except CannotRead:
        return None
