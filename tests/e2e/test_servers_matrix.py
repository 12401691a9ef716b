"""Every kind of server, every tool, every surroundings: as with the bare tool, or refused by name.

The bare tool has the password typed. CI runs a choice in which every two values of two dimensions
meet; SHIM_TEST_MATRIX=all runs everything, which takes hours. SHIM_TEST_MATRIX_TABLE=FILE writes
down every cell; `python -m tests.support.matrix_table FILE` makes a table of it. A cell is called
`SERVER | JOB | SURROUNDINGS | WAY`; tests/support/matrix_*.py says what each is.
SHIM_TEST_PLATFORM=NAME runs all on another system: tests/support/platforms.py.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from itertools import combinations, product
from pathlib import Path

import pytest

from tests.support import platforms
from tests.support.matrix_cells import Cell, Outcome, Runner, judge
from tests.support.matrix_choice import all_cells, chosen_cells
from tests.support.matrix_packages import make_shelves
from tests.support.matrix_street import open_street
from tests.support.matrix_table import record, render
from tests.support.pairwise import choose_pairs, pairs_of

CELLS = [*all_cells()] if os.environ.get("SHIM_TEST_MATRIX") == "all" else chosen_cells()


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory, wrapped: Path) -> Iterator[Runner]:
    """All servers, and launchers for all tools."""
    folder = tmp_path_factory.mktemp("matrix")
    (folder / "tls").mkdir()
    with open_street(folder / "tls", make_shelves(folder / "shelves")) as street:
        yield Runner(street, platforms.chosen(wrapped, folder), folder / "worlds")


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_a_cell_is_as_with_the_bare_tool_or_refused_by_name(cell: Cell, runner: Runner) -> None:
    bare = runner.bare(cell)
    ours, leaks = runner.ours(cell)
    shutil.rmtree(runner.folder)
    judgement = judge(bare, ours)
    if file := os.environ.get("SHIM_TEST_MATRIX_TABLE"):
        record(file, *cell, "DIFFERENT" if leaks else judgement, ours.refusal)

    assert leaks == []
    assert judgement != "DIFFERENT", f"bare: {bare}\n{bare.output}\nours: {ours}\n{ours.output}"


def outcome(status: int = 0, *packages: str, output: str = "") -> Outcome:
    return Outcome(status, frozenset(packages), (), output)


@pytest.mark.parametrize(
    ("bare", "ours", "judgement"),
    [
        (outcome(0, "corp-app 1.0"), outcome(0, "corp-app 1.0"), "equal"),
        (outcome(1), outcome(1), "equal"),
        (outcome(0, "corp-app 1.0"), outcome(0, "corp-app 0.9"), "DIFFERENT"),
        (outcome(0, "corp-app 1.0"), outcome(1), "DIFFERENT"),
        (outcome(1), outcome(2), "DIFFERENT"),
        (outcome(1), outcome(0, "corp-app 1.0"), "served"),
        (outcome(1), outcome(0, "corp-app 0.9"), "DIFFERENT"),
        (outcome(0, "corp-app 1.0"), outcome(77, output="shim: error[rejected]: no"), "refused"),
        (outcome(0, "corp-app 1.0"), outcome(77, output="no"), "DIFFERENT"),
        (
            outcome(0, "corp-app 1.0"),
            outcome(77, "corp-app 0.9", output="shim: error[rejected]: no"),
            "DIFFERENT",
        ),
    ],
)
def test_only_the_same_or_a_refusal_by_name_passes(
    bare: Outcome, ours: Outcome, judgement: str
) -> None:
    assert judge(bare, ours) == judgement


def test_the_choice_has_every_pair_and_few_rows() -> None:
    dimensions = ("abcdef", "12345", "xyz", "uv")
    chosen = choose_pairs(product(*dimensions))
    wanted = sum(len(one) * len(other) for one, other in combinations(dimensions, 2))

    assert len(set().union(*map(pairs_of, chosen))) == wanted
    assert len(chosen) <= 36
    assert chosen == choose_pairs(product(*dimensions))


def test_the_table_counts_what_was_served_where(tmp_path: Path) -> None:
    file = tmp_path / "cells"
    for way, judgement in (("typed", "equal"), ("variable", "equal"), ("configured", "refused")):
        record(str(file), "403", "uv newest run --with", "alone", way, judgement)
    record(str(file), "403", "pip 25.3 wheel", "alone", "typed", "DIFFERENT")

    assert "| 403 | 1 DIFFERENT | 1 refused, 2 equal |" in render(file.read_text())
