"""docs/cli.md, from the parsers of `shim`; `python -m tests.support.complete` writes it."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

from shim.cli import VERBS, load_verb
from shim.cli.usage import Parser
from tests.support.complete import shown, shown_usage

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
BEGIN = """# The shim command

`shim VERB --help` says the same on a terminal, and so does `man shim`. `--json` prints one object for programs, errors included: [its schema](json.schema.json).
Each error has [a code](errors.md) and [an exit status](reference.md#exit-status).

| verb | what it does |
|---|---|
"""


def render() -> str:
    """Return the text of the page."""
    rows = "".join(f"| [`shim {verb}`](#shim-{verb}) | {load_verb(verb).HELP} |\n" for verb in VERBS)
    return BEGIN + rows + "".join("".join(_section(verb)) for verb in VERBS)


def _section(verb: str) -> Iterator[str]:
    command = load_verb(verb)
    parser = Parser(prog=f"shim {verb}")
    command.configure(parser)
    yield f"\n## shim {verb}\n\n`{shown_usage(verb, parser)}`: {command.HELP}.\n\nExample: `{command.EXAMPLE}`\n"
    actions = [action for action in parser._actions if action.help and not isinstance(action, argparse._HelpAction)]
    if actions:
        yield "\n| argument | meaning |\n|---|---|\n"
        yield from (f"| `{_cell(shown(action))}` | {_cell(str(action.help))} |\n" for action in actions)


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", r"\|")

