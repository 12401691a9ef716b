"""How much work the hot path is: callgrind's count, which a busy machine does not change. `tests/bench/instructions.py` records it."""


import pytest

from tests.bench.instructions import REFERENCE, TOLERANCES, build, measure, read_reference
from tests.support import machine


@machine.endpoints(machine.lacks_programs("valgrind"))
def test_a_wrapped_command_takes_no_more_instructions_than_recorded() -> None:
    recorded = read_reference()
    if recorded is None:
        pytest.skip(f"{REFERENCE.name} has no numbers for Python {build()} (only tests/arch holds the hot path, by its list of imports): python -m tests.bench.instructions --record")
    counted = measure()

    grown = {
        way: f"{counted[way]} instead of {recorded[way]}"
        for way, tolerance in TOLERANCES.items()
        if counted[way] > recorded[way] * (1 + tolerance)
    }
    assert not grown, f"{grown}: find out why, or record the new numbers (CONTRIBUTING.md)"
