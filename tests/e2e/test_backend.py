"""`shim backend`: a real keyring backend in shim's own environment, found by the source `keyring`, kept over an upgrade."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex
from tests.support import toolchains
from tests.support.hints import follows
from tests.support.toolchains import ROOT
from tests.support.world import CANARY, USER, World


@pytest.fixture
def own_prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation that this test may change, made with uv."""
    prefix = tmp_path_factory.mktemp("backend") / "prefix"
    install(prefix)
    return prefix


def install(prefix: Path) -> str:
    environ = {**os.environ, "PATH": f"{toolchains.uv().bin}:{os.environ['PATH']}"}
    command = ["sh", str(ROOT / "install.sh"), "--prefix", str(prefix), "--no-modify-path"]
    return subprocess.run(command, check=True, env=environ, timeout=300, text=True, capture_output=True).stdout


def backend(prefix: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PATH": f"{toolchains.uv().bin}:{os.environ['PATH']}"}
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

    with open(own_prefix / "installed", "r+") as stamp:
        text = stamp.read()
        stamp.seek(0)
        stamp.truncate()
        stamp.write(text.replace("pip-uv-shim ", "pip-uv-shim 0", 1))  # as if another version had been installed
    install(own_prefix)
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
