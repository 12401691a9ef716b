"""Writes docs/errors.md, which says what `shim explain-error` says: `python -m tests.support.error_page`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import fill

from shim.cli.explain_error import FILE, ErrorSection, read_sections

PAGE = Path(FILE).parents[3] / "docs" / "errors.md"
WIDTH = 160
BEGIN = """# Error codes

Each message of shim begins with `shim: error[CODE]` or `shim: warning[CODE]`. The codes and exit statuses are stable: a script may rely on them.
`shim explain-error CODE` prints the same section on a terminal, offline.

"""


def render() -> str:
    """Return the text of the page."""
    sections = read_sections()
    rows = "".join(f"| [`{code}`](#{code}) | {one.status or 'none'} | {one.line} |\n" for code, one in sections.items())
    table = f"| code | exit status | what happened |\n|---|---|---|\n{rows}"
    return BEGIN + table + "".join("".join(_section(one)) for one in sections.values())


def _section(section: ErrorSection) -> Iterator[str]:
    text = f"**{section.line[0].upper()}{section.line[1:]}.** {section.means}"
    yield f"\n## {section.code}\n\n{fill(text, WIDTH, break_on_hyphens=False)}\n"
    for title, items in (("Usual causes", section.causes), ("What to do", section.do)):
        yield f"\n{title}:\n\n" + "".join(f"* {item}\n" for item in items)
    status = f"Exit status: {section.status}." if section.status is not None else ""
    warns = f"As a warning: {section.warns}" if section.warns else ""
    more = f"More: [docs/{section.page}]({section.page})." if section.page else ""
    yield "\n" + fill(" ".join(filter(None, (status, warns, more))), WIDTH, break_on_hyphens=False) + "\n"


if __name__ == "__main__":
    PAGE.write_text(render())
    sys.stdout.write(f"{PAGE}\n")
