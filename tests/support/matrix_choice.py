"""Which cells of the matrix are run: by hand all, in CI a choice that has every pair of values."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from tests.support.matrix_cells import Cell
from tests.support.matrix_servers import SERVERS
from tests.support.matrix_tools import JOBS, PIP_TASKS, PIPS, UV_TASKS
from tests.support.pairwise import choose_pairs

#: The servers at which the ways to send a credential differ; the slow tools see no others in CI.
TELLING = ("403", "forwards names", "presigned", "second host")


def all_cells() -> Iterator[Cell]:
    """Yield every cell that there is, the newest uv's before those of the old ones."""
    for name, job in JOBS.items():
        yield from (
            Cell(*row[:1], name, *row[1:]) for row in product(SERVERS, job.surroundings, job.ways)
        )


def chosen_cells() -> list[Cell]:
    """Return CI's: all pairs of server, release, task, surroundings and way for pip and newest uv.

    The slow tools meet few servers.
    """
    cells = set(all_cells())
    ways, around = ("typed", "variable", "configured"), JOBS["pipenv"].surroundings
    pips = product(SERVERS, PIPS, PIP_TASKS, around, ways)
    uvs = product(SERVERS, UV_TASKS, around, ways)
    slow = product(TELLING, [name for name, job in JOBS.items() if job.is_slow], around, ways)
    rows = [
        *(
            ((server, f"pip {version} {task}", *rest))
            for server, version, task, *rest in choose_pairs(pips)
        ),
        *(
            ((server, f"uv newest {task}", *rest))
            for server, task, *rest in choose_pairs(row for row in uvs if _is_there(cells, *row))
        ),
        *(row for row in choose_pairs(row for row in slow if Cell(*row) in cells)),
    ]
    return [Cell(*row) for row in rows]


def _is_there(cells: set[Cell], server: str, task: str, surroundings: str, way: str) -> bool:
    return Cell(server, f"uv newest {task}", surroundings, way) in cells  # type: ignore[arg-type]
