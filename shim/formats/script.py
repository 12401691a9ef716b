"""The metadata block of a PEP 723 script.

Sources: PEP 723 (its regular expression takes the square of a script's length, and pip the same);
pip 26.3 `_internal/req/pep723.py` (Python's universal newlines); uv 0.13.8
crates/uv-scripts/src/lib.rs (the first block counts, however many there are).
"""

from __future__ import annotations

_BEGIN, _END = "# /// script", "# ///"


def script_block(text: str) -> str:
    """Return the TOML text of a script's first metadata block; pip refuses a script with two."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    position = 0
    while position < len(lines):
        if lines[position] != _BEGIN:
            position += 1
            continue
        begin = position = position + 1
        while position < len(lines) and (
            lines[position] == "#" or lines[position].startswith("# ")
        ):
            position += 1
        for end in range(position - 1, begin, -1):
            if lines[end] == _END:
                return "".join(f"{line[2:]}\n" for line in lines[begin:end])
    return ""
