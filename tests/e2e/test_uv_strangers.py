"""uv and servers that show strangers another page instead of asking who they are: a forwarded one, or an anonymous view.

Whoever asks as a stranger takes a stranger's package, so the credential has to go with the first request for a page, as a password
typed into the URL does. What arrives, the exit status and what is kept are those of the bare uv with the password typed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from shim.cli.demo.packages import build_wheel
from tests.support import toolchains
from tests.support.realms import Realms, basic
from tests.support.world import CANARY, USER, World

Packages = tuple[str, dict[str, list[str]]]
OTHER_USER, OTHER_SECRET = "bob", "an0ther-canary-0815"


class Forwarding(Realms):
    """Shows strangers, on every page of a package, another one's package of that name. Its files are its own again."""

    def answer(self, path: str, authorization: str | None) -> tuple[int, str, bytes]:
        """Return (status, content type, body), and write the request down."""
        status, kind, body = super().answer(path, authorization)
        project = re.fullmatch(r"/\w+/simple/([^/]+)/", path)
        if status == 401 and project:
            name = project[1].replace("-", "_")
            self.sent[-1] = (path, authorization, 200)
            return 200, "text/html", f'<a href="/bait/files/{name}-0.9-py3-none-any.whl">{name}-0.9-py3-none-any.whl</a>'.encode()
        return status, kind, body

    @property
    def gave_bait(self) -> bool:
        """Whether somebody was shown the stranger's package who could take it."""
        return any("/simple/" in path and path.count("/") > 3 and "pip-uv-shim" not in path and not who for path, who, _ in self.sent)


@pytest.fixture
def server(packages: Packages, tmp_path: Path) -> Iterator[Forwarding]:
    folder = tmp_path / "bait"
    folder.mkdir()
    bait = build_wheel(str(folder), "corp-lib", {"corp_lib.py": "STRANGER = True\n"}, "0.9")
    for name in {file for files in packages[1].values() for file in files}:
        (folder / name).symlink_to(Path(packages[0]) / name)
    realms = {"/team": basic(USER, CANARY), "/other": basic(OTHER_USER, OTHER_SECRET), "/bait": None}
    with Forwarding(str(folder), {**packages[1], "bait": [bait]}, realms, only={"/team", "/bait"}) as served:
        yield served


def prepare(world: World, server: Realms, version: str, *, configured: bool) -> None:
    world.use(toolchains.uv(version))
    del world.environ["VIRTUAL_ENV"]
    (world.folder / "xdg" / "uv").mkdir()
    (world.folder / "xdg" / "uv" / "uv.toml").write_text("")
    world.environ["UV_TOOL_BIN_DIR"] = str(world.folder / "tool-bin")
    tables = [
        f'[[index]]\nname = "{place}"\nurl = "{server.url(f"/{place}/simple/")}"\nusername = "{user}"\nenv = {{ password = "{place}" }}\n'
        for place, user in (("team", USER), ("other", OTHER_USER))
    ]
    world.configure("".join(tables) if configured else "")


def run(world: World, words: list[str], *, bare: bool = False, **environ: str) -> subprocess.CompletedProcess[str]:
    return world.run("uv", *words, bare=bare, team=CANARY, other=OTHER_SECRET, UV_CACHE_DIR=str(world.folder / f"cache-{bare}"), **environ)


PYTHON = ["python", "-c", "import corp_lib; print(corp_lib.VALUE)"]
TARGET = ["--target", "out"]
#: Verbs that name the index themselves; `{}` is its URL.
NAMING = {
    "uvx": ["tool", "run", "--default-index", "{}", "--from", "corp-lib", *PYTHON],
    "tool install": ["tool", "install", "--default-index", "{}", "corp-lib"],
    "run --with": ["run", "--no-project", "--default-index", "{}", "--with", "corp-lib", *PYTHON],
    "pip install": ["pip", "install", *TARGET, "--default-index", "{}", "corp-lib"],
    "pip list": ["pip", "list", "--outdated", *TARGET, "--default-index", "{}"],
}
WAYS = ["typed", "variable", "configured"]


@pytest.mark.parametrize("version", ["newest", "0.9.30"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("verb", NAMING)
def test_a_verb_that_names_the_index_is_no_stranger(verb: str, way: str, version: str, world: World, server: Forwarding) -> None:
    prepare(world, server, version, configured=way == "configured")
    plain = server.url("/team/simple/")
    typed = plain.replace("://", f"://{USER}:{CANARY}@")
    words = NAMING[verb]
    if verb == "pip list":
        run(world, [word.format(typed) for word in NAMING["pip install"]], bare=True)
    bare = run(world, [word.format(typed) for word in words], bare=True)
    server.sent.clear()
    if verb == "pip install":
        shutil.rmtree(world.cwd / "out")
    if way == "variable":
        at = words.index("--default-index")
        result = run(world, words[:at] + words[at + 2 :], UV_DEFAULT_INDEX=typed)
    else:
        result = run(world, [word.format(plain if way == "configured" else typed) for word in words])

    assert not server.gave_bait
    assert server.let_in("/team")
    assert server.wrongly_sent() == []
    assert (result.returncode, result.stdout) == (bare.returncode, bare.stdout), result.stderr


PROJECT = """[project]
name = "p"
version = "1"
requires-python = ">=3.11"
dependencies = ["corp-lib"]
"""
PROJECT_VERBS = {
    "run": ["run", *PYTHON],
    "sync": ["sync"],
    "lock": ["lock"],
    "export": ["export", "--no-header"],
    "tree": ["tree"],
    "add": ["add", "corp-sdist"],
}
INDEXES = {
    "named": '[[tool.uv.index]]\nname = "team"\nurl = "{}"\n[[tool.uv.index]]\nname = "none"\nurl = "{none}"\ndefault = true\n',
    "default": '[[tool.uv.index]]\nname = "team"\nurl = "{}"\ndefault = true\n',
    "always": '[[tool.uv.index]]\nname = "team"\nurl = "{}"\nexplicit = true\nauthenticate = "always"\n'
    '[[tool.uv.index]]\nname = "none"\nurl = "{none}"\ndefault = true\n[tool.uv.sources]\ncorp-lib = {{ index = "team" }}\n',
    "explicit": '[[tool.uv.index]]\nname = "team"\nurl = "{}"\nexplicit = true\n'
    '[[tool.uv.index]]\nname = "none"\nurl = "{none}"\ndefault = true\n[tool.uv.sources]\ncorp-lib = {{ index = "team" }}\n',
}


@pytest.mark.parametrize(
    ("verb", "kind"),
    [*((verb, "named") for verb in PROJECT_VERBS), *(("run", kind) for kind in INDEXES if kind != "named"), ("lock", "default")],
)
@pytest.mark.parametrize("system", ["", "1"])
def test_a_projects_index_is_asked_as_its_user(verb: str, kind: str, system: str, world: World, server: Forwarding) -> None:
    """Or the command stops by name, where neither the project nor a variable can say the user."""
    prepare(world, server, "newest", configured=True)
    none = server.url("/bait/none/").replace("127.0.0.1", "localhost")
    environ = {"UV_NO_SYSTEM_CONFIG": system} if system else {}
    file = world.cwd / "pyproject.toml"
    file.write_text(PROJECT + INDEXES[kind].format(server.url("/team/simple/"), none=none))
    result = run(world, PROJECT_VERBS[verb], **environ)

    assert not server.gave_bait
    assert server.wrongly_sent() == []
    if (kind == "explicit" and verb == "run") or (verb == "add" and system):
        assert result.returncode == 77
        assert 'authenticate = "always"' in result.stderr
        return
    assert result.returncode == 0, result.stderr
    for name in ("uv.lock", "pyproject.toml"):
        assert f"{USER}@" not in (world.cwd / name).read_text()
    if (world.cwd / "uv.lock").exists():
        lock = run(world, ["lock", "--check"], bare=True, UV_INDEX_TEAM_USERNAME=USER, UV_INDEX_TEAM_PASSWORD=CANARY)
        assert lock.returncode == 0, lock.stderr


ONE_WORKSPACE = """[tool.uv.workspace]
members = ["member"]
[tool.uv.sources]
corp-lib = {{ index = "team" }}
[[tool.uv.index]]
name = "team"
url = "{}"
explicit = true
[[tool.uv.index]]
name = "bait"
url = "{bait}"
default = true
"""
#: Files, and a command of `uv pip`; `{}` is the URL.
HIDDEN = {
    "isolated": ({}, ["--isolated", "--default-index", "{}", "corp-lib"]),
    "no-index in a project": ({"pyproject.toml": '[tool.uv]\nno-index = true\nfind-links = ["{}corp-lib/"]\n'}, ["corp-lib"]),
    "no-index in a file": ({"r.txt": "--no-index\n-f {}corp-lib/\ncorp-lib\n"}, ["-r", "r.txt"]),
    "group": (
        {"pyproject.toml": PROJECT.replace('"corp-lib"', "") + '[dependency-groups]\ndev = ["corp-lib"]\n' + ONE_WORKSPACE},
        ["--group", "dev"],
    ),
    "member": ({"pyproject.toml": ONE_WORKSPACE, "member/pyproject.toml": PROJECT}, ["-r", "member/pyproject.toml"]),
}


@pytest.mark.parametrize("version", ["newest", "0.7.22"])
@pytest.mark.parametrize("way", ["typed", "configured"])
@pytest.mark.parametrize("case", HIDDEN)
def test_what_uv_pip_is_told_in_other_words_is_no_stranger_either(
    case: str, way: str, version: str, world: World, server: Forwarding
) -> None:
    """As with the bare uv and the password typed, or the command stops by name."""
    prepare(world, server, version, configured=way == "configured")
    files, words = HIDDEN[case]
    plain, bait = server.url("/team/simple/"), server.url("/bait/simple/").replace("127.0.0.1", "localhost")
    url = plain if way == "configured" else plain.replace("://", f"://{USER}:{CANARY}@")
    for name, text in files.items():
        (world.cwd / name).parent.mkdir(exist_ok=True)
        (world.cwd / name).write_text(text.format(url, bait=bait))
    result = run(world, ["pip", "install", *TARGET, *(word.format(url) for word in words)])
    for name in files:  # of which a typed password is no leak of ours
        (world.cwd / name).unlink()

    found = world.cwd / "out" / "corp_lib.py"
    assert server.wrongly_sent() == []
    if way == "configured" and (case.startswith("no-index") or (case == "isolated" and version != "newest")):
        assert (result.returncode, "cannot-deliver" in result.stderr, found.exists()) == (77, True, False), result.stderr
    else:
        assert found.read_text() == "VALUE = 1\n", result.stderr


def test_two_indexes_of_one_server_serve_uv_run(world: World, server: Forwarding) -> None:
    """Each is said with its own user, and in their order: nobody's password goes to the other place."""
    prepare(world, server, "newest", configured=True)
    tables = "".join(f'[[tool.uv.index]]\nname = "{name}"\nurl = "{server.url(f"/{name}/simple/")}"\n' for name in ("other", "team"))
    (world.cwd / "pyproject.toml").write_text(PROJECT + tables)
    for _ in range(2):
        result = run(world, PROJECT_VERBS["run"])

        assert (result.returncode, result.stdout) == (0, "1\n"), result.stderr
    assert not server.gave_bait
    assert server.wrongly_sent() == []


def test_what_is_synchronised_runs_where_no_way_is_safe(world: World, packages: Packages) -> None:
    """Two explicit indexes with a credential each on one server: uv sync has a way, uv run needs none."""
    realms = {"/team": basic(USER, CANARY), "/other": basic(OTHER_USER, OTHER_SECRET)}
    with Realms(*packages, realms) as server:
        prepare(world, server, "newest", configured=True)
        tables = "".join(
            f'[[tool.uv.index]]\nname = "{name}"\nurl = "{server.url(f"/{name}/simple/")}"\nexplicit = true\n'
            for name in realms_names(realms)
        )
        sources = '[tool.uv.sources]\ncorp-lib = { index = "team" }\ncorp-build = { index = "other" }\n'
        text = PROJECT.replace('"corp-lib"', '"corp-lib", "corp-build"') + tables + sources
        (world.cwd / "pyproject.toml").write_text(text)
        refused = run(world, PROJECT_VERBS["run"])
        assert run(world, ["sync"]).returncode == 0
        result = run(world, PROJECT_VERBS["run"])

        assert refused.returncode == 77
        assert "user name into the URL" in refused.stderr
        assert (result.returncode, result.stdout) == (0, "1\n"), result.stderr
        assert "without a credential" in result.stderr
        for name, user in (("team", USER), ("other", OTHER_USER)):  # what the hint says
            text = text.replace(f"http://{server.netloc}/{name}/", f"http://{user}@{server.netloc}/{name}/")
        (world.cwd / "pyproject.toml").write_text(text)
        result = run(world, PROJECT_VERBS["run"])
        assert (result.returncode, result.stdout) == (0, "1\n"), result.stderr
        assert "without a credential" not in result.stderr
        assert server.wrongly_sent() == []


def realms_names(realms: dict[str, str]) -> list[str]:
    return [path.strip("/") for path in realms]


@pytest.mark.parametrize("bare", [True, False])
def test_an_upgrade_after_a_typed_password_says_what_it_misses(bare: bool, world: World, server: Forwarding) -> None:
    """uv writes into a tool's receipt that its index always wants a login, if it was given one: so it does through us."""
    prepare(world, server, "newest", configured=False)
    folder = Path(server._folder)
    wheel = build_wheel(str(folder), "corp-tool", {"corp_tool.py": "def main():\n    print(1)\n"})
    server._files["corp-tool"] = [wheel]
    import zipfile

    with zipfile.ZipFile(folder / wheel, "a") as archive:
        archive.writestr("corp_tool-1.0.dist-info/entry_points.txt", "[console_scripts]\ncorp-tool = corp_tool:main\n")
    url = server.url("/team/simple/").replace("://", f"://{USER}:{CANARY}@")
    assert run(world, ["tool", "install", "--default-index", url, "corp-tool"], bare=bare).returncode == 0
    receipt = (Path(world.environ["XDG_DATA_HOME"]) / "uv" / "tools" / "corp-tool" / "uv-receipt.toml").read_text()
    result = run(world, ["tool", "upgrade", "corp-tool"], bare=bare)

    assert 'authenticate = "always"' in receipt
    assert USER not in receipt
    assert result.returncode == 1
    assert "Missing credentials" in result.stderr


@pytest.mark.parametrize("option", ["-r", "-c", "--overrides", "--build-constraints"])
@pytest.mark.parametrize("way", WAYS)
def test_a_requirements_file_behind_the_same_login_is_fetched(option: str, way: str, world: World, server: Forwarding) -> None:
    """uv fetches it before it keeps an index's password in mind: only the store has it by then. What is typed, is typed in both URLs."""
    prepare(world, server, "newest", configured=way == "configured")
    folder = Path(server._folder)
    (folder / "wanted.txt").write_text("corp-lib==1.0\n")
    server._files["wanted"] = ["wanted.txt"]
    plain, file = server.url("/team/simple/"), server.url("/team/files/wanted.txt")
    if way != "configured":
        plain, file = (url.replace("://", f"://{USER}:{CANARY}@") for url in (plain, file))
    words = ["pip", "install", *TARGET, option, file, *([] if option == "-r" else ["corp-lib"])]
    environ = {"UV_DEFAULT_INDEX": plain} if way == "variable" else {}
    result = run(world, words if environ else [*words, "--default-index", plain], **environ)

    assert result.returncode == 0, result.stderr
    assert server.wrongly_sent() == []


def test_uv_publish_shows_the_user_name_that_was_typed(world: World, server: Forwarding, packages: Packages) -> None:
    prepare(world, server, "newest", configured=False)
    wheel = Path(packages[0]) / packages[1]["corp-lib"][0]
    url = server.url("/team/upload/")
    result = run(world, ["publish", "-v", "--publish-url", url, "-u", "release-bot-7", "-p", CANARY, str(wheel)])

    assert "release-bot-7" in result.stderr or "****" not in result.stderr
    assert CANARY not in result.stdout + result.stderr
