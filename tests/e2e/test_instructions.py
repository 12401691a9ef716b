"""How much work the hot path is: callgrind's count, which a busy machine does not change. `tests/bench/instructions.py` records it."""

import subprocess

import pytest

from tests.bench.instructions import (
    COLD,
    HOT,
    REFERENCE,
    TOLERANCES,
    build,
    measure,
    read_reference,
    scene,
)
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


#: What costs much at import and gives little: a command whose way is found anew does without it.
COSTLY = {
    *("dataclasses", "typing", "inspect", "hashlib", "_hashlib", "hmac", "tomllib", "datetime", "subprocess", "pathlib", "ssl"),
    *("http.client", "glob", "shlex", "string", "copy", "html.parser", "netrc", "keyring", "packaging", "platformdirs", "filelock"),
    *("json", "urllib.parse", "ipaddress", "fnmatch", "email", "http", "socket", "threading", "tempfile", "shim.net.http_client"),
    *("re", "enum", "collections", "functools", "contextlib", "types", "importlib", "warnings", "math", "operator"),
}


@pytest.mark.quick
def test_a_command_whose_way_is_found_anew_imports_nothing_costly() -> None:
    with scene() as made:
        assert [made.run(), made.run()] == [COLD, HOT]  # its settings are kept now
        for record in made.records.iterdir():
            record.unlink()
        interpreter, *words = made.command()
        told = subprocess.run(
            [interpreter, "-X", "importtime", *words],
            env=made.environ, cwd=made.folder / "project", capture_output=True, text=True, check=False,
        )

    assert told.returncode == COLD
    imported = {line.rpartition("|")[2].strip() for line in told.stderr.splitlines() if line.startswith("import time:")}
    assert "shim.pipeline.run" in imported
    assert imported & COSTLY == set()
