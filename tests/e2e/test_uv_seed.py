"""uv's verbs with many pages get a seed: one request a page, and everything else as with the store, which waits to be asked.

The same command twice, from the same beginning: once as it is, once with UV_NO_SYSTEM_CONFIG, with which uv reads no seed and the
store is taken. What they leave behind is compared byte for byte, and so is what the server gave them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import toolchains
from tests.support.realms import Realms, basic
from tests.support.world import CANARY, USER, World

PROJECT = """[project]
name = "p"
version = "1"
requires-python = ">=3.11"
dependencies = ["corp-lib"]
[[tool.uv.index]]
url = "{url}"
default = true
"""
#: Verb -> what comes before it, which has the same credential, and the command.
COMMANDS: dict[str, tuple[list[list[str]], list[str]]] = {
    "lock": ([], ["lock"]),
    "lock-again": ([["lock"]], ["lock", "--upgrade"]),
    "sync": ([], ["sync"]),
    "add": ([], ["add", "corp-sdist"]),
    "add-from-another": ([], ["add", "--index", "more={more}", "corp-sdist"]),
    "remove": ([["lock"]], ["remove", "corp-lib"]),
    "pip-install": ([], ["pip", "install", "--target", "out", "--default-index", "{url}", "corp-sdist"]),
    "pip-compile": ([], ["pip", "compile", "--generate-hashes", "--emit-index-annotation", "pyproject.toml", "-o", "out.txt"]),
    "pip-sync": ([], ["pip", "sync", "--target", "out", "--default-index", "{url}", "wanted.txt"]),
}
#: Those that get everything from elsewhere.
ASK_NO_PAGE = {"remove", "add-from-another"}


@pytest.fixture
def server(packages: tuple[str, dict[str, list[str]]]) -> Iterator[Realms]:
    with Realms(*packages, {"/team": basic(USER, CANARY), "/open": None}) as served:
        yield served


@pytest.fixture
def own(world: World, server: Realms) -> World:
    """A world with the credential of one place, and a machine whose uv.toml says something of its own."""
    (world.folder / "xdg" / "uv").mkdir()
    (world.folder / "xdg" / "uv" / "uv.toml").write_text('link-mode = "copy"\n')
    world.configure(
        f'[[index]]\nname = "team"\nurl = "{server.url("/team/simple/")}"\nusername = "{USER}"\nenv = {{ password = "TEAM" }}\n'
    )
    world.environ["TEAM"] = CANARY
    return world


#: What we ask ourselves, once in a while: how does the server answer strangers?
ROOT = "/team/simple/"


def refused(server: Realms) -> list[str]:
    """Return the paths for which uv was refused."""
    return [path for path, _, status in server.sent if status == 401 and path != ROOT]


def play(world: World, server: Realms, commands: list[list[str]], **environ: str) -> tuple[dict[str, bytes], set[str], str]:
    """Run the commands in a fresh folder; return the files they leave, the paths they were given with a credential, and stderr."""
    urls = {"url": server.url("/team/simple/"), "more": server.url("/open/simple/").replace("127.0.0.1", "localhost")}
    work = world.cwd / "work"
    work.mkdir()
    (work / "pyproject.toml").write_text(PROJECT.format(**urls))
    (work / "wanted.txt").write_text("corp-lib==1.0\n")
    world.environ["UV_CACHE_DIR"] = str(world.folder / f"cache-{len(environ)}")
    server.sent.clear()
    for command in commands:
        words = [word.format(**urls) for word in command]
        result = world.run("sh", "-c", 'cd work && exec uv "$@"', "sh", *words, SHIM_DEBUG="1", **environ)
        assert result.returncode == 0, result.stderr
    assert server.wrongly_sent() == []
    # An environment of its own says which uv made it and when; what lies in its site-packages counts.
    found = {str(path.relative_to(work)): path.read_bytes() for path in work.rglob("*") if path.is_file() and _counts(path)}
    given = set(server.let_in("/team")) - {ROOT}
    shutil.rmtree(work)
    return found, given, result.stderr


def _counts(path: Path) -> bool:
    return (
        path.name not in ("uv_cache.json", ".lock")
        and "__pycache__" not in path.parts
        and (".venv" not in path.parts or "site-packages" in path.parts)
    )


@pytest.mark.parametrize("case", COMMANDS)
def test_what_is_resolved_locked_and_installed_is_the_same_as_with_the_store(case: str, own: World, server: Realms) -> None:
    own.use(toolchains.uv())
    del own.environ["VIRTUAL_ENV"]
    first, command = COMMANDS[case]
    seeded, given, told = play(own, server, [*first, command])
    refused_by_seed = refused(server)
    stored, given_by_store, told_by_store = play(own, server, [*first, command], UV_NO_SYSTEM_CONFIG="1")
    refused_by_store = refused(server)

    assert "channel seed for" in told
    assert "channel store for" in told_by_store
    assert seeded == stored
    assert given == given_by_store
    assert refused_by_seed == []
    assert (refused_by_store and given_by_store) or case in ASK_NO_PAGE


@pytest.mark.parametrize(
    "words", [["export"], ["tree"], ["run", "--no-project", "--with", "corp-lib", "true"], ["tool", "run", "--from", "corp-lib", "true"]]
)
def test_what_prints_or_runs_or_keeps_is_left_to_the_store(words: list[str], own: World, server: Realms) -> None:
    own.use(toolchains.uv())
    (own.cwd / "pyproject.toml").write_text(PROJECT.format(url=server.url("/team/simple/")))
    options = [] if words[0] in ("export", "tree") else ["--default-index", server.url("/team/simple/")]
    result = own.run(
        "uv", *words[:1], *([words[1]] if words[0] == "tool" else []), *options, *words[2 if words[0] == "tool" else 1 :], SHIM_DEBUG="1"
    )

    assert "channel store for" in result.stderr, result.stderr
    assert server.wrongly_sent() == []
