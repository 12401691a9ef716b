"""install.sh: everything that it makes, nothing that it leaves, and one message when it cannot."""

from __future__ import annotations

import hashlib
import mmap
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from shim import __version__
from shim.cli.demo.server import PrivateIndex
from tests.support import machine, toolchains

SCRIPT = toolchains.ROOT / "install.sh"

#: A Python for the script, and a pip to write a launcher for, which a fresh Debian does not have.
PIP_PATH = f"{toolchains.python_for().parent}:{toolchains.pip('newest').bin}:/usr/bin:/bin"
PYTHON_MINOR = toolchains.python_for().name.rpartition(".")[2]
#: The same and uv, with which the script takes one second where it takes seven with pip.
TOOLS_PATH = f"{toolchains.uv().bin}:{PIP_PATH}"


def run(
    home: Path, *flags: object, cwd: Path | None = None, before: Sequence[object] = (), **environ: str
) -> subprocess.CompletedProcess[str]:
    base = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "VIRTUAL_ENV", "PYTHON"))}
    command = [str(word) for word in (*before, "sh", SCRIPT, *flags)]
    # No rustup on PATH: pip asks rustc for its version, and that leaves a folder in HOME.
    base |= {"PATH": TOOLS_PATH, "UV_CACHE_DIR": str(home.parent / "uv-cache")}
    return subprocess.run(
        command,
        env={**base, "HOME": str(home), "SHELL": "/bin/bash", **environ},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def quickly(home: Path, *flags: object, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run with uv on PATH, which makes the environment in a tenth of pip's time, for tests that are about something else."""
    return run(home, *flags, PATH=f"{toolchains.uv().bin}:{TOOLS_PATH}", UV_CACHE_DIR=str(home.parent / "uv-cache"), **environ)


def snapshot(folder: Path) -> dict[str, str]:
    """Return every path below the folder with what it holds; byte code apart."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if "__pycache__" not in path.parts:
            found[str(path.relative_to(folder))] = (
                hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() and not path.is_symlink() else "-"
            )
    return found


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
        ["bash", "-ic", "type -P pip shim; type -t pip shim"],
        env={"HOME": str(home), "PATH": TOOLS_PATH},
        capture_output=True,
        text=True,
        check=False,
    )
    assert shell.stdout.splitlines() == [f"{home}/.local/share/shim/shims/{name}" for name in ("pip", "shim")] + ["function"] * 2

    removed = run(home, "--uninstall")

    assert removed.returncode == 0, removed.stderr
    assert snapshot(home) == before


def test_foreign_files_in_the_prefix_survive_an_uninstall(home: Path, tmp_path: Path, wheels: Path) -> None:
    prefix = tmp_path / "a prefix with 'quotes' and spaces"
    assert quickly(home, "--wheels", wheels, "--prefix", prefix, "--quiet").returncode == 0
    (prefix / "mine").write_text("x")
    (prefix / "shims" / "mine").write_text("x")
    version = subprocess.run([str(prefix / "shims" / "shim"), "--version"], capture_output=True, text=True, check=False)
    quickly(home, "--uninstall", "--prefix", prefix)

    assert version.stdout.startswith("shim ")
    assert sorted(path.name for path in prefix.rglob("*")) == ["mine", "mine", "shims"]
    assert (home / ".bashrc").read_text() == "alias ll='ls -l'\n"


def test_an_rc_file_that_we_made_goes_away_again(tmp_path: Path, wheels: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for shell, *files in (
        ("/bin/bash", ".bashrc", ".profile"),
        ("/usr/bin/zsh", ".zshrc", ".zprofile"),
        ("/usr/bin/fish", ".config/fish/conf.d/shim.fish"),
        ("/bin/dash", ".profile"),
    ):
        assert quickly(empty, "--wheels", wheels, "--quiet", SHELL=shell).returncode == 0
        assert [file for file in files if not (empty / file).is_file()] == []
        quickly(empty, "--uninstall")

        assert list(empty.iterdir()) == [], shell


@pytest.mark.parametrize(
    ("shell", "there"),
    [("bash", ".profile"), ("bash", ".bash_profile"), ("bash", ".bash_login"), ("bash", None), ("zsh", ".zprofile"), ("zsh", None), ("dash", ".profile"), ("fish", None)],
)
def test_a_login_shell_without_a_terminal_finds_the_launchers(shell: str, there: str | None, tmp_path: Path, wheels: Path) -> None:
    """As editors, ssh'd scripts and `bash -lc` start one: Debian's ~/.bashrc ends early there."""
    machine.skip_without(machine.lacks_programs(shell))
    path = machine.find_program(shell)
    assert path
    home = tmp_path / "home"
    home.mkdir()
    (home / ".bashrc").write_text("case $- in *i*) ;; *) return ;; esac\n")
    if there:
        (home / there).write_text('[ ! -f ~/.bashrc ] || . ~/.bashrc\nPATH="$HOME/bin:$PATH"\n')
    before = {file.name: file.read_text() for file in home.iterdir()}
    assert quickly(home, "--wheels", wheels, "--quiet", SHELL=path).returncode == 0
    found = subprocess.run(
        [path, "-l", "-c", "env which pip shim"], env={"HOME": str(home), "PATH": TOOLS_PATH}, capture_output=True, text=True, check=False
    )
    quickly(home, "--uninstall", SHELL=path)

    assert [Path(line).parent.name for line in found.stdout.split()] == ["shims", "shims"], found
    assert {file.name: file.read_text() for file in home.iterdir() if file.is_file()} == before


@pytest.fixture
def aside(tmp_path: Path) -> list[object]:
    """The words before a command that let it find and write an /etc and an /opt of its own: other tests read this machine's."""
    subprocess.run(["cp", "-a", "/etc", tmp_path / "etc"], check=True)
    (tmp_path / "opt").mkdir()
    script = 'mount --bind "$0/etc" /etc && mount --bind "$0/opt" /opt && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, tmp_path]


@machine.endpoints(machine.lacks_mounts())
def test_system_goes_to_opt_and_profile_d(wheels: Path, home: Path, aside: list[object], tmp_path: Path) -> None:
    def ask(*command: str) -> subprocess.CompletedProcess[str]:
        environ = {"HOME": str(home), "PATH": TOOLS_PATH}
        return subprocess.run([*map(str, aside), *command], env=environ, capture_output=True, text=True, check=False, timeout=60)

    before = snapshot(tmp_path / "etc")
    installed = run(home, "--system", "--wheels", wheels, "--quiet", before=aside)
    shown = [ask("bash", option, "type -P pip").stdout for option in ("-ic", "-lc")]
    others = ask("setpriv", "--reuid", "65534", "/opt/shim/shims/shim", "--version")
    removed = run(home, "--system", "--uninstall", before=aside)

    assert installed.returncode == 0, installed.stderr
    assert shown == ["/opt/shim/shims/pip\n"] * 2
    assert others.stdout.startswith("shim "), others.stderr
    assert (home / ".bashrc").read_text() == "alias ll='ls -l'\n"
    assert removed.returncode == 0, removed.stderr
    assert list((tmp_path / "opt").iterdir()) == []
    assert snapshot(tmp_path / "etc") == before


def upgraded(home: Path, *flags: object) -> subprocess.CompletedProcess[str]:
    """Install again as if something had changed since."""
    stamp = next(home.rglob("installed"))
    stamp.write_text(stamp.read_text().replace("pip-uv-shim ", "pip-uv-shim 0", 1))
    return quickly(home, *flags)


@pytest.mark.parametrize("before", ["alias ll='ls -l'", "", "\n\n", "a\nb\n", "no end\nand \\ $x 'q'"])
def test_an_rc_file_is_byte_for_byte_what_it_was(before: str, home: Path, wheels: Path) -> None:
    """The last line of a file may lack its end; our mark must not be glued to it."""
    (home / ".bashrc").write_text(before)
    (home / ".bashrc").chmod(0o600)
    assert quickly(home, "--wheels", wheels, "--quiet").returncode == 0
    during = (home / ".bashrc").read_text()
    assert upgraded(home, "--wheels", wheels, "--quiet").returncode == 0

    assert during.startswith(before)
    assert during.split("\n").count("# >>> pip-uv-shim >>>") == 1
    assert (home / ".bashrc").read_text() == during
    quickly(home, "--uninstall")
    assert (home / ".bashrc").read_text() == before
    assert (home / ".bashrc").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("shell", "variable"), [("/usr/bin/zsh", "ZDOTDIR"), ("/usr/bin/fish", "XDG_CONFIG_HOME")])
def test_an_rc_file_in_a_place_of_the_users_choice_is_found_again(
    shell: str, variable: str, home: Path, tmp_path: Path, wheels: Path
) -> None:
    """From an editor's task or a root shell, the variable that named the place is not set."""
    before = snapshot(home)
    assert quickly(home, "--wheels", wheels, "--quiet", SHELL=shell, **{variable: str(home / "dot files")}).returncode == 0
    assert (home / "dot files").exists()
    assert quickly(home, "--wheels", wheels, "--quiet", SHELL=shell, **{variable: str(home / "dot files")}).returncode == 0
    quickly(home, "--uninstall")

    assert snapshot(home) == before


def test_an_rc_file_that_we_made_goes_away_after_an_upgrade_too(tmp_path: Path, wheels: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert quickly(empty, "--wheels", wheels, "--quiet").returncode == 0
    assert upgraded(empty, "--wheels", wheels, "--quiet").returncode == 0
    quickly(empty, "--uninstall")

    assert list(empty.iterdir()) == []


def test_an_rc_file_behind_a_link_stays_behind_it(home: Path, tmp_path: Path, wheels: Path) -> None:
    dotfile = tmp_path / "dotfiles" / "bashrc"
    dotfile.parent.mkdir()
    (home / ".bashrc").rename(dotfile)
    (home / ".bashrc").symlink_to(dotfile)
    quickly(home, "--wheels", wheels, "--quiet")

    assert (home / ".bashrc").is_symlink()
    assert ">>> pip-uv-shim >>>" in dotfile.read_text()
    quickly(home, "--uninstall")
    assert (home / ".bashrc").is_symlink()
    assert dotfile.read_text() == "alias ll='ls -l'\n"


def test_lines_that_somebody_edited_stay_and_so_does_what_follows(home: Path, wheels: Path) -> None:
    rc = home / ".bashrc"
    quickly(home, "--wheels", wheels, "--quiet")
    rc.write_text(rc.read_text().replace("# <<< pip-uv-shim <<<\n", "alias later=1\n"))
    edited = rc.read_text()
    result = quickly(home, "--uninstall")

    assert result.returncode == 0, result.stderr
    assert rc.read_text() == edited
    assert "somebody has edited" in result.stdout


def test_two_prefixes_have_lines_of_their_own(home: Path, tmp_path: Path, wheels: Path) -> None:
    for name in ("one", "two"):
        assert quickly(home, "--wheels", wheels, "--prefix", tmp_path / name, "--quiet").returncode == 0
    quickly(home, "--uninstall", "--prefix", tmp_path / "one")

    assert (home / ".bashrc").read_text().count(">>> pip-uv-shim >>>") == 1
    assert f"'{tmp_path}/two/activate/bash'" in (home / ".bashrc").read_text()


@pytest.mark.parametrize("name", ["venv", "installed"])
def test_what_is_in_the_prefix_and_not_ours_is_never_taken_for_ours(name: str, home: Path, tmp_path: Path, wheels: Path) -> None:
    """A project's own `venv` in the folder given as prefix must survive both ways."""
    prefix = tmp_path / "project"
    precious = prefix / "venv" / "precious"
    precious.parent.mkdir(parents=True)
    precious.write_text("x")
    if name == "installed":
        (prefix / "installed").write_text("/etc/passwd\n")
    before = snapshot(prefix), snapshot(home)

    assert_one_message(run(home, "--wheels", wheels, "--prefix", prefix), "is not ours", "--prefix")
    assert_one_message(run(home, "--uninstall", "--prefix", prefix), "nothing is installed")
    assert (snapshot(prefix), snapshot(home)) == before


def test_a_foreign_program_among_the_launchers_is_named_and_everything_else_undone(home: Path, tmp_path: Path, wheels: Path) -> None:
    prefix = tmp_path / "prefix"
    (prefix / "shims").mkdir(parents=True)
    (prefix / "shims" / "pip").write_text("theirs")

    assert_one_message(quickly(home, "--wheels", wheels, "--prefix", prefix), "shims/pip is not a launcher of ours")
    assert sorted(path.name for path in prefix.rglob("*")) == ["pip", "shims"]


def test_a_lost_venv_is_made_again(home: Path, tmp_path: Path, wheels: Path) -> None:
    prefix = tmp_path / "prefix"
    quickly(home, "--wheels", wheels, "--prefix", prefix, "--quiet", "--no-modify-path")
    shutil.rmtree(prefix / "venv")
    (prefix / ".new-4194305").mkdir()
    result = quickly(home, "--wheels", wheels, "--prefix", prefix, "--quiet", "--no-modify-path")

    assert result.returncode == 0, result.stderr
    assert sorted(os.listdir(prefix)) == ["activate", "complete", "faces", "hook", "installed", "man", "shims", "venv"]
    version = subprocess.run([str(prefix / "shims" / "shim"), "--version"], capture_output=True, text=True, check=False)
    assert version.stdout.startswith("shim ")


@pytest.mark.parametrize("with_uv", [False, True])
def test_neither_the_folder_we_stand_in_nor_pips_habits_decide(with_uv: bool, home: Path, tmp_path: Path, wheels: Path) -> None:
    """A cloned project's uv.toml must not say where our packages come from; PIP_USER or PIP_TARGET not where they go."""
    project, prefix = tmp_path / "project", tmp_path / "prefix"
    project.mkdir()
    (project / "uv.toml").write_text("this is no TOML [")
    environ = {"PIP_USER": "1", "PIP_TARGET": str(project / "stolen"), "UV_SYSTEM_PYTHON": "1", "UV_PYTHON": "3.2"}
    environ |= {"UV_CACHE_DIR": str(tmp_path / "cache"), "PATH": TOOLS_PATH if with_uv else PIP_PATH}
    result = run(home, "--wheels", wheels, "--prefix", prefix, "--no-modify-path", cwd=project, **environ)

    assert result.returncode == 0, result.stderr
    assert os.listdir(project) == ["uv.toml"]
    assert ("uv = " in (prefix / "venv" / "pyvenv.cfg").read_text()) == with_uv


def test_what_python_is_told_by_variables_is_for_other_programs(home: Path, tmp_path: Path) -> None:
    """pip builds our wheel in a process of its own, which would obey them."""
    (tmp_path / "sitecustomize.py").write_text("raise SystemExit(3)\n")
    result = run(home, "--prefix", tmp_path / "prefix", "--no-modify-path", PYTHONPATH=str(tmp_path), PATH=PIP_PATH)

    assert result.returncode == 0, result.stderr


def assert_one_message(result: subprocess.CompletedProcess[str], *words: str) -> None:
    """One `install.sh:` line and a hint, exit status 1."""
    assert result.returncode == 1, result.stdout + result.stderr
    assert result.stderr.startswith("install.sh: ")
    assert result.stderr.count("install.sh: ") == 1
    for word in words:
        assert word in result.stderr


def test_a_private_cache_of_uvs_makes_no_private_installation(home: Path, tmp_path: Path, wheels: Path) -> None:
    """uv links what it has in its cache, with the owner and mode that it has there; other users could not read it."""
    cache, prefix = str(home.parent / "uv-cache"), tmp_path / "prefix"
    fill = 'umask 077 && exec "$0" pip install --quiet --no-index --find-links "$1" --target "$2" keyring filelock packaging'
    environ = {**os.environ, "UV_CACHE_DIR": cache, "SHIM_BYPASS": "1"}
    subprocess.run(["sh", "-c", fill, toolchains.uv().path, wheels, tmp_path / "elsewhere"], env=environ, check=True, timeout=120)
    installed = quickly(home, "--wheels", wheels, "--prefix", prefix, "--quiet", "--no-modify-path", UV_LINK_MODE="symlink")

    assert installed.returncode == 0, installed.stderr
    files = [path for path in (prefix / "venv" / "lib").rglob("*") if path.is_symlink() or path.is_file()]
    assert [path for path in files if path.is_symlink() or path.stat().st_nlink > 1 or path.stat().st_mode & 0o644 != 0o644] == []


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
    real = toolchains.python_for()
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


@machine.endpoints(machine.lacks_root())
def test_a_home_of_somebody_elses_is_named(wheels: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        script = Path(shutil.copy(SCRIPT, folder))
        command = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "sh", str(script)]
        for flags in ([], ["--no-modify-path"], ["--system"]):
            environ = {"HOME": folder, "PATH": "/usr/bin:/bin", "SHELL": "/bin/bash"}
            result = subprocess.run(
                [*command, "--wheels", "/nonexistent", *flags], env=environ, cwd=folder, capture_output=True, text=True, check=False
            )

            assert_one_message(result, "cannot write", "hint: ")
        assert os.listdir(folder) == ["install.sh"]


@pytest.fixture(scope="module")
def installed_pages(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> int:
    """How many pages of a small disk an installation takes, which depends on the Python and on the newest packages."""
    folder = tmp_path_factory.mktemp("whole")
    result = run(folder, "--wheels", wheels, "--prefix", folder / "shim", "--no-modify-path", "--quiet", PATH=PIP_PATH)
    assert result.returncode == 0, result.stderr
    return sum(-(-path.stat().st_size // mmap.PAGESIZE) for path in (folder / "shim").rglob("*") if path.is_file() and not path.is_symlink())


@machine.endpoints(machine.lacks_mounts())
@pytest.mark.parametrize("percent", [2, 40, 97])
def test_a_full_disk_is_named_and_left_empty(percent: int, home: Path, wheels: Path, tmp_path: Path, installed_pages: int) -> None:
    """At the start of pip, in the middle of it, and of the byte code. The disk is mounted for this command alone."""
    disk = tmp_path / "disk"
    disk.mkdir()
    size = installed_pages * percent // 100 * mmap.PAGESIZE
    script = f'mount -t tmpfs -o size={size} none "$0" && "$@"; status=$?; ls -A "$0" >"$0.left"; exit $status'
    result = run(
        home, "--wheels", wheels, "--prefix", disk / "shim", PATH=PIP_PATH, before=["unshare", "--mount", "sh", "-c", script, disk]
    )

    assert_one_message(result, "full", "hint: ")
    assert (tmp_path / "disk.left").read_text() == ""


def interrupted(home: Path, prefix: Path, awaited: str, *flags: object) -> subprocess.CompletedProcess[str]:
    """Run the script and end its whole process group, as Ctrl-C does, as soon as a path appears in the prefix."""
    environ = {"HOME": str(home), "SHELL": "/bin/bash", "PATH": PIP_PATH}
    command = ["sh", str(SCRIPT), "--prefix", str(prefix), *map(str, flags)]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 120
    while not any(prefix.glob(awaited)) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.001)
    assert process.poll() is None, "it was over before it could be interrupted"
    os.killpg(process.pid, signal.SIGTERM)
    stdout, stderr = process.communicate(timeout=60)
    return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)


@pytest.mark.parametrize("awaited", [".new-*", ".new-*/venv/*", ".new-*/venv/lib/python3*/site-packages/filelock", "venv"])
def test_an_interrupted_installation_leaves_nothing(awaited: str, home: Path, wheels: Path) -> None:
    before = snapshot(home)
    result = interrupted(home, home / "x" / "y", awaited, "--wheels", wheels)

    assert result.returncode == 143
    assert "install.sh: interrupted" in result.stderr
    assert snapshot(home) == before


@pytest.mark.parametrize("awaited", [".new-*/venv/*", ".old-*"])
def test_an_interrupted_upgrade_keeps_a_working_installation(awaited: str, home: Path, wheels: Path, tmp_path: Path) -> None:
    prefix = tmp_path / "prefix"
    assert run(home, "--wheels", wheels, "--prefix", prefix, "--quiet").returncode == 0
    stamp = prefix / "installed"
    stamp.write_text(stamp.read_text().replace("pip-uv-shim ", "pip-uv-shim 0", 1))
    before = sorted(os.listdir(prefix))
    result = interrupted(home, prefix, awaited, "--wheels", wheels)

    assert result.returncode == 143
    assert sorted(os.listdir(prefix)) == before
    version = subprocess.run([str(prefix / "shims" / "shim"), "--version"], capture_output=True, text=True, check=False)
    assert version.stdout.startswith("shim "), version.stderr


def test_a_failed_upgrade_keeps_the_old_installation(home: Path, wheels: Path, tmp_path: Path) -> None:
    prefix = tmp_path / "prefix"
    assert run(home, "--wheels", wheels, "--prefix", prefix, "--quiet", "--no-modify-path").returncode == 0
    empty = tmp_path / "empty"
    empty.mkdir()
    result = run(home, "--wheels", empty, "--prefix", prefix, "--no-modify-path")

    assert_one_message(result, "there is no wheel of pip-uv-shim for Python 3.")
    version = subprocess.run([str(prefix / "shims" / "shim"), "--version"], capture_output=True, text=True, check=False)
    assert version.stdout.startswith("shim ")


def test_an_index_that_lacks_what_is_optional_is_enough(home: Path, wheels: Path, tmp_path: Path) -> None:
    names = [path.name for path in wheels.glob("*.whl") if not path.name.lower().startswith(("id-", "pysocks-", "pip_uv_shim-"))]
    with PrivateIndex(str(wheels), {canonicalize_name(name.partition("-")[0]): [name] for name in names}, "u", "p") as index:
        own = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": f"http://u:p@{index.netloc}/simple/", "PIP_NO_CACHE_DIR": "1"}
        result = run(home, "--prefix", tmp_path / "p", "--quiet", "--no-modify-path", **own)

    assert result.returncode == 0, result.stderr
    assert subprocess.run([tmp_path / "p/shims/shim", "--version"], check=False, capture_output=True).returncode == 0


@pytest.mark.parametrize("left_out", ["id", "tomli", "pysocks", "id pysocks tomli"])
def test_what_is_optional_is_installed_if_its_wheel_is_there(left_out: str, home: Path, wheels: Path, tmp_path: Path) -> None:
    fewer = tmp_path / "wheels"
    fewer.mkdir()
    for wheel in wheels.glob("*.whl"):
        if wheel.name.partition("-")[0].lower() not in left_out.split():
            (fewer / wheel.name).symlink_to(wheel)
    result = run(home, "--wheels", fewer, "--prefix", tmp_path / "p", "--quiet", "--no-modify-path")
    modules = "{'id': 'id', 'pysocks': 'socks', 'tomli': 'tomli'}"
    program = f"from importlib.util import find_spec; print(*[name for name, module in {modules}.items() if not find_spec(module)])"
    missing = subprocess.run([tmp_path / "p/venv/bin/python", "-Ic", program], check=True, capture_output=True, text=True)

    assert result.returncode == 0, result.stderr
    assert missing.stdout.strip() == left_out


def test_unknown_flags_and_missing_values_are_named(home: Path) -> None:
    assert_one_message(run(home, "--frobnicate"), "--frobnicate")
    assert_one_message(run(home, "--prefix"), "--prefix")
    assert "usage:" in run(home, "--help").stdout


def test_it_installs_with_pip_where_there_is_no_uv(home: Path, wheels: Path, tmp_path: Path) -> None:
    prefix = tmp_path / "prefix"
    result = run(home, "--wheels", wheels, "--prefix", prefix, "--no-modify-path", PATH="/usr/bin:/bin", PIP_CONFIG_FILE=os.devnull)

    assert result.returncode == 0, result.stderr
    assert shutil.which("shim", path=str(prefix / "shims"))


#: A fresh installation takes 31 MB, and took 57 when it had the pip in it that installed it.
ROOM_MB = 40


@pytest.mark.parametrize("path", [PIP_PATH, TOOLS_PATH], ids=["pip", "uv"])
def test_nothing_stays_that_only_installing_needs(path: str, home: Path, wheels: Path, tmp_path: Path) -> None:
    """The lists of files know of it: what was taken out is no damage, which the next run would mend."""
    prefix = tmp_path / "prefix"
    flags = ("--wheels", wheels, "--prefix", prefix, "--no-modify-path")
    first = run(home, *flags, PATH=path)
    assert first.returncode == 0, first.stderr
    made = (prefix / "venv").stat().st_ino
    (packages,) = (prefix / "venv" / "lib").glob("python3*/site-packages")
    unused_userinfo = {"pip", "setuptools", "pkg_resources", "_distutils_hack", "wheel", "ensurepip"}
    names = {path.name.partition("-")[0] for path in packages.iterdir()}
    blocks = sum(path.lstat().st_blocks for path in prefix.rglob("*"))

    assert {"shim", "keyring", "secretstorage", "cryptography"} < names
    assert names & unused_userinfo == set()
    assert [*packages.rglob("*.pyi"), *packages.rglob("tests"), *packages.rglob("*.opt-*")] == []
    assert blocks * 512 < ROOM_MB << 20
    again = run(home, *flags, PATH=path)
    assert again.stdout.startswith("nothing changed"), again.stdout
    assert (prefix / "venv").stat().st_ino == made


def install_quickly(home: Path, wheels: Path, prefix: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    return quickly(home, "--wheels", wheels, "--prefix", prefix, "--no-modify-path", *flags)


@pytest.mark.parametrize("damage", ["a module of ours", "a changed module", "a dependency's module"])
def test_a_damaged_environment_is_repaired_by_running_it_again(damage: str, home: Path, wheels: Path, tmp_path: Path) -> None:
    prefix = tmp_path / "prefix"
    assert install_quickly(home, wheels, prefix).returncode == 0
    (site,) = (prefix / "venv" / "lib").glob("python3*/site-packages")
    module = site / ("keyring/core.py" if damage == "a dependency's module" else "shim/cli/status.py")
    before = module.read_bytes()
    if damage == "a changed module":
        module.write_bytes(before + b"# changed\n")
    else:
        module.unlink()
    assert install_quickly(home, wheels, prefix).returncode == 0

    assert module.read_bytes() == before


def test_force_installs_again_what_has_not_changed(home: Path, wheels: Path, tmp_path: Path) -> None:
    prefix = tmp_path / "prefix"
    assert install_quickly(home, wheels, prefix).returncode == 0
    first = (prefix / "venv").stat().st_ino
    assert install_quickly(home, wheels, prefix).returncode == 0
    assert (prefix / "venv").stat().st_ino == first
    assert install_quickly(home, wheels, prefix, "--force").returncode == 0
    assert (prefix / "venv").stat().st_ino != first


def test_a_missing_wheel_is_named_with_the_python_that_it_is_for(home: Path, wheels: Path, tmp_path: Path) -> None:
    fewer = tmp_path / "fewer wheels"
    fewer.mkdir()
    for wheel in wheels.glob("*.whl"):
        if not wheel.name.startswith("filelock-"):
            shutil.copy(wheel, fewer)
    result = run(home, "--wheels", fewer, "--prefix", tmp_path / "p", "--no-modify-path")

    assert_one_message(result, "there is no wheel of filelock")
    assert f"for Python 3.{PYTHON_MINOR} on linux" in result.stderr
    command = result.stderr.partition("depends on: ")[2].strip()
    followed = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, timeout=300)
    assert followed.returncode == 0, followed.stderr
    assert run(home, "--wheels", fewer, "--prefix", tmp_path / "p", "--no-modify-path").returncode == 0, "the hint, followed"


@pytest.mark.parametrize("index", ["https://nobody.invalid/simple/", "http://127.0.0.1:9/simple/"])
def test_without_a_network_it_says_so_in_one_line_and_in_seconds(index: str, home: Path, tmp_path: Path) -> None:
    began = time.monotonic()
    offline = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": index, "UV_DEFAULT_INDEX": index, "UV_NO_CONFIG": "1"}
    result = run(home, "--prefix", tmp_path / "p", "--no-modify-path", PIP_NO_CACHE_DIR="1", **offline)

    assert_one_message(result, "the package index cannot be reached: ")
    assert index.partition("://")[2].partition("/")[0].partition(":")[0] in result.stderr
    assert time.monotonic() - began < 60, "seconds, on a machine that has nothing else to do"


@machine.endpoints(machine.lacks_programs("zsh"))
def test_zsh_can_run_it_too(home: Path, wheels: Path, tmp_path: Path) -> None:
    command = ["zsh", str(SCRIPT), "--wheels", str(wheels), "--prefix", str(tmp_path / "p q"), "--no-modify-path"]
    result = subprocess.run(command, env={"HOME": str(home), "PATH": TOOLS_PATH}, capture_output=True, text=True, check=False, timeout=300)

    assert result.returncode == 0, result.stderr
    assert (tmp_path / "p q" / "shims" / "shim").exists()


def test_it_ends_with_what_to_do_next_which_can_be_done(home: Path, wheels: Path, tmp_path: Path) -> None:
    prefix = tmp_path / "prefix"
    last = install_quickly(home, wheels, prefix).stdout.splitlines()[-1]
    assert last.startswith("next: eval ")
    assert last.endswith("shim setup")
    environ = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    line = last.removeprefix("next: ") + " https://pypi.corp.example/simple/ --yes"
    done = subprocess.run(["bash", "-c", line], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (home / ".config" / "shim" / "config.toml").exists()
    assert install_quickly(home, wheels, prefix).stdout.splitlines()[-1].endswith("shim status")
    with_rc = quickly(home, "--wheels", wheels, "--prefix", prefix).stdout.splitlines()[-1]
    assert with_rc == "next: open a new shell, then type: shim status"


@pytest.mark.skipif(not (toolchains.ROOT / ".git").exists(), reason="this is no checkout")
def test_the_version_of_an_unreleased_build_names_its_commit(prefix: Path) -> None:
    commit = subprocess.run(
        ["git", "-c", "safe.directory=*", "rev-parse", "--short", "HEAD"], cwd=toolchains.ROOT, capture_output=True, text=True, check=True
    )
    version = subprocess.run([prefix / "shims" / "shim", "--version"], capture_output=True, text=True, check=True)

    assert version.stdout == f"shim {__version__} ({commit.stdout.strip()})\n"


@pytest.mark.parametrize("place", ["root", "home"])
def test_a_python_that_pyenv_keeps_is_found_where_none_on_path_is_new_enough(place: str, home: Path, tmp_path: Path) -> None:
    """The script's own functions, of which one is played: no Python but pyenv's is new enough."""
    base = tmp_path / "pyenv" if place == "root" else home / ".pyenv"
    python = base / "versions" / "3.12.1" / "bin" / "python3"
    python.parent.mkdir(parents=True)
    python.symlink_to(toolchains.python_for())
    functions = SCRIPT.read_text().partition("\nis_new_enough()")[2].partition("\n# What decides whether")[0]
    text = f'is_new_enough(){functions}\nis_new_enough() {{ case $1 in */versions/*) ;; *) return 1 ;; esac; }}\nsystem= python=\nfind_python\necho "$python"'
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(home)} | ({"PYENV_ROOT": str(base)} if place == "root" else {})

    assert subprocess.run(["sh", "-c", text], env=environ, capture_output=True, text=True, check=True).stdout == f"{python}\n"
