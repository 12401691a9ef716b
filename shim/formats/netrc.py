"""Reads a netrc as Python 3.11 and later do: quoted tokens, backslash escapes, comments, macdef.

Sources: CPython 3.13 Lib/netrc.py; the GNU inetutils manual, "The .netrc file".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shim.model import Secret


class BadNetrc(ValueError):
    """The text is no netrc. `line` counts from 1; the text itself, which may hold a secret, is never part of the message."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line} is not understood")
        self.line = line


@dataclass(frozen=True, slots=True)
class Entry:
    """One `machine` (None: the `default`), the user name, the password, and the line where it begins."""

    machine: str | None
    login: str
    password: Secret
    line: int


def parse(text: str) -> list[Entry]:
    """Return the entries in their order. For one machine the last entry counts.

    Raises:
        BadNetrc: a token where none belongs, or an entry without its values.
    """
    entries: list[Entry] = []
    tokens = _tokens(text)
    pending = next(tokens, None)
    while pending is not None:
        word, line = pending
        if word == "macdef":
            next(tokens, None)
            tokens = _tokens(text, _line_after_macro(text, line))
            pending = next(tokens, None)
        elif word in ("machine", "default"):
            machine = _value(tokens, line) if word == "machine" else None
            entry, pending = _read_entry(machine, line, tokens)
            entries.append(entry)
        else:
            raise BadNetrc(line)
    return entries


def _read_entry(machine: str | None, line: int, tokens: Iterator[tuple[str, int]]) -> tuple[Entry, tuple[str, int] | None]:
    """Return one entry and the token after it."""
    login = account = password = ""
    for word, number in tokens:
        if word in ("machine", "default", "macdef"):
            return Entry(machine, login or account, Secret(password), line), (word, number)
        if word in ("login", "user"):
            login = _value(tokens, number)
        elif word == "account":
            account = _value(tokens, number)
        elif word == "password":
            password = _value(tokens, number)
        else:
            raise BadNetrc(number)
    return Entry(machine, login or account, Secret(password), line), None


def _value(tokens: Iterator[tuple[str, int]], line: int) -> str:
    value = next(tokens, None)
    if value is None:
        raise BadNetrc(line)
    return value[0]


def _line_after_macro(text: str, line: int) -> int:
    """Return the number of the line behind the blank line that ends a macro begun at `line`."""
    lines = text.split("\n")
    while line < len(lines) and lines[line].strip():
        line += 1
    return line + 1


def _tokens(text: str, from_line: int = 1) -> Iterator[tuple[str, int]]:
    """Yield (token, line). A `#` begins a comment only where a token could begin a line or follow a complete entry."""
    for number, line in enumerate(text.split("\n"), 1):
        if number < from_line:
            continue
        position, expects_value = 0, False
        while True:
            while position < len(line) and line[position] in " \t\r":
                position += 1
            if position >= len(line) or (line[position] == "#" and not expects_value):
                break
            token, position = _read_token(line, position)
            expects_value = not expects_value and token in ("machine", "login", "user", "account", "password", "macdef")
            yield token, number


def _read_token(line: str, position: int) -> tuple[str, int]:
    """Return one token and the position behind it. A token in double quotes may hold blanks; a backslash takes the next character."""
    quoted = line[position] == '"'
    position += quoted
    token = ""
    while position < len(line):
        character = line[position]
        if quoted and character == '"':
            return token, position + 1
        if not quoted and character in " \t\r":
            break
        if character == "\\":
            position += 1
            character = line[position] if position < len(line) else ""
        token += character
        position += 1
    return token, position
