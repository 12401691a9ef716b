"""Is a command's output masked? Only where a secret could be in it, and never where it is data."""

from __future__ import annotations

from shim.core.model import Delivery, Invocation, Masking, Resolution, Secret
from shim.core.typing import Iterable, Literal

#: Words by which any tool writes data to its output: `--report -`, `-o-`, `--output-format json`.
DATA_OPTIONS = ("--output-format",)


def choose_masking(
    redact: Literal["auto", "always", "never"],
    invocation: Invocation,
    resolutions: Iterable[Resolution],
    delivery: Delivery,
    log_verbs: Iterable[str],
) -> Masking | None:
    """Return what to mask, or None.

    `auto`: a secret that we deliver stands in the target's environment (the pointer channels leave
    nothing to print by accident), and the verb, one of `log_verbs`, prints a log. `always`: there
    is a credential. Streams are looked at when the target starts.
    """
    secrets = tuple(_secrets_of(resolutions, delivery))
    if redact == "never" or not secrets:
        return None
    if redact == "always":
        return Masking(secrets, always=True)
    in_environment = any(isinstance(value, Secret) for value in delivery.environ.values())
    if in_environment and _prints_log(invocation, log_verbs):
        return Masking(secrets, always=False)
    return None


def _prints_log(invocation: Invocation, log_verbs: Iterable[str]) -> bool:
    """Return whether all that the command prints is for people."""
    if " ".join(invocation.verb) not in log_verbs:
        return False
    return not any(
        word == "-" or word.endswith("=-") or word == "-o-" or word.startswith(DATA_OPTIONS)
        for word in invocation.argv
    )


def _secrets_of(resolutions: Iterable[Resolution], delivery: Delivery) -> Iterable[Secret]:
    """Yield every secret that we give the target: a token may stand as the user name."""
    for resolution in resolutions:
        credential = resolution.credential
        if credential and not credential.found_by_tool:
            yield credential.secret or Secret(credential.username)
    for value in delivery.environ.values():
        if isinstance(value, Secret):
            yield from map(Secret, _split_value(value.reveal()))


def _split_value(value: str) -> Iterable[str]:
    """Return what is secret in a variable: all of it, or the passwords of its URLs, decoded too."""
    if "@" not in value and "://" not in value:
        return [value]
    from urllib.parse import unquote

    found: list[str] = []
    for word in value.split():
        authority = (word.partition("://")[2] or word).partition("/")[0]
        username, _, password = authority.rpartition("@")[0].partition(":")
        found += [password or username, unquote(password or username)]
    return found
