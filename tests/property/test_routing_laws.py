"""Laws of the patterns in `packages`: what they match, and that a name never has two owners."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shim.core.package_names import (
    find_conflict,
    is_name,
    matches,
    normal_name,
    overlap,
    owner_of,
    read_pattern,
)

LETTERS = "ab-"
TEXTS = [""] + ["".join(letters) for size in range(1, 7) for letters in itertools.product(LETTERS, repeat=size)]
patterns = st.text(alphabet="ab-*", min_size=1, max_size=3).filter(lambda text: "**" not in text)
names = st.text(alphabet="abC-_.", min_size=1, max_size=12)


def as_expression(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)


@given(st.text(alphabet="ab-*", min_size=1, max_size=6), st.text(alphabet=LETTERS, max_size=8))
def test_a_star_stands_for_any_letters(pattern: str, name: str) -> None:
    assert matches(pattern, name) == bool(as_expression(pattern).fullmatch(name))


@given(patterns, patterns)
def test_two_patterns_overlap_exactly_if_some_text_matches_both(one: str, other: str) -> None:
    both = any(matches(one, text) and matches(other, text) for text in TEXTS)

    assert overlap(one, other) == both
    assert overlap(other, one) == both


@given(st.lists(st.tuples(patterns, st.sampled_from("xyz")), max_size=5), names)
def test_a_name_has_one_owner_whatever_the_order_is(claims: list[tuple[str, str]], name: str) -> None:
    if find_conflict(claims) is None:
        normal = normal_name(name)
        assert len({owner_of(normal, order) for order in itertools.permutations(claims)}) == 1


@given(names)
def test_the_normal_form_is_a_fixed_point(name: str) -> None:
    assert normal_name(normal_name(name)) == normal_name(name)


@given(names.filter(lambda name: name[0].isalnum() and name[-1].isalnum()))
def test_a_name_is_the_pattern_of_itself(name: str) -> None:
    assert is_name(normal_name(name))
    assert matches(read_pattern(name), normal_name(name))


@pytest.mark.parametrize("text", ["", " ", "-", "corp lib", "corp/*", "-corp", "corp-", "https://x", "corp@1", "korp\u00e9", "a" * 201])
def test_what_no_name_can_match_is_no_pattern(text: str) -> None:
    with pytest.raises(ValueError, match="no package name"):
        read_pattern(text)
