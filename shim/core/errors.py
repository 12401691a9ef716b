"""Every error that a user can meet: one hierarchy, a stable code, an exit status, a message and at
most one true hint.

Imports nothing of ours but what folds lines. Nothing here may hold a secret: messages are made of
names, places and credential-free URLs.
"""

from __future__ import annotations

#: Hints for what has one cure, wherever it is met.
BY_HAND_HINT = "run `{name}` by hand and see what it prints"
NETWORK_HINT = "check the network or VPN, and run it again"
FOLDER_HINT = "check the owner and mode of {folder}: chmod 700 {folder}"
CACHE_HINT = "set SHIM_CACHE_DIR to an absolute folder of mode 0700"
HOME_HINT = "set HOME to a folder of yours"


class ShimError(Exception):
    """An expected failure. `code` is kebab-case and stable; `exit_code` is what the process ends
    with.

    `tried` lists (what, outcome) pairs; `hint` is one thing to do that is true for this very case.
    """

    code = "error"
    exit_code = 70

    def __init__(
        self, message: str, *, tried: tuple[tuple[str, str], ...] = (), hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.tried = tried
        self.hint = hint


class UsageError(ShimError):
    """The `shim` command itself was typed wrongly."""

    code, exit_code = "usage", 64


class SourceError(ShimError):
    """A source says that the index is its own, and could not answer."""

    code, exit_code = "source-failed", 69


class ShortLived(ShimError):
    """A token ends before a longer command does, or has ended. Only ever a warning."""

    code, exit_code = "short-lived", 69


class CannotFetch(ShimError):
    """A file of settings could not be had from where it lies, or is not the one that was meant."""

    code, exit_code = "cannot-fetch", 69


class IndexUnreachable(ShimError):
    """An index gave no usable answer when we asked it to verify a credential."""

    code, exit_code = "index-unreachable", 69


class InternalError(ShimError):
    """A bug of ours, shown without a traceback unless SHIM_DEBUG is set."""

    code, exit_code = "internal", 70


class StoreError(ShimError):
    """A secret or a cache record could not be stored."""

    code, exit_code = "cannot-store", 74


class CannotListen(ShimError):
    """There is no socket for a container: another agent has it, or its folder is not ours alone."""

    code, exit_code = "cannot-listen", 74


class NoCredential(ShimError):
    """A private index needs a credential and nobody has one."""

    code, exit_code = "no-credential", 77


class Rejected(ShimError):
    """The index refused a credential."""

    code, exit_code = "rejected", 77


class NotProven(ShimError):
    """A private index did not show that it takes our credential, and pip would ask the next."""

    code, exit_code = "not-proven", 77


class CannotDeliver(ShimError):
    """There is a credential, and no allowed channel hands it to this tool for this command."""

    code, exit_code = "cannot-deliver", 77


class CannotRoute(ShimError):
    """A command would take a package from elsewhere than `packages` and `index-strategy` say."""

    code, exit_code = "cannot-route", 77


class ConfigError(ShimError):
    """config.toml is unreadable, unsafe or says something that we do not know."""

    code, exit_code = "bad-config", 78


class TargetNotExecutable(ShimError):
    """The real tool is there and cannot be started."""

    code, exit_code = "not-executable", 126


class TargetNotFound(ShimError):
    """No other executable of that name is on PATH."""

    code, exit_code = "not-found", 127


def render(error: ShimError, *, level: str = "error") -> str:
    """Return the message block for stderr, ending in a newline.

    `shim: error[code]: message`, an indented line of what was tried, and the hint. Control
    characters, which may come from a server or a project file, are shown as `?` so that nobody else
    writes to the user's terminal. On a terminal all but the hint is folded: the hint is copied.
    """
    from shim.core.folding import fold

    text = fold(printable(f"shim: {level}[{error.code}]: {error.message}"), "", 2)
    if error.tried:
        tried = ", ".join(f"{what} ({outcome})" for what, outcome in error.tried)
        text += fold(printable(f"tried: {tried}"), "  ", 2)
    return text + (printable(f"hint: {error.hint}") + "\n" if error.hint else "")


def printable(text: str) -> str:
    """Return `text` with every control character (and line break) replaced by `?`."""
    return "".join(character if character.isprintable() else "?" for character in text)
