"""What work costs, in a unit that does not depend on the machine or its load."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType, FunctionType


def count_calls(work: Callable[[], object], of: FunctionType | None = None) -> int:
    """Return how many functions, Python's own and built-in ones, `work` calls, or how often it calls the function `of`."""
    count = 0

    def note(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        if of is None:
            count += event in ("call", "c_call")
        else:
            count += event == "call" and frame.f_code is of.__code__

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count
