"""How Python's optparse reads an argv: joined values, clusters, abbreviated long options, `--`.

A table of options is written as text, one option a line: its names, then `=` if it takes a value,
then, where only some releases have it, `since:22.1` and `until:25.3` (the first release without
it).

Sources: CPython `Lib/optparse.py` (`_process_args`, `_process_long_opt`, `_process_short_opts`,
`_match_abbrev`), 3.13.
"""

from __future__ import annotations

from shim.core.functools import lru_cache
from shim.core.typing import Mapping, MappingProxyType, NamedTuple, Sequence


class Option(NamedTuple):
    """One option: its first long name, without dashes, and whether it takes a value."""

    name: str
    takes_value: bool


class OptionTable(NamedTuple):
    """The options of one command: by short name (`-i`), by long name (`--index-url`), and the names
    that matter to us.

    `wanted` settles abbreviations: which ones are ambiguous depends on the tool's release, and the
    reading that finds one of these is the careful one.
    """

    short: Mapping[str, Option]
    long: Mapping[str, Option]
    wanted: frozenset[str] = frozenset()

    def find_long(self, typed: str) -> Option | None:
        """Return what `typed` (`--index-u`) names or abbreviates, None if unknown or ambiguous."""
        if typed in self.long:
            return self.long[typed]
        found = (option for name, option in self.long.items() if name.startswith(typed))
        matches = list(dict.fromkeys(found))
        if len(matches) == 1:
            return matches[0]
        return next((option for option in matches if option.name in self.wanted), None)


class Word(NamedTuple):
    """One thing that argv says: an option, or an argument (`name` is None).

    `value` is `argv[position][start:]`; a flag has None.
    """

    name: str | None
    value: str | None
    position: int
    start: int = 0


@lru_cache(maxsize=64)
def read_table(
    text: str, wanted: frozenset[str] = frozenset(), release: tuple[int, ...] | None = None
) -> OptionTable:
    """Return the table that `text` describes: `-i --index-url --pypi-url =` has three names and
    takes a value.

    With `release` the options that this release has, else (None: unknown) those of all releases.
    """
    short: dict[str, Option] = {}
    long: dict[str, Option] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        words = line.split()
        if release is not None and not _is_in(release, words):
            continue
        names = [word for word in words if word.startswith("-")]
        first_long = next(name for name in names if name.startswith("--"))
        option = Option(first_long[2:], "=" in words)
        for name in names:
            (long if name.startswith("--") else short)[name] = option
    return OptionTable(MappingProxyType(short), MappingProxyType(long), wanted)


def _is_in(release: tuple[int, ...], words: Sequence[str]) -> bool:
    """Whether `release` is among those that a line's `since:` and `until:` name."""
    limits = {
        kind: tuple(map(int, number.split(".")))
        for kind, _, number in (word.partition(":") for word in words)
        if number
    }
    return limits.get("since", ()) <= release and (
        "until" not in limits or release < limits["until"]
    )


def scan(argv: Sequence[str], table: OptionTable, *, interspersed: bool = True) -> list[Word]:
    """Return what `argv` says, in order.

    Options that the table does not know, and ambiguous ones, are left out: the tool will complain
    about them, or is newer than the table, and then they count as flags. Without `interspersed`
    everything from the first argument on is an argument.
    """
    words: list[Word] = []
    position = 0
    while position < len(argv):
        text = argv[position]
        is_end = text == "--"
        is_argument = not text.startswith("-") or text == "-"
        if is_end or (is_argument and not interspersed):
            rest = range(position + is_end, len(argv))
            return words + [Word(None, argv[index], index) for index in rest]
        if is_argument:
            words.append(Word(None, text, position))
        else:
            read = _read_long if text.startswith("--") else _read_short
            found = read(argv, position, table)
            words += found
            position = max([position, *(word.position for word in found)])
        position += 1
    return words


def _read_long(argv: Sequence[str], position: int, table: OptionTable) -> list[Word]:
    """Return the word for `--name`, `--name=value` or `--name value` at `position`."""
    typed, equals, value = argv[position].partition("=")
    option = table.find_long(typed)
    if option is None:
        return []
    if not option.takes_value:
        return [] if equals else [Word(option.name, None, position)]
    if equals:
        return [Word(option.name, value, position, len(typed) + 1)]
    return _read_next(argv, position, option)


def _read_short(argv: Sequence[str], position: int, table: OptionTable) -> list[Word]:
    """Return the words for a cluster like `-qi URL` or `-qiURL` at `position`."""
    text = argv[position]
    words: list[Word] = []
    for index, letter in enumerate(text[1:], 1):
        option = table.short.get("-" + letter)
        if option is None:
            break
        if option.takes_value:
            if joined := text[index + 1 :]:
                return [*words, Word(option.name, joined, position, index + 1)]
            return words + _read_next(argv, position, option)
        words.append(Word(option.name, None, position))
    return words


def _read_next(argv: Sequence[str], position: int, option: Option) -> list[Word]:
    """Return the word for an option whose value is the next element, whatever that looks like."""
    return [Word(option.name, argv[position + 1], position + 1)] if position + 1 < len(argv) else []


def drop_value(argv: Sequence[str], word: Word) -> tuple[str, ...]:
    """Return `argv` without an option and its value; of `-vpT`, `-v` stays."""
    words = list(argv)
    position = word.position
    if word.start == 0:
        del words[position]
        position -= 1
    option = words[position][: word.start or None].removesuffix("=")
    if option.startswith("--") or len(option) <= 2:
        del words[position]
    else:
        words[position] = option[:-1]
    return tuple(words)
