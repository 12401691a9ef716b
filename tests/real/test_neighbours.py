"""The programs that change PATH beside us, in real shells, our line before theirs and after it.

In every cell: the launcher is in front, the environment's pip is what it runs, a private package lands in that environment, leaving
leads back to the launcher, and `shim deactivate` inside of the environment lasts beyond it. SHIM_TEST_MATRIX=all runs all cells; otherwise
each shell meets each neighbour once.
"""

from __future__ import annotations

import os
from itertools import product

import pytest

from shim.cli.demo.server import PrivateIndex
from tests.support.neighbours import NEIGHBOURS, add_pip
from tests.support.shells import Shell, furnish, opened
from tests.support.world import CANARY, USER, World

ORDERS = ("first", "last")
CELLS = list(product(("bash", "zsh", "fish", "dash"), NEIGHBOURS, ORDERS))
#: What a shell has no such thing for, with the reason; the other cells are run.
IMPOSSIBLE = {
    (shell, name): reason
    for name, neighbour in NEIGHBOURS.items()
    for shell, reason in neighbour.cannot.items()
}  # fmt: skip
POSSIBLE = [cell for cell in CELLS if cell[:2] not in IMPOSSIBLE]
CHOSEN = [cell for number, cell in enumerate(POSSIBLE) if number % 2 == number // 2 % 2]


def test_the_cells_that_a_shell_cannot_do_are_known_by_name() -> None:
    assert sorted(IMPOSSIBLE) == [
        ("dash", "VS Code"),
        ("dash", "direnv"),
        ("dash", "mise"),
        ("dash", "virtualenvwrapper"),
        ("fish", "virtualenvwrapper"),
    ]
    assert len({cell[:2] for cell in CHOSEN}) == len(POSSIBLE) / 2


@pytest.mark.parametrize(("name", "beside", "order"), POSSIBLE if os.environ.get("SHIM_TEST_MATRIX") == "all" else CHOSEN)
def test_an_environment_is_entered_used_and_left(name: str, beside: str, order: str, world: World, index: PrivateIndex) -> None:
    neighbour = NEIGHBOURS[beside]
    furnish(world)
    own = world.folder / "project" / "own"
    own.parent.mkdir()
    neighbour.make(world, own)
    add_pip(own)
    secret = world.folder / "config" / "secret"
    secret.write_text(CANARY)
    secret.chmod(0o600)
    world.configure(
        f"[[index]]\nname = 'corp'\nurl = 'http://{index.netloc}/simple/'\nusername = '{USER}'\nuse-as = 'default'\nfile = {{ password = '{secret}' }}\n"
    )
    world.environ |= {"ENVIRONMENT": str(own), "PIP_CONFIG_FILE": os.devnull}
    enter, leave, line = (neighbour.say(words, name) for words in (neighbour.enter, neighbour.leave, neighbour.line))
    target = neighbour.target.format(environment=own, world=world.folder)

    for shell in opened(name, world):
        ours, theirs = shell.activate, line or enter
        shell.type(f"{ours}; {theirs}" if order == "first" else f"{theirs}; {ours}")
        shell.type(enter)
        assert shell.type("pip install -q corp-lib; echo said $status" if name == "fish" else "pip install -q corp-lib; echo said $?") == "said 0"
        assert list(own.glob("lib/python3*/site-packages/corp_lib.py"))
        assert first(shell) in launchers(world)
        assert shell.type("shim which pip") == target

        shell.type(leave)
        assert shell.type("pip x") == "base by launcher"
        assert first(shell) in launchers(world)

        shell.type(enter)
        assert shell.type("shim which pip") == target
        assert shell.type("shim deactivate") == ""
        assert first(shell) == target
        shell.type(leave)
        assert shell.type("pip x").strip() == "base"
        assert str(world.prefix) not in shell.type("env | grep ^PATH=")


def launchers(world: World) -> set[str]:
    return {str(world.prefix / folder / "pip") for folder in ("shims", "hook")}


def first(shell: Shell) -> str:
    """Return the pip that other programs find, which know nothing of the shell's functions."""
    return shell.type("sh -c 'command -v pip'")
