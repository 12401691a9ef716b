"""What a user reads when something goes wrong: one block, in one form, that nobody else can write into."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shim.core.errors import ConfigError, NoCredential, ShimError, SourceError, printable, render

#: Codes and exit statuses are a contract with scripts: each line here is one that somebody may rely on.
CONTRACT = {
    "cannot-fetch": 69,
    "cannot-listen": 74,
    "cannot-route": 77,
    "error": 70,
    "usage": 64,
    "source-failed": 69,
    "short-lived": 69,
    "index-unreachable": 69,
    "internal": 70,
    "cannot-store": 74,
    "no-credential": 77,
    "rejected": 77,
    "not-proven": 77,
    "cannot-deliver": 77,
    "bad-config": 78,
    "not-executable": 126,
    "not-found": 127,
}


def families(error: type[ShimError]) -> list[type[ShimError]]:
    return [error, *(child for direct in error.__subclasses__() for child in families(direct))]


def test_codes_and_exit_statuses_are_those_that_scripts_rely_on() -> None:
    assert {error.code: error.exit_code for error in families(ShimError)} == CONTRACT


def test_a_message_says_what_happened_what_was_tried_and_one_thing_to_do() -> None:
    error = NoCredential(
        "no credential for https://pypi.corp.example/simple/",
        tried=(("cache", "expired 3 min ago"), ("keyring", "locked")),
        hint="shim login corp",
    )

    assert render(error) == (
        "shim: error[no-credential]: no credential for https://pypi.corp.example/simple/\n"
        "  tried: cache (expired 3 min ago), keyring (locked)\n"
        "hint: shim login corp\n"
    )


def test_what_is_not_known_takes_no_line() -> None:
    assert render(ConfigError("it is broken")) == "shim: error[bad-config]: it is broken\n"


def test_a_warning_has_the_form_of_an_error() -> None:
    assert render(SourceError("it is slow"), level="warning") == "shim: warning[source-failed]: it is slow\n"


@pytest.mark.parametrize("evil", ["\x1b[2J", "\r", "\n", "\x07", "\x9b31m", "\u202e", "\u2028", "\ud800", "\x00"])
def test_no_character_that_moves_or_colours_or_turns_text_round_reaches_the_terminal(evil: str) -> None:
    assert printable(f"a{evil}b").startswith("a?")
    assert evil not in render(SourceError(f"a{evil}b", tried=((evil, evil),), hint=evil)).replace("\n", "")


@given(st.text(), st.lists(st.tuples(st.text(), st.text()), max_size=3), st.text(min_size=1))
def test_no_message_can_look_like_two(message: str, tried: list[tuple[str, str]], hint: str) -> None:
    lines = render(SourceError(message, tried=tuple(tried), hint=hint)).split("\n")

    assert len(lines) == 3 + bool(tried)
    assert lines[0].startswith("shim: error[source-failed]: ")
    assert lines[-2].startswith("hint: ")
    assert lines[-1] == ""


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"], exclude_characters="").filter(str.isprintable)))
def test_ordinary_text_in_any_language_stays_as_it_is(text: str) -> None:
    assert printable(text) == text
