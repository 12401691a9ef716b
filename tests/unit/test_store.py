"""Records and the folders they lie in: whole and private, or not there."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shim.errors import StoreError
from shim.host import Host
from shim.model import Credential, Secret
from shim.store import cache, stored
from shim.store.folders import cache_folder, stored_folder
from shim.store.records import MAX_BYTES, parse_record, read_record, render_record, write_record
from shim.urls import parse_url, scope_of_index

SCOPE = scope_of_index(parse_url("https://pypi.corp.example/team/simple/"))


def credential(secret: str = "x", username: str = "alice", lifetime_s: float = 3600.0) -> Credential:
    return Credential(username, Secret(secret), SCOPE, "command", time.time() + lifetime_s)


def host_in(folder: Path, **environ: str) -> Host:
    return Host({"HOME": str(folder), **environ}, str(folder))


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_written_is_read(username: str, secret: str) -> None:
    read = parse_record(render_record(credential(secret, username)))

    assert read is not None
    assert (read.username, read.secret.reveal(), read.scope) == (username, secret, SCOPE)


def test_a_record_cut_short_anywhere_is_none() -> None:
    text = render_record(credential())

    assert parse_record(text) is not None
    assert [end for end in range(len(text)) if parse_record(text[:end])] == []


@given(st.text())
def test_no_text_makes_the_reader_raise(text: str) -> None:
    assert parse_record(text) is None


UNSAFE: dict[str, Callable[[Path], object]] = {
    "readable by others": lambda path: path.chmod(0o644),
    "somebody else's": lambda path: os.chown(path, 65534, 65534),
    "a link": lambda path: path.rename(path.with_name("real")) and path.symlink_to("real"),
    "huge": lambda path: os.truncate(path, MAX_BYTES + 1),
    "not UTF-8": lambda path: path.write_bytes(b"\xff"),
    "a pipe that nobody writes to": lambda path: (path.unlink(), os.mkfifo(path, 0o600)),
    "a folder": lambda path: (path.unlink(), path.mkdir(0o700)),
}


@pytest.mark.parametrize("case", UNSAFE)
def test_a_record_that_somebody_could_have_touched_is_none(case: str, tmp_path: Path) -> None:
    if case == "somebody else's" and os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    path = tmp_path / "record"
    write_record(str(path), credential())
    assert read_record(str(path)) is not None
    UNSAFE[case](path)

    assert read_record(str(path)) is None


def test_a_temporary_file_left_by_a_killed_process_is_in_nobodys_way(tmp_path: Path) -> None:
    path = tmp_path / "record"
    (tmp_path / f"record.{os.getpid()}.new").write_text("")
    write_record(str(path), credential())

    assert read_record(str(path)) is not None


def test_a_runtime_folder_of_somebody_else_is_not_used(tmp_path: Path) -> None:
    loose, private = tmp_path / "loose", tmp_path / "private"
    loose.mkdir()
    loose.chmod(0o777)
    private.mkdir(0o700)

    assert (cache_folder(host_in(tmp_path, XDG_RUNTIME_DIR=str(private)))[0] or "").startswith(str(private))
    assert not (cache_folder(host_in(tmp_path, XDG_RUNTIME_DIR=str(loose)))[0] or "").startswith(str(tmp_path))
    assert list(loose.iterdir()) == []


def test_a_relative_cache_folder_is_none(tmp_path: Path) -> None:
    folder, why = cache_folder(host_in(tmp_path, SHIM_CACHE_DIR="cache"))

    assert folder is None
    assert "not absolute" in why
    assert list(tmp_path.iterdir()) == []


def test_a_loose_cache_folder_is_refused_and_caching_goes_without(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache").chmod(0o755)
    host = host_in(tmp_path, SHIM_CACHE_DIR=str(tmp_path / "cache"))

    assert cache_folder(host)[0] is None
    assert not cache.put("key", credential(), host)
    assert cache.find("key", host).credential is None


def test_looking_for_a_stored_secret_makes_no_folder(tmp_path: Path) -> None:
    assert stored.entries(host_in(tmp_path)) == []
    assert list(tmp_path.iterdir()) == []


def test_a_home_that_cannot_be_made_is_no_store_and_no_crash() -> None:
    host = Host({"HOME": "/proc/nobody"}, "/")

    assert stored_folder(host, create=True) is None
    assert stored.entries(host) == []
    with pytest.raises(StoreError):
        stored.put(credential(), host)
