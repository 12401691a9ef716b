"""What uv asks is what was foreseen: the real uv against a recording server that has nothing, in many layouts."""

from __future__ import annotations

import itertools
import os
import random
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from shim.host import Host
from shim.tools import load_tool
from tests.support import toolchains
from tests.support.world import World

#: How many layouts each release plays. More by hand: SHIM_TEST_LAYOUTS=500.
LAYOUTS = int(os.environ.get("SHIM_TEST_LAYOUTS", "40"))


class Recorder:
    """A server that answers 404 to everything and keeps which index was asked: `host/path` before the project's name."""

    def __init__(self) -> None:
        self.asked: set[str] = set()
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                root = path.rpartition("/nobody-has-this")[0] or path.rpartition("/")[0]
                recorder.asked.add(self.headers["Host"].partition(":")[0] + root.rstrip("/"))
                self.send_error(404)

            do_HEAD = do_GET  # noqa: N815

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def url(self, name: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}/{name}/simple"


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    made = Recorder()
    made.thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    made.thread.join()


class Layout:
    """One random way to say indexes, in places that uv reads."""

    def __init__(self, world: World, recorder: Recorder, seed: int) -> None:
        self.random = random.Random(seed)
        self.world, self.recorder = world, recorder
        self.names = (f"i{number}" for number in itertools.count())
        self.environ: dict[str, str] = {}
        self.folder = world.cwd / f"layout-{seed}"
        self.folder.mkdir()
        self.home = world.folder / f"home-{seed}"

    def url(self) -> str:
        return self.recorder.url(next(self.names), self.random.choice(["127.0.0.1", "localhost"]))

    def tables(self) -> str:
        rows = []
        for _ in range(self.random.randint(1, 2)):
            extra = self.random.choice(["", "default = true\n", f'name = "n{self.random.randint(0, 99)}"\n'])
            rows.append(f'[[INDEX]]\nurl = "{self.url()}"\n{extra}')
        return "".join(rows)

    def command(self) -> list[str]:
        pick = self.random.random
        verb = self.random.choice(
            ["pip install", "pip compile", "lock", "sync", "add", "run", "tool run", "tool install", "tree", "export"]
        )
        words = ["uv", *verb.split()]
        options: list[str] = []
        if pick() < 0.4:
            options += self.random.choice(
                [["--index", self.url()], [f"--index=n={self.url()}"], ["--index", self.url(), "--index", self.url()]]
            )
        if pick() < 0.3:
            options += self.random.choice(
                [["--default-index", self.url()], ["-i", self.url()], [f"-i{self.url()}"], ["--index-url", self.url()]]
            )
        if pick() < 0.2:
            options += ["--extra-index-url", self.url()]
        if pick() < 0.3:
            self.environ["UV_INDEX"] = " ".join(
                self.random.choice([self.url(), f"e={self.url()}"]) for _ in range(self.random.randint(1, 2))
            )
        if pick() < 0.3:
            self.environ["UV_DEFAULT_INDEX"] = self.random.choice(["", self.url(), f"d={self.url()}"])
        if pick() < 0.2:
            self.environ["UV_EXTRA_INDEX_URL"] = f"{self.url()} {self.url()}"
        if pick() < 0.2:
            self.environ["UV_INDEX_URL"] = self.url()
        (self.home / "uv").mkdir(parents=True)
        if pick() < 0.3:
            (self.home / "uv" / "uv.toml").write_text(self.tables().replace("INDEX", "index"))
        self.environ["XDG_CONFIG_HOME"] = str(self.home)
        uv_tables = self.tables().replace("INDEX", "tool.uv.index") if pick() < 0.5 else ""
        (self.folder / "pyproject.toml").write_text(
            f'[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["nobody-has-this"]\n{uv_tables}'
        )
        if pick() < 0.2:
            (self.folder / "uv.toml").write_text(self.tables().replace("INDEX", "index"))
        if pick() < 0.2:
            (self.folder.parent / "uv.toml").unlink(missing_ok=True)
        lines = (
            ["nobody-has-this"]
            + ([f"--extra-index-url {self.url()}"] if pick() < 0.4 else [])
            + ([f"-i {self.url()}"] if pick() < 0.2 else [])
        )
        (self.folder / "requirements.txt").write_text("\n".join(lines) + "\n")
        rest = {
            "pip install": self.random.choice([["--target", "out", "nobody-has-this"], ["--target", "out", "-r", "requirements.txt"]]),
            "pip compile": ["requirements.txt"],
            "add": ["nobody-has-this-2"],
            "run": ["true"],
            "tool run": ["nobody-has-this"],
            "tool install": ["nobody-has-this"],
        }.get(verb, [])
        return [*words, *options, *rest]


@pytest.mark.parametrize("version", ["newest", "0.5.31"])
def test_no_index_is_asked_that_was_not_foreseen(version: str, world: World, recorder: Recorder) -> None:
    world.use(toolchains.uv(version))
    differences = []
    total = 0
    for seed in range(LAYOUTS if version == "newest" else LAYOUTS // 2):
        layout = Layout(world, recorder, seed)
        command = layout.command()
        recorder.asked.clear()
        # pypi.org stands for the default that nobody names; it cannot be asked here, and need not be.
        environ = {**world.environ, **layout.environ, "HTTPS_PROXY": "http://127.0.0.1:9", "UV_HTTP_RETRIES": "0", "UV_NO_CACHE": "1"}
        result = world.run("sh", "-c", 'cd "$0" && exec "$@"', layout.folder, *command, **environ, bare=True)
        host = Host(environ, str(layout.folder))
        tool = load_tool("uv")
        needs = tool.read_needs(tool.read_invocation("uv", tuple(command[1:]), host, str(toolchains.uv(version).path)), host)
        foreseen = {f"{need.url.host}{need.url.path.rstrip('/')}" for need in needs.items}
        total += len(recorder.asked)
        if not recorder.asked <= foreseen:
            differences.append(
                (seed, " ".join(command), layout.environ, sorted(recorder.asked - foreseen), sorted(foreseen), result.stderr[-300:])
            )

    assert differences == []
    assert total > 20, "the layouts did not ask anything: this test would prove nothing"


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
