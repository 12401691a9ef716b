"""Every hint leads somewhere: which test follows it, and how many are still without one."""

from __future__ import annotations

from tests.support.hints import collect, find_followed

#: Hints that no test follows yet. It may only become smaller: a new hint comes with a test that does what it says.
WITHOUT_TEST = 0


def test_what_tests_follow_is_what_the_code_prints() -> None:
    known = collect()

    assert {template: tests for template, tests in find_followed().items() if template not in known} == {}


def test_the_number_of_hints_that_nobody_follows_only_becomes_smaller() -> None:
    known, followed = collect(), find_followed()
    open_ones = {template: places for template, places in known.items() if template not in followed}

    print(*(f"{places[0]}: {template}" for template, places in sorted(open_ones.items(), key=lambda one: one[1])), sep="\n")
    assert len(open_ones) <= WITHOUT_TEST, "mark the test that follows the new hint"
