"""Our own `glob` finds what Python's finds, and lists the same folders."""

from __future__ import annotations

import glob
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shim.core.globs import find_paths
from tests.support.hooked import hooked

NAMES = st.sampled_from(["a", "b", "ab", ".a", "a[b", "uv.toml"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
PATTERNS = st.lists(
    st.one_of(NAMES, st.sampled_from(["*", "**", "?", ".*", "a*", "[ab]", "", ".", ".."])),
    min_size=1,
    max_size=4,
).map("/".join)


@pytest.mark.skipif(
    not [*glob.iglob("/nonexistent/**", recursive=True)],
    reason="this Python's glob looks whether a folder is there before `**`, and ours does as 3.11's: use python3.11",
)
@given(
    st.lists(PATHS, max_size=6),
    st.lists(st.tuples(PATHS, NAMES, st.booleans()), max_size=1),
    st.lists(PATTERNS, min_size=1, max_size=4),
)
def test_what_matches_is_what_python_finds(
    files: list[str], links: list[tuple[str, str, bool]], patterns: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as made:
        # As many folders deep as a pattern has parts: no `..` leads out into a whole disk.
        folder = Path(made, *"wxyz")
        _make(folder / "elsewhere" / "a")  # without links: those that lead up take for ever
        for file in files:
            _make(folder / file)
        for place, name, is_loop in links:
            if (folder / place).is_dir() and not os.path.lexists(folder / place / name):
                (folder / place / name).symlink_to(name if is_loop else folder / "elsewhere")
        for pattern in patterns:
            absolute = f"{glob.escape(str(folder))}/{pattern}"
            [*find_paths(absolute)]  # what Python imports at its first use is not looked at by us
            with hooked() as ours:
                found = sorted(find_paths(absolute))
            with hooked() as theirs:
                assert found == sorted(glob.iglob(absolute, recursive=True)), pattern
            assert (ours.folders, {*ours.paths} - {*ours.folders}) == (
                theirs.folders,
                {*theirs.paths} - {*theirs.folders},
            ), pattern


def _make(path: Path) -> None:
    """Make a file, unless something of that name, or a file in the place of a folder, is there."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except (FileExistsError, NotADirectoryError):
        pass
