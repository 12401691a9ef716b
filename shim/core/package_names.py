"""Whose a package name is, by the patterns of `packages`: names in normal form (PEP 503) in which
`*` stands for any letters, or none.

Two indexes never claim one name. No pattern goes before another, so there is nothing to remember
about an order.

Sources: PEP 503 (normal names), PEP 508 (what a name may be).
"""

from __future__ import annotations

from itertools import combinations

from shim.core import regex as re
from shim.core.typing import Iterable, Sequence

#: A pattern, and the URL of the index that claims what matches it.
Claim = tuple[str, str]

#: Names on real indexes are shorter; one that is longer comes from nobody.
MAX_LETTERS = 200
_PATTERN = r"[a-z0-9*](?:[a-z0-9*-]*[a-z0-9*])?"
_NAME = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"


def normal_name(name: str) -> str:
    """Return a name in normal form: `Corp_Lib` is `corp-lib`."""
    name = name.replace("_", "-").replace(".", "-").lower()
    while "--" in name:
        name = name.replace("--", "-")
    return name


def is_name(text: str) -> bool:
    """Whether a text is a name in normal form."""
    return len(text) <= MAX_LETTERS and re.fullmatch(_NAME, text) is not None and "--" not in text


def read_pattern(text: str) -> str:
    """Return a pattern in normal form. Raises ValueError for one that no name can match."""
    pattern = re.sub(r"\*+", "*", normal_name(text.strip()))
    if len(pattern) > MAX_LETTERS or re.fullmatch(_PATTERN, pattern) is None:
        raise ValueError("no package name looks like that")
    return pattern


def matches(pattern: str, name: str) -> bool:
    """Whether a name in normal form is one of the pattern's."""
    first, *others = pattern.split("*")
    if not others:
        return name == pattern
    *middle, last = others
    begin, end = len(first), len(name) - len(last)
    if begin > end or not (name.startswith(first) and name.endswith(last)):
        return False
    for part in middle:
        found = name.find(part, begin, end)
        if found < 0:
            return False
        begin = found + len(part)
    return True


def overlap(one: str, other: str) -> bool:
    """Whether any text matches both patterns."""
    # meet[j]: whether one[i:] and other[j:] have a text in common, for i from the end of `one` to
    # its beginning.
    below = [rest in ("", "*") for rest in (other[j:] for j in range(len(other) + 1))]
    for i in range(len(one) - 1, -1, -1):
        meet = [False] * (len(other) + 1)
        for j in range(len(other), -1, -1):
            ours, theirs = one[i], other[j : j + 1]
            if "*" in (ours, theirs):
                meet[j] = below[j] if ours == "*" else meet[j + 1]
                meet[j] = meet[j] or (bool(theirs) and meet[j + 1] if ours == "*" else below[j])
            else:
                meet[j] = ours == theirs and below[j + 1]
        below = meet
    return below[0]


def owner_of(name: str, claims: Iterable[Claim]) -> str | None:
    """Return the index that claims a name in normal form; None if no index does."""
    return next((index for pattern, index in claims if matches(pattern, name)), None)


def find_conflict(claims: Sequence[Claim]) -> tuple[Claim, Claim] | None:
    """Return two claims of different indexes that have a name in common, or None."""
    for one, other in combinations(claims, 2):
        if one[1] != other[1] and overlap(one[0], other[0]):
            return one, other
    return None
