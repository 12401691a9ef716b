"""Runs commands in turn and says how long each took: every round starts each of them once, so that a slow phase hits all alike."""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

#: Rounds whose times are thrown away: they warm caches and write records.
WARM_UP_ROUNDS = 3


@dataclass(frozen=True)
class Row:
    """One command: `name` for people, the `family` of rows that are compared, and which row of it is the one without shim.

    `is_reference` marks that row. `environ` is all that the command gets.
    """

    name: str
    family: str
    command: list[str]
    environ: dict[str, str]
    is_reference: bool = False


@dataclass
class Result:
    """The milliseconds of a row, one for each round."""

    row: Row
    times_ms: list[float] = field(default_factory=list)

    @property
    def median_ms(self) -> float:
        return statistics.median(self.times_ms)

    @property
    def quartiles_ms(self) -> tuple[float, float]:
        low, _, high = statistics.quantiles(self.times_ms, n=4)
        return low, high


def run_once(row: Row, cwd: Path) -> float:
    """Start the command, wait for it, return milliseconds. Raises RuntimeError if it fails."""
    devnull = os.open(os.devnull, os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, devnull, number) for number in (0, 1, 2)]
    os.chdir(cwd)
    begin = time.perf_counter()
    process = os.posix_spawnp(row.command[0], row.command, row.environ, file_actions=actions)
    _, status, _ = os.wait4(process, 0)
    elapsed_ms = (time.perf_counter() - begin) * 1000
    os.close(devnull)
    if status:
        raise RuntimeError(f"{row.name}: {row.command} ended with {status}")
    return elapsed_ms


def measure(rows: list[Row], rounds: int, cwd: Path) -> list[Result]:
    """Return the times of every row in every round."""
    results = [Result(row) for row in rows]
    for number in range(rounds + WARM_UP_ROUNDS):
        for result in results:
            elapsed_ms = run_once(result.row, cwd)
            if number >= WARM_UP_ROUNDS:
                result.times_ms.append(elapsed_ms)
    return results


def reference_of(result: Result, results: list[Result]) -> Result | None:
    """Return the row of the same family that goes without shim; None if this is it, or there is none."""
    return next((one for one in results if one.row.family == result.row.family and one.row.is_reference and one is not result), None)
