"""docs/team.md, block by block: a team's file from its server, and every way to install that the page shows."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.support import toolchains
from tests.support.first_install import BLOCKS, Organisation, organisation, prepare
from tests.support.terminal import Terminal
from tests.support.tls import make_authority
from tests.support.world import CANARY, World

Packages = tuple[str, dict[str, list[str]]]


def run(world: World, place: Organisation, block: str, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a block's lines in a shell that reads the rc file, with a yes where nobody can give it."""
    lines = "\n".join(place.fill(line) for line in BLOCKS[block]).replace("shim setup", "shim setup --yes")
    result = world.run("bash", "-c", f"set -e\n{lines}", **environ)
    assert result.returncode == 0, f"{lines}\n{result.stdout}{result.stderr}"
    return result


def test_three_commands_with_a_private_authority_and_a_release_of_ones_own(
    world: World, packages: Packages, wheels: Path, tmp_path: Path
) -> None:
    prepare(world, wheels, toolchains.pip("newest").bin, toolchains.uv().bin)
    (tmp_path / "ca").mkdir()
    with organisation(packages, make_authority(tmp_path / "ca", "corp")) as place:
        packing = "\n".join(BLOCKS["publish"]).replace("dist", str(world.folder / "dist"))
        packed = world.run("sh", "-c", f"cd '{toolchains.ROOT}' && {packing}")
        assert packed.returncode == 0, packed.stderr
        (release,) = (world.folder / "dist").glob("*.tar.gz")
        place.publish(release.name, release.read_bytes(), "HASH-OF-THE-RELEASE")
        assert place.hashes["HASH-OF-THE-RELEASE"] in packed.stdout
        environ = {**world.environ, "TERM": "dumb", "PS1": "$ "}
        commands = [*BLOCKS["install"], *BLOCKS["use"]]
        assert len(commands) == 3
        with Terminal(["bash", "--norc", "-i"], environ, str(world.cwd)) as shell:
            assert 'name = "corp"' in shell.start(place.fill(commands[0]), "Take this over? [Y/n] ")
            shell.press("\n")
            shell.until("next: shim login corp")
            shell.until("that is for a new shell")
        with Terminal(["bash", "-i"], environ, str(world.cwd)) as shell:
            shell.start(commands[1], "Number or word [")
            shell.press("file\n")
            shell.until("password or token of __token__")
            shell.press(f"{CANARY}\n")
            shell.until("pip, uv and all they start find it from now on")
            assert "Successfully installed corp-lib" in shell.type(place.fill(commands[2]))
        assert (world.cwd / "lib" / "corp_lib.py").exists()
        assert place.files.asked == [f"/{release.name}", "/shim.toml"]


def test_without_a_terminal_one_very_file_is_taken(world: World, packages: Packages, wheels: Path) -> None:
    prepare(world, wheels, toolchains.pip("newest").bin, toolchains.uv().bin)
    (world.cwd / "pip-uv-shim").symlink_to(toolchains.ROOT)
    with organisation(packages, None) as place:
        first, *rest = (place.fill(line) for line in BLOCKS["headless"])
        wrong = world.run("sh", "-c", first.replace(place.hashes["HASH-OF-THE-FILE"], "0" * 64))
        assert wrong.returncode == 1
        assert "is not the file that is meant" in wrong.stderr
        assert "install.sh: shim is installed, and its settings are as they were" in wrong.stderr
        taken = world.run("sh", "-c", first)
        assert (taken.returncode, taken.stdout, taken.stderr) == (0, "", "")
        for line in rest:
            result = world.run("bash", "-ic", line)
            assert result.returncode == 0, result.stderr
        assert (world.cwd / "lib" / "corp_lib.py").exists()
        again = world.run("sh", "-c", first.replace("--quiet", ""))
        assert "nothing has changed at" in again.stdout
        place.publish("shim.toml", place.files.files["/shim.toml"] + b'max-age = "1h"\n', "HASH-OF-THE-NEXT-FILE")  # type: ignore[operator]
        later = [place.fill(line).replace("corp.toml", "127.0.0.1.toml") for line in BLOCKS["later"]]
        assert '+max-age = "1h"' in world.run("bash", "-ic", f"{later[0]} --yes").stdout
        assert world.run("bash", "-ic", later[1]).returncode == 0
        assert list(world.config.parent.glob("config.d/*")) == []


@pytest.mark.quick
@pytest.mark.parametrize("words", [["--yes"], ["--sha256", "0" * 64], ["--allow", "env"], ["--ca-bundle", "x.pem"]])
def test_what_is_about_a_file_needs_one(words: list[str], world: World) -> None:
    result = world.run("sh", toolchains.ROOT / "install.sh", *words)
    assert result.returncode == 1
    assert result.stderr.startswith(f"install.sh: these belong to --config: {words[0]}")
    assert "hint: ./install.sh --config FILE, with them" in result.stderr
    assert not (world.folder / "data" / "shim").exists()


@pytest.mark.parametrize("way", ["uv", "pipx"])
def test_another_installer_checks_the_hash_and_leaves_nothing(way: str, world: World, packages: Packages, wheels: Path) -> None:
    prepare(world, wheels, toolchains.pip("newest").bin, toolchains.uv().bin, toolchains.program("pipx").bin)
    links = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
    (wheel,) = wheels.glob("pip_uv_shim-*.whl")
    with organisation(packages, None) as place:
        place.publish(wheel.name, wheel.read_bytes(), "HASH-OF-THE-WHEEL")
        good, place.hashes["HASH-OF-THE-WHEEL"] = place.hashes["HASH-OF-THE-WHEEL"], "0" * 64
        bad = world.run("sh", "-c", place.fill(BLOCKS[way][0]), **links)
        assert bad.returncode != 0
        assert re.search("hash|checksum", bad.stdout + bad.stderr, re.IGNORECASE)
        place.hashes["HASH-OF-THE-WHEEL"] = good
        run(world, place, way, **links)
        assert "127.0.0.1" in world.run("shim", "status", "--offline").stdout
        assert (world.prefix / "shims" / "pip").exists()
        run(world, place, f"{way}-end", **links)

    assert not os.path.lexists(world.folder / "bin" / "shim")
    assert not (world.prefix / "shims").exists()
