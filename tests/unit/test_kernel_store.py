"""Secrets in the kernel's memory: for this user alone, for a time, and never in one piece anywhere."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shim.core.host import Host
from shim.core.model import Credential, Secret
from shim.core.urls import parse_url, scope_of_index
from shim.hotpath import kernel_keyring
from shim.storage import kernel_store
from tests.support import machine

ROOT = Path(__file__).parents[2]
SCOPE = scope_of_index(parse_url("https://pypi.corp.example/simple/"))
endpoints_kernel = machine.endpoints(machine.lacks_kernel_keyring())


def credential(secret: str = "canary", username: str = "alice") -> Credential:
    return Credential(username, Secret(secret), SCOPE, "login")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host({"HOME": str(tmp_path), "SHIM_CACHE_DIR": str(tmp_path / "cache")}, "/")
    yield made
    for key in kernel_store.entries("test", made):
        kernel_store.forget("test", key, made)


def in_a_child(host: Host, program: str, **options: object) -> str:
    """Return what a Python program prints that has this host and our modules."""
    head = f"import sys; sys.path.insert(0, {str(ROOT)!r})\nfrom shim.core.host import this_host\nfrom shim.hotpath import kernel_keyring\nfrom shim.storage import kernel_store\nhost = this_host()\n"
    command = [sys.executable, "-I", "-c", head + program]
    result = subprocess.run(command, env=dict(host.environ), capture_output=True, text=True, check=False, timeout=60, **options)  # type: ignore[call-overload]
    assert result.returncode == 0, result.stderr
    return str(result.stdout)


FIND = "found = kernel_store.find('test', 'key', host); print(found and found.secret.reveal())"


@endpoints_kernel
@pytest.mark.parametrize("secret", ["x", ": @/%# 'x'", "pässwörd€", "t" * 10000])
def test_what_is_kept_is_found(secret: str, host: Host) -> None:
    assert kernel_store.put("test", "key", credential(secret), host, 60) is None
    found = kernel_store.find("test", "key", host)

    assert found is not None
    assert (found.username, found.secret.reveal(), found.scope) == ("alice", secret, SCOPE)
    assert list(kernel_store.entries("test", host)) == ["key"]


@endpoints_kernel
def test_another_session_of_the_same_user_finds_it(host: Host) -> None:
    kernel_store.put("test", "key", credential(), host, 60)
    join_session = "kernel_keyring._keyctl(1, None)\n"  # KEYCTL_JOIN_SESSION_KEYRING, as a service or sudo has it

    assert in_a_child(host, FIND) == "canary\n"
    assert in_a_child(host, join_session + FIND) == "canary\n"


@endpoints_kernel
@machine.endpoints(machine.lacks_root())
@pytest.mark.parametrize("session", ["", "kernel_keyring._keyctl(1, None); kernel_keyring._keyctl(8, -4, -3)\n"], ids=["none", "of a login"])
def test_another_user_finds_nothing_even_with_the_same_files(session: str, host: Host, tmp_path: Path) -> None:
    """Not even in a session that root has begun, as in a program that `su` or `sudo` starts: by pam_keyinit, it leads to root's keyring."""
    kernel_store.put("test", "key", credential(), host, 60)
    name = kernel_store._name(host, "test", "key")
    number = kernel_keyring._find(name)
    become = "import os; os.setgid(65534); os.setuid(65534)\n"  # after the imports: a test folder is not readable to others
    look = f"""
try: print(kernel_keyring._read({number}))
except OSError as error: print(error.strerror)
print(kernel_keyring.get({name!r}), kernel_keyring.names('pip-uv-shim'))
"""

    assert in_a_child(host, "import ctypes, hashlib\nkernel_keyring.problem()\n" + session + become + look) == "Permission denied\nNone []\n"


@endpoints_kernel
def test_neither_half_holds_the_secret(host: Host, tmp_path: Path) -> None:
    kernel_store.put("test", "key", credential("canary" * 20), host, 60)
    in_kernel = kernel_keyring.get(kernel_store._name(host, "test", "key"))
    assert in_kernel is not None
    files = [path for path in tmp_path.rglob("*") if path.is_file()]

    assert len(files) == 1, "the pad"
    assert b"canary" not in in_kernel
    assert all(b"canary" not in path.read_bytes() and path.stat().st_mode & 0o077 == 0 for path in files)
    files[0].unlink()
    assert kernel_store.find("test", "key", host) is None


def put(name: str, data: bytes) -> None:
    """Keep it. What was displaced counts for a while, and an ordinary user has room for 200 keys."""
    deadline = time.monotonic() + 20
    while (said := kernel_keyring.put(name, data, 60)) == kernel_keyring.WORDS[errno.EDQUOT] and time.monotonic() < deadline:
        time.sleep(0.05)
    assert said is None


@endpoints_kernel
def test_a_changed_record_is_none(host: Host) -> None:
    kernel_store.put("test", "key", credential(), host, 60)
    name = kernel_store._name(host, "test", "key")
    data = kernel_keyring.get(name)
    assert data is not None
    for position in range(kernel_store.NUMBER_CHARACTERS, len(data)):
        changed = data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
        put(name, changed)
        assert kernel_store.find("test", "key", host) is None, position
    put(name, data)
    assert kernel_store.find("test", "key", host) is not None


@endpoints_kernel
def test_the_kernel_forgets_it_in_time(host: Host) -> None:
    kernel_store.put("test", "key", credential(), host, 1)
    assert kernel_store.find("test", "key", host) is not None
    deadline = time.monotonic() + 20
    while kernel_store.find("test", "key", host) and time.monotonic() < deadline:
        time.sleep(0.05)

    assert kernel_store.find("test", "key", host) is None
    assert kernel_store.entries("test", host) == {}


@endpoints_kernel
def test_a_new_one_displaces_the_old_one_and_takes_a_new_pad(host: Host) -> None:
    for secret in ("old", "new"):
        kernel_store.put("test", "key", credential(secret), host, 60)
    found = kernel_store.find("test", "key", host)

    assert found is not None
    assert found.secret.reveal() == "new"
    assert len(kernel_keyring.names(kernel_store._name(host, "test", ""))) == 1
    assert kernel_store.forget("test", "key", host)
    assert kernel_store.find("test", "key", host) is None
    assert not kernel_store.forget("test", "key", host)


@endpoints_kernel
def test_one_that_cannot_be_kept_leaves_the_old_one(host: Host) -> None:
    kernel_store.put("test", "key", credential("old"), host, 60)

    assert kernel_store.put("test", "key", credential("x" * 40000), host, 60) == "the secret is too long for the kernel (40145 bytes)"
    found = kernel_store.find("test", "key", host)
    assert found is not None
    assert found.secret.reveal() == "old"


@endpoints_kernel
def test_pads_go_when_their_time_is_over(host: Host, tmp_path: Path) -> None:
    kernel_store.put("test", "key", credential(), host, 1)
    later = Host(host.environ, "/", clock=lambda: time.time() + 120)
    kernel_store.put("test", "other", credential(), later, 1)

    assert [path.name.partition(".")[0] for path in (tmp_path / "cache" / "pads").iterdir()] == ["test-other"]


@endpoints_kernel
def test_another_home_is_another_world(host: Host, tmp_path: Path) -> None:
    kernel_store.put("test", "key", credential(), host, 60)
    other = Host({**host.environ, "HOME": str(tmp_path / "other")}, "/")

    assert kernel_store.find("test", "key", other) is None
    assert kernel_store.entries("test", other) == {}


@pytest.mark.skipif(os.uname().machine not in kernel_keyring.NUMBERS, reason=f"no filter for {os.uname().machine}")
@pytest.mark.parametrize(("error_number", "words"), [(errno.EPERM, "forbidden here, as container"), (errno.ENOSYS, "this system has none")])
def test_a_container_that_forbids_it_is_said_and_nothing_breaks(error_number: int, words: str, host: Host) -> None:
    """Under a real system call filter, like the one that Docker sets."""
    calls = kernel_keyring.NUMBERS[os.uname().machine]
    filtered = f"from tests.support.filters import forbid; forbid({calls}, {error_number})\n"
    program = """
from shim.core.model import Credential, Secret
from shim.core.urls import parse_url, scope_of_index
one = Credential("u", Secret("x"), scope_of_index(parse_url("https://a.example/")), "login")
print(kernel_store.problem(host))
print(kernel_store.put("test", "key", one, host, 60), kernel_store.find("test", "key", host), kernel_store.entries("test", host), kernel_store.forget("test", "key", host))
"""
    first, second = in_a_child(host, filtered + program).splitlines()

    assert first.startswith(f"the kernel keyring: {words}")
    assert second.startswith(words)
    assert second.endswith("None {} False")


def test_where_there_is_no_safe_folder_there_is_no_memory_either(tmp_path: Path) -> None:
    (tmp_path / "loose").mkdir()
    (tmp_path / "loose").chmod(0o777)
    host = Host({"HOME": str(tmp_path), "SHIM_CACHE_DIR": str(tmp_path / "loose")}, "/")

    assert "not a folder of yours alone" in (kernel_store.problem(host) or "")
    assert "not a folder of yours alone" in (kernel_store.put("test", "key", credential(), host, 60) or "")
    assert kernel_store.find("test", "key", host) is None
