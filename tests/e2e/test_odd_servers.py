"""URLs that are spelled oddly: a password typed into one stays there, and a configured index is not passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex
from tests.support import toolchains
from tests.support.bait import install, make_stranger
from tests.support.hints import follows
from tests.support.world import CANARY, USER, World

#: Spellings of 127.0.0.1 that Url refuses, since programs read them differently.
SERVERS = ("2130706433", "0x7f000001", "127.1", "0177.0.0.1")
FULL_WIDTH = "\N{FULLWIDTH LATIN SMALL LETTER L}ocalhost"


def typed(server: str, index: PrivateIndex) -> str:
    return f"http://{USER}:{CANARY}@{server}:{index.netloc.rpartition(':')[2]}/simple/"


#: Tool -> the option and the variable of its index, and the spellings that it reads.
TOOLS = {
    "uv": ("--default-index", "UV_DEFAULT_INDEX", (*SERVERS, FULL_WIDTH, "127.0.0.1.", "%6Cocalhost")),
    "pip": ("-i", "PIP_INDEX_URL", SERVERS),
}
RELEASES = {"uv": ("0.5.31", "newest"), "pip": ("20.3.4", "newest")}
ROWS = [(tool, version, server) for tool, (_, _, servers) in TOOLS.items() for version in RELEASES[tool] for server in servers]


@pytest.mark.parametrize(("tool", "version", "server"), ROWS)
@pytest.mark.parametrize("way", ["option", "variable"])
def test_the_password_that_was_typed_is_sent(way: str, tool: str, version: str, server: str, world: World, index: PrivateIndex) -> None:
    world.use({"uv": toolchains.uv, "pip": toolchains.pip}[tool](version))
    option, variable, _ = TOOLS[tool]
    said = (option, typed(server, index)) if way == "option" else ()
    environ = {} if said else {variable: typed(server, index)}
    environ["PIP_TRUSTED_HOST"] = f"{server}:{index.netloc.rpartition(':')[2]}"
    install = (*(("uv",) if tool == "uv" else ()), "pip", "install", "--target")
    bare = world.run(*install, world.folder / "bare", *said, "corp-lib", bare=True, **environ)
    done = world.run(*install, world.folder / "ours", *said, "corp-lib", **environ)

    assert (bare.returncode, done.returncode) == (0, 0), bare.stderr + done.stderr


@follows("write {} in {}")
@pytest.mark.parametrize("path", ["/x/../simple/", "/x/%2e%2e/simple/", "/./simple/"])
def test_a_configured_index_in_another_spelling_is_not_passed_over(path: str, tmp_path: Path, world: World, index: PrivateIndex) -> None:
    """Such a path gets no credential, and pip would take the stranger's package."""
    world.use(toolchains.pip("newest"))
    with make_stranger(tmp_path / "public") as stranger:
        private, public = f"http://{index.netloc}/simple/", stranger.url.replace("127.0.0.1", "localhost")
        odd = private.replace("/simple/", path)
        world.configure(
            f'[[index]]\nname = "corp"\nurl = "{private}"\nusername = "{USER}"\nenv = {{ password = "CORP_TOKEN" }}\n'
            f'[[index]]\nname = "open"\nurl = "{public}"\non-failure = "pass"\n'
        )
        world.environ["CORP_TOKEN"] = CANARY
        stopped = install(world, odd, public, wanted="corp-lib<9")
        mended = install(world, private, public, wanted="corp-lib<9")

    assert stopped.status == 77
    assert f"hint: write {private} in argv --index-url" in stopped.stderr
    assert stopped.installed is None
    assert mended.has_ours, mended.stderr
