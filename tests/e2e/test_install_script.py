"""install.sh: everything that it makes, nothing that it leaves, and one message when it cannot."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support import toolchains

SCRIPT = toolchains.ROOT / "install.sh"

#: A Python for the script, and a pip to write a launcher for, which a fresh Debian does not have.
TOOLS_PATH = f"{toolchains.python_for('3.11', '3.12', '3.13').parent}:{toolchains.pip('newest').bin}:/usr/bin:/bin"


def run(home: Path, *flags: object, **environ: str) -> subprocess.CompletedProcess[str]:
    base = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "VIRTUAL_ENV", "PYTHON"))}
    command = ["sh", str(SCRIPT), *map(str, flags)]
    # No rustup on PATH: pip asks rustc for its version, and that leaves a folder in HOME.
    base["PATH"] = TOOLS_PATH
    return subprocess.run(
        command, env={**base, "HOME": str(home), "SHELL": "/bin/bash", **environ}, capture_output=True, text=True, check=False, timeout=300
    )


def snapshot(folder: Path) -> dict[str, str]:
    """Return every path below the folder with what it holds; byte code apart."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if "__pycache__" not in path.parts:
            found[str(path.relative_to(folder))] = (
                hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() and not path.is_symlink() else "-"
            )
    return found


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with our wheel and all that it needs, as for a machine without an index."""
    folder = tmp_path_factory.mktemp("wheels")
    subprocess.run([sys.executable, "-m", "pip", "wheel", "--quiet", "-w", str(folder), str(toolchains.ROOT)], check=True, timeout=300)
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a .bashrc of the user's own."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / ".bashrc").write_text("alias ll='ls -l'\n")
    return folder


def test_install_twice_changes_nothing_and_uninstall_leaves_what_was_there(home: Path, wheels: Path) -> None:
    before = snapshot(home)
    first = run(home, "--wheels", wheels)
    installed = snapshot(home)
    second = run(home, "--wheels", wheels)

    assert first.returncode == 0, first.stderr
    assert second.returncode == 0, second.stderr
    assert snapshot(home) == installed
    assert (home / ".bashrc").read_text().count(">>> pip-uv-shim >>>") == 1
    shell = subprocess.run(
        ["bash", "-ic", "command -v pip shim"],
        env={"HOME": str(home), "PATH": TOOLS_PATH},
        capture_output=True,
        text=True,
        check=False,
    )
    assert shell.stdout.splitlines() == [f"{home}/.local/share/shim/shims/{name}" for name in ("pip", "shim")]

    removed = run(home, "--uninstall")

    assert removed.returncode == 0, removed.stderr
    assert {path: content for path, content in snapshot(home).items() if path not in (".local", ".local/share")} == before


def test_foreign_files_in_the_prefix_survive_an_uninstall(home: Path, tmp_path: Path, wheels: Path) -> None:
    prefix = tmp_path / "a prefix with 'quotes' and spaces"
    assert run(home, "--wheels", wheels, "--prefix", prefix, "--quiet").returncode == 0
    (prefix / "mine").write_text("x")
    (prefix / "shims" / "mine").write_text("x")
    version = subprocess.run([str(prefix / "shims" / "shim"), "--version"], capture_output=True, text=True, check=False)
    run(home, "--uninstall", "--prefix", prefix)

    assert version.stdout.startswith("shim ")
    assert sorted(path.name for path in prefix.rglob("*")) == ["mine", "mine", "shims"]
    assert (home / ".bashrc").read_text() == "alias ll='ls -l'\n"


def test_an_rc_file_that_we_made_goes_away_again(tmp_path: Path, wheels: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for shell, rc in (
        ("/bin/bash", ".bashrc"),
        ("/usr/bin/zsh", ".zshrc"),
        ("/usr/bin/fish", ".config/fish/conf.d/shim.fish"),
        ("/bin/dash", ".profile"),
    ):
        assert run(empty, "--wheels", wheels, "--quiet", SHELL=shell).returncode == 0
        assert (empty / rc).is_file()
        run(empty, "--uninstall")

        assert not (empty / rc).exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_system_goes_to_opt_and_profile_d(wheels: Path, home: Path) -> None:
    if Path("/opt/shim").exists():
        pytest.skip("/opt/shim is somebody's real installation")
    try:
        assert run(home, "--system", "--wheels", wheels, "--quiet").returncode == 0
        login = subprocess.run(
            ["bash", "-lc", "command -v pip"],
            env={"HOME": str(home), "PATH": TOOLS_PATH},
            capture_output=True,
            text=True,
            check=False,
        )
        others = subprocess.run(
            ["setpriv", "--reuid", "65534", "/opt/shim/shims/shim", "--version"], capture_output=True, text=True, check=False
        )

        assert login.stdout == "/opt/shim/shims/pip\n"
        assert others.stdout.startswith("shim "), others.stderr
        assert (home / ".bashrc").read_text() == "alias ll='ls -l'\n"
    finally:
        run(home, "--system", "--uninstall")
    assert not Path("/opt/shim").exists()
    assert not Path("/etc/profile.d/shim.sh").exists()


def assert_one_message(result: subprocess.CompletedProcess[str], *words: str) -> None:
    """One `install.sh:` line and a hint, exit status 1."""
    assert result.returncode == 1, result.stdout + result.stderr
    assert result.stderr.startswith("install.sh: ")
    assert result.stderr.count("install.sh: ") == 1
    for word in words:
        assert word in result.stderr


def test_a_python_that_is_too_old_is_named(home: Path, tmp_path: Path) -> None:
    before = snapshot(home)
    old = next((python for version, python in toolchains.pythons().items() if version in ("3.6", "3.7", "3.8", "3.9", "3.10")), None)
    if old is None:
        old = tmp_path / "python3.9"
        old.write_text('#!/bin/sh\n[ "$1" = -V ] && echo Python 3.9.2\nexit 1\n')
        old.chmod(0o755)
    assert_one_message(run(home, "--python", old), "too old", "3.11")
    assert snapshot(home) == before


def test_a_missing_venv_module_is_named_with_its_package(home: Path, tmp_path: Path) -> None:
    """Debian's python3 without python3-venv: played by a Python that refuses to import ensurepip."""
    before = snapshot(home)
    fake = tmp_path / "bin" / "python3"
    fake.parent.mkdir()
    real = toolchains.python_for("3.11", "3.12", "3.13")
    fake.write_text(
        f'#!/bin/sh\ncase "$*" in *"print(sys.executable)"*) echo "$0"; exit ;; *"-m venv"*|*ensurepip*) echo "No module named ensurepip" >&2; exit 1 ;; esac\nexec {real} "$@"\n'
    )
    fake.chmod(0o755)
    result = run(home, "--python", fake, PATH="/usr/bin:/bin")

    assert_one_message(result, "venv", f"apt install {real.name}-venv")
    assert snapshot(home) == before


def test_a_prefix_that_cannot_be_written_is_named(home: Path, wheels: Path) -> None:
    for prefix in ("/proc/shim", str(home / ".bashrc" / "below")):
        assert_one_message(run(home, "--wheels", wheels, "--prefix", prefix), "cannot write to", "--prefix")
    assert (home / ".bashrc").read_text() == "alias ll='ls -l'\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small disk")
def test_a_full_disk_is_named_and_left_empty(home: Path, wheels: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], check=True)
    try:
        result = run(home, "--wheels", wheels, "--prefix", disk / "shim")

        assert_one_message(result)
        assert "space" in result.stderr or "full" in result.stderr
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_an_interrupted_installation_leaves_nothing(home: Path, wheels: Path) -> None:
    before = snapshot(home)
    environ = {**os.environ, "HOME": str(home)}
    environ.pop("XDG_DATA_HOME", None)
    process = subprocess.Popen(
        ["sh", str(SCRIPT), "--wheels", str(wheels), "--prefix", str(home / "x")],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    for _ in range(200):
        if any((home / "x").glob(".new-*/venv/*")) if (home / "x").exists() else False:
            break
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(timeout=60)

    assert process.returncode != 0
    assert snapshot(home) == before


def test_a_failed_upgrade_keeps_the_old_installation(home: Path, wheels: Path, tmp_path: Path) -> None:
    prefix = tmp_path / "prefix"
    assert run(home, "--wheels", wheels, "--prefix", prefix, "--quiet", "--no-modify-path").returncode == 0
    empty = tmp_path / "empty"
    empty.mkdir()
    result = run(home, "--wheels", empty, "--prefix", prefix, "--no-modify-path")

    assert_one_message(result, "missing in")
    version = subprocess.run([str(prefix / "shims" / "shim"), "--version"], capture_output=True, text=True, check=False)
    assert version.stdout.startswith("shim ")


def test_unknown_flags_and_missing_values_are_named(home: Path) -> None:
    assert_one_message(run(home, "--frobnicate"), "--frobnicate")
    assert_one_message(run(home, "--prefix"), "--prefix")
    assert "usage:" in run(home, "--help").stdout


def test_it_installs_with_pip_where_there_is_no_uv(home: Path, wheels: Path, tmp_path: Path) -> None:
    prefix = tmp_path / "prefix"
    result = run(home, "--wheels", wheels, "--prefix", prefix, "--no-modify-path", PATH="/usr/bin:/bin", PIP_CONFIG_FILE=os.devnull)

    assert result.returncode == 0, result.stderr
    assert shutil.which("shim", path=str(prefix / "shims"))
