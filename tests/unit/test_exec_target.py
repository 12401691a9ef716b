"""The target finds the world as the user had it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import shim
from shim.core.errors import TargetNotExecutable, TargetNotFound
from shim.core.model import Delivery
from shim.delivery.memory_file import DESCRIPTOR
from shim.hotpath import exec_target
from tests.support import machine, toolchains

ROOT = str(Path(shim.__file__).parents[1])


def become(*lines: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the lines in a bare interpreter, as the launcher starts it."""
    program = "\n".join([f"import sys; sys.path.insert(0, {ROOT!r})", "from shim.hotpath.exec_target import *", "from shim.core.model import *", *lines])
    environ = {"PATH": os.environ["PATH"], **(environ or {})}
    return subprocess.run([sys.executable, "-IS", "-c", program], capture_output=True, text=True, env=environ, check=False, timeout=60)


def test_the_memory_file_is_sealed_private_and_inherited_at_its_number() -> None:
    reader = (
        f"import os, fcntl; fd={DESCRIPTOR}; path='/proc/self/fd/{DESCRIPTOR}';"
        "print(open(path, 'rb').read(), oct(os.fstat(fd).st_mode & 0o777), os.readlink(path));"
        "print(bool(fcntl.fcntl(fd, 1034) & 8))"
    )
    result = become(
        f"delivery = Delivery(('-c', {reader!r}), {{}}, MemoryFile(Secret('canary'), {DESCRIPTOR}))",
        f"become({sys.executable!r}, 'python', delivery, {{}})",
    )
    contents, sealed = result.stdout.splitlines()

    assert result.stderr == ""
    assert contents == f"b'canary' 0o400 /memfd:{exec_target.MEMORY_NAME} (deleted)"
    assert sealed == "True"


def test_where_the_kernel_makes_no_memory_file_one_without_a_name_is_inherited_that_cannot_be_written() -> None:
    reader = f"import fcntl, os; print(open('/proc/self/fd/{DESCRIPTOR}').read(), os.readlink('/proc/self/fd/{DESCRIPTOR}'), fcntl.fcntl({DESCRIPTOR}, 3) & 3)"
    result = become(
        "del posix.memfd_create",
        f"delivery = Delivery(('-c', {reader!r}), {{}}, MemoryFile(Secret('canary'), {DESCRIPTOR}))",
        f"become({sys.executable!r}, 'python', delivery, {{}})",
    )

    assert result.stderr == ""
    assert result.stdout.startswith("canary /dev/shm/#")
    assert result.stdout.endswith(" (deleted) 0\n"), "opened for reading"


def test_no_secret_is_written_where_dev_shm_is_a_folder_on_the_disk() -> None:
    """A record may have been made elsewhere."""
    result = become(
        "import fcntl; del posix.memfd_create; real = posix.stat; posix.stat = lambda path: real('/dev/shm')",
        f"place_memory({DESCRIPTOR}, 'canary')",
    )

    assert result.returncode == 1
    assert "OSError: shared memory is a folder on the disk here" in result.stderr


def test_sigpipe_and_sigxfsz_are_as_the_user_had_them() -> None:
    show = "grep SigIgn /proc/self/status"
    by_default = become(f"become('/bin/sh', 'sh', Delivery(('-c', {show!r})), {{}})")
    ignored = become(f"become('/bin/sh', 'sh', Delivery(('-c', {show!r})), {{}}, sigpipe_ignored=True)")
    masks = [int(result.stdout.split()[1], 16) for result in (by_default, ignored)]

    assert masks[0] & 0x1001000 == 0
    assert masks[1] & 0x1001000 == 0x1000


def test_a_locale_that_python_coerced_is_not_handed_on() -> None:
    result = become("import os; become('/usr/bin/env', 'env', Delivery(()), os.environ)", environ={"LANG": "C"})

    assert "LC_CTYPE" not in result.stdout
    assert "LANG=C\n" in result.stdout


def test_a_locale_of_the_users_own_is_handed_on() -> None:
    result = become("import os; become('/usr/bin/env', 'env', Delivery(()), os.environ)", environ={"LC_CTYPE": "C.UTF-8"})

    assert "LC_CTYPE=C.UTF-8" in result.stdout


def test_a_script_without_a_first_line_runs_as_a_shell_would_run_it(tmp_path: Path) -> None:
    script = tmp_path / "pip"
    script.write_text('echo "$0" "$@"\n')
    script.chmod(0o755)
    result = become(f"become({str(script)!r}, 'pip', Delivery(('a b',)), {{}})")

    assert result.stdout == f"{script} a b\n"


def test_undecodable_bytes_pass_unchanged() -> None:
    show = "import os, sys; print(os.fsencode(sys.argv[1]), os.environb[b'ODD'])"
    program = f"""
import sys; sys.path.insert(0, {ROOT!r})
import os
from shim.hotpath.exec_target import *
from shim.core.model import Delivery
become({sys.executable!r}, 'python', Delivery(('-c', {show!r}, sys.argv[1])), os.environ)
"""
    result = subprocess.run([sys.executable, "-IS", "-c", program, b"\xff"], capture_output=True, env={b"ODD": b"\xfe\xff"}, check=True)

    assert result.stdout == b"b'\\xff' b'\\xfe\\xff'\n"


@pytest.mark.parametrize(
    ("setup", "code", "number"),
    [("missing", "not-found", 127), ("interpreter", "not-found", 127), ("folder", "not-executable", 126)],
)
def test_what_cannot_be_started_is_one_error(setup: str, code: str, number: int, tmp_path: Path) -> None:
    path = tmp_path / "pip"
    if setup == "interpreter":
        path.write_text("#!/nonexistent/python\n")
        path.chmod(0o755)
    elif setup == "folder":
        path.mkdir()
    with pytest.raises(TargetNotFound if number == 127 else TargetNotExecutable) as caught:
        exec_target.become(str(path), "pip", Delivery(()), {})

    assert (caught.value.code, caught.value.exit_code) == (code, number)


def test_environment_changes_are_exactly_those_of_the_delivery() -> None:
    assert exec_target.apply_environ({"GONE": "x", "KEPT": "y"}, {"NEW": "1", "GONE": None}) == {"NEW": "1", "KEPT": "y"}


@machine.endpoints(machine.lacks_root())
def test_another_user_cannot_open_the_memory_file() -> None:
    program = "\n".join(
        [
            f"import sys; sys.path.insert(0, {ROOT!r})",
            "from shim.hotpath.exec_target import *",
            "from shim.core.model import *",
            f"delivery = Delivery(('60',), {{}}, MemoryFile(Secret('canary'), {DESCRIPTOR}))",
            "become('/bin/sleep', 'sleep', delivery, {})",
        ]
    )
    process = subprocess.Popen([sys.executable, "-IS", "-c", program])
    path = f"/proc/{process.pid}/fd/{DESCRIPTOR}"
    try:
        for _ in range(100):
            if Path(path).exists() and os.readlink(f"/proc/{process.pid}/exe").endswith("sleep"):
                break
            time.sleep(0.05)
        ours = subprocess.run(["cat", path], capture_output=True, text=True, check=False)
        theirs = subprocess.run(["setpriv", "--reuid", "65534", "--clear-groups", "cat", path], capture_output=True, text=True, check=False)
    finally:
        process.kill()
        process.wait(timeout=10)

    assert ours.stdout == "canary", "another process of the same user can: docs/security.md says so"
    assert theirs.stdout == ""
    assert "Permission denied" in theirs.stderr


PYTHON = "#!/opt/my venv/bin/python3.11\n"
#: What a target is -> its text, and whether it may be taken for the tool itself.
TARGETS = {
    "pip's script": (PYTHON + "import sys\nfrom pip._internal.cli.main import main\nsys.exit(main())\n", True),
    "an old script": (PYTHON + "# -*- coding: utf-8 -*-\nimport re\nimport sys\nfrom tox.run import run\nif __name__ == '__main__':\n", True),
    "a wrapper in Python": (PYTHON + "import os, sys\nos.execvp('pip', sys.argv)\n", False),
    "a wrapper's script": (PYTHON + "import sys\nfrom corp_pip import main\nsys.exit(main())\n", False),
    "a package of a like name": (PYTHON + "import sys\nfrom pip_corp.main import main\nsys.exit(main())\n", False),
    "pyenv's": ("#!/usr/bin/env bash\nset -e\nexec pyenv exec pip\n", False),
    "a shell script that imports": ("#!/bin/sh\nimport x\nfrom pip import main\n", False),
    "a program that is no script": ("\x7fELF", False),
    "nothing": ("", False),
}


@pytest.mark.parametrize("case", TARGETS)
def test_only_a_tools_own_script_is_taken_for_the_tool(case: str, tmp_path: Path) -> None:
    text, itself = TARGETS[case]
    (tmp_path / "pip").write_text(text)

    assert exec_target.is_tool_itself(str(tmp_path / "pip")) is itself


def test_a_real_pip_and_uv_are_the_tools_and_a_large_program_of_another_name_is_not(tmp_path: Path) -> None:
    uv = toolchains.uv()
    (tmp_path / "uv").symlink_to(uv.path)
    (tmp_path / "mise").write_bytes(b"\x7fELF" + bytes(exec_target.UV_SIZE))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "uv").symlink_to(tmp_path / "mise")
    real = (toolchains.pip("newest").path, toolchains.pip("23.0.1").path, uv.path, uv.bin / "uvx", tmp_path / "uv")

    assert [exec_target.is_tool_itself(str(path)) for path in real] == [True] * len(real)
    assert not exec_target.is_tool_itself(str(tmp_path / "other" / "uv"))
    assert not exec_target.is_tool_itself(str(tmp_path))
    assert not exec_target.is_tool_itself("/nonexistent")
