"""How `shim setup` asks: Enter takes what stands in brackets, a wrong answer gets its hint, ^D ends
everything.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from typing import TypeVar

from shim.core.errors import UsageError
from shim.core.errors import render as render_error
from shim.core.folding import fold
from shim.core.host import Host, write_stderr

#: How many wrong answers to one question are answered with its hint.
MAX_TRIES = 3
Value = TypeVar("Value")


class NoAnswer(UsageError):
    """The person at the terminal has ended it (^D)."""


def may_ask(arguments: argparse.Namespace, host: Host) -> bool:
    """Whether there is somebody who wants to be asked."""
    return not (arguments.yes or arguments.dry_run) and host.interactive


def read_field(
    said: str | None,
    question: str,
    read: Callable[[str], Value],
    arguments: argparse.Namespace,
    host: Host,
    default: str | None = None,
    needed: str = "",
) -> Value:
    """Return what an option says, else the answer to the question, else (Enter, --yes, or without a
    terminal) the default.

    Raises:
        UsageError: the option is wrong, the answers were so three times, or there is nobody to ask
            and no default. NoAnswer: ^D.
    """
    if said is not None:
        return read(said)
    if not may_ask(arguments, host):
        if default is None:
            raise UsageError(f"{needed} is missing", hint=_example(arguments))
        return read(default)
    for tries_left in reversed(range(MAX_TRIES)):
        answer = prompt(question, arguments)
        try:
            return read(default if default is not None and not answer.strip() else answer)
        except UsageError as error:
            if not tries_left:
                raise
            write_stderr(render_error(error))
    raise AssertionError("unreachable")


def menu(title: str, choices: Iterable[tuple[str, str, str]], default: str) -> str:
    """Return a question with numbered answers; `default` is the word that Enter takes."""
    texts = [(f"{word}:{value}" if value else word, text) for word, value, text in choices]
    width = max(len(word) for word, _ in texts)
    rows = [
        fold(f"{number}  {word:<{width}}  {text}", "   ", 2, width + 8)
        for number, (word, text) in enumerate(texts, 1)
    ]
    return f"{title}\n{''.join(rows)}   Number or word [{default}]: "


def by_number(text: str, words: list[str]) -> str:
    """Return the word that a number stands for, or the text as it is."""
    text = text.strip()
    return (
        words[int(text) - 1]
        if text.isascii() and text.isdigit() and 0 < int(text) <= len(words)
        else text
    )


def prompt(question: str, arguments: argparse.Namespace) -> str:
    """Return the answer of the person at the terminal. Raises NoAnswer when there is none (^D)."""
    write_stderr(question)
    line = sys.stdin.readline()
    if not line:
        write_stderr("\n")
        raise NoAnswer("no answer: nothing was written", hint=_example(arguments))
    return line.rstrip("\r\n")


def is_confirmed(question: str, arguments: argparse.Namespace, host: Host) -> bool:
    """Whether the person says yes, or `--yes` has said it. Raises UsageError where there is nobody
    to ask.
    """
    if arguments.yes:
        return True
    if not host.interactive:
        raise UsageError(
            "nothing was written: there is no terminal to ask",
            hint="--yes writes it without a question",
        )
    if prompt(question, arguments).strip().lower() in ("", "y", "yes"):
        return True
    write_stderr("nothing was written\n")
    return False


def _example(arguments: argparse.Namespace) -> str:
    url = arguments.url or "https://pypi.corp.example/simple/"
    return f"shim setup {url} --yes"
