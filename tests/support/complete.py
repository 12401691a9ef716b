"""Writes shell completion, the manual page and docs/cli.md from the parsers of `shim`: `python -m tests.support.complete`.

What it writes is in the repository, so that no library is needed where shim runs, and nothing is computed when a shell starts.
The page is made here: what argparse-manpage makes has the day in it, and other words with each release of Python.
Sources: shtab's documentation ("Library Usage"); man-pages(7).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import shtab

from shim import __version__
from shim.cli import VERBS, load_verb
from shim.cli.explain_error import read_sections
from shim.cli.usage import Parser
from shim.config.schema import VARIABLES
from shim.install import completion
from shim.install.shells import SHELLS
from shim.tools import TOOLS

FOLDER = Path(completion.__file__).parent
#: What an argument stands for -> what completes it. `shim names` is asked when Tab is pressed, past the shell function `shim`.
NAMES = shtab.cmd("command shim names 2>/dev/null")
COMPLETERS = {"NAME|URL": NAMES, "NAME": NAMES, "FILE": shtab.FILE, "PATH": shtab.FILE, "DIR": shtab.DIRECTORY, "-- COMMAND": shtab.FILE}
WORDS = {"TOOL": tuple(TOOLS), "SHELL": tuple(SHELLS), "CODE": tuple(read_sections())}
#: A NAME that is no configured index's.
OTHER_NAMES = ("agent",)
#: How the page ends.
END = (
    ".SH FILES",
    ".TP",
    r".I ~/.config/shim/config.toml",
    "the indexes, and how each is logged in at; /etc/xdg/shim/config.toml is the same for a machine",
    ".SH EXIT STATUS",
    "64 for what was typed wrongly, 69 for a source or index that failed, 74 for what cannot be stored, 77 for no credential or one that",
    "was refused, 78 for a bad configuration; everything else is the tool\\(aqs own.",
)


def make_parser() -> argparse.ArgumentParser:
    """Return one parser of all verbs; `shim` itself makes only that of the verb that was typed."""
    parser = argparse.ArgumentParser(prog="shim", description="pip and uv with the right credential for each private index.")
    parser.add_argument("-V", "--version", action="store_true", help="show the version")
    verbs = parser.add_subparsers(metavar="VERB", dest="verb", parser_class=Parser)
    for verb in VERBS:
        command = load_verb(verb)
        one = verbs.add_parser(verb, help=command.HELP, description=command.HELP, epilog=f"example: {command.EXAMPLE}")
        command.configure(one)
        for action in one._actions:
            completer = COMPLETERS.get(str(action.metavar))
            if completer and verb not in OTHER_NAMES:
                action.complete = completer  # type: ignore[attr-defined]
    return parser


def render() -> dict[str, str]:
    """Return file -> text."""
    parser = make_parser()
    found = {name: without_usage(shtab.complete(with_words(parser), shell)) for shell, name in completion.COMPLETIONS.items()}
    return {name: text.rstrip("\n") + "\n" for name, text in {**found, completion.MANUAL: render_manual(make_parser())}.items()}


def without_usage(text: str) -> str:
    """Return a script without the words at its beginning about where to copy it: `shim install` does that."""
    begin, see, rest = text.partition("# See also:")
    return begin.partition("# Usage:")[0] + rest.partition("\n")[2] if see else text


def with_words(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Return the parser with the words that an argument is one of."""
    subparsers = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    for one in subparsers.choices.values():
        for action in one._actions:
            action.choices = action.choices or WORDS.get(str(action.metavar))
    return parser


def render_manual(parser: argparse.ArgumentParser) -> str:
    """Return the manual page."""
    subparsers = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    lines = [
        f'.TH SHIM 1 "" "pip-uv-shim {__version__}" "User Commands"',
        ".SH NAME",
        f"shim \\- {roff(str(parser.description))}",
        ".SH SYNOPSIS",
        ".B shim",
        r"\fIVERB\fR [\fIARGUMENTS\fR]",
        ".SH VERBS",
    ]
    for verb, one in subparsers.choices.items():
        lines += [f".SS {roff(shown_usage(verb, one))}", roff(str(one.description))]
        for action in one._actions:
            if action.help and not isinstance(action, argparse._HelpAction):
                lines += [".TP", roff(shown(action)), roff(action.help)]
        lines += [".PP", roff(str(one.epilog))]
    lines += [".SH ENVIRONMENT"]
    for key in VARIABLES:
        lines += [".TP", f".B {key.name}", roff(key.meaning.replace("`", ""))]
    return "\n".join([*lines, *END])


def shown_usage(verb: str, parser: argparse.ArgumentParser) -> str:
    """Return a verb with its positional arguments."""
    words = []
    for action in parser._actions:
        if not action.option_strings:
            word = str(action.metavar or shown(action))
            words.append(f"[{word}]" if action.nargs in ("?", "*") else word)
    return " ".join(["shim", verb, *(["[OPTIONS]"] if len(parser._actions) > len(words) + 1 else []), *words])


def shown(action: argparse.Action) -> str:
    """Return an argument as it is typed."""
    choices = "|".join(map(str, action.choices or ()))
    value = "" if action.nargs == 0 else choices or str(action.metavar or action.dest.upper())
    return ", ".join(action.option_strings) + (" " if value and action.option_strings else "") + value


def roff(text: str) -> str:
    """Return text as it stands in a page."""
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq").replace("`", r"\(ga")
    return rf"\&{text}" if text.startswith(".") else text


if __name__ == "__main__":
    from tests.support import cli_page  # which is made with what stands above

    for path, text in {**{FOLDER / name: text for name, text in render().items()}, cli_page.PAGE: cli_page.render()}.items():
        path.write_text(text)
        sys.stdout.write(f"{path}\n")
