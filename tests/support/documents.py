"""The documents and their blocks. A test that plays blocks asks here for them, by page and kind: `blocks("docs/ci.md", "yaml")`.

`tests/arch/test_blocks.py` finds these calls, and with them the blocks that no test plays. Such a block says why in the line before it:
`<!-- not played: REASON -->`. One that a test knows by a name has it there: `<!-- played as: NAME -->`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md"), ROOT / "tests" / "README.md"})
#: What is shown and not typed, run or read by a program.
OUTPUT = ("", "text", "mermaid")
FENCE = re.compile(
    r"^(?:<!-- (?:not played: (?P<reason>[^\n]+?)|played as: (?P<name>[\w-]+)) -->\n+)?(?P<indent> *)```(?P<kind>\w*)[^\n]*\n(?P<text>.*?)^ *```$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """What stands between two fences. `kind` is the word behind the first one; `reason` says why it is not played."""

    page: str
    line: int
    kind: str
    name: str
    text: str
    reason: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line} ({self.kind})"

    @property
    def typed(self) -> list[str]:
        """The lines of a `console` block that are typed, without their comments."""
        return [re.sub(r"  +# .*", "", line[2:]) for line in self.text.splitlines() if line.startswith("$ ")]

    @property
    def shown(self) -> list[str]:
        """The other ones."""
        return [line for line in self.text.splitlines() if not line.startswith("$ ")]


def read_table(page: str, first: str) -> dict[str, dict[str, str]]:
    """Return first cell -> column -> cell of the table whose head begins with `| first |`."""
    lines = iter((ROOT / page).read_text(encoding="utf-8").partition(f"\n| {first} |")[2].splitlines())
    columns = _cells(next(lines))
    next(lines)
    rows: dict[str, dict[str, str]] = {}
    for line in lines:
        if not line.startswith("|"):
            break
        name, *cells = _cells(line)
        rows[name] = dict(zip(columns, cells, strict=True))
    return rows


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def all_blocks() -> Iterator[Block]:
    """Yield each block of each page."""
    for path in PAGES:
        text, page = path.read_text(encoding="utf-8"), str(path.relative_to(ROOT))
        for match in FENCE.finditer(text):
            inner = re.sub(f"(?m)^{match['indent']}", "", match["text"])
            line = text.count("\n", 0, match.start("kind")) + 1
            yield Block(page, line, match["kind"], match["name"] or "", inner, match["reason"] or "")


def blocks(pages: str, kind: str) -> list[Block]:
    """Return the blocks of a kind that are to be played, in a page or in all that a pattern fits."""
    return [block for block in all_blocks() if block.kind == kind and not block.reason and fnmatch(block.page, pages)]
