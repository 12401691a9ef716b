"""The parser of `shim VERB`: a wrong word gets a message that names options only.

What somebody typed as a value may be the secret itself (`--token=...`, `-pSECRET`), and messages
end up in logs and screenshots: so no value is ever repeated.
"""

from __future__ import annotations

import argparse
from difflib import get_close_matches

from shim.core.errors import UsageError
from shim.core.typing import Any, Iterable, NoReturn, Sequence

#: What people type where other tools take a secret. A process list shows what stands there.
SECRET_OPTIONS = (
    *("-p", "--pass", "--password", "--passwd"),
    *("--token", "--secret", "--api-key", "--with-token"),
)
STDIN_HINT = 'pipe it in: printf %s "$SECRET" | shim login NAME --password-stdin'
#: A longer word where a name belongs is maybe no name.
MAX_SHOWN = 24


class Parser(argparse.ArgumentParser):
    """argparse with our exit status and messages."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings, allow_abbrev=False, exit_on_error=False)

    def add(self, typed: str, text: str, **settings: Any) -> None:
        """Add an argument as it is typed: `-r --requirement FILE`, or `--yes`, without a value.

        One without hyphens is its name here and what stands for it: `index NAME|URL`.
        """
        *names, last = typed.split()
        if last.startswith("-"):  # no word stands for a value
            self.add_argument(*names, last, action="store_true", help=text, **settings)
        else:
            self.add_argument(*names, metavar=last, help=text, **settings)

    def add_command(self, text: str) -> None:
        """Add the command line that a verb is about; `split_command` returns it."""
        self.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND", help=text)

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
        """Raise UsageError for what argparse says by itself: names of missing arguments."""
        raise self._refuse(message)

    def _refuse(self, message: str) -> UsageError:
        return UsageError(message, hint=f"{self.prog} --help")

    def _refuse_value(self, error: argparse.ArgumentError, words: Sequence[str]) -> UsageError:
        if error.argument_name is None:  # what is missing, by its name
            return self._refuse(error.message)
        for action in self._actions:
            spelled = "/".join(action.option_strings)
            if error.argument_name in (spelled, action.dest, action.metavar):
                break
        else:
            return self._refuse("an option is used in a way that it does not have")
        name = [str(action.metavar or action.dest), *action.option_strings][-1]
        if action.choices is not None:
            choices = [str(choice) for choice in action.choices]
            close = (suggest(word, choices, "") for word in words if word not in choices)
            return UsageError(
                f"{name} is one of {', '.join(choices)}",
                hint=next(filter(None, close), f"{self.prog} --help"),
            )
        if name == "--password-stdin":
            return UsageError(f"{name} takes no value", hint=STDIN_HINT)
        if action.nargs == 0:
            return self._refuse(f"{name} takes no value")
        return self._refuse(f"{name} needs a {'number' if action.type is int else 'value'}")

    def _refuse_words(self, words: Sequence[str]) -> UsageError:
        options = [name_of_option(word) for word in words if word.startswith("-") and word != "--"]
        if not options:
            many = "a word" if len(words) == 1 else f"{len(words)} words"
            return self._refuse(f"{many} too many")
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
        if name in SECRET_OPTIONS:
            return UsageError(f"shim has no option {name}", hint=STDIN_HINT)
        hint = suggest(name, ("--version", "--help"), "shim --help")
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
    """Return what may be repeated of a word: one that is too long for a name may be a secret."""
    return repr(word) if len(word) <= MAX_SHOWN else "what you typed"


def split_command(arguments: argparse.Namespace, purpose: str, example: str) -> list[str]:
    """Return the words of the command that a verb is about. Raises UsageError for none."""
    words: list[str] = arguments.command
    words = words[1:] if words[:1] == ["--"] else words
    if not words:
        raise UsageError(f"no command to {purpose}", hint=example)
    return words
