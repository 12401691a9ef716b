"""Whether a command's output is masked: only where the target could print a secret, and never where output is data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from shim.model import Answer, Delivery, Invocation, Masking, Secret

#: Words by which any tool writes data to its output: `--report -`, `-o-`, `--output-format json`.
DATA_OPTIONS = ("--output-format",)


def choose_masking(
    redact: Literal["auto", "always", "never"],
    invocation: Invocation,
    answers: Iterable[Answer],
    delivery: Delivery,
    log_verbs: Iterable[str],
) -> Masking | None:
    """Return what to mask, or None.

    `auto`: a secret that we deliver stands in the target's environment (the pointer channels leave nothing to print by accident),
    and the verb, one of `log_verbs`, prints a log. `always`: there is a credential. Streams are looked at when the target starts.
    """
    secrets = tuple(_secrets_of(answers, delivery))
    if redact == "never" or not secrets:
        return None
    if redact == "always":
        return Masking(secrets, always=True)
    in_environment = any(isinstance(value, Secret) for value in delivery.environ.values())
    return Masking(secrets, always=False) if in_environment and _prints_log(invocation, log_verbs) else None


def _prints_log(invocation: Invocation, log_verbs: Iterable[str]) -> bool:
    """Return whether all that the command prints is for people."""
    if " ".join(invocation.verb) not in log_verbs:
        return False
    return not any(word == "-" or word.endswith("=-") or word == "-o-" or word.startswith(DATA_OPTIONS) for word in invocation.argv)


def _secrets_of(answers: Iterable[Answer], delivery: Delivery) -> Iterable[Secret]:
    """Yield every secret that the target gets from us: of credentials (a token may stand as the user name), and whole variables."""
    for answer in answers:
        credential = answer.credential
        if credential and not credential.kept_by_tool:
            yield credential.secret or Secret(credential.username)
    for value in delivery.environ.values():
        if isinstance(value, Secret) and "://" not in value.reveal():
            yield value
