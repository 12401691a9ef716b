"""What uv writes with us is what the bare uv writes: projects, locks, exports, receipts, uploads, to the byte and without the secret.

The bare uv gets the same credential in a netrc, which leaves no trace in any file, or in the URL as people do.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shim.cli.demo.packages import build_wheel
from shim.cli.demo.watch import ArgvWatch, is_in, needles
from tests.support import servers, toolchains
from tests.support.realms import Realms, basic
from tests.support.world import CANARY, USER, World

FORMS = needles(USER, CANARY)
TYPED = f"{USER}:{CANARY}@"
#: The store (0.9 on), and the seeds before it.
VERSIONS = ["newest", "0.9.30", "0.5.31"]
if os.environ.get("SHIM_TEST_MATRIX") == "all":
    VERSIONS += ["0.11.33", "0.7.22"]
#: What the launcher adds to every command: its guard against loops, and the count of its shell.
LAUNCHERS_OWN = {"_SHIM_DEPTH", "_SHIM_LAST", "_SHIM_SHAPE", "_SHIM_WORDS", "SHLVL"}
Packages = tuple[str, dict[str, list[str]]]


@pytest.fixture
def files(packages: Packages) -> dict[str, list[str]]:
    """The packages, and a program in its first release."""
    return {**packages[1], "corp-tool": [build_tool(packages[0], "1.0")]}


def build_tool(folder: str, version: str) -> str:
    source = f"import os\n\ndef main():\n    print('corp-tool {version}')\n    [print(*item, sep='=') for item in os.environ.items()]\n"
    entry = "[console_scripts]\ncorp-tool = corp_tool:main\n"
    return build_wheel(folder, "corp-tool", {"corp_tool.py": source, f"corp_tool-{version}.dist-info/entry_points.txt": entry}, version)


@pytest.fixture
def server(packages: Packages, files: dict[str, list[str]]) -> Iterator[Realms]:
    with Realms(packages[0], files, {"/team": basic(USER, CANARY)}) as served:
        yield served


class Session:
    """Runs the same commands in the same place, once bare and once through the launcher."""

    def __init__(self, world: World, server: Realms, version: str) -> None:
        world.use(toolchains.uv(version))
        del world.environ["VIRTUAL_ENV"]
        (world.folder / "xdg" / "uv").mkdir()
        (world.folder / "xdg" / "uv" / "uv.toml").write_text("")
        self.world, self.server, self.url = world, server, server.url("/team/simple/")
        self.folder = world.cwd / "work"
        self.netrc = world.folder / "config" / "netrc"
        self.netrc.write_text(f"machine 127.0.0.1 login {USER} password {CANARY}\n")
        program = world.folder / "config" / "give"
        program.write_text(f"#!/bin/sh\necho {CANARY}\n")
        program.chmod(0o700)
        world.configure(f'[[index]]\nname = "corp"\nurl = "{self.url}"\nusername = "{USER}"\ncommand = {{ argv = ["{program}"] }}\n')

    def begin(self, project: dict[str, str]) -> None:
        """Start from nothing but these files."""
        for folder in (self.folder, self.world.folder / "uv-cache", self.world.folder / "tools"):
            shutil.rmtree(folder, ignore_errors=True)
        self.folder.mkdir()
        for name, text in project.items():
            (self.folder / name).write_text(text)

    def run(self, line: str, *, bare: bool, **environ: str) -> subprocess.CompletedProcess[str]:
        environ = {"UV_TOOL_DIR": str(self.world.folder / "tools"), "UV_TOOL_BIN_DIR": str(self.world.folder / "tools" / "bin"), **environ}
        return self.world.run("sh", "-c", f'cd "$0" && {line}', self.folder, bare=bare, **environ)

    def seen(self, line: str, *, bare: bool, **environ: str) -> tuple[str, int, str, str, dict[str, str]]:
        """Run a command; return everything that people and programs see of it, less times."""
        result = self.run(line, bare=bare, **environ)
        return line, result.returncode, result.stdout, without_times(result.stderr), self.texts()

    def texts(self) -> dict[str, str]:
        """Return the files that a command may have written, by name."""
        found = [path for path in self.folder.rglob("*") if ".venv" not in path.parts and path.is_file()]
        found += (self.world.folder / "tools").glob("*/uv-receipt.toml")
        return {str(path): path.read_text() for path in found}


def without_times(text: str) -> str:
    return re.sub(r"\b\d+(\.\d+)?(ms|s)\b", "TIME", text)


def project_of(url: str, rest: str = "") -> dict[str, str]:
    text = f'[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["corp-lib"]\n[[tool.uv.index]]\n{rest}url = "{url}"\ndefault = true\n'
    return {"pyproject.toml": text, "requirements.in": "corp-lib\n"}


#: Each line is one command; those that an old uv does not know are compared as the error that they are there.
PROJECT_LINES = """
uv lock
uv lock --check
uv lock --locked
uv sync
uv add corp-sdist
uv add --optional more corp-tool
uv sync --frozen
uv export
uv export --no-hashes -o exported.txt
uv export --emit-index-url
uv export --format pylock.toml
uv pip compile requirements.in
uv pip compile --emit-index-url --emit-index-annotation --emit-find-links requirements.in
uv pip compile --index-url {url} --emit-index-url -o compiled.txt requirements.in
uv tree
uv lock --upgrade
uv remove corp-sdist
uv sync --locked
uv pip list --outdated
uv version --bump minor
"""


@pytest.mark.parametrize("named", ["", 'name = "corp"\n'], ids=["unnamed", "named"])
@pytest.mark.parametrize("version", VERSIONS)
def test_project_commands_write_and_print_what_the_bare_uv_does(version: str, named: str, world: World, server: Realms) -> None:
    session = Session(world, server, version)
    seen = {}
    for bare in (True, False):
        session.begin(project_of(session.url, named))
        environ = {"NETRC": str(session.netrc)} if bare else {}
        lines = PROJECT_LINES.format(url=session.url).strip().splitlines()
        seen[bare] = [session.seen(line, bare=bare, **environ) for line in lines]

    for ours, theirs in zip(seen[False], seen[True], strict=True):
        assert ours == theirs
    assert sum(status == 0 for _, status, *_ in seen[False]) >= 15
    assert not is_in(repr(seen[False]).encode(), FORMS)
    assert server.wrongly_sent() == []


@pytest.mark.parametrize("version", VERSIONS)
def test_two_credentials_on_one_server_write_what_the_bare_uv_does(version: str, world: World, packages: Packages) -> None:
    """Here the bare uv gets them in variables named after the indexes, and ours by seeds."""
    with Realms(*packages, {"/team": basic(USER, CANARY), "/other": basic("bob", f"{CANARY}-2")}) as server:
        session = Session(world, server, version)
        table = '[[index]]\nname = "{0}"\nurl = "{1}"\nusername = "{2}"\nenv = {{ password = "{3}" }}\n'
        world.configure(table.format("team", session.url, USER, "ONE") + table.format("other", server.url("/other/simple/"), "bob", "TWO"))
        project = project_of(session.url, 'name = "team"\n')
        project["pyproject.toml"] += f'[[tool.uv.index]]\nname = "other"\nurl = "{server.url("/other/simple/")}"\nexplicit = true\n'
        project["pyproject.toml"] += '[tool.uv.sources]\ncorp-sdist = { index = "other" }\n'
        seen = {}
        for bare in (True, False):
            session.begin(project)
            names = ("UV_INDEX_TEAM_PASSWORD", "UV_INDEX_OTHER_PASSWORD") if bare else ("ONE", "TWO")
            environ = dict(zip(names, (CANARY, f"{CANARY}-2"), strict=True))
            environ |= {"UV_INDEX_TEAM_USERNAME": USER, "UV_INDEX_OTHER_USERNAME": "bob"} if bare else {}
            lines = (
                "uv lock",
                "uv add corp-sdist",
                "uv lock --check",
                "uv sync --frozen",
                "uv export",
                "uv pip compile pyproject.toml",
                "uv tree",
            )
            seen[bare] = [session.seen(line, bare=bare, **environ) for line in lines]
        assert server.let_in("/other")
        assert server.wrongly_sent() == []

    assert seen[False] == seen[True]
    assert [line for line, status, *_ in seen[False] if status] == []
    assert not is_in(repr(seen[False]).encode(), FORMS)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "line",
    [
        "uv pip compile --default-index {typed} --emit-index-url requirements.in",
        "uv pip compile -i{typed} -o compiled.txt requirements.in",
        "UV_INDEX_URL={typed} uv pip compile --emit-index-url requirements.in",
        "UV_DEFAULT_INDEX={typed} uv lock",
        "uv add --default-index {typed} corp-sdist",
        "uv add --index corp={typed} corp-sdist",
    ],
)
def test_where_the_bare_uv_writes_a_typed_password_ours_writes_the_same_without_it(
    line: str, version: str, world: World, server: Realms
) -> None:
    session = Session(world, server, version)
    world.configure("")
    typed = session.url.replace("://", f"://{TYPED}")
    seen = {}
    for bare in (True, False):
        session.begin({**project_of(session.url), "pyproject.toml": project_of(session.url)["pyproject.toml"].partition("[[tool")[0]})
        seen[bare] = session.seen(line.format(typed=typed), bare=bare)

    assert seen[False][1] == 0, seen[False]
    shown = repr(seen[True][2:]).replace(TYPED, "").replace(f"{USER}:****@", "").replace(f"{USER}@", "")
    assert repr(seen[False][2:]) == shown
    assert not is_in(repr(seen[False][2:]).encode(), FORMS)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_tools_receipt_is_the_bare_uvs_and_upgrades_by_it(
    version: str, world: World, server: Realms, packages: Packages, files: dict[str, list[str]]
) -> None:
    session = Session(world, server, version)
    first = files["corp-tool"][0]
    seen = {}
    for bare in (True, False):
        files["corp-tool"][:] = [first]
        session.begin({})
        environ = {"NETRC": str(session.netrc)} if bare else {}
        installed = session.seen(f"uv tool install --default-index {session.url} corp-tool", bare=bare, **environ)
        files["corp-tool"][:] = [first, build_tool(packages[0], "2.0")]
        listed = [
            session.seen(line, bare=bare, **environ)
            for line in ("uv tool upgrade --no-cache corp-tool", "uv tool list", "uv tool uninstall corp-tool")
        ]
        seen[bare] = [installed, *listed]

    assert seen[False] == seen[True]
    assert [status for _, status, *_ in seen[False]] == [0, 0, 0, 0]
    assert "corp-tool v2.0" in seen[False][2][2]
    assert not is_in(repr(seen[False]).encode(), FORMS)


@pytest.mark.parametrize("version", ["newest", "0.9.30"])
def test_a_receipt_of_a_typed_password_is_that_of_the_bare_uv(version: str, world: World, server: Realms) -> None:
    """From 0.11 on, uv marks an index whose URL had a login, so that an upgrade without any credential fails before it asks."""
    session = Session(world, server, version)
    world.configure("")
    typed = session.url.replace("://", f"://{TYPED}")
    receipts = {}
    for bare in (True, False):
        session.begin({})
        line, status, _, error, texts = session.seen(f"uv tool install --default-index {typed} corp-tool", bare=bare)
        assert status == 0, (line, error)
        (receipts[bare],) = texts.values()

    assert receipts[False] == receipts[True]
    assert CANARY not in receipts[False]


@pytest.mark.parametrize("version", ["newest", "0.9.30"])
@pytest.mark.parametrize(
    "line",
    ["uv run --no-project --default-index {url} --with corp-tool corp-tool", "uvx --default-index {url} corp-tool"],
)
def test_a_users_program_gets_the_bare_environment_and_one_pointer(line: str, version: str, world: World, server: Realms) -> None:
    session = Session(world, server, version)
    seen = {}
    for bare in (True, False):
        session.begin({})
        # Only the bare uv needs to be told: the user's own netrc is no business of this test.
        home = {"HOME": str(world.folder / "config" / "home")} if bare else {}
        (world.folder / "config" / "home").mkdir(exist_ok=True)
        shutil.copy(session.netrc, world.folder / "config" / "home" / ".netrc")
        seen[bare] = session.seen(line.format(url=session.url), bare=bare, **home)

    assert seen[False][1] == 0, seen[False]
    ours, theirs = ({row.partition("=")[0] for row in seen[bare][2].splitlines()} for bare in (False, True))
    assert ours - theirs - LAUNCHERS_OWN == {"UV_CREDENTIALS_DIR"}
    assert theirs <= ours
    assert not is_in(seen[False][2].encode(), FORMS)


def test_a_programs_own_authorization_header_is_left_alone(world: World, server: Realms) -> None:
    session = Session(world, server, "newest")
    session.begin({})
    program = f"from pip._vendor import requests; requests.get('{server.url('/team/own')}', headers={{'Authorization': 'Bearer my-own'}})"
    (session.folder / "program.py").write_text(program)
    python = toolchains.uv().python
    result = session.run(f"uv run --no-project --python {python} --default-index {session.url} python program.py", bare=False)

    assert result.returncode == 0, result.stderr
    assert ("/team/own", "Bearer my-own", 401) in server.sent


BECOME = """
import sys
from shim.delivery import choose
from shim.hotpath.exec_target import become
from shim.core.host import this_host
from shim.core.model import Resolution, Credential, Invocation, Endpoint, Endpoints, Origin, Secret, Target
from shim.config.settings import Settings
from shim.core.urls import parse_url, scope_of_index

target, url, token, *argv = sys.argv[1:]
endpoint = Endpoint(parse_url(url), Origin("argv", "--default-index"))
resolution = Resolution(endpoint, Credential("", Secret(token), scope_of_index(endpoint.url), "test", scheme="bearer"))
invocation = Invocation("uv", "uv", Target(target), tuple(argv), ("pip", "install"), True, "")
host = this_host()
become(target, "uv", choose(invocation, Endpoints((endpoint,)), (resolution,), Settings(), host).deliver(), host.environ)
"""


@pytest.mark.parametrize("version", ["newest", "0.9.30"])
def test_a_bearer_token_arrives_as_one(version: str, world: World, packages: Packages, report: Path) -> None:
    report.write_bytes(b"")
    with Realms(*packages, {"/team": f"Bearer {CANARY}"}) as server:
        tool = toolchains.uv(version)
        world.use(tool)
        url = server.url("/team/simple/")
        words = ["pip", "install", "--target", world.folder / "installed", "--default-index", url, "corp-sdist"]
        result = world.run(sys.executable, "-c", BECOME, tool.path, url, CANARY, *words)

    assert result.returncode == 0, result.stderr
    assert server.let_in("/team")
    assert report.read_text().count('"environ"') >= 1
    assert CANARY not in report.read_text()


@pytest.fixture
def uploads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """A real pypiserver that takes uploads of one user."""
    folder = tmp_path_factory.mktemp("uploads")
    (folder / "packages").mkdir()
    with servers.pypiserver(folder, USER, CANARY, (str(folder / "packages"), {})) as port:
        yield port, folder / "packages"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "how",
    ["found", "-u USER", "-u USER -p SECRET", "--username=USER --password=SECRET", "variable", "check", "url"],
)
def test_an_upload_arrives_whole_and_no_secret_stands_in_uvs_argv(
    how: str, version: str, world: World, uploads: tuple[int, Path], packages: Packages
) -> None:
    port, folder = uploads
    world.use(toolchains.uv(version))
    url = f"http://127.0.0.1:{port}/"
    environ = {"UV_PUBLISH_USERNAME": USER, "UV_PUBLISH_PASSWORD": CANARY} if how == "variable" else {}
    if how in ("found", "check", "-u USER"):
        program = world.folder / "config" / "give"
        program.write_text(f"#!/bin/sh\necho {CANARY}\n")
        program.chmod(0o700)
        world.configure(f'[[index]]\nname = "corp"\nurl = "{url}"\nusername = "{USER}"\ncommand = {{ argv = ["{program}"] }}\n')
    options = how.replace("USER", USER).replace("SECRET", CANARY).split() if how.startswith("-") else []
    options += ["--check-url", f"{url}simple/"] if how == "check" else []
    target = url.replace("://", f"://{TYPED}") if how == "url" else url
    name = packages[1]["corp-lib"][0]
    with ArgvWatch(FORMS) as watch:
        result = world.run("uv", "publish", "--publish-url", target, *options, Path(packages[0], name), **environ)

    assert result.returncode == 0, result.stderr
    assert (folder / name).read_bytes() == Path(packages[0], name).read_bytes()
    assert "uv" not in watch.seen
    assert not is_in((result.stdout + result.stderr).encode(), FORMS)


def test_a_wrong_password_of_an_upload_fails_as_with_the_bare_uv(world: World, uploads: tuple[int, Path], packages: Packages) -> None:
    world.use(toolchains.uv())
    words = [
        "uv",
        "publish",
        "--publish-url",
        f"http://127.0.0.1:{uploads[0]}/",
        "-u",
        USER,
        "-p",
        "wrong",
        Path(packages[0], packages[1]["corp-lib"][0]),
    ]
    ours, theirs = world.run(*words), world.run(*words, bare=True)

    assert (ours.returncode, without_times(ours.stderr)) == (theirs.returncode, without_times(theirs.stderr))
    assert ours.returncode != 0


@pytest.mark.parametrize(
    "line", ["uv auth dir", "uv auth token https://nowhere.example/", "uv auth helper --protocol bazel get </dev/null"]
)
def test_uvs_own_credential_verbs_are_left_alone(line: str, world: World, server: Realms) -> None:
    session = Session(world, server, "newest")
    session.begin({})

    assert session.seen(line, bare=False) == session.seen(line, bare=True)
