"""Our own files: whole or not there, of exactly the mode that was said, and unread where others could have had a hand in them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from shim.core.own_files import create, read_own, replace_atomically, replacement


@pytest.mark.parametrize(("umask", "mode"), [(0o077, 0o644), (0o000, 0o600), (0o077, 0o755)])
def test_a_file_has_the_mode_that_was_said_whatever_the_umask(tmp_path: Path, umask: int, mode: int) -> None:
    path = tmp_path / "file"
    before = os.umask(umask)
    try:
        replace_atomically(str(path), b"new", mode)
    finally:
        os.umask(before)

    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", mode)


def test_what_goes_wrong_before_the_end_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), replacement(str(path), b"new") as new:
        assert (Path(new).read_bytes(), path.read_bytes()) == (b"new", b"old")
        raise KeyboardInterrupt

    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == {"file": b"old"}


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    path, target = tmp_path / "file", tmp_path / "target"
    target.write_bytes(b"precious")
    path.symlink_to(target)
    replace_atomically(str(path), b"new")

    assert (path.read_bytes(), path.is_symlink(), target.read_bytes()) == (b"new", False, b"precious")
    with pytest.raises(FileExistsError):
        create(str(path), b"newer")


def test_only_a_file_that_nobody_else_could_have_changed_is_read(tmp_path: Path) -> None:
    path, link = tmp_path / "file", tmp_path / "link"
    create(str(path), b"data")
    link.symlink_to(path)

    assert read_own(str(path)) == b"data"
    assert read_own(str(path), 3) is None, "too large"
    assert read_own(str(link)) is None
    assert read_own(str(tmp_path)) is None
    assert read_own(str(tmp_path / "none")) is None
    path.chmod(0o644)
    assert (read_own(str(path)), read_own(str(path), forbidden=0o022)) == (None, b"data")
