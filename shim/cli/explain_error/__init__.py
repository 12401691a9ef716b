"""`shim explain-error CODE`: what a code in `error[CODE]` or `warning[CODE]` means, and what to do.

The text is `errors.toml`, beside this file. It works offline; docs/errors.md has the same.
"""

from __future__ import annotations

import argparse
import os
import sys
from difflib import get_close_matches

from shim.cli.usage import Parser, repeatable
from shim.core import regex as re
from shim.core.dataclass import dataclass
from shim.core.errors import UsageError
from shim.core.folding import fold
from shim.core.host import Host
from shim.core.typing import Iterator

HELP = "say what an error code means, and what to do"
EXAMPLE = "shim explain-error no-credential"
FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "errors.toml")


@dataclass(frozen=True, slots=True)
class ErrorSection:
    """What there is to say of one code. `status` is None where it is only ever a warning."""

    code: str
    line: str
    means: str
    causes: tuple[str, ...]
    do: tuple[str, ...]
    status: int | None = None
    warns: str = ""
    page: str = ""


def configure(parser: Parser) -> None:
    """Add the arguments of `shim explain-error`."""
    parser.add("code CODE", "as it stands in error[CODE]; without it: all codes", nargs="?")


def main(arguments: argparse.Namespace, _host: Host) -> int:
    """Print the section of a code, or each code with its line."""
    sections = read_sections()
    if arguments.code is None:
        width = max(map(len, sections)) + 1
        for code, section in sections.items():
            sys.stdout.write(fold(f"{code:<{width}} {section.line}", "", 1, width + 1))
        return 0
    code = re.sub(r".*\[(.*)\].*", r"\1", arguments.code)
    if code not in sections:
        *more, last = get_close_matches(code.casefold(), sections, n=3) or [""]
        close = f"{', '.join(more)} or {last}" if more else last
        raise UsageError(
            f"there is no error code {repeatable(code)}",
            hint=f"did you mean {close}?" if close else "shim explain-error",
        )
    sys.stdout.write("".join(_show(sections[code])))
    return 0


def read_sections() -> dict[str, ErrorSection]:
    """Return code -> its section, in the order of the file."""
    import tomllib

    with open(FILE, "rb") as stream:
        tables = tomllib.load(stream)
    return {
        code: ErrorSection(
            code, **table | {"causes": tuple(table["causes"]), "do": tuple(table["do"])}
        )
        for code, table in tables.items()
    }


def _show(section: ErrorSection) -> Iterator[str]:
    """Yield the lines for a terminal."""
    yield fold(f"{section.code}: {section.line}", "", 1)
    yield "\n" + fold(section.means, "", 1, 0)
    for title, items in (("usual causes", section.causes), ("what to do", section.do)):
        yield f"\n{title}\n"
        yield from (fold(f"* {item}", "  ", 1) for item in items)
    yield "\n"
    if section.status is not None:
        yield f"exit status: {section.status}\n"
    if section.warns:
        yield fold(f"as a warning: {section.warns}", "", 1)
    if section.page:
        yield f"more: docs/{section.page}\n"
