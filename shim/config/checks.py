"""Are the values of a config file what `schema.py` says? Each trouble is a ConfigError with one
true hint.
"""

from __future__ import annotations

from shim.config.schema import INDEX_KEYS, Key
from shim.core.errors import ConfigError
from shim.core.package_names import read_pattern
from shim.core.typing import Any, Iterable

#: A key's kind -> the type of its values.
TYPES: dict[str, type] = {
    "string": str,
    "word": str,
    "boolean": bool,
    "table": dict,
    "tables": list,
    "array of strings": list,
}


def read_duration(text: str, key: str, file: str, where: str) -> float:
    """Return seconds for `30s`, `15m`, `12h`, `7d` or `0`. Raises ConfigError for anything else."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    number, unit = (text[:-1], text[-1:]) if text[-1:] in units else (text, "")
    if number.isascii() and number.isdigit() and len(number) <= 9 and (unit or number == "0"):
        return float(int(number) * units.get(unit, 1))
    hint = "write a number and s, m, h or d, like 12h"
    raise ConfigError(f"{file}: {where}: {key} is not a duration", hint=hint)


def check_keys(table: dict[str, Any], keys: tuple[Key, ...], file: str, where: str) -> None:
    """Raise ConfigError for a key that is not in `keys`, or a value of the wrong type."""
    known = {key.name: key for key in keys}
    for name, value in table.items():
        if name not in known:
            place = f"{where}: " if where else ""
            raise ConfigError(f"{file}: {place}unknown key {name!r}", hint=nearest(name, known))
        check_value(value, known[name], file, where)


def check_value(value: object, key: Key, file: str, where: str) -> None:
    """Raise ConfigError for a value of the wrong type, or that is none of the key's choices."""
    place = f"{where}: " if where else ""
    items = value if isinstance(value, list) and key.kind != "tables" else ()
    is_mixed = any(not isinstance(item, str) for item in items)
    if is_mixed or not isinstance(value, TYPES[key.kind]):
        article = "an" if key.kind[0] in "aeiou" else "a"
        hint = f"make {key.name} {article} {key.kind}"
        if key.example:
            hint = f"write {key.name} = {key.example}"
        raise ConfigError(f"{file}: {place}{key.name} must be {article} {key.kind}", hint=hint)
    said = value if isinstance(value, list) else [value]
    if key.choices and not (said and all(one in key.choices for one in said)):
        example = key.example if isinstance(value, list) else f'"{key.choices[0]}"'
        message = f"{file}: {place}{key.name} must be one of {', '.join(key.choices)}"
        raise ConfigError(message, hint=f"write {key.name} = {example}")


def check_uses(document: dict[str, Any], file: str) -> None:
    """Raise ConfigError for two defaults, or white space in a URL: tools would read two URLs."""
    tables = document.get("index", ())
    used = [table for table in tables if isinstance(table, dict) and "use-as" in table]
    if sum(table["use-as"] == "default" for table in used) > 1:
        hint = 'make all but one of them use-as = "extra"'
        raise ConfigError(f'{file}: two [[index]] are used as "default"', hint=hint)
    urls = [str(table.get("url", "")).strip() for table in used]
    if any(character.isspace() for url in urls for character in url):
        message = f"{file}: there is white space in the url of an [[index]] with use-as"
        raise ConfigError(message, hint="write it as %20")


def nearest(name: str, known: Any) -> str:
    """Return a hint that names the nearest known word, or all of them."""
    from difflib import get_close_matches

    close = get_close_matches(name, list(known), n=1)
    return f"did you mean {close[0]!r}?" if close else "known are: " + ", ".join(sorted(known))


def example_of(name: str) -> str:
    """Return the example of a key of `[[index]]`."""
    return next(key.example for key in INDEX_KEYS if key.name == name)


def read_patterns(texts: Iterable[str], where: str) -> tuple[str, ...]:
    """Return the patterns of package names in normal form. Raises ConfigError."""
    patterns = []
    for text in texts:
        try:
            patterns.append(read_pattern(text))
        except ValueError as error:
            hint = f"write names, with * for any letters: packages = {example_of('packages')}"
            message = f"{where}: {text!r} in packages: {error}"
            raise ConfigError(message, hint=hint) from error
    return tuple(patterns)
