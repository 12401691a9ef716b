"""uv's verbs with many pages get a seed: one request a page, and everything else as with the store, which waits to be asked.

The same command twice, from the same beginning: once as it is, once with UV_NO_SYSTEM_CONFIG, with which uv reads no seed and the
store is taken. What they leave behind is compared byte for byte, and so is what the server gave them.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shim.delivery.reasons import Reason
from tests.support import toolchains
from tests.support.hints import follows
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


#: Two groups of a GitLab: user, password, index, and the project that its files are with.
LEFT = (USER, CANARY, "/api/v4/groups/7/-/packages/pypi", "/api/v4/projects/71/packages/pypi")
RIGHT = ("bob", f"{CANARY}-2", "/api/v4/groups/8/-/packages/pypi", "/api/v4/projects/81/packages/pypi")
SIDES = {"left": LEFT, "right": RIGHT}
PROJECTS = {index: project for _, _, index, project in SIDES.values()}


class Groups(Realms):
    """Lists no packages, and keeps files outside of their indexes. Where both have some, those from source are with the right one."""

    @contextmanager
    def open_to_all(self) -> Iterator[None]:
        """Let everybody in for a while."""
        closed, self._realms = self._realms, dict.fromkeys(self._realms)
        yield
        self._realms = closed

    @staticmethod
    def _page_of(prefix: str, names: list[str]) -> bytes:
        return Realms._page_of(PROJECTS[prefix], names)

    def _place(self, prefix: str, parts: list[str]) -> tuple[int, str, bytes]:
        is_right = prefix in RIGHT
        if not self._only and parts[0] == "simple" and len(parts) == 2 and is_right == (parts[1] == "corp-lib"):
            return 404, "text/plain", b"not here\n"
        return super()._place(prefix, parts)


class Pair:
    """A project and one server with two indexes for two users; `full` has packages: `left`, `right` or `both`."""

    def __init__(
        self,
        world: World,
        packages: tuple[str, dict[str, list[str]]],
        full: str,
        refusal: int,
        name: str = "bob",
    ) -> None:
        self.world = world
        places = {
            place: basic(user if user == USER else name, password)
            for user, password, *both in (LEFT, RIGHT)
            for place in both
        }
        only = SIDES[full][2:] if full in SIDES else ()
        self.server = Groups(*packages, places, only=only, refusal=refusal)
        self.name, self.full = name, full

    def __enter__(self) -> Pair:
        self.server.__enter__()
        self.left, self.right = (
            self.server.url(f"{place}/simple/") for place in PROJECTS
        )
        rows = ((self.left, USER, "LEFT"), (self.right, self.name, "RIGHT"))
        tables = (
            f'[[index]]\nname = "{name}"\nurl = "{url}"\nusername = "{user}"\nenv = {{ password = "{name}" }}\n'
            for url, user, name in rows
        )
        self.world.configure("".join(tables))
        self.world.environ |= {"LEFT": LEFT[1], "RIGHT": RIGHT[1], "UV_HTTP_RETRIES": "0"}
        self.world.environ.pop("VIRTUAL_ENV", None)
        return self

    def __exit__(self, *_: object) -> None:
        self.server.__exit__(None, None, None)

    def run(self, where: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run uv with the indexes in argv or in the project."""
        rows = f'[[tool.uv.index]]\nname = "left"\nurl = "{self.left}"\n[[tool.uv.index]]\nname = "right"\nurl = "{self.right}"\ndefault = true\n'
        project = PROJECT.partition("[[")[0] + (rows if where == "project" else "")
        project = project.replace('"corp-lib"', '"corp-lib", "corp-sdist"' if self.full == "both" else '"corp-lib"')
        (self.world.cwd / "pyproject.toml").write_text(project)
        flags = (
            ["--index", f"left={self.left}", "--default-index", f"right={self.right}"]
            if where == "argv"
            else []
        )
        return self.world.run("uv", *words, *flags, SHIM_DEBUG="1")


#: What is run, where the indexes stand, and the channel that has to be taken.
APART = [
    (["lock"], "argv", "store"),
    (["sync"], "argv", "store"),
    (["add", "corp-sdist"], "argv", "store"),
    (["pip", "compile", "pyproject.toml"], "argv", "store"),
    (["lock"], "project", "named"),
    (["sync"], "project", "named"),
]


@pytest.mark.parametrize(
    ("refusal", "full"), [(404, "left"), (404, "right"), (403, "left"), (401, "left")]
)
@pytest.mark.parametrize(("words", "where", "channel"), APART)
@pytest.mark.parametrize("version", ["newest", "0.9.30"])
def test_files_outside_of_two_indexes_of_one_server_get_the_credential_of_their_own(
    version: str,
    words: list[str],
    where: str,
    channel: str,
    refusal: int,
    full: str,
    world: World,
    packages: tuple[str, dict[str, list[str]]],
) -> None:
    """uv asks for them with what it used last on the server. Of two seeds that would always be the same one."""
    world.use(toolchains.uv(version))
    with Pair(world, packages, full, refusal) as pair:
        done = pair.run(where, *words)

        assert done.returncode == 0, done.stderr
        assert f"channel {channel} for" in done.stderr
        assert pair.server.let_in(SIDES[full][3]), "no file was asked for: this would prove nothing"
        assert pair.server.wrongly_sent() == []


@pytest.mark.parametrize("version", ["newest", "0.9.30", "0.7.22"])
def test_files_outside_that_a_lock_names_have_seeds(version: str, world: World, packages: tuple[str, dict[str, list[str]]]) -> None:
    """No index is asked for them then. Bare uv takes the last credential for both groups, and so makes no such lock itself."""
    world.use(toolchains.uv())
    with Pair(world, packages, "both", 404) as pair:
        with pair.server.open_to_all():
            made = pair.run("project", "lock")
        assert made.returncode == 0, made.stderr
        world.use(toolchains.uv(version))
        del world.environ["VIRTUAL_ENV"]
        pair.server.sent.clear()
        done = pair.run("project", "sync", "--frozen", "--no-cache")

        assert done.returncode == 0, done.stderr
        assert "channel seed for" in done.stderr
        assert pair.server.let_in(LEFT[3])
        assert pair.server.let_in(RIGHT[3])
        assert pair.server.wrongly_sent() == []


@follows(
    "give each [[index]] a username of its own if the server takes a token with any, as GitLab does; else ask the two in two commands"
)
def test_two_credentials_that_uv_cannot_tell_apart_stop_by_name(world: World, packages: tuple[str, dict[str, list[str]]]) -> None:
    world.use(toolchains.uv())
    with Pair(world, packages, "left", 404, name=USER) as pair:
        done = pair.run("argv", "lock")

        assert done.returncode == 77
        assert f"hint: {Reason.NAMESAKES.value.hint}" in done.stderr
        assert pair.server.wrongly_sent() == []
    with Pair(world, packages, "left", 404) as pair:
        assert pair.run("argv", "lock").returncode == 0
