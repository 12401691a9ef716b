"""When a secret ends, as programs say it: in seconds or parts of them since 1970, in seconds from
now, as a time, or not at all.

Sources: RFC 3339 (letters of either case, leap seconds); RFC 6749 section 5.1 (`expires_in`); Go
1.25 `time` (the zero time, which encodes "none", and `Time.String`); RFC 9110 section 5.6.7 (HTTP
dates); .NET `DateTime.MaxValue`.
"""

from __future__ import annotations

from shim.core.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

HINT = "name a field with seconds since 1970, or a time with its offset like 2026-01-02T03:04:05Z"
#: A number below this is no time but a lifetime: as seconds since 1970 it would be in 1973.
MAX_LIFETIME_S = 1e8
#: Seconds, milliseconds, microseconds and nanoseconds since 1970, from 2001 to the year 5138: these
#: ranges do not overlap.
UNITS = (1.0, 1e3, 1e6, 1e9)
FIRST_EPOCH_S, LAST_EPOCH_S = 1e9, 1e11
#: What stands for "none": Go's zero time as seconds since 1970 (0 is that of everybody else), the
#: largest integer, and two years.
ZERO_S = -62135596800.0
LARGEST = float(2**63 - 1)
NEVER_YEARS = (1, 9999)


class BadAnswer(ValueError):
    """What a program said is no answer of its protocol. The message never holds its text."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def read_time(value: object, now: float) -> float | None:
    """Return UTC epoch seconds, or None for what has no end (null, "", zero, the end of time).

    `now` (UTC epoch seconds) is what a lifetime counts from. A time without an offset (`az`'s
    expiresOn) is nobody's: it would be wrong by hours elsewhere.

    Raises:
        BadAnswer: it is none of these.
    """
    if isinstance(value, str):
        value = value.strip()
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise BadAnswer("gave an expiry that is not a time", HINT)
    try:
        number = float(value)
    except ValueError:
        return _read_text(str(value))
    except OverflowError:  # an integer of hundreds of digits
        return None
    return _read_number(number, now)


def _read_number(number: float, now: float) -> float | None:
    if number in (0.0, ZERO_S) or number >= LARGEST:
        return None
    if not number > 0.0:  # NaN is not, either
        raise BadAnswer("gave an expiry that is not in this age", HINT)
    if number < MAX_LIFETIME_S:
        return now + number
    if number < FIRST_EPOCH_S:
        return number  # long ago
    for unit in UNITS:
        if FIRST_EPOCH_S * unit <= number < LAST_EPOCH_S * unit:
            return number / unit
    return None


def _read_text(text: str) -> float | None:
    moment = _parse_standard(text) or _parse_http(text)
    if moment is None:
        raise BadAnswer("gave an expiry that is not a time", HINT)
    if moment.year in NEVER_YEARS:
        return None
    if moment.tzinfo is None:
        raise BadAnswer("gave an expiry without an offset from UTC", HINT)
    seconds = moment.timestamp()
    return seconds if seconds != 0.0 else None


def _parse_standard(text: str) -> datetime | None:
    """Return an RFC 3339 time, or one as Go and `date` print it (`2026-01-02 03:04:05 +0000`)."""
    from datetime import datetime

    text = text.upper()
    for zone in (" UTC", " GMT"):
        if text.endswith(zone):
            text = text.removesuffix(zone)
            text += "" if text[-5:-4] in ("+", "-") else "Z"
    text = text.replace(" +", "+").replace(" -", "-")
    text = text.replace(":60", ":59")  # a leap second is that second's last moment
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _parse_http(text: str) -> datetime | None:
    """Return a time like `Fri, 02 Jan 2026 03:04:05 GMT`."""
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None
