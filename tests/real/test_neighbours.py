"""The programs that change PATH beside us, in real shells, our line before theirs and after it.

In every cell: the launcher is in front, the environment's pip is what it runs, a private package lands in that environment, leaving
leads back to the launcher, and `shim deactivate` inside of the environment lasts beyond it. SHIM_TEST_MATRIX=all runs all cells; otherwise
each shell meets each neighbour once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product

import pytest

from shim.cli.demo.server import PrivateIndex
from tests.support import other_shells, shells
from tests.support.documents import read_table
from tests.support.neighbours import NEIGHBOURS, PLAIN, add_pip
from tests.support.world import CANARY, USER, World

ORDERS = ("first", "last")
SHELLS = ("bash", "zsh", "fish", "nu", "xonsh", "elvish", "tcsh", *PLAIN)
PAIRS = [(shell, name) for shell, name in product(SHELLS, NEIGHBOURS) if shell not in NEIGHBOURS[name].cannot]
#: nushell keeps what is done in an overlay to that overlay, which these environments are: our line ends with it, and so does `shim deactivate`.
OVERLAYS = [("nu", "virtualenv"), ("nu", "uv venv")]
POSSIBLE = [(*pair, order) for pair in PAIRS for order in ORDERS if pair not in OVERLAYS or order == "first"]
CHOSEN = [(*pair, "first" if pair in OVERLAYS else ORDERS[number % 2]) for number, pair in enumerate(PAIRS)]


def test_the_table_says_what_a_shell_can_do_beside_a_neighbour() -> None:
    named = {"nu": "nushell", "dash": "sh", "busybox": "sh"}
    shells_of = {name: {named.get(shell, shell) for shell, beside in PAIRS if beside == name} for name in NEIGHBOURS}
    rows = read_table("docs/shells.md", "beside us")

    assert {name: {shell for shell, cell in cells.items() if cell == "yes"} for name, cells in rows.items()} == shells_of
    assert {shell for cells in rows.values() for shell in cells} == {named.get(shell, shell) for shell in SHELLS}


@contextmanager
def opened(name: str, world: World) -> Iterator[tuple[str, Callable[[str], str]]]:
    """Start a shell; yields what activates shim in it, and what types a line there."""
    if name in shells.SHELLS:
        for shell in shells.opened(name, world):
            yield shell.activate, shell.type
    else:
        with other_shells.opened(name, world) as prompt:
            yield prompt.shell.activate.format(**prompt.paths), lambda line: prompt.type(line.replace("{", "{{").replace("}", "}}"))


@pytest.mark.parametrize(("name", "beside", "order"), POSSIBLE if os.environ.get("SHIM_TEST_MATRIX") == "all" else CHOSEN)
def test_an_environment_is_entered_used_and_left(name: str, beside: str, order: str, world: World, index: PrivateIndex) -> None:
    neighbour = NEIGHBOURS[beside]
    shells.furnish(world)
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
    world.environ["PIP_CONFIG_FILE"] = os.devnull
    words = (neighbour.enter, neighbour.leave, neighbour.line, {"": neighbour.target})
    enter, leave, line, target = (neighbour.say(each, name, world, own) for each in words)

    with opened(name, world) as (ours, type_):
        theirs = line or enter
        type_(f"{ours}; {theirs}" if order == "first" else f"{theirs}; {ours}")
        type_(enter)
        assert type_("pip install -q corp-lib") == ""
        assert list(own.glob("lib/python3*/site-packages/corp_lib.py"))
        assert type_(FIRST) in launchers(world)
        assert type_("shim which pip") == target

        type_(leave)
        assert type_("pip x") == "base by launcher"
        assert type_(FIRST) in launchers(world)

        type_(enter)
        assert type_("shim which pip") == target
        assert type_("shim deactivate") == ""
        assert type_(FIRST) == target
        type_(leave)
        lasts = (name, beside) not in OVERLAYS
        assert type_("pip x").strip() == ("base" if lasts else "base by launcher")
        assert (str(world.prefix) in type_("printenv PATH")) is not lasts


#: What says which pip other programs find, which know nothing of the shell's functions.
FIRST = "sh -c 'command -v pip'"


def launchers(world: World) -> set[str]:
    return {str(world.prefix / folder / "pip") for folder in ("shims", "hook")}
