"""How `shim setup` asks: Enter takes what is in brackets, a wrong answer gets its hint, ^D ends."""

from __future__ import annotations

import argparse
import sys

from shim.core.dataclass import dataclass
from shim.core.errors import UsageError
from shim.core.errors import render as render_error
from shim.core.folding import fold
from shim.core.host import Host, write_stderr
from shim.core.typing import Callable, Iterable, TypeVar

#: How many wrong answers to one question are answered with its hint.
MAX_TRIES = 3
Value = TypeVar("Value")


class NoAnswer(UsageError):
    """The person at the terminal has ended it (^D)."""


@dataclass(frozen=True, slots=True)
class Dialogue:
    """The options of a command, and the person at the terminal, where there is one."""

    arguments: argparse.Namespace
    host: Host

    @property
    def may_ask(self) -> bool:
        """Whether there is somebody who wants to be asked."""
        return not (self.arguments.yes or self.arguments.dry_run) and self.host.interactive

    def read_field(
        self,
        said: str | None,
        question: str,
        read: Callable[[str], Value],
        default: str | None = None,
    ) -> Value:
        """Return what an option says, else the answer, else (Enter, or nobody to ask) the default.

        Raises:
            UsageError: the option is wrong, the answers were so three times, or there is nobody to
                ask and no default. NoAnswer: ^D.
        """
        if said is not None:
            return read(said)
        if not self.may_ask:
            if default is None:
                raise UsageError("the URL of the index is missing", hint=self._example())
            return read(default)
        for tries_left in reversed(range(MAX_TRIES)):
            answer = self.prompt(question)
            try:
                return read(default if default is not None and not answer.strip() else answer)
            except UsageError as error:
                if not tries_left:
                    raise
                write_stderr(render_error(error))
        raise AssertionError("unreachable")

    def prompt(self, question: str) -> str:
        """Return the answer. Raises NoAnswer when there is none (^D)."""
        write_stderr(question)
        line = sys.stdin.readline()
        if not line:
            write_stderr("\n")
            raise NoAnswer("no answer: nothing was written", hint=self._example())
        return line.rstrip("\r\n")

    def is_confirmed(self, question: str) -> bool:
        """Whether the person says yes, or `--yes` has. Raises UsageError with nobody to ask."""
        if self.arguments.yes:
            return True
        if not self.host.interactive:
            raise UsageError(
                "nothing was written: there is no terminal to ask",
                hint="--yes writes it without a question",
            )
        if self.prompt(question).strip().lower() in ("", "y", "yes"):
            return True
        write_stderr("nothing was written\n")
        return False

    def may_remove(self) -> bool:
        """Whether something may go: yes without a terminal, for it was named."""
        return not self.host.interactive or self.is_confirmed("Remove this? [Y/n] ")

    def _example(self) -> str:
        url = self.arguments.url or "https://pypi.corp.example/simple/"
        return f"shim setup {url} --yes"


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
    is_number = text.isascii() and text.isdigit() and 0 < int(text) <= len(words)
    return words[int(text) - 1] if is_number else text
