"""An all-pairs choice: few rows of many dimensions, in which every two values meet."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import TypeVar

Row = TypeVar("Row", bound=tuple[str, ...])
#: Two values, each with its position in the row.
Pair = tuple[int, str, int, str]


def pairs_of(row: tuple[str, ...]) -> set[Pair]:
    """Return every two values of a row."""
    return {
        (first, row[first], second, row[second])
        for first, second in combinations(range(len(row)), 2)
    }


def choose_pairs(rows: Iterable[Row]) -> list[Row]:
    """Return rows that have every pair which any of the rows has: always the same, in their order.

    Greedy: the row with the most new pairs is the next one. A pair is a bit.
    """
    bits: dict[Pair, int] = {}
    candidates = {
        row: sum(bits.setdefault(pair, 1 << len(bits)) for pair in sorted(pairs_of(row)))
        for row in rows
    }
    missing = (1 << len(bits)) - 1
    chosen = set()
    while missing:
        best = max(candidates, key=lambda row: (candidates[row] & missing).bit_count())
        missing &= ~candidates[best]
        chosen.add(best)
    return [row for row in candidates if row in chosen]
