"""Which uv commands ask, and what: each rule that was measured with the real uv, in the smallest world that shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from shim.core.host import Host
from shim.core.model import Endpoints, Location
from shim.tools.uv import tool, uvx
from shim.tools.uv.requests import read_command_endpoints

NEWEST = (0, 13, 8)
HOST = "https://corp.example"
DEFAULT = "index https://pypi.org/simple"
PROJECT = '[project]\nname = "p"\nversion = "1"\ndependencies = ["x"]\n'


class World:
    """A home, a working directory and an environment, with nothing in them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {"HOME": str(folder / "home"), "XDG_CONFIG_DIRS": str(folder / "xdg"), "PATH": "/usr/bin:/bin"}
        (folder / "work").mkdir()

    def write(self, path: str, text: str) -> None:
        target = self.folder / "work" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    @property
    def host(self) -> Host:
        return Host(environ=self.environ, cwd=str(self.folder / "work"))

    def read(self, *argv: str, version: tuple[int, ...] | None = NEWEST) -> Endpoints:
        return read_command_endpoints(tool.parse(argv)._replace(version=version), self.host)

    def said(self, *argv: str, version: tuple[int, ...] | None = NEWEST) -> list[str]:
        return [f"{endpoint.role} {endpoint.url.text}" for endpoint in self.read(*argv, version=version).items]

    def touches(self, *argv: str) -> bool:
        return tool.read_invocation("uv", argv, self.host, "/nowhere/bin/uv").touches_index


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def index(name: str, *lines: str, table: str = "index") -> str:
    """Return an [[index]] table whose URL ends in its name."""
    return "\n".join([f"[[{table}]]", f'name = "{name}"', f'url = "{HOST}/{name}/simple"', *lines, ""])


# Which commands ask


@pytest.mark.parametrize(
    "line",
    [
        "",
        "--version",
        "help install",
        "pip",
        "auth login corp.example",
        "--directory x auth token corp.example",
        "auth logout --index-url https://a.example",
        "cache clean",
        "python install 3.12",
        "pip freeze",
        "pip list",
        "pip tree",
        "tool list",
        "tool run",
        "venv",
        "version",
        "--offline lock",
        "lock --show-settings",
        "export --frozen",
        "tree --frozen",
        "remove --frozen x",
        "run --no-sync pytest",
        "run --no-project pytest --with x",
        "lock --help",
    ],
)
def test_these_ask_nothing_and_are_left_alone(world: World, line: str) -> None:
    assert not world.touches(*line.split())


@pytest.mark.parametrize(
    "line",
    [
        "lock",
        "sync --frozen",
        "pip list --outdated",
        "tree --outdated --frozen",
        "venv --seed",
        "v --seed",
        "version --bump minor",
        "tool update x",
        "run --no-project --with x pytest",
        "run --no-sync x.py",
        "--offline lock --no-offline",
        "export --frozen --no-frozen",
    ],
)
def test_these_may_ask(world: World, line: str) -> None:
    assert world.touches(*line.split())


def test_a_variable_counts_only_for_releases_that_know_it(world: World) -> None:
    world.environ["UV_NO_PROJECT"] = "1"
    command = tool.parse(("run", "pytest"))

    assert tool.why_not(command._replace(version=(0, 11, 7)), world.host) is None
    assert tool.why_not(command._replace(version=(0, 11, 8)), world.host) == "uv run --no-project asks no index"


def test_options_end_where_the_users_program_begins(world: World) -> None:
    url = f"{HOST}/mine/simple"
    assert world.said("run", "pytest", "-i", url) == [DEFAULT]
    assert world.said("tool", "run", "ruff", "--index", url) == [DEFAULT]
    assert world.said("run", "-i", url, "pytest", "-i", f"{HOST}/program") == [f"index {url}"]
    words = uvx.read_endpoints(uvx.read_invocation("uvx", ("--index", url, "ruff", "-i", HOST), world.host, "/nowhere/uvx"), world.host).items
    assert [endpoint.url.text for endpoint in words] == [url, "https://pypi.org/simple"]


# Order and precedence


def test_an_option_replaces_its_variable_and_only_its_own(world: World) -> None:
    world.environ |= {"UV_INDEX": f"{HOST}/env/simple", "UV_DEFAULT_INDEX": f"{HOST}/default/simple", "UV_EXTRA_INDEX_URL": ""}

    assert world.said("lock", "--index", f"n={HOST}/typed/simple") == [f"index {HOST}/default/simple", f"extra {HOST}/typed/simple"]


def test_several_values_stand_in_one_variable(world: World) -> None:
    world.environ |= {"UV_INDEX": f"{HOST}/a\n n={HOST}/b ", "UV_FIND_LINKS": f"{HOST}/c, {HOST}/d"}

    assert world.said("lock") == [f"extra {HOST}/a", f"extra {HOST}/b", f"links {HOST}/c", f"links {HOST}/d", DEFAULT]


def test_index_url_is_the_default_of_uv_pip_and_gives_way_to_a_configured_one_elsewhere(world: World) -> None:
    world.write("uv.toml", index("a", "default = true"))
    typed = ("--index-url", f"{HOST}/typed")

    assert world.said("pip", "install", "x", *typed) == [f"index {HOST}/typed"]
    assert world.said("tool", "run", *typed, "x") == [f"index {HOST}/typed"]  # which reads no project
    assert world.said("lock", *typed) == [f"index {HOST}/a/simple"]


def test_the_first_of_a_name_shadows_the_others(world: World) -> None:
    world.write("uv.toml", index("a") + index("b", "default = true"))

    assert world.said("lock", "--index", f"a={HOST}/typed") == [f"extra {HOST}/typed", f"index {HOST}/b/simple"]
    assert world.said("lock", "--default-index", f"b={HOST}/typed") == [f"index {HOST}/typed", f"extra {HOST}/a/simple"]


def test_a_shadowed_password_in_argv_stays_a_need_and_one_that_nothing_can_use_is_spare(world: World) -> None:
    world.write("uv.toml", index("a", "default = true"))
    argv = ("lock", "--index-url", "https://u:p@other.example/simple")

    assert world.said(*argv) == [f"index {HOST}/a/simple", "extra https://other.example/simple"]
    endpoints = world.read(*argv, "--no-index")
    assert (endpoints.items, endpoints.unused_userinfo) == ((), (Location("argv", 2, 8, 12),))


def test_an_explicit_index_is_asked_where_something_names_it(world: World) -> None:
    pyproject = PROJECT + index("a", "explicit = true", table="tool.uv.index")
    world.write("pyproject.toml", pyproject)
    assert world.said("lock") == [DEFAULT]
    assert world.said("pip", "install", "x", "--index", "a") == [f"extra {HOST}/a/simple", DEFAULT]

    world.write("pyproject.toml", pyproject + '[tool.uv.sources]\nx = { index = "a" }\n')
    assert world.said("lock") == [DEFAULT, f"extra {HOST}/a/simple"]
    assert world.said("lock", "--no-config") == [DEFAULT, f"extra {HOST}/a/simple"]
    assert world.said("lock", "--index", f"a={HOST}/typed") == [f"extra {HOST}/typed", DEFAULT]


def test_a_default_that_is_explicit_keeps_everybody_elses_away(world: World) -> None:
    world.write("uv.toml", index("a", "explicit = true", "default = true"))

    assert world.said("lock") == []


def test_an_index_that_must_get_no_credential_is_no_need(world: World) -> None:
    world.write("uv.toml", index("a", 'authenticate = "never"'))

    assert world.said("lock") == [DEFAULT]


# Configuration


def test_uv_pips_own_table_counts_for_uv_pip_only(world: World) -> None:
    world.write("uv.toml", f'extra-index-url = ["{HOST}/all"]\n[pip]\nextra-index-url = ["{HOST}/pip"]\n')

    assert world.said("pip", "install", "x") == [f"extra {HOST}/pip", f"extra {HOST}/all", DEFAULT]
    assert world.said("lock") == [f"extra {HOST}/all", DEFAULT]


def test_the_nearest_file_with_uv_settings_hides_those_above(world: World) -> None:
    world.write("uv.toml", index("above"))
    world.write("inner/pyproject.toml", PROJECT)
    assert world.said("--directory", "inner", "lock") == [f"extra {HOST}/above/simple", DEFAULT]

    world.write("inner/pyproject.toml", PROJECT + index("own", table="tool.uv.index"))
    assert world.said("--project", "inner", "lock") == [f"extra {HOST}/own/simple", DEFAULT]

    world.write("inner/uv.toml", "")
    assert world.said("--project", "inner", "lock") == [DEFAULT]


def test_a_named_file_replaces_all_others_even_with_no_config(world: World) -> None:
    world.write("uv.toml", index("a"))
    world.write("other.toml", index("b"))

    assert world.said("--config-file", "other.toml", "--no-config", "lock") == [f"extra {HOST}/b/simple", DEFAULT]
    assert world.said("lock", "--no-config") == [DEFAULT]


def test_isolated_is_no_config_to_what_is_no_project_and_no_tool(world: World) -> None:
    world.write("uv.toml", index("a"))
    own = [f"extra {HOST}/a/simple", DEFAULT]

    assert world.said("pip", "install", "x") == own
    assert world.said("pip", "install", "--isolated", "x") == [DEFAULT]
    assert world.said("--isolated", "build") == [DEFAULT]
    assert world.said("lock", "--isolated") == own
    assert world.said("--config-file", "uv.toml", "pip", "install", "--isolated", "x") == own


MEMBER = '[project]\nname = "m"\n[dependency-groups]\ndev = ["x"]\n'
PINNED = '[tool.uv.sources]\nx = { index = "a" }\n'


@pytest.mark.parametrize(
    "words",
    [
        "install -r m/pyproject.toml",
        "install ./m",
        "compile m/pyproject.toml",
        "compile m/setup.py",
        "install -r m/setup.cfg",
        "install --group m/pyproject.toml:dev",
        "install --project m --group dev",
        "install --directory m --group dev",
    ],
)
@pytest.mark.parametrize("root_pins", [False, True])
def test_a_member_named_by_its_path_has_the_sources_and_indexes_of_its_workspace(world: World, words: str, root_pins: bool) -> None:
    root = '[tool.uv.workspace]\nmembers = ["m"]\n' + index("a", "explicit = true", table="tool.uv.index")
    world.write("pyproject.toml", root + (PINNED if root_pins else ""))
    world.write("m/pyproject.toml", MEMBER + ("" if root_pins else PINNED))

    assert f"extra {HOST}/a/simple" in world.said("pip", *words.split())


def test_a_member_may_need_another_one_of_its_workspace(world: World) -> None:
    world.write("pyproject.toml", '[tool.uv.workspace]\nmembers = ["*"]\n' + index("a", "explicit = true", table="tool.uv.index"))
    world.write("m/pyproject.toml", '[project]\nname = "m"\n[tool.uv.sources]\nn = { workspace = true }\n')
    world.write("n/pyproject.toml", '[project]\nname = "n"\n' + PINNED)

    assert f"extra {HOST}/a/simple" in world.said("pip", "install", "./m")
    assert world.said("pip", "install", "./n", "--no-index") == []


def test_a_tool_reads_the_users_settings_and_no_projects(world: World) -> None:
    world.write("uv.toml", index("project"))
    world.write("../home/.config/uv/uv.toml", index("user"))
    world.write("../xdg/uv/uv.toml", index("machine"))

    assert world.said("tool", "install", "x") == [f"extra {HOST}/user/simple", f"extra {HOST}/machine/simple", DEFAULT]
    world.environ["UV_NO_SYSTEM_CONFIG"] = "true"
    assert world.said("tool", "install", "x") == [f"extra {HOST}/user/simple", DEFAULT]
    assert world.said("tool", "install", "x", version=(0, 11, 15)) == [f"extra {HOST}/user/simple", f"extra {HOST}/machine/simple", DEFAULT]


def test_variables_that_move_uv_move_it_in_releases_that_know_them(world: World) -> None:
    world.write("inner/uv.toml", index("inner"))
    world.environ["UV_PROJECT"] = "inner"
    assert world.said("pip", "install", "x") == [f"extra {HOST}/inner/simple", DEFAULT]
    assert world.said("pip", "install", "x", version=(0, 6, 10)) == [DEFAULT]

    del world.environ["UV_PROJECT"]
    world.environ["UV_WORKING_DIR"] = "inner"
    assert world.said("lock") == [f"extra {HOST}/inner/simple", DEFAULT]
    assert world.said("lock", version=(0, 9, 13)) == [DEFAULT]


def test_a_script_is_where_newer_releases_begin_to_look(world: World) -> None:
    world.write("scripts/x.py", "")
    world.write("scripts/uv.toml", index("script"))
    world.write("uv.toml", index("here"))
    argv = ("run", "--with", "x", "scripts/x.py")

    assert world.said(*argv, version=(0, 12, 0)) == [f"extra {HOST}/script/simple", DEFAULT]
    assert world.said(*argv, version=(0, 11, 33)) == [f"extra {HOST}/here/simple", DEFAULT]
    assert world.said(*argv, version=None) == [f"extra {HOST}/script/simple", DEFAULT, f"extra {HOST}/here/simple"]


def test_members_pin_to_their_own_indexes_unless_they_are_excluded(world: World) -> None:
    member = index("own", table="tool.uv.index") + '[tool.uv.sources]\nx = { index = "own" }\ny = { index = "root" }\n'
    world.write(
        "pyproject.toml",
        '[tool.uv.workspace]\nmembers = ["m*"]\nexclude = ["mb"]\n' + index("root", "explicit = true", table="tool.uv.index"),
    )
    world.write("ma/pyproject.toml", PROJECT + member)
    world.write("mb/pyproject.toml", PROJECT + member.replace("/own/", "/excluded/"))

    assert world.said("lock") == [DEFAULT, f"extra {HOST}/own/simple", f"extra {HOST}/root/simple"]
    assert world.said("--directory", "ma", "lock") == world.said("lock")
    assert world.said("--directory", "mb", "lock") == [f"extra {HOST}/excluded/simple", DEFAULT]


def test_building_asks_only_what_building_needs(world: World) -> None:
    build = '[build-system]\nrequires = ["Hatch_Ling @ https://files.example/a/hatchling-1.whl", "b"]\n'
    sources = '[tool.uv.sources]\nx = { index = "a" }\nB = { index = "c" }\n'
    tables = index("a", "explicit = true", table="tool.uv.index") + index("c", "explicit = true", table="tool.uv.index")
    text = PROJECT.replace('"x"', '"x", "z @ https://files.example/z.whl"') + build + sources + tables
    world.write("pyproject.toml", text)

    assert world.said("build") == [DEFAULT, f"extra {HOST}/c/simple", "direct https://files.example/a/hatchling-1.whl"]
    assert "direct https://files.example/z.whl" in world.said("sync")


# Inputs


def test_index_lines_of_a_requirements_file_count_for_uv_pip_only(world: World) -> None:
    world.write("r.txt", f"-i {HOST}/file\n--extra-index-url={HOST}/more\nx @ https://files.example/a/b/x.whl\n-c c.txt\n-r n.txt\n")
    world.write("c.txt", f"--extra-index-url {HOST}/constraints-in-a-file\n")
    world.write("n.txt", f"-f {HOST}/nested\n")
    direct = "direct https://files.example/a/b/x.whl"

    assert world.said("pip", "install", "-r", "r.txt") == [f"index {HOST}/file", f"extra {HOST}/more", f"links {HOST}/nested", direct]
    assert world.said("pip", "install", "-r", "r.txt", "-i", f"{HOST}/typed")[:2] == [f"index {HOST}/typed", f"extra {HOST}/more"]
    assert world.said("pip", "install", "x", "-b", "r.txt") == [DEFAULT, direct]
    assert world.said("pip", "install", "x", "-c", "c.txt") == [f"extra {HOST}/constraints-in-a-file", DEFAULT]
    for line in ("run --with-requirements r.txt x", "tool install x --with-requirements r.txt", "add -r r.txt"):
        assert world.said(*line.split()) == [DEFAULT, direct]


def test_a_file_may_turn_every_index_off(world: World) -> None:
    world.write("r.txt", f"--no-index\n-f {HOST}/links\n")

    assert world.said("pip", "sync", "r.txt", "--index", f"{HOST}/typed") == [f"links {HOST}/links"]


def test_a_remote_file_is_a_need_and_what_it_says_stays_unknown(world: World) -> None:
    endpoints = world.read("pip", "install", "-r", f"{HOST}/r.txt")

    assert [endpoint.role for endpoint in endpoints.items] == ["index", "input"]
    assert endpoints.unreadable_inputs == (f"{HOST}/r.txt",)


LOCK = 'version = 1\n[[package]]\nname = "x"\nsource = {{ registry = "{registry}" }}\nwheels = [{{ url = "https://files.example/a/b/c/x.whl" }}]\n'


def test_a_lock_counts_if_it_was_made_from_the_indexes_that_are_configured_or_is_frozen(world: World) -> None:
    world.write("pyproject.toml", PROJECT)
    files = "direct https://files.example/a/b/"
    world.write("uv.lock", LOCK.format(registry="https://pypi.org/simple"))
    assert world.said("sync") == [DEFAULT, files]
    assert world.said("export") == [DEFAULT]

    world.write("uv.lock", LOCK.format(registry=f"{HOST}/simple"))
    assert world.said("sync") == [DEFAULT]
    assert world.said("sync", "--frozen") == [DEFAULT, files]
    assert world.said("sync", "--index", f"{HOST}/simple/") == [f"extra {HOST}/simple/", DEFAULT, files]


def test_the_credential_of_a_frozen_locks_index_opens_files_on_its_server(world: World) -> None:
    world.write("pyproject.toml", PROJECT)
    world.write("uv.lock", LOCK.format(registry="https://files.example/index/simple"))
    world.environ["UV_FROZEN"] = "1"

    assert world.said("run", "pytest") == [DEFAULT, "extra https://files.example/index/simple", "direct https://files.example/a/b/"]


def test_a_scripts_metadata_takes_the_place_of_the_project(world: World) -> None:
    world.write("pyproject.toml", PROJECT.replace('"x"', '"x @ https://files.example/x.whl"') + index("project", table="tool.uv.index"))
    block = "".join(f"# {line}\n" for line in f'dependencies = ["y"]\n{index("script", table="tool.uv.index")}'.splitlines())
    world.write("x.py", f"# /// script\n{block}# ///\n")

    assert world.said("run", "x.py") == [f"extra {HOST}/script/simple", f"extra {HOST}/project/simple", DEFAULT]
    assert world.said("lock", "--script", "x.py") == world.said("run", "x.py")


def test_each_tool_is_upgraded_from_what_it_was_installed_from(world: World) -> None:
    world.environ["UV_TOOL_DIR"] = "tools"
    for name in ("a", "b-c"):
        world.write(
            f"tools/{name}/uv-receipt.toml",
            f'[tool]\nrequirements = [{{ name = "{name}", url = "https://files.example/{name}.whl" }}]\n'
            f'[tool.options]\nindex = [{{ url = "{HOST}/{name}/simple", default = true }}]\n',
        )

    assert world.said("tool", "upgrade", "B_C") == [f"index {HOST}/b-c/simple", "direct https://files.example/b-c.whl"]
    assert {f"index {HOST}/a/simple", f"extra {HOST}/b-c/simple"} < set(world.said("tool", "upgrade", "--all"))
    assert world.said("tool", "upgrade", "missing") == []


def test_listing_tools_minds_neither_argv_nor_environment_nor_what_else_files_say(world: World) -> None:
    world.environ |= {"UV_TOOL_DIR": "tools", "UV_INDEX": f"{HOST}/env"}
    world.write("tools/a/uv-receipt.toml", f'[tool]\nrequirements = []\n[tool.options]\nextra-index-url = ["{HOST}/a"]\n')
    world.write("../home/.config/uv/uv.toml", f'index-url = "{HOST}/never"\nno-index = true\n' + index("user"))

    assert world.said("tool", "list", "--outdated") == [f"extra {HOST}/user/simple", f"extra {HOST}/a", DEFAULT]


# Publishing


def test_an_upload_goes_to_what_was_said_else_to_everybodys_index(world: World) -> None:
    world.write("uv.toml", index("corp", f'publish-url = "{HOST}/upload"') + index("read-only"))

    assert world.said("publish") == ["publish https://upload.pypi.org/legacy/"]
    assert world.said("publish", "--index", "corp") == [f"publish {HOST}/upload", f"index {HOST}/corp/simple"]
    assert world.said("publish", "--index", "read-only") == []
    assert world.said("publish", "--publish-url", f"{HOST}/up", "--check-url", f"{HOST}/a/") == [f"publish {HOST}/up", f"index {HOST}/a/"]
    world.environ["UV_PUBLISH_INDEX"] = "corp"
    assert world.said("publish") == world.said("publish", "--index", "corp")


def test_what_answers_for_an_upload_is_named(world: World) -> None:
    world.environ["UV_PUBLISH_TOKEN"] = "not-a-token"
    (endpoint,) = world.read("publish", "--publish-url", f"{HOST}/up").items
    assert endpoint.provided_by == "UV_PUBLISH_TOKEN"

    (endpoint,) = world.read("publish", "--publish-url", f"{HOST}/up", "-u", "alice", "-p", "not-a-password").items
    assert (endpoint.username, endpoint.provided_by) == ("alice", "UV_PUBLISH_TOKEN")
