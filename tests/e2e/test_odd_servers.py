"""A password that is typed into a URL whose server has an odd name: the tool gets in as without us."""

from __future__ import annotations

import pytest

from shim.cli.demo.server import PrivateIndex
from tests.support import toolchains
from tests.support.world import CANARY, USER, World

#: Spellings of 127.0.0.1 that Url refuses, since programs read them differently.
SERVERS = ("2130706433", "0x7f000001", "127.1", "0177.0.0.1")
FULL_WIDTH = "\N{FULLWIDTH LATIN SMALL LETTER L}ocalhost"


def typed(server: str, index: PrivateIndex) -> str:
    return f"http://{USER}:{CANARY}@{server}:{index.netloc.rpartition(':')[2]}/simple/"


@pytest.mark.parametrize("server", [*SERVERS, FULL_WIDTH, "127.0.0.1."])
@pytest.mark.parametrize("way", ["option", "variable"])
@pytest.mark.parametrize("version", ["0.5.31", "newest"])
def test_uv_sends_the_password_that_was_typed(
    version: str, way: str, server: str, world: World, index: PrivateIndex
) -> None:
    world.use(toolchains.uv(version))
    said = ("--default-index", typed(server, index)) if way == "option" else ()
    environ = {} if said else {"UV_DEFAULT_INDEX": typed(server, index)}
    command = ("uv", "pip", "install", "--target", world.folder / "out", *said, "corp-lib")
    bare = world.run(*command, bare=True, **environ)
    done = world.run(*command, "--reinstall", **environ)

    assert (bare.returncode, done.returncode) == (0, 0), bare.stderr + done.stderr


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("way", ["option", "variable"])
@pytest.mark.parametrize("version", ["20.3.4", "newest"])
def test_pip_sends_the_password_that_was_typed(
    version: str, way: str, server: str, world: World, index: PrivateIndex
) -> None:
    world.use(toolchains.pip(version))
    said = ("-i", typed(server, index)) if way == "option" else ()
    environ = {} if said else {"PIP_INDEX_URL": typed(server, index)}
    trusted = f"{server}:{index.netloc.rpartition(':')[2]}"
    command = (
        "pip",
        "install",
        "--trusted-host",
        trusted,
        "--target",
        world.folder / "out",
        "--upgrade",
        *said,
        "corp-lib",
    )
    bare = world.run(*command, bare=True, **environ)
    done = world.run(*command, **environ)

    assert (bare.returncode, done.returncode) == (0, 0), bare.stderr + done.stderr
