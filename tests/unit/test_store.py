"""Records and the folders they lie in: whole and private, or not there."""

from __future__ import annotations

import os
import random
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shim.core.errors import StoreError
from shim.core.host import Host
from shim.core.model import Credential, Secret
from shim.core.private_folders import cache_folder, stored_folder
from shim.core.urls import parse_url, scope_of_index
from shim.storage import saved_logins, token_cache
from shim.storage.record_format import (
    MAX_BYTES,
    parse_record,
    read_record,
    render_record,
    write_record,
)
from tests.support import machine

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
    if case == "somebody else's":
        machine.skip_without(machine.lacks_root())
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
    assert not token_cache.put("key", credential(), host)
    assert token_cache.find("key", host).credential is None


def test_looking_for_a_stored_secret_makes_no_folder(tmp_path: Path) -> None:
    assert saved_logins.entries(host_in(tmp_path)) == []
    assert list(tmp_path.iterdir()) == []


def test_a_home_that_cannot_be_made_is_no_store_and_no_crash() -> None:
    host = Host({"HOME": "/proc/nobody"}, "/")

    assert stored_folder(host, create=True) is None
    assert saved_logins.entries(host) == []
    with pytest.raises(StoreError):
        saved_logins.put(credential(), host)


#: How many writers are killed; SHIM_TEST_KILLS=1000 takes about five seconds.
KILLS = int(os.environ.get("SHIM_TEST_KILLS", "200"))


def write_until_killed(host: Host, said: int, first: int) -> None:
    """Write one record after the other, and say each number once its record is kept. Runs in a child, which never returns."""
    os.write(said, b"000000\n")  # here we are
    for number in range(first, first + 1_000_000):
        kept = token_cache.put("key", credential(f"{number:06d}" + "x" * 4000), host)
        os.write(said, b"%06d\n" % number if kept else b"-00001\n")


def test_a_writer_killed_at_any_moment_leaves_a_whole_record_and_loses_none(tmp_path: Path) -> None:
    host = host_in(tmp_path, SHIM_CACHE_DIR=str(tmp_path / "cache"))
    folder = tmp_path / "cache"
    moments = random.Random(4711)
    last = half_written = 0
    for _ in range(KILLS):
        heard, said = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                write_until_killed(host, said, last + 1)
            finally:
                os._exit(1)
        os.close(said)
        lines = [int(os.read(heard, 7))]
        time.sleep(moments.uniform(0.0, 0.006))
        os.kill(child, signal.SIGKILL)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL
        with open(heard, "rb") as stream:
            lines += map(int, stream.read().split())
        assert -1 not in lines, "one could not be written"
        last = max(last, *lines)
        found = read_record(str(folder / "key.token"))
        written = int(found.secret.reveal()[:6]) if found else 0
        assert written in (last, last + 1), "the last one that was said, or one that it had no time to say"
        last = written
        for path in folder.iterdir() if last else ():
            assert stat.S_IMODE(path.lstat().st_mode) == 0o600, path
        half_written = max(half_written, len(list(folder.glob("*.new"))) if last else 0)

    assert last
    assert half_written, "some were killed in the middle of it"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_what_a_killed_writer_left_is_removed_when_it_is_old_and_by_a_logout(tmp_path: Path) -> None:
    host = host_in(tmp_path, SHIM_CACHE_DIR=str(tmp_path / "cache"))
    key = "0" * 64
    token_cache.put(key, credential(), host)
    young, old = (tmp_path / "cache" / f"{key}.token.{name}.new" for name in ("young", "old"))
    young.write_text("")
    old.write_text("")
    os.utime(old, (time.time() - 100, time.time() - 100))
    token_cache.put(key, credential(), host)

    assert (young.exists(), old.exists()) == (True, False)
    token_cache.forget(host, "https://other.example/")
    assert not young.exists()
    assert token_cache.find(key, host).credential is not None


def test_a_token_written_later_than_now_is_asked_for_again(tmp_path: Path) -> None:
    """A clock that was wrong by a year would have made the token's end a year too late."""
    environ = {"SHIM_CACHE_DIR": str(tmp_path / "cache"), "HOME": str(tmp_path)}
    now = time.time()
    token_cache.put("key", Credential("u", Secret("x"), SCOPE, "command", now + 3600), Host(environ, "/"))

    def outcome(clock_s: float) -> token_cache.CachedToken:
        return token_cache.find("key", Host(environ, "/", clock=lambda: clock_s))

    assert outcome(now).credential is not None
    assert outcome(now - 30).credential is not None, "clocks are set back by seconds all the time"
    assert outcome(now - 86400).credential is None
    assert "the clock went back" in outcome(now - 86400).outcome


def test_a_rejected_secret_is_dropped_for_its_scope_only(tmp_path: Path) -> None:
    host = host_in(tmp_path, SHIM_CACHE_DIR=str(tmp_path / "cache"))
    url = parse_url("https://pypi.corp.example/team/simple/")
    token_cache.put("key", credential("good"), host)

    assert not token_cache.drop(url, Secret("another"), host)
    assert not token_cache.drop(parse_url("https://other.example/team/simple/"), Secret("good"), host)
    assert token_cache.find("key", host).credential is not None
    assert token_cache.drop(url, Secret("good"), host)
    assert token_cache.find("key", host).credential is None
