"""What uv asks is what was foreseen, no more and no less: the real uv against a recording server, in many layouts.

SHIM_TEST_LAYOUTS plays more of them, SHIM_TEST_SEED (a number) others than every time, SHIM_TEST_UV (0.7.22,0.9.30) other releases.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

from shim.core.host import Host
from shim.core.model import Endpoint, Origin
from shim.core.urls import parse_url
from shim.tools import load_tool
from tests.support import toolchains
from tests.support.recorder import Recorder
from tests.support.uv_layouts import Layout
from tests.support.uv_scenes import SCENES
from tests.support.world import World

LAYOUTS = int(os.environ.get("SHIM_TEST_LAYOUTS", "150"))
FIRST_SEED = int(os.environ.get("SHIM_TEST_SEED", "0")) * 100_000
RELEASES = os.environ.get("SHIM_TEST_UV", "newest,0.5.31").split(",")


@dataclass(frozen=True)
class Difference:
    """An endpoint that uv may leave unasked, and why we cannot know better."""

    name: str
    reason: str
    applies: Callable[[Layout, Endpoint, tuple[int, ...]], bool]


def is_frozen(layout: Layout) -> bool:
    return "--frozen" in layout.argv


def has_lock(layout: Layout) -> bool:
    return (layout.project / "uv.lock").exists() and layout.verb[0] in ("sync", "run", "export")


DIFFERENCES = (
    Difference(
        "source's index in spite of --no-index",
        "old releases ask it, unless they have given up before",
        lambda layout, endpoint, release: release < (0, 7) and layout.says_no_index and endpoint.role in ("extra", "links"),
    ),
    Difference(
        "URL of a constraint",
        "it is asked if anything needs that package, which takes a resolver to say",
        lambda layout, endpoint, _: endpoint.role == "direct" and "constraints.txt" in endpoint.origin.where,
    ),
    Difference(
        "pylock.toml",
        "indexes and pages of links are asked for what must be built",
        lambda layout, endpoint, _: "pylock.toml" in layout.argv and endpoint.role != "direct",
    ),
    Difference(
        "uv add --script",
        "older releases write the name into the script and ask nothing",
        lambda layout, _, release: release < (0, 9) and layout.verb == ["add"] and "--script" in layout.argv,
    ),
    Difference(
        "links of uv pip list",
        "older releases leave them out of --outdated, which no option or file says",
        lambda layout, endpoint, release: layout.verb == ["pip", "list"] and endpoint.role == "links" and release < (0, 11),
    ),
    Difference(
        "frozen lock",
        "indexes and direct URLs are asked for what has no wheel for this machine and must be built; the registry's own credential opens its files",
        lambda layout, endpoint, _: has_lock(layout) and is_frozen(layout) and endpoint.role in ("index", "extra", "links", "direct"),
    ),
    Difference(
        "lock that may fit",
        "a lock that fits the project saves asking indexes; whether it fits takes a resolver to say",
        lambda layout, endpoint, _: has_lock(layout) and not is_frozen(layout),
    ),
    Difference(
        "shadowed password",
        "uv never asks this index, but tries its password on others of that server: cut from argv without an endpoint it would be lost",
        lambda layout, endpoint, _: endpoint.inline_password is not None and endpoint.origin.kind in ("argv", "env") and endpoint.role == "extra",
    ),
)


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    made = Recorder(tmp_path_factory.mktemp("certificates"))
    yield made
    made.close()


def root_of(url: str) -> str:
    """Return what tells one index of a layout from all others: the origin, the layout, the number."""
    scheme, _, rest = url.partition("://")
    host, *path = rest.rpartition("@")[2].split("/")
    return "/".join([f"{scheme}://{host}", *(path[:2] if path and re.fullmatch(r"L\d+", path[0]) else [])])


class Played(NamedTuple):
    """What became of one layout: how many indexes were asked, how many needs were excused from that, and what was not as foreseen."""

    asked: int
    excused: int
    surprise: str


class Oracle:
    """One release of uv, in a world of its own."""

    def __init__(self, version: str, folder: Path, recorder: Recorder) -> None:
        self.tool = toolchains.uv(version)
        self.release = tuple(int(number) for number in self.tool.version.split("."))
        self.folder, self.recorder = folder, recorder
        self.environ = {
            "PATH": f"{self.tool.bin}:/usr/bin:/bin",
            "HOME": str(folder / "home"),
            "UV_CACHE_DIR": str(folder / "cache"),
            "UV_PYTHON": str(self.tool.python),
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_TOOL_BIN_DIR": str(folder / "bin"),
            "UV_HTTP_RETRIES": "0",
            **recorder.environ,
        }
        self.tools = folder / "tools"
        place = {"UV_TOOL_DIR": str(self.tools), "UV_DEFAULT_INDEX": f"{recorder.origins[0]}/L0/0/simple", "UV_NO_CONFIG": "1"}
        recorder.providers = (f"{recorder.origins[0]}/L0/",)
        made = self.run(["tool", "install", "nobody-tool"], folder, place)
        assert made.returncode == 0, made.stderr

    def run(self, argv: list[str], cwd: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
        full = {**self.environ, **environ}
        return subprocess.run(
            [self.tool.path, *argv], env=full, cwd=cwd, text=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=120, check=False
        )

    def foresee(self, layout: Layout, environ: dict[str, str]) -> tuple[Endpoint, ...]:
        host = Host({**self.environ, **environ}, str(layout.cwd))
        tool = load_tool("uv")
        return tool.read_endpoints(tool.read_invocation("uv", tuple(layout.argv), host, str(self.tool.path)), host).items

    def play(self, seed: int) -> Played:
        """Play one layout."""
        folder = self.folder / f"layout-{seed}"
        layout = Layout(seed, folder, self.recorder.origins, self.tools, self.release)
        layout.play(SCENES)
        environ = {"UV_TOOL_DIR": str(folder / "tools"), **layout.environ}
        endpoints = self.foresee(layout, environ)
        self.recorder.providers = tuple(f"{root_of(endpoint.url.text)}/" for endpoint in endpoints if endpoint.role == "index" and layout.satisfied)
        self.recorder.asked.clear()
        result = self.run(layout.argv, layout.cwd, environ)
        asked = {root_of(url) for _, url in self.recorder.asked}
        foreseen = {root_of(endpoint.url.text) for endpoint in endpoints}
        excused = {root_of(endpoint.url.text) for endpoint in endpoints if any(one.applies(layout, endpoint, self.release) for one in DIFFERENCES)}
        missed, idle = sorted(asked - foreseen), sorted(foreseen - asked - excused)
        shutil.rmtree(folder)
        played = Played(len(asked), len(excused - asked), "")
        if not missed and not idle:
            return played
        said = [f"{endpoint.role} {endpoint.url.text} ({endpoint.origin})" for endpoint in endpoints if root_of(endpoint.url.text) in idle]
        settings = {name: value for name, value in layout.environ.items() if not name.startswith("XDG_")}
        text = f"{seed}: uv {' '.join(layout.argv)} {settings}\n  missed {missed}\n  idle {said}\n  {result.stderr[-400:]}"
        return played._replace(surprise=text)


@pytest.mark.timeout(60 + LAYOUTS * 5)
@pytest.mark.parametrize("version", RELEASES)
def test_what_uv_asks_is_what_was_foreseen(version: str, tmp_path: Path, recorder: Recorder) -> None:
    oracle = Oracle(version, tmp_path, recorder)
    count = LAYOUTS if version == RELEASES[0] else -(-LAYOUTS * 2 // 5)
    played = [oracle.play(seed) for seed in range(FIRST_SEED, FIRST_SEED + count)]

    surprises = [one.surprise for one in played if one.surprise]
    assert not surprises, "\n".join(surprises)
    asked = sum(one.asked for one in played)
    assert asked > 2 * count, "the layouts hardly asked anything: this test would prove little"
    assert sum(one.excused for one in played) < asked / 4, "too much is excused: this test would prove little"


class Forgetful(Oracle):
    """Foresees one thing less."""

    def foresee(self, layout: Layout, environ: dict[str, str]) -> tuple[Endpoint, ...]:
        return super().foresee(layout, environ)[1:]


class Eager(Oracle):
    """Foresees one thing more."""

    def foresee(self, layout: Layout, environ: dict[str, str]) -> tuple[Endpoint, ...]:
        more = parse_url(f"{self.recorder.origins[0]}/L{layout.seed}/more/simple")
        return (*super().foresee(layout, environ), Endpoint(more, Origin("file", "nowhere"), "input"))


def test_the_comparison_sees_what_is_missing_and_what_is_too_much(tmp_path: Path, recorder: Recorder) -> None:
    for oracle, word in ((Forgetful, "missed ['"), (Eager, "idle ['input ")):
        (tmp_path / word[:6]).mkdir()
        made = oracle("newest", tmp_path / word[:6], recorder)
        assert word in "".join(made.play(seed).surprise for seed in range(5))


def test_project_commands_work_and_leave_no_trace_of_us(world: World, index, tmp_path: Path) -> None:
    """lock, sync, add, run, export, tool install and uvx from a private index: files are those of a credential typed into the URL."""
    from tests.support.world import CANARY, USER

    url = f"http://{index.netloc}/simple/"
    world.use(toolchains.uv())
    world.configure(f'[[index]]\nname = "corp"\nurl = "{url}"\nusername = "{USER}"\nenv = {{ password = "CORP" }}\n')
    project = f'[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["corp-lib"]\n[[tool.uv.index]]\nurl = "{url}"\ndefault = true\n'
    files = {}
    for bare in (False, True):
        folder = world.cwd / ("bare" if bare else "shim")
        folder.mkdir()
        (folder / "pyproject.toml").write_text(project)
        more = {"UV_DEFAULT_INDEX": f"x={url}", "UV_INDEX_X_USERNAME": USER, "UV_INDEX_X_PASSWORD": CANARY} if bare else {"CORP": CANARY}
        if bare:
            more = {"NETRC": str(tmp_path / "config" / "netrc")}
            (tmp_path / "config" / "netrc").write_text(f"machine 127.0.0.1 login {USER} password {CANARY}\n")
        for line in (
            "lock",
            "lock --check",
            "sync",
            "run python -c 'import corp_lib'",
            "add corp-sdist",
            "export -q",
            "sync --frozen",
            "run env",
        ):
            result = world.run("sh", "-c", f"cd {folder} && env -u VIRTUAL_ENV uv {line}", bare=bare, **more)

            assert result.returncode == 0, f"{line}: {result.stderr}"
            assert bare or CANARY not in result.stdout.replace(f"CORP={CANARY}", "") + result.stderr
        files[bare] = [(folder / name).read_text() for name in ("pyproject.toml", "uv.lock")]

    assert files[False] == files[True]


def test_a_programs_own_environment_has_no_netrc_and_no_secret(world: World, index) -> None:
    from tests.support.world import CANARY, USER

    url = f"http://{index.netloc}/simple/"
    world.use(toolchains.uv())
    world.configure(f'[[index]]\nname = "corp"\nurl = "{url}"\nusername = "{USER}"\ncommand = {{ argv = ["echo", "{CANARY}"] }}\n')
    result = world.run("uv", "run", "--no-project", "--default-index", url, "--with", "corp-lib", "env")

    assert result.returncode == 0, result.stderr
    assert "NETRC" not in result.stdout
    assert CANARY not in result.stdout
    assert re.search(r"^UV_CREDENTIALS_DIR=.*/descriptor-\d+$", result.stdout, re.M)
