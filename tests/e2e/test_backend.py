"""`shim backend`: a real keyring backend in shim's own environment, found by the source `keyring`, kept over an upgrade."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex
from tests.support import machine, toolchains
from tests.support.hints import follows
from tests.support.toolchains import ROOT
from tests.support.world import CANARY, USER, World


@pytest.fixture
def own_prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation that this test may change, made with uv."""
    prefix = tmp_path_factory.mktemp("backend") / "prefix"
    install(prefix)
    return prefix


def install(prefix: Path, *flags: object, **environ: str) -> str:
    environ = {**os.environ, "PATH": f"{toolchains.uv().bin}:{os.environ['PATH']}", **environ}
    command = ["sh", str(ROOT / "install.sh"), "--prefix", str(prefix), "--no-modify-path"]
    command += map(str, flags)
    return subprocess.run(command, check=True, env=environ, timeout=300, text=True, capture_output=True).stdout


def install_again(prefix: Path, *flags: object, **environ: str) -> None:
    """Install as if another version had been installed."""
    stamp = prefix / "installed"
    stamp.write_text(stamp.read_text().replace("pip-uv-shim ", "pip-uv-shim 0", 1))
    install(prefix, *flags, **environ)


def backend(prefix: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PATH": f"{toolchains.uv().bin}:{os.environ['PATH']}", **environ}
    return subprocess.run(
        [str(prefix / "shims" / "shim"), "backend", *words], env=environ, timeout=300, text=True, capture_output=True, check=False, cwd="/"
    )


@follows("added are: {}")
def test_a_backend_is_added_used_kept_over_an_upgrade_and_removed(own_prefix: Path, world: World, index: PrivateIndex) -> None:
    assert backend(own_prefix, "list").stdout.count("keyrings") == 0
    added = backend(own_prefix, "add", "keyrings.alt>=5")
    assert added.returncode == 0, added.stderr
    assert "keyrings.alt>=5: keyring has keyrings.alt" in added.stdout

    shim = own_prefix / "shims" / "shim"
    world.environ |= {"PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring"}
    world.vaults.append(world.folder / "data" / "python_keyring")
    url = f"http://{index.netloc}/simple/"
    stored = world.run(shim, "login", url, "--user", USER, "--password-stdin", input=CANARY)
    assert stored.returncode == 0, stored.stderr
    assert world.run(shim, "token", url).stdout.strip() == CANARY

    install_again(own_prefix)
    names = [row["name"] for row in json.loads(backend(own_prefix, "list", "--json").stdout)["packages"]]
    assert "keyrings-alt" in names
    assert world.run(shim, "token", url).stdout.strip() == CANARY

    other = backend(own_prefix, "remove", "keyring")
    (name,) = re.findall("^hint: added are: (.*)$", other.stderr, re.MULTILINE)
    removed = backend(own_prefix, "remove", name)
    assert removed.stdout == "removed keyrings-alt\n"
    assert "keyrings-alt" not in backend(own_prefix, "list").stdout
    assert (own_prefix / "backends").read_text() == ""


@follows("its own message is above", "shim backend remove {}")
def test_what_cannot_be_added_or_brings_no_backend_is_put_right(own_prefix: Path) -> None:
    missing = backend(own_prefix, "add", "iniconfig==0.0.0.1")
    above, said, _ = missing.stderr.partition("shim: error[source-failed]")
    assert said
    assert "hint: its own message is above" in missing.stderr
    assert "iniconfig==0.0.0.1" in above

    useless = backend(own_prefix, "add", "iniconfig")
    (command,) = re.findall("^hint: (shim backend remove .*)$", useless.stderr, re.MULTILINE)
    followed = backend(own_prefix, *command.split()[2:])
    assert (followed.returncode, followed.stdout) == (0, "removed iniconfig\n"), followed.stderr
    assert (own_prefix / "backends").read_text() == ""


@pytest.mark.quick
@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("add",), 64, "say which package to add"),
        (("add", "--evil"), 64, "shim backend has no option --evil"),
        (("add", "git+https://evil.example/x"), 64, "is not the name of a package"),
        (("add", "x @ https://evil.example/x.whl"), 64, "no URLs"),
        (("add", "../x"), 64, "is not the name of a package"),
        (("remove", "keyring"), 64, "was not added by shim backend"),
        (("list", "x"), 64, "list takes no package"),
    ],
)
def test_what_is_no_package_is_refused(prefix: Path, words: tuple[str, ...], code: int, message: str) -> None:
    result = backend(prefix, *words)

    assert result.returncode == code, result.stderr
    assert message in result.stderr
    assert "hint: " in result.stderr


def test_a_package_that_does_not_exist_is_one_message(prefix: Path) -> None:
    result = backend(prefix, "add", "no-such-package-anywhere-at-all")

    assert result.returncode == 69
    assert "failed (exit status" in result.stderr
    assert "Traceback" not in result.stderr


#: Python "3.x" of those that shim itself runs on: Debian's has the wheel of its pip in a folder of its own.
OWN_PYTHONS = [version for version in toolchains.pythons() if int(version.partition(".")[2]) >= 11]


def list_packages(prefix: Path) -> set[str]:
    """Return what lies in the environment's folder of packages."""
    (packages,) = (prefix / "venv" / "lib").glob("python3*/site-packages")
    return {path.name for path in packages.iterdir()}


@pytest.mark.parametrize("version", OWN_PYTHONS)
def test_where_no_program_can_install_it_pythons_own_pip_does(version: str, tmp_path: Path) -> None:
    """From a private index, and with no pip in the environment before or after it."""
    prefix, wheel = tmp_path / "prefix", toolchains.newest_wheel("keyrings.alt")
    install(prefix, "--python", toolchains.pythons()[version])
    before = list_packages(prefix)
    files = {"keyrings-alt": [wheel.name]}
    with PrivateIndex(str(wheel.parent), files, USER, CANARY) as index:
        url = f"http://{USER}:{CANARY}@{index.netloc}/simple/"
        environ = {"PATH": str(tmp_path), "PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1"}
        environ |= {"PIP_INDEX_URL": url, "PIP_EXTRA_INDEX_URL": "", "PIP_FIND_LINKS": ""}
        added = backend(prefix, "add", "keyrings.alt", **environ)
        removed = backend(prefix, "remove", "keyrings.alt", **environ)

    assert added.returncode == 0, added.stderr
    assert "keyrings.alt: keyring has keyrings.alt." in added.stdout
    assert ("/simple/keyrings-alt/", USER, 200) in index.requests
    assert removed.stdout == "removed keyrings-alt\n"
    assert list_packages(prefix) == before


def test_an_older_environment_loses_its_pip_and_keeps_its_backends(wheels: Path, tmp_path: Path) -> None:
    """All of it offline, from a folder of wheels; until the upgrade, the pip in there installs."""
    prefix, folder = tmp_path / "prefix", tmp_path / "wheels"
    shutil.copytree(wheels, folder)
    shutil.copy(toolchains.newest_wheel("keyrings.alt"), folder)
    environ = {"PATH": f"{toolchains.python_for().parent}:/usr/bin:/bin", "HOME": str(tmp_path)}
    environ |= {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder)}
    install(prefix, "--wheels", folder, **environ)
    fresh = list_packages(prefix)
    python = prefix / "venv" / "bin" / "python"
    subprocess.run([python, "-I", "-m", "ensurepip"], check=True, capture_output=True, timeout=120)
    assert "pip" in list_packages(prefix)
    added = backend(prefix, "add", "keyrings.alt", **environ)
    assert added.returncode == 0, added.stderr
    install_again(prefix, "--wheels", folder, **environ)

    brought = {name for name in list_packages(prefix) - fresh if not name.startswith("keyrings")}
    assert brought == set()
    assert "keyrings-alt" in backend(prefix, "list", **environ).stdout
    assert backend(prefix, "remove", "keyrings.alt", **environ).stdout == "removed keyrings-alt\n"
    assert list_packages(prefix) == fresh


@follows("install uv or pip, and run this again")
@machine.endpoints(machine.lacks_mounts())
def test_without_any_pip_it_says_what_is_missing(own_prefix: Path, tmp_path: Path) -> None:
    """Debian's python3 without python3-venv: the folders with the wheel of its pip are empty."""
    program = 'import sys, sysconfig as at; print(at.get_config_var("WHEEL_PKG_DIR") or "")'
    program += '; print(at.get_path("stdlib") + "/ensurepip/_bundled")'
    python = own_prefix / "venv" / "bin" / "python"
    asked = subprocess.run([python, "-I", "-c", program], check=True, capture_output=True, text=True)
    places = [place for place in asked.stdout.split() if Path(place).is_dir()]
    mounts = [f"mount -t tmpfs none '{place}'" for place in places]
    script = " && ".join([*mounts, 'PATH="$0" exec "$@"'])
    shim = own_prefix / "shims" / "shim"

    def add(path: Path) -> subprocess.CompletedProcess[str]:
        command = ["unshare", "--mount", "sh", "-c", script, path, shim, "backend", "add", "keyrings.alt"]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, cwd="/")

    refused = add(tmp_path)
    assert refused.returncode == 69
    assert "this Python has no ensurepip (Debian: python3-venv), and neither uv nor pip" in refused.stderr
    followed = add(toolchains.uv().bin)
    assert followed.returncode == 0, followed.stderr
