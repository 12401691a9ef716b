"""What a machine may lack. A test asks here first, and is skipped by a text that says what is missing and how to get it.

Equal texts are one line in the list at the end of a run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from shim.hotpath import kernel_keyring

#: Program -> the Debian package that has it, where that has another name.
PACKAGES = {
    "gnome-keyring-daemon": "gnome-keyring",
    "nginx": "nginx-light",
    "node": "nodejs",
    "newuidmap": "uidmap",
    "docker": "docker.io",
    "dockerd": "docker.io",
    "docker-credential-pass": "golang-docker-credential-helpers",
    "docker-credential-secretservice": "golang-docker-credential-helpers",
    "ksh93": "ksh93u+m",
    "ps": "procps",
    "pgrep": "procps",
}
#: The kernel's number of the right to look into other processes.
CAP_SYS_PTRACE = 19
#: Where programs lie that are not on everybody's PATH.
SYSTEM_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


class CannotRunHere(pytest.skip.Exception):
    """What is installed and yet cannot start, for what this machine's kernel says: a skip that is listed, and no failure even with --no-skips."""


def find_program(name: str) -> str | None:
    """Return the path of a program, those for administrators included."""
    return shutil.which(name, path=SYSTEM_PATH)


def lacks_programs(*names: str) -> str:
    """Return which of the programs are not here and the command that brings them, or an empty text."""
    packages = dict.fromkeys(PACKAGES.get(name, name) for name in names if find_program(name) is None)
    return f"not installed here: apt install {' '.join(packages)}" if packages else ""


def lacks_kernel_keyring() -> str:
    """Return why nothing can be kept in the kernel, or an empty text."""
    problem = kernel_keyring.problem()
    return f"the kernel keyring: {problem}" if problem else ""


def lacks_root() -> str:
    """Return that we are not root, or an empty text."""
    return "only root can do that: run it as root" if os.geteuid() != 0 else ""


def lacks_tracing() -> str:
    """Return why we cannot look into a process that hides itself, or an empty text: root in a container may not."""
    status = Path("/proc/self/status").read_text()
    rights = int(next(line for line in status.splitlines() if line.startswith("CapEff:")).split()[1], 16)
    allowed = os.geteuid() == 0 and rights & 1 << CAP_SYS_PTRACE
    return "" if allowed else "only root can look into a process that hides itself: run it as root, outside of a container"


@cache
def lacks_mounts() -> str:
    """Return why there can be no mount namespace with mounts of its own, or an empty text."""
    if os.geteuid() != 0 or find_program("unshare") is None:
        return "only root can mount, with util-linux: run it as root"
    tried = subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
    return "nothing may be mounted here: run it outside of a container" if tried.returncode != 0 else ""


def endpoints(lack: str) -> pytest.MarkDecorator:
    """Return the mark that skips a test for what the machine lacks, if it does."""
    return pytest.mark.skipif(bool(lack), reason=lack)


def skip_without(lack: str) -> None:
    """Skip this test, or all that use this fixture, for what the machine lacks, if it does."""
    if lack:
        pytest.skip(lack)
