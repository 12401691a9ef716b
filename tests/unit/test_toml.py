"""TOML is read as the tools read it: 1.1, byte order mark and all."""

from __future__ import annotations

import sys

import pytest

from shim.core.files import CannotRead
from shim.core.toml import parse_toml, read_toml


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ("\ufeffa = 1", {"a": 1}),
        ("a = {b = 1,\n c = 2,\n}", {"a": {"b": 1, "c": 2}}),
        ('a = "\\x41\\e"', {"a": "A\x1b"}),
        ("\ufeffa = {b = 1,}", {"a": {"b": 1}}),
    ],
)
def test_what_uv_understands_is_understood(text: str, document: object) -> None:
    assert parse_toml(text) == document


@pytest.mark.parametrize("text", ["a = ", "a = " + "9" * 5000, "a = " + "[" * 100_000, "[a]\n[a]\n", "a = 0000-01-01", "a." * 20_000 + "a = 1"])
def test_what_nobody_understands_is_unread_with_the_reason(text: str) -> None:
    with pytest.raises(CannotRead, match=r"\w"):
        read_toml(text)
    assert parse_toml(text) is None


def test_without_the_reader_of_1_1_the_error_says_what_python_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tomli", None)

    assert parse_toml("\ufeffa = 1") == {"a": 1}
    if sys.version_info < (3, 15):  # from then on Python reads it by itself
        with pytest.raises(CannotRead, match="line 1"):
            read_toml("of = {this_test = 1,}")  # a text that was read before is known
