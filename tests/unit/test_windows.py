"""Windows: every verb says in one line what to do. Played by an interpreter without what Python lacks there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from shim.cli import VERBS
from tests.support.hints import follows

ROOT = Path(__file__).parents[2]
#: Modules that Python does not have there, and names that its `os` has not.
MODULES = ("fcntl", "grp", "posix", "pwd", "resource", "syslog", "termios", "tty")
NAMES = ["O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "chown", "fchmod", "fchown", "fork", "geteuid", "getgid", "getuid", "killpg", "lchown", "memfd_create", "mkfifo", "register_at_fork", "setsid", "sysconf", "uname", "WIFSTOPPED", "WNOHANG"]
PROGRAM = f"""
import os, sys
sys.path.insert(0, {str(ROOT)!r})
if sys.argv[1] == "windows":
    sys.platform = "win32"
    sys.modules |= dict.fromkeys({MODULES!r})
    for name in {NAMES!r}:
        delattr(os, name)
sys.argv[:] = ["shim", *sys.argv[2:]]
from shim.__main__ import main
sys.exit(main())
"""


def run(system: str, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    return subprocess.run([sys.executable, "-c", PROGRAM, system, *words], text=True, capture_output=True, check=False, env=environ)


@pytest.mark.parametrize("verb", ["", "--help", "nonsense", *VERBS])
def test_every_verb_says_what_to_do(verb: str) -> None:
    result = run("windows", *verb.split())

    assert result.returncode == 64
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "shim: error[usage]: shim does not run on Windows itself",
        "hint: work in WSL, which is Linux: wsl --install, and install shim there",
    ]


@follows("work in WSL, which is Linux: wsl --install, and install shim there")
def test_on_linux_it_runs() -> None:
    assert run("linux", "--help").returncode == 0
