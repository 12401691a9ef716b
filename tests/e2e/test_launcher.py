"""Launchers: whom they find, whom they never find, and what they do when everything of ours is gone."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from shim.tools import TOOLS
from tests.support import machine, toolchains
from tests.support.hints import follows
from tests.support.world import World

SHELLS = [
    pytest.param([f"/bin/{name}", *options], marks=machine.endpoints(machine.lacks_programs(name)), id=" ".join([name, *options]))
    for name, *options in (["dash"], ["bash", "-p"], ["bash", "--posix"], ["busybox", "sh"])
]


def tool(folder: Path, name: str, text: str = 'echo "real $0 $*"') -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def on_path(world: World, *folders: Path | str) -> None:
    world.environ["PATH"] = ":".join(map(str, folders)) + ":/usr/bin:/bin"


@pytest.fixture
def shims(world: World) -> Path:
    return world.prefix / "shims"


@pytest.fixture
def real(world: World) -> Path:
    return tool(world.folder / "real", "uv").parent


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("line", ["uv --version", "uv pip freeze", "uv sync --offline"])
def test_every_posix_shell_can_run_it(shell: list[str], line: str, world: World, shims: Path, real: Path) -> None:
    launcher = world.folder / "other" / "uv"
    launcher.parent.mkdir()
    text = (shims / "uv").read_text().partition("\n")[2]
    launcher.write_text(f"#!{' '.join(shell)}\n{text}" if len(shell) < 3 else text)
    launcher.chmod(0o755)
    on_path(world, launcher.parent, real)
    result = world.run(*line.split())

    assert result.stdout == f"real {real}/uv {line.partition(' ')[2]}\n", result.stderr


@pytest.mark.parametrize(
    "order", ["shims copy real", "copy shims real", "shims link real", "link shims real", "shims shims real", "shims/ shims real"]
)
def test_no_copy_or_link_of_ours_is_ever_the_target(order: str, world: World, shims: Path, real: Path) -> None:
    copy, link = world.folder / "copy", world.folder / "link"
    shutil.copytree(shims, copy)
    link.symlink_to(shims)
    places = {"shims": shims, "shims/": f"{shims}/", "copy": copy, "link": link, "real": real}
    on_path(world, *(places[name] for name in order.split()))
    for line in ("uv --version", "uv sync --offline"):
        result = world.run(*line.split())

        assert result.stdout.startswith(f"real {real}/uv "), result.stderr


@pytest.mark.parametrize("kind", ["a folder", "not executable", "a dangling link"])
def test_what_is_no_program_is_passed_over(kind: str, world: World, shims: Path, real: Path) -> None:
    folder = world.folder / "odd"
    folder.mkdir()
    if kind == "a folder":
        (folder / "uv").mkdir()
    elif kind == "not executable":
        (folder / "uv").write_text("#!/bin/sh\n")
    else:
        (folder / "uv").symlink_to("/nonexistent")
    on_path(world, shims, folder, real)

    assert world.run("uv", "--version").stdout.startswith(f"real {real}/uv")


@pytest.mark.parametrize("entry", ["", ".", "sub dir", "../cwd"])
def test_relative_and_empty_entries_are_found_as_a_shell_finds_them(entry: str, world: World, shims: Path) -> None:
    tool(world.cwd / entry if entry else world.cwd, "uv")
    world.environ["PATH"] = f"{shims}:{entry}:/usr/bin:/bin"

    assert world.run("uv", "--version").stdout.startswith("real ")


def test_an_empty_entry_at_the_end_counts(world: World, shims: Path) -> None:
    tool(world.cwd, "uv")
    world.environ["PATH"] = f"/usr/bin:/bin:{shims}:"

    assert world.run("uv", "--version").stdout.startswith("real ")


#: Shims of others, each in the way that a well-known one has: what it takes off PATH, and how it hands over.
OTHERS = {
    "by its folder, as asdf": 'PATH=$(printf %s "$PATH" | sed "s#$(dirname "$0"):##"); exec "$(basename "$0")" "$@"',
    "a supervisor, as volta": 'PATH=$(printf %s "$PATH" | sed "s#$(dirname "$0"):##"); "$(basename "$0")" "$@"; exit $?',
    "by its own file, as mise": 'for place in $(printf %s "$PATH" | tr : " "); do [ "$place/uv" -ef "$0" ] || [ ! -x "$place/uv" ] || exec "$place/uv" "$@"; done',
    "by a supervisor's search, as pyenv": 'PATH=$(printf %s "$PATH" | sed "s#$(dirname "$0"):##g"); program=$(command -v uv); "$program" "$@"; exit $?',
}


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("order", ["shims other real", "other shims real", "link other shims real"])
def test_a_second_launcher_of_another_kind_never_loops(other: str, order: str, world: World, shims: Path, real: Path) -> None:
    """Such a shim skips only itself and finds us again, as pyenv does for its `system` version."""
    places = {"shims": shims, "real": real, "link": world.folder / "link"}
    places["link"].symlink_to(shims)
    places["other"] = tool(world.folder / "other", "uv", OTHERS[other]).parent
    on_path(world, *(places[name] for name in order.split()))
    for line in ("uv --version", "uv sync --offline"):
        result = world.run(*line.split(), timeout=30)

        assert result.stdout.startswith(f"real {real}/uv"), result.stderr
        assert result.returncode == 0


def test_a_wrapper_that_always_calls_us_ends_with_one_message(world: World, shims: Path) -> None:
    wrapper = tool(world.folder / "wrapper", "uv", f'_SHIM_LAST= exec {shims}/uv "$@"').parent
    on_path(world, shims, wrapper)
    result = world.run("uv", "--version", timeout=30)

    assert result.returncode == 126
    assert result.stderr.startswith("shim: error[loop]:")


@machine.endpoints("" if shutil.which("pyenv") else "no pyenv on PATH: https://github.com/pyenv/pyenv#installation")
@pytest.mark.parametrize("version", ["system", "3.11.7"])
@pytest.mark.parametrize("order", ["ours first", "pyenv first"])
def test_pyenv_in_front_and_behind_ends_at_the_right_pip(version: str, order: str, world: World, shims: Path) -> None:
    root = Path(subprocess.run(["pyenv", "root"], capture_output=True, text=True, check=True).stdout.strip())
    if version != "system" and not (root / "versions" / version).exists():
        pytest.skip(f"pyenv has no {version} here: pyenv install {version}")
    on_path(world, *((shims, root / "shims") if order == "ours first" else (root / "shims", shims)), root / "bin")
    world.environ |= {"PYENV_ROOT": str(root), "PYENV_VERSION": version}
    wrapped, bare = (world.run("pip", "--version", bare=bare, timeout=60) for bare in (False, True))
    world.environ["PATH"] = world.environ["PATH"].replace(f"{shims}:", "")
    bare = world.run("pip", "--version", timeout=60)

    assert wrapped.returncode == bare.returncode, wrapped.stderr
    assert wrapped.stdout == bare.stdout


def test_nested_commands_find_the_right_tool_and_do_not_run_out_of_depth(world: World, shims: Path) -> None:
    tool(world.folder / "real", "uv", '[ "$1" = deep ] || exit 0\nshift\nexec uv "$@"')
    on_path(world, shims, world.folder / "real")

    assert world.run("uv", *["deep"] * 30).returncode == 0


@pytest.mark.parametrize("version", ["0.5.31", "newest"])
def test_a_child_of_uv_that_runs_uv_finds_the_launcher_at_any_depth(version: str, world: World) -> None:
    """What runs is another command each time, so nothing has led back to us."""
    (world.folder / "real").mkdir()
    (world.folder / "real" / "uv").symlink_to(toolchains.uv(version).path)  # without the Python beside it, whose folder uv puts first
    on_path(world, world.prefix / "shims", world.folder / "real")
    command = 'echo "$(command -v uv) ${_SHIM_DEPTH-}"'
    for _ in range(4):
        command = f"uv run --no-project sh -c {shlex.quote(command)}"
    result = world.run("sh", "-c", command)

    assert result.stdout == f"{world.prefix}/shims/uv \n", result.stderr


@pytest.mark.parametrize("starts", ["", "exec "])
@pytest.mark.parametrize("bypass", ["", "1"])
def test_a_child_with_words_of_the_same_lengths_gets_the_same_tool(bypass: str, starts: str, world: World, shims: Path) -> None:
    """`uv run a.py` that runs `uv run b.py`, which runs `uv run b.py` elsewhere, beside a second uv: nothing has led back to us."""
    again = f'{starts}uv "$1" "$2" b'
    script = f'if [ "$3" = a ]; then {again}; elif [ "$PWD" != / ]; then cd / && {again}; else echo "real $0"; fi'
    real = tool(world.folder / "real", "uv", script)
    on_path(world, shims, real.parent, tool(world.folder / "second", "uv").parent)

    assert world.run("uv", "run", "--offline", "a", SHIM_BYPASS=bypass).stdout == f"real {real}\n"


@pytest.mark.parametrize("other", OTHERS)
def test_a_shim_of_another_kind_is_passed_over_and_the_real_tools_children_find_us(other: str, world: World, shims: Path) -> None:
    """At each level the other shim leads back to us, and the real tool runs the next command."""
    tool(world.folder / "real", "uv", '[ "$1" = deep ] || exec sh -c "command -v uv"\nshift\nuv "$@"')
    on_path(world, shims, tool(world.folder / "other", "uv", OTHERS[other]).parent, world.folder / "real")
    result = world.run("uv", "deep", "deep", "deep", "end", timeout=60)

    assert (result.returncode, result.stdout) == (0, f"{shims}/uv\n"), result.stderr


@pytest.mark.parametrize("change", ["--added {}", "{} --added", "{}"])
@pytest.mark.parametrize("words", ["", "sync", "pip install a"])
def test_a_wrapper_that_finds_us_again_with_words_of_its_own_is_passed_over(
    change: str, words: str, world: World, shims: Path, real: Path
) -> None:
    wrapper = tool(world.folder / "wrapper", "uv", f"exec {shims}/uv {change.format(chr(34) + '$@' + chr(34))}").parent
    on_path(world, shims, wrapper, real)
    result = world.run("uv", *words.split(), "--offline", timeout=60)

    assert result.stdout.startswith(f"real {real}/uv "), result.stderr


def test_bypass_runs_the_target_even_when_our_python_is_gone(world: World, shims: Path, real: Path) -> None:
    broken = without_python(world, shims)
    on_path(world, broken, real)
    result = world.run("uv", "sync", SHIM_BYPASS="1")

    assert (result.stdout, result.stderr) == (f"real {real}/uv sync\n", "")


def without_python(world: World, shims: Path) -> Path:
    """Return a copy of the launchers whose Python has vanished."""
    broken = world.folder / "broken"
    shutil.copytree(shims, broken)
    for launcher in broken.iterdir():
        lines = [
            ("_shim_python=/nonexistent/python" if line.startswith("_shim_python=") else line) for line in launcher.read_text().split("\n")
        ]
        launcher.write_text("\n".join(lines))
    return broken


def test_without_our_python_the_tool_runs_with_one_warning(world: World, shims: Path, real: Path) -> None:
    on_path(world, without_python(world, shims), real)
    result = world.run("uv", "sync")

    assert result.stdout == f"real {real}/uv sync\n"
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("shim: warning[no-interpreter]:")


@pytest.mark.parametrize(
    ("verb", "status"), [("install x", 77), ("download x", 77), ("list -o", 77), ("freeze", 0), ("--version", 0), ("config list", 0)]
)
def test_without_our_python_pip_is_stopped_where_a_private_index_is_configured(verb: str, status: int, world: World, shims: Path) -> None:
    tool(world.folder / "real", "pip")
    on_path(world, without_python(world, shims), world.folder / "real")
    world.configure('# comment\n  [[index]]\nurl = "https://pypi.corp.example/simple/"\n')
    result = world.run("pip", *verb.split())

    assert result.returncode == status
    assert ("error[no-interpreter]" in result.stderr) == (status == 77)


def test_without_our_python_and_without_a_private_index_pip_runs(world: World, shims: Path) -> None:
    tool(world.folder / "real", "pip")
    on_path(world, without_python(world, shims), world.folder / "real")
    world.configure('channel = "auto"\n')

    assert world.run("pip", "install", "x").returncode == 0


def test_the_shim_command_without_its_python_says_how_to_repair_it(world: World, shims: Path) -> None:
    on_path(world, without_python(world, shims))
    result = world.run("shim", "status")

    assert result.returncode == 126
    assert "install.sh" in result.stderr


def test_a_tool_that_is_not_installed_is_not_found_and_has_no_launcher(world: World, shims: Path) -> None:
    result = world.shim("install", "--shims", world.folder / "mine" / "shims", PATH=f"{shims}:/nonexistent")

    assert result.returncode == 0, result.stderr
    assert os.listdir(world.folder / "mine" / "shims") == ["shim"]


@pytest.mark.parametrize("shell", ["bash", "dash", "zsh", "fish", "busybox sh", "sh"])
def test_a_launcher_without_a_tool_ends_as_if_it_were_not_there(shell: str, world: World, shims: Path) -> None:
    """In the words of the shell that asked, but for the line's number, which it does not tell."""
    machine.skip_without(machine.lacks_programs(shell.partition(" ")[0]))
    status = "$status" if shell == "fish" else "$?"
    empty = world.folder / "empty"
    copy = world.folder / "copy"
    for folder in (empty, copy):
        folder.mkdir()
    shutil.copy(shims / "uv", copy / "poetry")
    words = [*shlex.split(shell), "-c", f"poetry install; echo {status}"]
    found = [world.run(*words, PATH=f"{folder}:/usr/bin:/bin") for folder in (copy, empty)]
    said = [re.sub(r":( line)? ?\d+:", ":", one.stderr.partition("\n")[0]) for one in found]

    assert said[0] == said[1] != ""
    assert [one.stdout for one in found] == ["127\n"] * 2


def test_a_launcher_without_a_tool_is_told_apart_by_shim_which(world: World, shims: Path) -> None:
    """`command -v` finds it; programs that look whether it runs (pipx, nox) see that it does not."""
    copy = world.folder / "copy"
    copy.mkdir()
    shutil.copy(shims / "uv", copy / "poetry")
    on_path(world, copy, shims)

    assert world.run("sh", "-c", "command -v poetry").stdout == f"{copy}/poetry\n"
    assert world.run("python3", "-c", "import subprocess; print(subprocess.call(['poetry', '--version']))").stdout == "127\n"
    assert (world.shim("which", "poetry").returncode, world.shim("which", "poetry").stdout) == (127, "")


def test_all_launchers_wait_for_tools_that_come_later(world: World, shims: Path, real: Path) -> None:
    folder = world.folder / "mine" / "shims"
    on_path(world, shims, real)
    first = world.shim("install", "--all", "--shims", folder)
    names = sorted(os.listdir(folder))
    again = world.shim("install", "--all", "--shims", folder)
    on_path(world, folder, real)
    doctor = world.shim("doctor", "--offline")
    mended = world.shim("doctor", "--offline", "--fix")
    later = tool(world.folder / "later", "poetry")
    on_path(world, folder, real, later.parent)
    served = world.run("sh", "-c", "poetry --version", SHIM_DEBUG="")
    on_path(world, folder, real)
    undone = world.shim("install", "--shims", folder)

    assert first.returncode == 0, first.stderr
    assert set(TOOLS) | {"shim"} <= set(names)
    assert "nothing changed" in again.stdout
    assert "poetry" not in doctor.stdout + mended.stderr
    assert served.stdout == f"real {later} --version\n"
    assert f"removed {folder}/poetry (no such tool on PATH)\n" in undone.stdout
    assert {"uv", "shim"} <= set(os.listdir(folder))
    assert not set(os.listdir(folder)) & {"poetry", "pdm", "tox"} - {name for name in TOOLS if shutil.which(name, path="/usr/bin:/bin")}


@follows("shim install --all")
def test_all_and_some_is_one_message(world: World) -> None:
    folder = world.folder / "mine" / "shims"
    refused = world.shim("install", "--all", "--shims", folder, "uv")
    assert (refused.returncode, folder.exists()) == (64, False)
    assert "hint: shim install --all\n" in refused.stderr
    followed = world.shim("install", "--all", "--shims", folder)

    assert followed.returncode == 0
    assert (folder / "poetry").exists()


def test_which_tells_the_target(world: World, shims: Path, real: Path) -> None:
    on_path(world, shims, real)

    assert world.shim("which", "uv").stdout == f"{real}/uv\n"
    assert world.shim("which", "pipenv").returncode == 127


def asked_as(world: World, shims: Path, folder: Path) -> Path:
    """Return a folder with a `uv` launcher whose Python only says what it was given: TARGET SELF IGNORED."""
    hot = world.folder / "tell.py"
    hot.write_text("import sys\nprint(*sys.argv[3:6])\n")
    folder.mkdir(parents=True, exist_ok=True)
    lines = [(f"_shim_hot='{hot}'" if line.startswith("_shim_hot=") else line) for line in (shims / "uv").read_text().split("\n")]
    (folder / "uv").write_text("\n".join(lines))
    (folder / "uv").chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("entry", "command"), [("here", "uv"), ("./here", "uv"), ("", "uv"), ("{real}", "./uv"), ("{real}", "sh uv"), ("{real}", "bash uv")]
)
def test_the_launcher_names_itself_by_an_absolute_path_however_it_was_started(
    entry: str, command: str, world: World, shims: Path, real: Path
) -> None:
    """Started as `sh uv`, it must take the file beside it for itself and not the real uv."""
    folder = asked_as(world, shims, world.cwd / ("here" if "here" in entry else ""))
    world.environ["PATH"] = f"{entry.format(real=real)}:{real}:/usr/bin:/bin"
    target, launcher, _ = world.run(*command.split(), "sync").stdout.split()

    assert target == f"{real}/uv"
    assert os.path.isabs(launcher)
    assert os.path.samefile(launcher, folder / "uv")


@pytest.mark.parametrize(("before", "ignored"), [("trap '' PIPE", "1"), ("trap '' TERM", "0"), (":", "0")])
@pytest.mark.parametrize("shell", ["#!/bin/sh", "#!/bin/bash -p"])
def test_the_launcher_sees_whether_sigpipe_was_ignored(
    shell: str, before: str, ignored: str, world: World, shims: Path, real: Path
) -> None:
    folder = asked_as(world, shims, world.folder / "a) b")
    (folder / "uv").write_text(shell + "\n" + (folder / "uv").read_text().partition("\n")[2])
    on_path(world, folder, real)
    # What is measured is the shell's own doing: Python hands an ignored SIGPIPE down to what it starts.
    command = f"{before}; exec uv sync"
    result = world.run(
        "python3",
        "-c",
        "import os, signal, sys; signal.signal(signal.SIGPIPE, signal.SIG_DFL); os.execvp('sh', ['sh', '-c', sys.argv[1]])",
        command,
    )

    assert result.stdout.split()[-1] == ignored, result.stderr


@pytest.mark.parametrize("line", ["uv --version", "uv sync --offline"])
def test_a_program_without_a_first_line_runs_as_in_a_shell(line: str, world: World, shims: Path) -> None:
    path = tool(world.folder / "real", "uv")
    path.write_text('echo "real $0 $*"\n')
    on_path(world, shims, path.parent)

    assert world.run(*line.split()).stdout == f"real {path} {line.partition(' ')[2]}\n"


@pytest.mark.parametrize("depth", ["", "08", "x", "-1", "9" * 20])
def test_a_counter_of_somebody_elses_making_is_none(depth: str, world: World, shims: Path, real: Path) -> None:
    on_path(world, shims, real)
    result = world.run("uv", "--version", _SHIM_DEPTH=depth)

    assert (result.stdout, result.stderr) == (f"real {real}/uv --version\n", "")


def test_launchers_that_cannot_be_removed_are_named(world: World, shims: Path) -> None:
    fixed = shutil.copytree(shims, world.folder / "fixed")
    uninstall = ["shim", "uninstall", "--shims", fixed]
    if os.geteuid() == 0:  # whom only a file system that is mounted read-only stops
        machine.skip_without(machine.lacks_mounts())
        script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
        result = world.run("unshare", "--mount", "sh", "-c", script, fixed, *uninstall)
    else:
        fixed.chmod(0o500)
        result = world.run(*uninstall)
        fixed.chmod(0o700)

    assert result.returncode == 74
    assert result.stderr.startswith("shim: error[cannot-store]:")
    assert "cannot be removed" in result.stderr


def test_launchers_are_dash_clean(shims: Path) -> None:
    for launcher in shims.iterdir():
        subprocess.run(["/bin/dash", "-n", launcher], check=True)


def test_real_tools_of_the_machine_are_found(world: World) -> None:
    world.use(toolchains.uv())

    assert world.run("uv", "--version").stdout.startswith(f"uv {toolchains.uv().version}")
