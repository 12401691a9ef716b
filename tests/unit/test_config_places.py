"""The configuration lies in the same places on every system, and what lies where it was before is named. macOS is played: the tests run on
Linux, in an interpreter that is told it were another system.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from shim.config import former_places, policy
from shim.config.settings import config_files
from shim.core.host import Host
from shim.install.launchers import render_launcher
from tests.support.following import INDEX
from tests.support.hints import follows

FORMER = Path("Library", "Application Support", "shim")


def run_as(platform: str, home: Path, program: str, **environ: str) -> str:
    """Run a program of Python that is told that the system is called so; returns what it prints."""
    told = f"import sys; sys.platform = {platform!r}; from shim.core.host import this_host; host = this_host()\n{program}"
    variables = {"HOME": str(home), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[2]), **environ}
    return subprocess.run([sys.executable, "-c", told], check=True, text=True, capture_output=True, env=variables, cwd="/").stdout


@pytest.mark.parametrize("environ", [{}, {"XDG_CONFIG_HOME": "/elsewhere"}, {"XDG_CONFIG_HOME": "relative"}])
@pytest.mark.parametrize("platform", ["linux", "darwin", "freebsd14"])
def test_it_lies_below_config_on_every_system(platform: str, environ: dict[str, str], tmp_path: Path) -> None:
    program = "from shim.config import policy, settings; print(*settings.config_files(host), policy.policy_file(), sep='\\n')"
    user = "/elsewhere" if environ.get("XDG_CONFIG_HOME") == "/elsewhere" else f"{tmp_path}/.config"

    assert run_as(platform, tmp_path, program, **environ).split() == [
        f"{user}/shim/config.toml",
        "/etc/xdg/shim/config.toml",
        "/etc/xdg/shim/policy.toml",
    ]


CONFIGURED = [
    ("HOME", ".config/shim/config.toml", {}),
    ("HOME", ".config/shim/config.d/corp.toml", {}),
    ("HOME", ".config/shim/config.toml", {"XDG_CONFIG_HOME": "relative"}),
    ("XDG", "shim/config.toml", {"XDG_CONFIG_HOME": "{XDG}"}),
    ("XDG", "shim/config.d/corp.toml", {"XDG_CONFIG_HOME": "{XDG}"}),
    ("XDG", "own.toml", {"SHIM_CONFIG_FILE": "{XDG}/own.toml"}),
    ("HOME", "own.toml", {"SHIM_CONFIG_FILE": "~/own.toml"}),
]


@pytest.mark.parametrize("text", [INDEX, 'index = [{ url = "https://pypi.corp.example/simple/" }]\n'])
@pytest.mark.parametrize(("base", "name", "environ"), CONFIGURED)
def test_a_launcher_without_its_python_looks_where_the_code_looks(
    base: str, name: str, environ: dict[str, str], text: str, tmp_path: Path
) -> None:
    folders = {"HOME": tmp_path / "home", "XDG": tmp_path / "xdg"}
    file = folders[base] / name
    variables = {key: value.format(**folders) for key, value in environ.items()} | {"HOME": str(folders["HOME"])}
    install = install_broken_launcher(tmp_path)
    file.parent.mkdir(parents=True)
    before = install(variables).returncode
    file.write_text(text)

    assert str(file) in config_files(Host(variables, "/"))
    assert (before, install(variables).returncode) == (0, 77)


def install_broken_launcher(folder: Path):  # type: ignore[no-untyped-def]
    """Put a launcher whose Python is gone before a `pip`; returns what runs `pip install x`."""
    for name, text in {
        "shims": re.sub("(?m)^_shim_python=.*$", "_shim_python=/nonexistent", render_launcher()),
        "real": "#!/bin/sh\n",
    }.items():
        (folder / name).mkdir()
        (folder / name / "pip").write_text(text)
        (folder / name / "pip").chmod(0o755)
    path = f"{folder}/shims:{folder}/real:/usr/bin:/bin"
    return lambda variables: subprocess.run(
        ["pip", "install", "x"], env={**variables, "PATH": path}, executable=folder / "shims" / "pip", capture_output=True, cwd="/", check=False
    )


def test_a_launcher_without_its_python_knows_the_machines_places_and_the_former_ones(tmp_path: Path) -> None:
    """Where the tests may not write: what is looked for is read from the launcher."""
    text = render_launcher()
    install = install_broken_launcher(tmp_path)
    file = tmp_path / FORMER / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(INDEX)

    assert Path(policy.policy_file()).parents[1] == Path("/etc/xdg")
    assert "set -- /etc/xdg " in text
    assert f"'/{former_places.FORMER.removesuffix('/shim')}'" in text
    assert install({"HOME": str(tmp_path)}).returncode == 77


MISSED = """
from shim.config.mentions import is_mentioned
from shim.config.settings import load_settings
from shim.core.errors import ConfigError
print(is_mentioned(host))
try:
    print(*(index.name for index in load_settings(host).indexes))
except ConfigError as error:
    print(error.hint)
"""


@follows("mkdir -p {} && mv {} {}{}")
@pytest.mark.parametrize("name", ["config.toml", "config.d/corp.toml"])
def test_what_would_be_missed_is_named_and_the_hint_moves_it(name: str, tmp_path: Path) -> None:
    file = tmp_path / FORMER / name
    file.parent.mkdir(parents=True)
    file.write_text(f'{INDEX}packages = ["corp-*"]\n')
    is_mentioned, hint = run_as("darwin", tmp_path, MISSED).splitlines()
    subprocess.run(hint, shell=True, check=True)

    assert is_mentioned == "True"
    assert run_as("darwin", tmp_path, MISSED).splitlines() == ["True", "corp"]
    assert not file.exists()


@follows("mv {} {}")
def test_doctor_names_what_is_left_and_counts_no_more(tmp_path: Path) -> None:
    for folder in (tmp_path / FORMER, tmp_path / ".config" / "shim"):
        folder.mkdir(parents=True)
        (folder / "config.toml").write_text(INDEX)
    find = "from shim.cli.doctor import storage; print(*(one.command for one in storage.find(host) if 'Library' in one.where), sep='\\n')"
    (hint,) = run_as("darwin", tmp_path, find).splitlines()
    subprocess.run(hint, shell=True, check=True)

    assert run_as("darwin", tmp_path, find).split() == []
    assert run_as("linux", tmp_path, find).split() == []


def test_a_policy_that_root_left_in_the_former_place_stops_what_needs_a_credential(tmp_path: Path) -> None:
    """Without it all would be allowed. The place is root's, so the test has one of its own."""
    program = f"from shim.config import former_places; former_places.FORMER = {str(tmp_path)[1:]!r}\n{MISSED}"
    (tmp_path / "policy.toml").write_text('index-strategy = "first-index"\n')

    assert run_as("darwin", tmp_path / "home", program).splitlines() == [
        "True",
        f"mkdir -p /etc/xdg/shim && mv {tmp_path}/policy.toml /etc/xdg/shim, as root",
    ]
