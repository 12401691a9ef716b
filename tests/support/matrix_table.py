"""What is served where: `python -m tests.support.matrix_table FILE` prints what a run wrote."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from pathlib import Path

from tests.support.matrix_servers import SERVERS

#: The worst first: a cell of the table is as its worst one.
WORDS = ("DIFFERENT", "refused", "served", "equal")


def record(file: str, server: str, job: str, surroundings: str, way: str, judgement: str, refusal: str = "") -> None:
    """Add one cell to the file, and the code of its refusal; several processes may do so at the same time."""
    with open(file, "a") as stream:
        stream.write("\t".join((server, job, surroundings, way, judgement, refusal)) + "\n")


def render(text: str) -> str:
    """Return a table in Markdown: rows are servers, columns tools, cells how many of what."""
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for line in text.splitlines():
        server, job, _surroundings, _way, judgement, _refusal = line.split("\t")
        counts[server, column_of(job)][judgement] += 1
    columns = list(dict.fromkeys(column for _, column in sorted(counts)))
    lines = [["server", *columns], ["---"] * (len(columns) + 1)]
    lines += [
        [server, *(_cell(counts[server, column]) for column in columns)] for server in SERVERS
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def column_of(job: str) -> str:
    """Return the tool and its release, or the verb of the newest uv."""
    tool, _, rest = job.partition(" ")
    version, _, verb = rest.partition(" ")
    return " ".join(filter(None, (tool, verb if tool == "uv" and version == "newest" else version)))


def _cell(counter: Counter[str]) -> str:
    return ", ".join(f"{counter[word]} {word}" for word in WORDS if counter[word])


if __name__ == "__main__":
    print(render(Path(sys.argv[1]).read_text()), end="")
