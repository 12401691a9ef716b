"""Every block that people copy is played by a test, or says why it is not."""

from __future__ import annotations

import ast
import re
from fnmatch import fnmatch
from functools import cache

from tests.support.documents import OUTPUT, PAGES, ROOT, Block, all_blocks, blocks


@cache
def find_players() -> dict[tuple[str, str], str]:
    """Return (page, kind) of each call of `blocks` in a test, and the file that it stands in."""
    found = {}
    for path in sorted((ROOT / "tests").glob("**/*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "blocks":
                match node.args:
                    case [ast.Constant(str(page)), ast.Constant(str(kind))]:
                        found[page, kind] = str(path.relative_to(ROOT))
    return found


BLOCKS = [block for block in all_blocks() if block.kind not in OUTPUT]


def is_played(block: Block) -> bool:
    return any(block.kind == kind and fnmatch(block.page, page) for page, kind in find_players())


def test_every_block_is_played_or_says_why_not() -> None:
    """Play it: `blocks("docs/PAGE.md", "KIND")` in a test. Or mark it: `<!-- not played: REASON -->` in the line before it."""
    assert [str(block) for block in BLOCKS if not block.reason and not is_played(block)] == []


def test_every_test_that_plays_blocks_finds_some() -> None:
    assert [name for (page, kind), name in find_players().items() if not blocks(page, kind)] == []


def test_every_fence_is_one_of_the_blocks() -> None:
    """One that is written in another way would be seen by no test."""
    fences = {str(path.relative_to(ROOT)): len(re.findall(r"(?m)^\s*(?:```|~~~)", path.read_text(encoding="utf-8"))) for path in PAGES}
    found = [block.page for block in all_blocks()]

    assert {page: found.count(page) * 2 for page in fences} == fences
