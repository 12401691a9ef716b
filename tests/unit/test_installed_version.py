import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from shim.core.host import Host
from shim.tools.installed_version import find_interpreter, find_release, parse_version
from tests.support import toolchains

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write a file below the test's folder, executable if it has a `#!` line; return its path."""

    def write(path: str, text: str = "") -> Path:
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        if text.startswith("#!"):
            target.chmod(0o755)
        return target

    return write


def make_environment(make: Make, name: str = "venv", pip: str = "23.2.1", settings: str = "version = 3.9.18\n") -> Path:
    """Make what files show of a virtual environment with a pip in it; return its folder."""
    config = make(f"{name}/pyvenv.cfg", settings)
    python = make(f"{name}/bin/python", "#!/bin/sh\n")
    make(f"{name}/bin/pip", f"#!{python}\n")
    make(f"{name}/lib/python3.9/site-packages/pip-{pip}.dist-info/METADATA")
    return config.parent


def host(tmp_path: Path, **environ: str) -> Host:
    return Host(environ={"HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin", **environ}, cwd=str(tmp_path))


def test_a_real_virtual_environment_is_read_as_it_says_itself(tmp_path: Path) -> None:
    pip = toolchains.bundled_pip(Path(sys.executable)).path
    said = subprocess.run([pip, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    assert find_release(str(pip), "pip", host(tmp_path)) == (parse_version(said), sys.version_info[:2], str(pip.parents[1]))


def test_this_interpreter_is_read_as_it_says_itself() -> None:
    interpreter = find_interpreter(sys.executable)
    assert (interpreter.python, interpreter.prefix) == (sys.version_info[:2], sys.prefix)


@pytest.mark.parametrize(
    "launcher",
    [
        "#!{python}\n",
        "#!{python} -I\n",
        "#! {python}\n",
        "#!/bin/sh\n'''exec' {python} \"$0\" \"$@\"\n' '''\n",
        "#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\n",
        "#!/bin/sh\n'''exec' '{python}' \"$0\" \"$@\"\n' '''\n",
        "#!/bin/sh\n'''exec' \"$(dirname -- \"$(realpath -- \"$0\")\")\"/'python' \"$0\" \"$@\"\n' '''\n",
    ],
)
def test_every_kind_of_launcher_script_leads_to_its_environment(make: Make, tmp_path: Path, launcher: str) -> None:
    folder = make_environment(make)
    script = make("venv/bin/pip", launcher.format(python=folder / "bin" / "python"))
    assert find_release(str(script), "pip", host(tmp_path)) == ((23, 2, 1), (3, 9), str(folder))


@pytest.mark.parametrize("words", ["python", "-S python -I"])
def test_env_finds_the_first_python_on_path(make: Make, tmp_path: Path, words: str) -> None:
    folder = make_environment(make)
    script = make("elsewhere/pip", f"#!/usr/bin/env {words}\n")
    path = f"{tmp_path}/nothing:{folder}/bin"
    assert find_release(str(script), "pip", host(tmp_path, PATH=path)) == ((23, 2, 1), (3, 9), str(folder))


def test_a_link_to_a_script_leads_to_the_same_environment(make: Make, tmp_path: Path) -> None:
    folder = make_environment(make)
    link = tmp_path / "pip"
    link.symlink_to(folder / "bin" / "pip")
    assert find_release(str(link), "pip", host(tmp_path)) == ((23, 2, 1), (3, 9), str(folder))


@pytest.mark.parametrize("key", ["version", "version_info"])
@pytest.mark.parametrize("value", ["3.9.18", "3.9.18.final.0", "3.9"])
def test_the_interpreter_s_release_is_what_pyvenv_cfg_says(make: Make, tmp_path: Path, key: str, value: str) -> None:
    folder = make_environment(make, settings=f"home = /nowhere/bin\n{key.upper()} = {value}\n")
    assert find_release(f"{folder}/bin/pip", "pip", host(tmp_path))[1] == (3, 9)


def test_an_isolated_environment_never_looks_in_the_user_s_folder(make: Make, tmp_path: Path) -> None:
    folder = make_environment(make)
    make("home/.local/lib/python3.9/site-packages/pip-99.0.dist-info/METADATA")
    assert find_release(f"{folder}/bin/pip", "pip", host(tmp_path))[0] == (23, 2, 1)


def test_an_environment_that_sees_the_system_finds_its_own_pip_then_other_ones(make: Make, tmp_path: Path) -> None:
    settings = f"home = {tmp_path}/base/bin\nversion = 3.9.1\ninclude-system-site-packages = true\n"
    folder = make_environment(make, settings=settings)
    pip = f"{folder}/bin/pip"
    own = folder / "lib/python3.9/site-packages/pip-23.2.1.dist-info"
    user = make("home/.local/lib/python3.9/site-packages/pip-22.0.dist-info/METADATA").parent
    make("base/lib/python3.9/site-packages/pip-21.0.dist-info/METADATA")
    assert find_release(pip, "pip", host(tmp_path))[0] == (23, 2, 1)
    own.rename(folder / "away")
    assert find_release(pip, "pip", host(tmp_path))[0] == (22, 0)
    assert find_release(pip, "pip", host(tmp_path, PYTHONNOUSERSITE="1"))[0] == (21, 0)
    user.rename(tmp_path / "away")
    assert find_release(pip, "pip", host(tmp_path))[0] == (21, 0)


def make_installation(make: Make) -> Path:
    """Make what files show of a Python that is no virtual environment; return its pip."""
    python = make("usr/bin/python3.8", "#!/bin/sh\n")
    make("usr/lib/python3.8/dist-packages/pip-20.0.dist-info/METADATA")
    return make("usr/bin/pip", f"#!{python}\n")


def test_the_user_s_folder_comes_before_the_installation(make: Make, tmp_path: Path) -> None:
    pip = make_installation(make)
    assert find_release(str(pip), "pip", host(tmp_path)) == ((20, 0), (3, 8), str(tmp_path / "usr"))
    make("base/lib/python3.8/site-packages/pip-21.1.dist-info/METADATA")
    assert find_release(str(pip), "pip", host(tmp_path, PYTHONUSERBASE=str(tmp_path / "base")))[0] == (21, 1)


def test_pythonpath_comes_first_unless_the_script_says_otherwise(make: Make, tmp_path: Path) -> None:
    pip = make_installation(make)
    make("path/pip-19.0.dist-info/METADATA")
    world = host(tmp_path, PYTHONPATH=str(tmp_path / "path"))
    assert find_release(str(pip), "pip", world)[0] == (19, 0)
    pip.write_text(f"#!{tmp_path}/usr/bin/python3.8 -sE\n")
    assert find_release(str(pip), "pip", world)[0] == (20, 0)


def test_an_interpreter_without_a_release_in_its_name_has_that_of_its_only_library(make: Make, tmp_path: Path) -> None:
    make("usr/lib/python3.8/os.py")
    python = make("usr/bin/python3", "#!/bin/sh\n")
    assert find_interpreter(str(python)).python == (3, 8)
    make("usr/lib/python3.7/os.py")
    assert find_interpreter(str(python)).python is None


def test_a_binary_has_the_release_of_the_environment_it_stands_in(make: Make, tmp_path: Path) -> None:
    folder = make_environment(make)
    binary = make("venv/bin/uv", "\x7fELF")
    make("venv/lib/python3.9/site-packages/uv-0.9.30.dist-info/METADATA")
    assert find_release(str(binary), "uv", host(tmp_path)) == ((0, 9, 30), (3, 9), str(folder))
    link = tmp_path / "bin" / "uv"
    link.parent.mkdir()
    link.symlink_to(binary)
    assert find_release(str(link), "uv", host(tmp_path)) == ((0, 9, 30), (3, 9), str(folder))


@pytest.mark.parametrize("text", ["\x7fELF", '#!/bin/bash\nexec /opt/pip "$@"\n', "#!/usr/bin/env node\n", "", "#!"])
def test_what_cannot_be_told_is_none(make: Make, tmp_path: Path, text: str) -> None:
    assert find_release(str(make("bin/pip", text)), "pip", host(tmp_path)) == (None, None, None)


def test_a_missing_target_is_none(tmp_path: Path) -> None:
    assert find_release(str(tmp_path / "pip"), "pip", host(tmp_path)) == (None, None, None)


def test_two_releases_in_one_folder_are_no_answer(make: Make, tmp_path: Path) -> None:
    folder = make_environment(make)
    make("venv/lib/python3.9/site-packages/pip-99.0.dist-info/METADATA")
    assert find_release(f"{folder}/bin/pip", "pip", host(tmp_path)) == (None, (3, 9), str(folder))


def test_a_distribution_with_another_beginning_is_another_one(make: Make, tmp_path: Path) -> None:
    folder = make_environment(make)
    make("venv/lib/python3.9/site-packages/pip_tools-7.0.dist-info/METADATA")
    assert find_release(f"{folder}/bin/pip", "pip", host(tmp_path))[0] == (23, 2, 1)
    assert find_release(f"{folder}/bin/pip", "Pip.Tools", host(tmp_path))[0] == (7, 0)


PYENV_SHIM = '#!/usr/bin/env bash\nset -e\nprogram="${0##*/}"\nexec "/opt/libexec/pyenv" exec "$program" "$@"\n'


def make_pyenv(make: Make) -> Path:
    """Make a pyenv with two versions; return its pip shim."""
    for name in ("3.9.1", "3.9.2"):
        make_environment(make, f"pyenv/versions/{name}", pip=f"20.{name[-1]}")
    return make("pyenv/shims/pip", PYENV_SHIM)


def test_a_pyenv_shim_leads_where_pyenv_would_go(make: Make, tmp_path: Path) -> None:
    shim = str(make_pyenv(make))
    make("pyenv/version", "3.9.1\n")
    assert find_release(shim, "pip", host(tmp_path))[0] == (20, 1)
    make(".python-version", "# ours\n3.9.2\n")
    assert find_release(shim, "pip", Host({}, str(tmp_path / "below" / "this")))[0] == (20, 2)
    assert find_release(shim, "pip", host(tmp_path, PYENV_VERSION="system:3.9.1"))[0] == (20, 1)


def test_a_pyenv_shim_that_leads_to_the_system_is_none(make: Make, tmp_path: Path) -> None:
    assert find_release(str(make_pyenv(make)), "pip", host(tmp_path, PYENV_VERSION="system")) == (None, None, None)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("23.2.1", (23, 2, 1)), ("26.0b1", (26, 0)), ("1.0.post1", (1, 0)), ("x", ()), ("", ()), ("3.", (3,))],
)
def test_a_version_is_its_leading_numbers(text: str, numbers: tuple[int, ...]) -> None:
    assert parse_version(text) == numbers


def test_the_metadata_of_this_environment_agree(tmp_path: Path) -> None:
    script = tmp_path / "pytest"
    script.write_text(f"#!{sys.executable}\n")
    release = find_release(str(script), "pytest", Host(dict(os.environ), str(tmp_path)))
    assert release[0] == parse_version(version("pytest"))
