"""`python -m tests.bench.masking [MEGABYTES]`: how fast the masker is, with ten secrets of printable ASCII in all their forms.

The log is text like a build prints, made of this repository's own source.
"""

from __future__ import annotations

import base64
import random
import resource
import sys
import time

from shim.core.model import Secret
from shim.delivery.masking.masker import Masker
from tests.support.toolchains import ROOT

READ_BYTES = 65536


def make_log(size: int) -> bytes:
    """Return text like a build's output: source lines with numbers and paths before them."""
    lines = [
        f"  {number:5d} {path.relative_to(ROOT)}: {line}\n".encode()
        for path in sorted((ROOT / "shim").rglob("*.py"))
        for number, line in enumerate(path.read_text().splitlines())
    ]
    text = b"".join(lines)
    return (text * (size // len(text) + 1))[:size]


def make_secrets(count: int) -> list[Secret]:
    """Return random secrets of 12 to 47 printable letters, the same in each run."""
    chance = random.Random(4)
    letters = "".join(map(chr, range(33, 127)))
    return [Secret("".join(chance.choices(letters, k=chance.randrange(12, 48)))) for _ in range(count)]


def measure(data: bytes, chunk_bytes: int) -> float:
    """Return megabytes per second."""
    masker = Masker(make_secrets(10))
    begin = time.perf_counter()
    for start in range(0, len(data), chunk_bytes):
        masker.feed(data[start : start + chunk_bytes])
    masker.close()
    return len(data) / (time.perf_counter() - begin) / 1e6


def main() -> None:
    size = int(sys.argv[1]) * 1_000_000 if len(sys.argv) > 1 else 50_000_000
    noise = base64.b64encode(random.Random(5).randbytes(size // 10))
    begin = time.perf_counter()
    forms = len(Masker(make_secrets(10))._forms)
    print(f"ten secrets, {forms} forms, ready in {(time.perf_counter() - begin) * 1000:.1f} ms")
    for name, data, chunk_bytes in (
        ("log, 64 KiB at a time", make_log(size), READ_BYTES),
        ("log, 4 KiB at a time", make_log(size // 5), 4096),
        ("log, 100 bytes at a time", make_log(size // 50), 100),
        ("base64 noise, 64 KiB at a time", noise, READ_BYTES),
    ):
        print(f"{name}: {measure(data, chunk_bytes):.0f} MB/s")
    print(f"most memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB, the log included")


if __name__ == "__main__":
    main()
