"""The parser of `shim VERB`: a wrong word gets a message that names options only.

What somebody typed as a value may be the secret itself (`--token=...`, `-pSECRET`), and messages
end up in logs and screenshots: so no value is ever repeated, neither that of an unknown option nor
that of a known one.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

from shim.core.errors import UsageError

#: What people type where other tools take a secret. A process list shows what stands there.
SECRET_OPTIONS = (
    "-p",
    "--pass",
    "--password",
    "--passwd",
    "--token",
    "--secret",
    "--api-key",
    "--with-token",
)
STDIN_HINT = 'pipe it in: printf %s "$SECRET" | shim login NAME --password-stdin'
#: A longer word where a name belongs is maybe no name.
MAX_SHOWN = 24


class Parser(argparse.ArgumentParser):
    """argparse with our exit status and messages."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings, allow_abbrev=False, exit_on_error=False)

    def read(self, words: list[str]) -> argparse.Namespace:
        """Return the arguments. Raises UsageError for what is not understood."""
        try:
            arguments, unknown = self.parse_known_args(words)
        except argparse.ArgumentError as error:
            raise self._refuse_value(error, words) from None
        if unknown:
            raise self._refuse_words(unknown)
        return arguments

    def error(self, message: str) -> NoReturn:
        """Raise UsageError for what argparse says by itself: names of missing arguments (a value
        never comes this way).
        """
        raise UsageError(message, hint=f"{self.prog} --help")

    def _refuse_value(self, error: argparse.ArgumentError, words: Sequence[str]) -> UsageError:
        if error.argument_name is None:  # what is missing, by its name
            return UsageError(error.message, hint=f"{self.prog} --help")
        action = next(
            (
                one
                for one in self._actions
                if error.argument_name in (_name(one), one.dest, one.metavar)
            ),
            None,
        )
        if action is None:
            return UsageError(
                "an option is used in a way that it does not have", hint=f"{self.prog} --help"
            )
        name = (
            action.option_strings[-1]
            if action.option_strings
            else str(action.metavar or action.dest)
        )
        if action.choices is not None:
            choices = [str(choice) for choice in action.choices]
            meant = next(
                (
                    word
                    for word in words
                    if word not in choices and get_close_matches(word.casefold(), choices, n=1)
                ),
                "",
            )
            return UsageError(
                f"{name} is one of {', '.join(choices)}",
                hint=suggest(meant, choices, f"{self.prog} --help"),
            )
        text = (
            "takes no value"
            if action.nargs == 0
            else "needs a number"
            if action.type is int
            else "needs a value"
        )
        return UsageError(
            f"{name} {text}",
            hint=STDIN_HINT if name == "--password-stdin" else f"{self.prog} --help",
        )

    def _refuse_words(self, words: Sequence[str]) -> UsageError:
        options = [name_of_option(word) for word in words if word.startswith("-") and word != "--"]
        if not options:
            many = "a word" if len(words) == 1 else f"{len(words)} words"
            return UsageError(f"{many} too many", hint=f"{self.prog} --help")
        known = [text for action in self._actions for text in action.option_strings]
        message = f"{self.prog} has no option {options[0]}"
        if options[0] in SECRET_OPTIONS:
            return UsageError(
                f"{message}: what stands on a command line can be read by others", hint=STDIN_HINT
            )
        return UsageError(message, hint=suggest(options[0], known, f"{self.prog} --help"))


def refuse_verb(word: str, verbs: Sequence[str]) -> UsageError:
    """Return the error for a first word that is no verb."""
    if word.startswith("-"):
        name = name_of_option(word)
        hint = (
            STDIN_HINT
            if name in SECRET_OPTIONS
            else suggest(name, ("--version", "--help"), "shim --help")
        )
        return UsageError(f"shim has no option {name}", hint=hint)
    close = get_close_matches(word.casefold(), verbs, n=1)
    return UsageError(
        f"there is no verb {repeatable(word)}",
        hint=f"did you mean `shim {close[0]}`?" if close else "shim --help",
    )


def name_of_option(word: str) -> str:
    """Return an option without its value: `--token` of `--token=x`, `-p` of `-px`."""
    return word.partition("=")[0] if word.startswith("--") else word[:2]


def suggest(word: str, known: Iterable[str], otherwise: str) -> str:
    """Return a hint that names the known word which was probably meant, else `otherwise`."""
    spelled = {one.casefold(): one for one in known}
    close = get_close_matches(word.casefold(), spelled, n=1)
    return f"did you mean {spelled[close[0]]}?" if close else otherwise


def repeatable(word: str) -> str:
    """Return a word that stands where a name belongs, as it may be repeated: one that is too long
    for a name may be a secret.
    """
    return repr(word) if len(word) <= MAX_SHOWN else "what you typed"


def _name(action: argparse.Action) -> str:
    return "/".join(action.option_strings)
