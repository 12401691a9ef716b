"""The ends that programs say: never, none, a time, a lifetime, and what is none of these."""

from __future__ import annotations

import pytest

from shim.formats.answer_times import BadAnswer, read_time

NOW = 1_700_000_000.0
END = 1_767_322_985.0

TIMES = {
    "seconds": 1767322985,
    "seconds as text": "1767322985",
    "seconds with white space": " 1767322985\n",
    "seconds with a fraction": 1767322985.0,
    "milliseconds": 1767322985000,
    "milliseconds as text": "1767322985000",
    "microseconds": 1767322985000000,
    "nanoseconds": 1767322985000000000,
    "RFC 3339": "2026-01-02T03:03:05Z",
    "small letters": "2026-01-02t03:03:05z",
    "another offset": "2026-01-02T05:03:05+02:00",
    "an offset without a colon": "2026-01-02T05:03:05+0200",
    "a space": "2026-01-02 03:03:05Z",
    "nanoseconds in a text": "2026-01-02T03:03:05.000000000Z",
    "as Go prints it": "2026-01-02 03:03:05 +0000 UTC",
    "as date -u prints it": "2026-01-02 03:03:05 UTC",
    "as HTTP has it": "Fri, 02 Jan 2026 03:03:05 GMT",
}
NO_END = {
    "null": None,
    "an empty text": "",
    "white space": "  ",
    "zero": 0,
    "zero as text": "0",
    "the first moment": "1970-01-01T00:00:00Z",
    "Go's zero time": "0001-01-01T00:00:00Z",
    "Go's zero time in seconds": -62135596800,
    "the last second": "9999-12-31T23:59:59Z",
    ".NET's last moment": "9999-12-31T23:59:59.9999999+00:00",
    "the last second, nobody's": "9999-12-31T23:59:59",
    "the last second in seconds": 253402300799,
    "the last second in milliseconds": 253402300799999,
    "the largest integer": 2**63 - 1,
    "a larger one": 10**400,
    "infinity": float("inf"),
}
BAD = ["soon", True, False, [], {}, -1, float("nan"), "2026-01-02T03:03:05", "2026-13-02T03:03:05Z", "never ever"]


@pytest.mark.parametrize("value", TIMES.values(), ids=TIMES)
def test_a_time_is_read_however_it_is_written(value: object) -> None:
    assert read_time(value, NOW) == END


def test_a_leap_second_is_the_last_one_of_its_minute() -> None:
    assert read_time("2016-12-31T23:59:60Z", NOW) == 1483228799.0


@pytest.mark.parametrize("value", NO_END.values(), ids=NO_END)
def test_what_has_no_end_says_none(value: object) -> None:
    assert read_time(value, NOW) is None


@pytest.mark.parametrize("value", [3600, "3600", 3600.0])
def test_a_small_number_is_a_lifetime(value: object) -> None:
    assert read_time(value, NOW) == NOW + 3600


def test_long_ago_is_long_ago() -> None:
    assert read_time(915148800, NOW) == 915148800.0
    assert read_time("1999-01-01T00:00:00Z", NOW) == 915148800.0


@pytest.mark.parametrize("value", BAD, ids=repr)
def test_everything_else_is_refused(value: object) -> None:
    with pytest.raises(BadAnswer, match="gave an expiry"):
        read_time(value, NOW)
