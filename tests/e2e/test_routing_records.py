"""A command behind the redirector is replayed like any other: the hot path starts the process beside the tool as well."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import toolchains
from tests.support.long_way import is_hot, plans, warm_up
from tests.support.routed import OURS, Pair, installed, make_pair
from tests.support.world import CANARY, USER, World


@pytest.fixture
def pair(world: World, watched_prefix: Path, tmp_path: Path) -> Iterator[Pair]:
    """Both indexes, and a token with an end for the private one; the public one is the last that is asked."""
    world.prefix = watched_prefix
    world.use(toolchains.pip("newest"))
    with make_pair(world, tmp_path / "indexes") as made:
        program = world.folder / "config" / "give-secret"
        program.write_text(f"#!/bin/sh\necho {CANARY}\n")
        program.chmod(0o700)
        world.configure(
            f"index-strategy = 'first-index'\n[[index]]\nname = 'corp'\nurl = '{made.private_url}'\nusername = '{USER}'\nmax-age = '1h'\n"
            f"packages = ['corp-*']\ncommand = {{ argv = ['{program}'] }}\n"
        )
        world.environ |= {"PIP_INDEX_URL": made.private_url}
        yield made


def test_the_second_run_is_replayed_behind_a_redirector_of_its_own(pair: Pair) -> None:
    world, target = pair.world, pair.world.folder / "installed"
    command = ["pip", "install", "--upgrade", "--target", str(target), "corp-app"]
    warm_up(world, command)
    shutil.rmtree(target)
    pair.private.requests.clear()

    assert is_hot(world, command)
    assert installed(target) == {"corp-app": OURS, "corp-lib": OURS}
    assert all(user == USER for _, user, _ in pair.private.requests)
    assert is_hot(world, [*command[:-1], "acme"])
    assert installed(target)["acme"] == OURS
    assert all(CANARY not in plan.read_text() for plan in plans(world))


def test_a_change_of_packages_leads_back_to_the_long_way(pair: Pair) -> None:
    command = ["pip", "install", "--upgrade", "--target", str(pair.world.folder / "installed"), "corp-app"]
    warm_up(pair.world, command)
    pair.world.config.write_text(pair.world.config.read_text().replace("'corp-*'", "'corp-*', 'acme'"))

    assert not is_hot(pair.world, command)
