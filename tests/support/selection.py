"""What a run could not do: said once at its end, by reason and with the names, and a failure where nothing may be missing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import groupby

#: How many tests a reason names before it only counts them.
MOST_NAMES = 3


def explain(skipped: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield the lines that say what was skipped, from (reason, test's name); the largest group first."""
    rows = sorted(skipped)
    groups = [(reason, [name for _, name in group]) for reason, group in groupby(rows, key=lambda row: row[0])]
    for reason, names in sorted(groups, key=lambda group: -len(group[1])):
        tests = list(dict.fromkeys(name.partition("[")[0] for name in names))
        yield f"{len(names):5}  {reason}"
        yield from (f"         {test}" for test in tests[:MOST_NAMES])
        if len(tests) > MOST_NAMES:
            yield f"         and {len(tests) - MOST_NAMES} more"


def tries(number: int) -> int:
    """Return how often to try what is random: so often, or with `--quick` a tenth of that."""
    return number // 10 if os.environ.get("SHIM_TEST_QUICK") else number


def one_of_each(rows: Iterable[tuple[str, str, bool]]) -> set[str]:
    """Return the tests that `--quick` keeps, from (file, test's name, whether it is marked `quick`): one of each file.

    The marked one, else the first with the newest tool, which runs on any Python, else the first.
    """
    best: dict[str, tuple[bool, bool, str]] = {}
    for suite, name, is_marked in rows:
        rank = (is_marked, "newest" in name, name)
        if suite not in best or rank[:2] > best[suite][:2]:
            best[suite] = rank
    return {name for _, _, name in best.values()}
