"""The bait: both indexes answer, the private one has version 1.0 and a stranger's public one 99.0. It is ours that comes, however the
name is asked for, and by whatever starts a pip.

CI runs a choice (`bait_table.chosen_rows`), SHIM_TEST_MATRIX=all every row.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import bait_table, toolchains
from tests.support.routed import OURS, Pair, installed, make_pair
from tests.support.world import World


@pytest.fixture
def pair(world: World, tmp_path: Path) -> Iterator[Pair]:
    with make_pair(world, tmp_path / "indexes") as made:
        yield made


@pytest.mark.parametrize(("program", "scene", "by"), bait_table.chosen_rows())
def test_it_is_ours_that_comes(program: str, scene: str, by: str, pair: Pair, wrapped: Path) -> None:
    pair.world.prefix = wrapped
    pair.configure() if by == "claim" else pair.configure("", strategy=True)
    bait_table.run(program, scene, pair)

    bait_table.assert_ours(pair, (bait_table.SCENES | bait_table.PIP_SCENES)[scene].wanted)


@pytest.mark.parametrize(("program", "scene"), bait_table.bare_rows())
def test_the_bare_tool_takes_the_strangers(program: str, scene: str, pair: Pair) -> None:
    pair.world.vaults.append(pair.world.folder)  # a bare tool writes the password that it is given where it likes
    bait_table.run(program, scene, pair, bare=True)

    assert bait_table.is_theirs(pair, (bait_table.SCENES | bait_table.PIP_SCENES)[scene].wanted)


@pytest.mark.parametrize("version", ["20.3.4", "newest"])
def test_a_private_index_on_127_0_0_1_has_the_redirector_on_another_address(version: str, pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """A netrc knows hosts: on the same one, pip would send the index's credential to the redirector."""
    monkeypatch.setattr(Pair, "private_url", property(lambda self: self.private.url))
    monkeypatch.setattr(Pair, "public_url", property(lambda self: self.public.url.replace("127.0.0.1", "localhost")))
    pair.configure(strategy=True)
    bait_table.run(f"pip {version}", "build dependency", pair)

    bait_table.assert_ours(pair, "corp-build")


@pytest.mark.parametrize("version", ["20.3.4", "newest"])
def test_a_claimed_name_comes_from_its_index_even_if_the_command_names_another_one_only(version: str, pair: Pair) -> None:
    pair.world.use(toolchains.pip(version))
    pair.configure()
    target = pair.world.folder / "out"
    result = pair.world.run("pip", "install", "--target", target, "-i", pair.public_url, "public-app")

    assert result.returncode == 0, result.stderr + result.stdout
    assert installed(target) == {"public-app": "2.0", "corp-lib": OURS}
