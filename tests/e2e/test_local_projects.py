"""`pip install .` where code says what the project depends on: nobody can read that, and nothing gets worse by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import toolchains
from tests.support.manners import Index, Shelf
from tests.support.realms import basic
from tests.support.world import CANARY, USER, World

Packages = tuple[str, dict[str, list[str]]]


@pytest.mark.parametrize(("version", "stranger"), [("20.3.4", "403"), ("23.2.1", "forwards"), ("newest", "404")])
def test_it_is_built_without_a_word_of_ours_and_its_code_finds_no_password_in_its_environment(
    version: str, stranger: str, world: World, packages: Packages, report: Path
) -> None:
    shelf = Shelf(*packages)
    with Index(shelf, "404") as public, Index(shelf, stranger, {"": basic(USER, CANARY)}, public=public.root, rootless=True) as index:
        secret = world.folder / "config" / "password"
        secret.write_text(CANARY)
        secret.chmod(0o600)
        world.configure(f'[[index]]\nname = "corp"\nurl = "{index.url()}"\nusername = "{USER}"\nfile = {{ password = "{secret}" }}\n')
        world.use(toolchains.pip(version))
        (world.cwd / "pyproject.toml").write_text('[build-system]\nrequires = ["corp-build"]\nbuild-backend = "corp_build"\n')
        (world.cwd / "setup.py").write_text(f'from setuptools import setup\nsetup(name="mine", url="{index.root}/home")\n')
        report.write_text("")
        result = world.run("pip", "install", "--target", world.folder / "out", "-i", index.url(), ".")

    assert result.returncode == 0, result.stderr
    assert "shim: " not in result.stderr
    assert (world.folder / "out" / "corp_sdist.py").exists()
    assert "environ" in report.read_text()
    assert CANARY not in report.read_text()
