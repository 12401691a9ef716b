"""uv hands a credential to every index of a server that refuses it once; through the launcher none arrives where it does not belong.

Each attack is shown to work against the bare uv first: otherwise the test would prove nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import toolchains
from tests.support.realms import Realms, basic
from tests.support.world import CANARY, USER, World

VERSIONS = ["newest", "0.9.30", "0.5.31"]
OWN = basic(USER, CANARY)


@pytest.fixture
def server(packages: tuple[str, dict[str, list[str]]]) -> Iterator[Realms]:
    """A private place, a place within it that belongs to somebody else, and an open one."""
    realms = {"/team": OWN, "/team/theirs": basic("mallory", "x"), "/open": None}
    with Realms(*packages, realms, only={"/team", "/team/theirs"}) as served:
        yield served


def configure(world: World, server: Realms, version: str) -> None:
    world.use(toolchains.uv(version))
    (world.folder / "xdg" / "uv").mkdir()
    (world.folder / "xdg" / "uv" / "uv.toml").write_text("")
    world.configure(
        f'[[index]]\nname = "team"\nurl = "{server.url("/team/simple/")}"\nusername = "{USER}"\nenv = {{ password = "TEAM" }}\n'
        f'[[index]]\nname = "theirs"\nurl = "{server.url("/team/theirs/simple/")}"\nusername = "mallory"\nenv = {{ password = "THEIRS" }}\n'
    )


def install(world: World, *options: str, bare: bool = False, **environ: str) -> int:
    words = ["uv", "pip", "install", "--no-cache", "--target", world.folder / "out", *options, "corp-lib"]
    return world.run(*words, bare=bare, **environ).returncode


@pytest.mark.parametrize("version", VERSIONS)
def test_an_open_index_beside_the_private_one_gets_nothing(version: str, world: World, server: Realms) -> None:
    configure(world, server, version)
    options = ("--index", server.url("/open/simple/"), "--default-index", f"team={server.url('/team/simple/')}")
    install(world, *options, bare=True, UV_INDEX_TEAM_USERNAME=USER, UV_INDEX_TEAM_PASSWORD=CANARY)

    assert [authorization for _, authorization, _ in server.wrongly_sent()] == [OWN]
    server.sent.clear()
    assert install(world, *options, TEAM=CANARY) == 77
    assert server.sent == []


@pytest.mark.parametrize("version", VERSIONS)
def test_somebody_elses_place_below_ours_gets_nothing(version: str, world: World, server: Realms) -> None:
    configure(world, server, version)
    options = ("--index", f"theirs={server.url('/team/theirs/simple/')}", "--default-index", f"team={server.url('/team/')}")
    variables = {"UV_INDEX_TEAM_USERNAME": USER, "UV_INDEX_TEAM_PASSWORD": CANARY}
    install(world, *options, bare=True, **variables, UV_INDEX_THEIRS_USERNAME="mallory", UV_INDEX_THEIRS_PASSWORD="x")

    assert OWN in [authorization for _, authorization, _ in server.wrongly_sent()]
    server.sent.clear()
    assert install(world, *options, TEAM=CANARY, THEIRS="x") == 77
    assert server.sent == []


@pytest.mark.parametrize("version", VERSIONS)
def test_a_stale_login_in_the_users_netrc_is_not_sent_instead_of_the_configured_one(version: str, world: World, server: Realms) -> None:
    configure(world, server, version)
    Path(world.environ["HOME"], ".netrc").write_text(f"machine 127.0.0.1 login {USER} password stale\n")
    options = ("--default-index", server.url("/team/simple/"))

    assert install(world, *options, bare=True) != 0
    assert basic(USER, "stale") in [authorization for _, authorization, _ in server.wrongly_sent()]
    server.sent.clear()
    assert install(world, *options, TEAM=CANARY) == 0
    assert server.wrongly_sent() == []


def test_an_export_that_prints_index_urls_does_not_print_a_seed(world: World, server: Realms) -> None:
    """uv 0.11 and later print every index they know with `uv export --emit-index-url`, passwords of the configuration included."""
    configure(world, server, "newest")
    (world.folder / "xdg" / "uv" / "uv.toml").write_text(
        f'[[index]]\nname = "seed"\nurl = "{server.url("/team/").replace("://", f"://{USER}:{CANARY}@")}"\nexplicit = true\n'
    )
    (world.cwd / "pyproject.toml").write_text(
        f'[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["corp-lib"]\n'
        f'[[tool.uv.index]]\nurl = "{server.url("/team/simple/")}"\ndefault = true\n'
    )
    assert CANARY in world.run("uv", "export", "--emit-index-url", bare=True).stdout
    (world.folder / "xdg" / "uv" / "uv.toml").write_text("")
    Path(world.environ["HOME"], ".netrc").write_text("default login a password b\n")  # so that the store is not taken
    result = world.run("uv", "export", "--emit-index-url", TEAM=CANARY, SHIM_DEBUG="1")

    assert result.returncode == 0, result.stderr
    assert "channel netrc" in result.stderr
    assert CANARY not in result.stdout + result.stderr


#: How uv reads a server's address in a project's file; `{}` is the port, and a variable EMPTY is empty.
SPELLINGS = [
    "http://127.1:{}/theirs/files/",
    "http://0x7f.1:{}/theirs/files/",
    "http://2130706433:{}/theirs/files/",
    "http://0177.0.0.01:{}/theirs/files/",
    "http://%31%32%37.0.0.1:{}/theirs/files/",
    "http://\uff11\uff12\uff17.0.0.1:{}/theirs/files/",
    "http://127\u3002" + "0\u3002" + "0\u3002" + "1:{}/theirs/files/",
    "http://127.0.0.1\u200b:{}/theirs/files/",
    "http:\\\\127.0.0.1:{}/theirs/files/",
    "http:/127.0.0.1:{}/theirs/files/",
    "http:127.0.0.1:{}/theirs/files/",
    "http:///127.0.0.1:{}/theirs/files/",
    "http://127.0.0.1:0{}/theirs/files/",
    "http://127.0.0.1:{}\\theirs/files/",
    "http://127.0.0.1:{}/team/../theirs/files/",
    "http://127.0.0.1:{}/team/%2E./theirs/files/",
    "http://127.0.0.1:{}//theirs/files/",
    "http://127.0.0.1.:{}/theirs/files/",
    "http://127.0${{EMPTY}}.0.1:{}/theirs/files/",
    "http://@127.0.0.1:{}/theirs/files/",
    "http://127.0.0.1:{}/theirs/files/",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_projects_url_on_the_server_gets_nothing_however_it_is_spelled(
    spelling: str, world: World, packages: tuple[str, dict[str, list[str]]]
) -> None:
    """uv sends what it knows of a server to the second place of it, after a refusal; shown with the bare uv first."""
    with Realms(*packages, {"/team": OWN, "/theirs": basic("mallory", "x")}, only={"/team", "/theirs", ""}) as server:
        configure(world, server, "newest")
        world.environ["EMPTY"] = ""
        place = spelling.format(server.netloc.rpartition(":")[2])
        (world.cwd / "pyproject.toml").write_text(
            f'[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.11"\n'
            f"dependencies = ['corp-lib', 'corp-sdist @ {place}corp_sdist-1.0.tar.gz']\n"
            f'[[tool.uv.index]]\nname = "team"\nurl = "{server.url("/team/simple/")}"\ndefault = true\n'
        )
        world.run("uv", "lock", bare=True, UV_INDEX_TEAM_USERNAME=USER, UV_INDEX_TEAM_PASSWORD=CANARY)
        assert OWN in [authorization for _, authorization, _ in server.wrongly_sent()]
        server.sent.clear()
        result = world.run("uv", "lock", TEAM=CANARY)

        assert result.returncode == 77, result.stderr
        assert [authorization for _, authorization, _ in server.sent if authorization] == []


def test_a_lock_of_the_very_index_may_name_files_beside_it_and_no_other_lock(
    world: World, packages: tuple[str, dict[str, list[str]]]
) -> None:
    """Where the lock's files come from no index of ours, they are a second place of the server like any other."""
    with Realms(*packages, {"/team": OWN, "/theirs": basic("mallory", "x")}) as server:
        configure(world, server, "newest")
        project = '[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["corp-lib"]\n'
        (world.cwd / "pyproject.toml").write_text(project + f'[[tool.uv.index]]\nurl = "{server.url("/team/simple/")}"\ndefault = true\n')
        assert world.run("uv", "lock", TEAM=CANARY).returncode == 0
        lock = world.cwd / "uv.lock"
        beside = lock.read_text().replace("/team/files/", "/theirs/files/")
        for text, status in ((beside, 2), (beside.replace('registry = "', 'registry = "http://localhost:1/'), 77)):
            lock.write_text(text)
            server.sent.clear()

            assert world.run("uv", "sync", "--frozen", "--no-cache", TEAM=CANARY).returncode == status
        assert [authorization for _, authorization, _ in server.sent if authorization] == []
