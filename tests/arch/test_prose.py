"""README, docs/ and messages keep to docs/style.md: its words, short sentences, lines that a diff can show."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STYLE = ROOT / "docs" / "style.md"
#: What a release brought, line by line, is kept as it was written.
PAGES = sorted({ROOT / "README.md", *(ROOT / "docs").rglob("*.md")} - {*(ROOT / "docs" / "changes").glob("*.md")})
MAX_CHARACTERS = 200
MAX_WORDS = 40
FENCED = re.compile(r"(?ms)^ *```.*?^ *```$")
#: Words of other people's protocols, which messages name as they are spelled there.
FIELDS = ("username", "creds")
#: What begins a paragraph of its own: an empty line, an item of a list.
PARAGRAPH = re.compile(r"\n\s*\n|\n\s*(?:\*|\d+\.) ")


def without_code(text: str) -> str:
    """Return a page with as many lines, and without what a terminal showed or a program reads."""
    return FENCED.sub(lambda block: "\n" * block[0].count("\n"), text)


def find_long_lines(text: str) -> Iterator[str]:
    for number, line in enumerate(without_code(text).splitlines(), 1):
        if len(line) > MAX_CHARACTERS and not line.startswith("|"):
            yield f"line {number}: {len(line)} characters"


def prose_of(text: str) -> str:
    """Return the words of a page: links by their text, code as one word, no headings."""
    text = re.sub(r"(?m)^#.*$", "", without_code(text))
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"`[^`\n]*`", "code", text).replace("*", "")


def find_long_sentences(text: str) -> Iterator[str]:
    """Yield sentences of too many words; rows of tables are none."""
    rows = re.compile(r"(?m)^[|<].*$")
    items = re.sub(r"(?m)^(\s*)(?:\*|\d+\.) ", r"\n\n\1", without_code(text))
    for paragraph in PARAGRAPH.split(rows.sub("", prose_of(items))):
        for sentence in re.split(r"(?<=[.:?!;])\s+", paragraph):
            if len(sentence.split()) > MAX_WORDS:
                yield " ".join(sentence.split())


def forbidden_words() -> dict[str, str]:
    """Return what is not to be written, and what to write instead: the last table of docs/style.md."""
    table = STYLE.read_text().partition("| write | not |\n|---|---|\n")[2]
    rows = [row.strip("|").split("|") for row in table.splitlines()]
    return {word.strip(): write.strip() for write, words in rows for word in words.split(",")}


def find_words(text: str, words: dict[str, str]) -> Iterator[str]:
    prose = " ".join(prose_of(text).split())
    for word, write in words.items():
        if re.search(rf"(?<![\w-]){re.escape(word)}(?!\w)", prose, re.IGNORECASE):
            yield f"{word}: write {write}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_keeps_to_the_style(page: Path) -> None:
    text = page.read_text()
    if page == STYLE:  # its examples are what they warn of
        text = text.partition("## Before and after")[0]

    assert [*find_long_lines(text), *find_long_sentences(text), *find_words(text, forbidden_words())] == []


def test_messages_and_docstrings_keep_to_the_words() -> None:
    words = {word: write for word, write in forbidden_words().items() if word not in FIELDS}
    found = {
        f"{path.relative_to(ROOT)}:{node.lineno}": hits
        for path in sorted((ROOT / "shim").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value
        if (hits := list(find_words(node.value, words)))
    }

    assert found == {}


def test_the_search_finds_what_it_is_for() -> None:
    words = forbidden_words()
    assert {"utilise", "e.g.", "username"} <= set(words)
    assert list(find_words("Utilise it, e.g. `username`\nin order\nto win", words)) == [
        "utilise: write use",
        "in order to: write to",
        "e.g.: write for example",
    ]
    assert list(find_words("`in order to`\n```\netc.\n```\nfetch.", words)) == []
    assert list(find_long_lines("x" * 201 + "\n| " + "x" * 300 + "\n```\n" + "x" * 300 + "\n```\n")) == ["line 1: 201 characters"]
    assert len(list(find_long_sentences("word " * 41 + ".\n* " + "word " * 30 + "\n* " + "word " * 30 + "\n| " + "word " * 50 + "|\n"))) == 1
