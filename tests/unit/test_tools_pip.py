import os
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shim.core.files import MAX_BYTES
from shim.core.host import Host
from shim.core.model import Endpoint, Endpoints, Location
from shim.pipeline.unanswered import refuse_malformed
from shim.tools import load_tool
from shim.tools.pip import settings as pip_settings
from shim.tools.pip import tool
from tests.support.calls import count_calls

#: Not a release that any file here names, so the oldest rules hold.
UNKNOWN = "/nowhere/bin/pip"


class World:
    """A home, a working directory and an environment, with nothing in them and no machine-wide pip.conf."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {"HOME": str(folder / "home"), "XDG_CONFIG_DIRS": str(folder / "xdg"), "PATH": "/usr/bin:/bin"}
        self.target = UNKNOWN
        (folder / "work").mkdir()

    def write(self, path: str, text: str | bytes) -> str:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(target)

    def make_pip(self, version: str) -> None:
        """Give the command a target of a known release, in an environment of its own."""
        self.write("venv/pyvenv.cfg", "version = 3.11.7\n")
        self.target = self.write("venv/bin/pip", f"#!{self.folder}/venv/bin/python\n")
        self.write(f"venv/lib/python3.11/site-packages/pip-{version}.dist-info/METADATA", "")

    @property
    def host(self) -> Host:
        return Host(environ=self.environ, cwd=str(self.folder / "work"))

    def read(self, *argv: str) -> Endpoints:
        return tool.read_endpoints(tool.read_invocation("pip", argv, self.host, self.target), self.host)

    def said(self, *argv: str) -> list[tuple[str, str]]:
        return [(endpoint.role, endpoint.url.text) for endpoint in self.read(*argv).items]

    def touches(self, *argv: str) -> bool:
        return tool.read_invocation("pip", argv, self.host, self.target).touches_index


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(pip_settings, "MACHINE_FOLDER", str(tmp_path / "etc"))
    return World(tmp_path)


def index(host: str) -> tuple[str, str]:
    return ("index", f"https://{host}/simple")


def extra(host: str) -> tuple[str, str]:
    return ("extra", f"https://{host}/simple")


def url(host: str) -> str:
    return f"https://{host}/simple"


DEFAULT = ("index", "https://pypi.org/simple")


# Which commands ask an index


@pytest.mark.parametrize(
    "line",
    [
        *("install x", "download x", "wheel x", "lock x", "index versions x", "search x"),
        *("list -o", "list --outd", "list -u"),
        *("--isolated -q install x", "--log install install x", "install -r -h", "install -- -h", "install x -V"),
    ],
)
def test_a_command_that_asks_an_index_is_known(world: World, line: str) -> None:
    assert world.touches(*line.split())


@pytest.mark.parametrize(
    "line",
    [
        *("", "--version", "-V", "-q --help", "install --help", "install x -h", "help install", "--version install x"),
        *("freeze", "show x", "check", "config list", "cache dir", "debug", "hash x", "completion --bash", "inspect"),
        *("list", "index", "index x", "uninstall x", "instal x", "--log install"),
    ],
)
def test_a_command_that_asks_no_index_is_known(world: World, line: str) -> None:
    invocation = tool.read_invocation("pip", tuple(line.split()), world.host, world.target)
    assert not invocation.touches_index
    assert invocation.reason
    assert tool.read_endpoints(invocation, world.host) == Endpoints()


def test_list_asks_an_index_when_a_variable_or_pip_conf_says_outdated(world: World) -> None:
    world.environ["PIP_OUTDATED"] = "yes"
    assert world.touches("list")
    assert not world.touches("list", "--isolated")
    world.environ["PIP_OUTDATED"] = "no"
    assert not world.touches("list")
    world.write("home/.config/pip/pip.conf", "[list]\nuptodate = 1\n")
    assert world.touches("list")


def test_uninstall_asks_only_for_remote_requirements(world: World) -> None:
    world.write("work/local.txt", "-i https://a/simple\n-r https://b/more.txt\nx @ https://c/x.whl\n")
    assert world.said("uninstall", "-r", "local.txt") == [("input", "https://b/more.txt")]
    assert world.said("uninstall", "x", "-r", "https://h/r.txt") == [("input", "https://h/r.txt")]


def test_search_has_an_index_of_its_own(world: World) -> None:
    assert world.said("search", "x", "-i", "https://a/pypi") == [("index", "https://a/pypi")]
    assert world.said("search", "x") == [("index", "https://pypi.org/pypi")]


# Precedence


def test_nobody_says_an_index_and_pip_asks_the_default_one(world: World) -> None:
    (endpoint,) = world.read("install", "x").items
    assert (endpoint.role, endpoint.url.text, str(endpoint.origin)) == (*DEFAULT, "pip's default")


def test_the_last_index_in_argv_wins_and_extras_add_up(world: World) -> None:
    argv = ["-i", url("a"), "--extra-index-url", url("b"), "--pypi-url", url("c"), "--extra-index-url", url("d")]
    assert world.said("install", "x", *argv) == [index("c"), extra("b"), extra("d")]


def test_argv_replaces_the_index_of_a_variable_and_adds_to_its_extras(world: World) -> None:
    world.environ |= {"PIP_INDEX_URL": url("e"), "PIP_EXTRA_INDEX_URL": f"{url('f')}\n {url('g')}"}
    said = world.said("install", "x", "-i", url("a"), "--extra-index-url", url("b"))
    assert said == [index("a"), extra("f"), extra("g"), extra("b")]


@pytest.mark.parametrize("name", ["PIP_INDEX_URL", "PIP_index_url", "PIP_PYPI_URL"])
def test_a_variable_is_known_by_every_name_that_pip_knows(world: World, name: str) -> None:
    world.environ[name] = url("e")
    (endpoint,) = world.read("install", "x").items
    assert (endpoint.url.text, str(endpoint.origin)) == (url("e"), f"env {name}")


def test_a_variable_in_lower_case_is_none(world: World) -> None:
    world.environ["pip_index_url"] = url("e")
    assert world.said("install", "x") == [DEFAULT]


def test_an_empty_variable_is_none_and_an_empty_value_clears_lower_files(world: World) -> None:
    world.write("xdg/pip/pip.conf", f"[global]\nindex-url = {url('x')}\nextra-index-url = {url('y')}\n")
    world.environ |= {"PIP_INDEX_URL": "", "PIP_EXTRA_INDEX_URL": ""}
    assert world.said("install", "x") == [index("x"), extra("y")]
    world.write("home/.config/pip/pip.conf", "[global]\nextra-index-url =\n")
    assert world.said("install", "x") == [index("x")]


def test_each_configuration_level_replaces_the_ones_below(world: World) -> None:
    world.make_pip("23.2.1")
    levels = ["xdg/pip/pip.conf", "etc/pip.conf", "home/.pip/pip.conf", "home/.config/pip/pip.conf", "venv/pip.conf"]
    for number, level in enumerate(levels):
        path = world.write(level, f"# {number}\n[global]\nindex-url = https://h{number}/simple\n")
        (endpoint,) = world.read("install", "x").items
        assert (endpoint.url.text, str(endpoint.origin)) == (f"https://h{number}/simple", f"{path}:3")
    world.write("home/.pip/pip.conf", f"[install]\nindex-url = {url('command')}\n")
    assert world.said("install", "x") == [index("command")]
    assert world.said("download", "x") == [index("h4")]
    world.environ["PIP_INDEX_URL"] = url("env")
    assert world.said("install", "x") == [index("env")]


def test_a_named_configuration_file_replaces_the_user_s_if_it_exists(world: World) -> None:
    world.write("xdg/pip/pip.conf", f"[global]\nextra-index-url = {url('x')}\n")
    world.write("home/.config/pip/pip.conf", f"[global]\nindex-url = {url('user')}\n")
    world.environ["PIP_CONFIG_FILE"] = "named.conf"
    endpoints = world.read("install", "x")
    assert [endpoint.url.text for endpoint in endpoints.items] == [url("user"), url("x")]
    assert str(world.folder / "work/named.conf") in endpoints.files_read
    world.write("work/named.conf", "[global]\ntimeout = 3\n")
    assert world.said("install", "x") == [DEFAULT, extra("x")]
    world.environ["PIP_CONFIG_FILE"] = os.devnull
    assert world.said("install", "x") == [DEFAULT]


def test_isolated_means_no_variables_and_no_files_of_the_user(world: World) -> None:
    world.write("xdg/pip/pip.conf", f"[global]\nextra-index-url = {url('x')}\n")
    world.write("home/.config/pip/pip.conf", f"[global]\nindex-url = {url('user')}\n")
    world.environ["PIP_INDEX_URL"] = url("e")
    assert world.said("--isolated", "install", "x") == [DEFAULT, extra("x")]
    assert world.said("install", "x", "--isolated") == [DEFAULT, extra("x")]
    # pip looks for the whole word before it reads its options.
    assert world.said("install", "x", "--isolate") == [index("e"), extra("x")]


@pytest.mark.parametrize("word", ["1", "yes", "on", "TRUE"])
def test_no_index_leaves_only_what_is_named_by_url(world: World, word: str) -> None:
    world.environ |= {"PIP_NO_INDEX": word, "PIP_EXTRA_INDEX_URL": url("e")}
    argv = ["-f", "https://f/", "-r", "https://r/r.txt", "https://d/x.whl", "-i", url("a")]
    assert world.said("install", *argv) == [
        ("links", "https://f/"),
        ("input", "https://r/r.txt"),
        ("direct", "https://d/x.whl"),
    ]


def test_a_variable_can_take_no_index_back(world: World) -> None:
    world.write("home/.config/pip/pip.conf", "[global]\nno-index = true\n")
    assert world.said("install", "x") == []
    world.environ["PIP_NO_INDEX"] = "false"
    assert world.said("install", "x") == [DEFAULT]


def test_paths_and_what_is_no_plain_url_are_no_needs(world: World) -> None:
    argv = ["-i", "file:///srv/simple", "--extra-index-url", "/srv", "-f", "./wheels", "-f", "https://a b/"]
    assert world.said("install", ".", "./x.whl", "git+https://h/x", *argv) == []


def test_pip_with_another_python_reads_that_one_s_pip_conf(world: World) -> None:
    world.make_pip("23.2.1")
    world.write("other/pyvenv.cfg", "version = 3.9.1\n")
    world.write("other/bin/python", "")
    world.write("other/pip.conf", f"[global]\nindex-url = {url('other')}\n")
    argv = ("--python", "../other", "install", "x")
    invocation = tool.read_invocation("pip", argv, world.host, world.target)
    assert (invocation.target.version, invocation.target.python) == ((23, 2, 1), (3, 9))
    assert world.said(*argv) == [index("other")]
    world.environ["PIP_PYTHON"] = "../other/bin/python"
    assert world.said("install", "x") == [index("other")]
    del world.environ["PIP_PYTHON"]
    world.write("home/.config/pip/pip.conf", "[global]\npython = ../other\n")
    assert world.said("install", "x") == [index("other")]
    assert world.said("install", "--isolated", "x") == [index("other")]


def test_pip_before_22_3_knows_no_other_python(world: World) -> None:
    world.make_pip("22.2.2")
    world.write("other/bin/python", "")
    world.write("other/pip.conf", f"[global]\nindex-url = {url('other')}\n")
    world.environ["PIP_PYTHON"] = "../other"
    assert world.said("install", "x") == [DEFAULT]


@pytest.mark.parametrize(
    ("version", "line", "expected"),
    [
        ("24.0", "wheel --build --index-url=https://no x", [DEFAULT]),
        ("24.0", "install --only -i x -i https://i/simple", [index("i")]),
        ("20.3.4", "install --build -i -i https://i/simple x", [index("i")]),
        ("24.0", "install --g -i -i https://i/simple x", [index("i")]),
        ("24.0", "install --con c.txt x", [index("c")]),
    ],
)
def test_an_abbreviation_means_what_it_means_in_that_release(
    world: World, version: str, line: str, expected: list[tuple[str, str]]
) -> None:
    world.make_pip(version)
    world.write("work/c.txt", f"-i {url('c')}\n")
    assert world.said(*line.split()) == expected


# Requirements files


def test_an_index_in_a_requirements_file_replaces_all_others(world: World) -> None:
    world.environ["PIP_EXTRA_INDEX_URL"] = url("e")
    lines = ["x", f"--extra-index-url {url('late')}", f"--index-u {url('r')}", f"--extra-index-url {url('s')}"]
    world.write("work/r.txt", "\n".join(lines))
    endpoints = world.read("install", "-r", "r.txt", "-i", url("a"))
    assert [(endpoint.role, endpoint.url.text) for endpoint in endpoints.items] == [index("r"), extra("s")]
    assert [(str(endpoint.origin), endpoint.origin.project) for endpoint in endpoints.items] == [("r.txt:3", True), ("r.txt:4", True)]


def test_constraints_count_as_well_and_come_first(world: World) -> None:
    world.write("work/c.txt", f"-i {url('c')}\n")
    world.write("work/r.txt", f"--extra-index-url {url('r')}\n")
    assert world.said("install", "-r", "r.txt", "-c", "c.txt") == [index("c"), extra("r")]


def test_variables_and_pip_conf_name_requirements_too(world: World) -> None:
    first = world.write("work/one.txt", f"--extra-index-url {url('one')}\n")
    world.write("work/two.txt", f"--extra-index-url {url('two')}\n")
    world.environ["PIP_REQUIREMENT"] = f"{first} two.txt"
    world.write("home/.config/pip/pip.conf", f"[global]\nconstraint = {world.folder}/work/two.txt\n")
    assert world.said("install", "x") == [DEFAULT, extra("two"), extra("one")]


def test_nested_files_are_found_beside_the_one_that_names_them(world: World) -> None:
    world.write("work/a/r.txt", "-r b/s.txt\n-c ../c.txt -i https://ignored/simple\n-e . -i https://ignored/simple\n")
    world.write("work/a/b/s.txt", f"--extra-index-url {url('s')}\n")
    world.write("work/c.txt", f"--extra-index-url {url('c')}\n")
    endpoints = world.read("install", "-r", "a/r.txt")
    assert [endpoint.url.text for endpoint in endpoints.items] == [DEFAULT[1], url("s"), url("c")]
    work = world.folder / "work"
    assert {str(work / "a/r.txt"), str(work / "a/b/s.txt"), str(work / "c.txt")} <= set(endpoints.files_read)


def test_a_file_url_is_read_like_its_path(world: World) -> None:
    world.write("work/a b/r.txt", "-r s.txt\n")
    world.write("work/a b/s.txt", f"-i {url('s')}\n")
    assert world.said("install", "-r", f"file://{world.folder}/work/a%20b/r.txt") == [index("s")]


def test_remote_files_are_named_and_not_fetched(world: World) -> None:
    world.write("work/r.txt", "-r https://alice:secret@r/more.txt\n")
    endpoints = world.read("install", "-r", "r.txt", "-c", "https://c/c.txt")
    assert [(endpoint.role, endpoint.url.text, endpoint.username) for endpoint in endpoints.items[1:]] == [
        ("input", "https://c/c.txt", None),
        ("input", "https://r/more.txt", "alice"),
    ]
    assert endpoints.unreadable_inputs == ("https://c/c.txt", "https://r/more.txt")


def test_variables_are_expanded_in_files_only(world: World) -> None:
    world.environ |= {"TOKEN": "s3cret", "PIP_EXTRA_INDEX_URL": "https://${TOKEN}@e/simple"}
    world.write("work/r.txt", "-i https://alice:${TOKEN}@r/simple\n")
    (endpoint,) = world.read("install", "-r", "r.txt").items
    assert endpoint.inline_password is not None
    assert endpoint.inline_password.reveal() == "s3cret"
    assert endpoint.location is None


def test_of_several_find_links_on_a_line_pip_takes_the_first(world: World) -> None:
    world.write("work/r.txt", "-f https://a/ -f https://b/\n-f https://c/\n")
    assert world.said("install", "-r", "r.txt")[1:] == [("links", "https://a/"), ("links", "https://c/")]


@pytest.mark.parametrize(("version", "expected"), [("22.3.1", []), ("22.0.4", [index("r"), extra("s")])])
def test_no_index_holds_for_later_files_since_pip_22_3(world: World, version: str, expected: list[tuple[str, str]]) -> None:
    world.make_pip(version)
    world.write("work/r.txt", f"-i {url('r')}\n--extra-index-url {url('s')}\n")
    assert world.said("install", "--no-index", "-r", "r.txt") == expected


def test_direct_urls_are_needs_wherever_they_stand(world: World) -> None:
    world.write("work/r.txt", "y @ https://u:p@b/y.whl ; python_version > '3'\n")
    world.write("work/pyproject.toml", '[dependency-groups]\ndev = ["z @ https://c/z.whl"]\n')
    world.write("work/script.py", '# /// script\n# dependencies = ["w @ https://d/w.whl"]\n# ///\n')
    argv = ["x@https://a/x.whl", "-r", "r.txt", "--group", "dev", "--requirements-from-script", "script.py"]
    endpoints = world.read("install", *argv)
    assert [endpoint.url.text for endpoint in endpoints.items if endpoint.role == "direct"] == [
        "https://a/x.whl",
        "https://c/z.whl",
        "https://b/y.whl",
        "https://d/w.whl",
    ]
    assert str(world.folder / "work/pyproject.toml") in endpoints.files_read


def test_an_index_on_disk_may_name_more_than_we_know(world: World) -> None:
    (unknown,) = world.read("install", "-i", "file:///mirror/simple", "x").unreadable_inputs
    assert unknown.startswith("file:///mirror/simple (from argv --index-url)")


def test_blanks_before_a_url_are_nothing(world: World) -> None:
    world.environ["PIP_INDEX_URL"] = "\n https://u:p@i/simple"
    (found,) = world.read("install", "x").items
    assert (found.url.text, found.username) == ("https://i/simple", "u")
    assert found.location == Location("env", "PIP_INDEX_URL", 10, 14)


@pytest.mark.parametrize(
    "text", ["https://u:p@i/simple\r", "'https://u:p@i/simple'", "https://u:p@i/sim\tple ", "\u200bhttps://u:p@i/simple"]
)
def test_a_url_that_is_none_is_known_as_what_was_meant(world: World, text: str) -> None:
    world.environ["PIP_INDEX_URL"] = text
    endpoints = world.read("install", "-f", "/a folder's/", "x")
    assert endpoints.items == ()
    assert [(endpoint.url.text, endpoint.username, str(endpoint.origin)) for endpoint in endpoints.malformed] == [("https://i/simple", "u", "env PIP_INDEX_URL")]


def test_a_public_index_in_quotes_is_nothing_that_a_broken_configuration_could_stop(world: World) -> None:
    world.environ["PIP_INDEX_URL"] = '"https://pypi.org/simple/"'
    world.environ["SHIM_CONFIG_FILE"] = world.write("broken.toml", "[[")
    endpoints = world.read("install", "x")
    invocation = tool.read_invocation("pip", ("install", "x"), world.host, "/usr/bin/pip")

    assert [endpoint.url.host for endpoint in endpoints.malformed] == ["pypi.org"]
    refuse_malformed(load_tool("pip"), invocation, endpoints, world.host)


def test_a_local_project_needs_the_urls_that_its_pyproject_names(world: World) -> None:
    dependencies = '[project]\ndependencies = ["a @ https://a/a.whl", "x"]\n[project.optional-dependencies]\nm = ["b @ https://b/b.whl"]\n'
    world.write("work/pyproject.toml", dependencies + '[build-system]\nrequires = ["c @ https://c/c.whl"]\n')
    world.write("work/r.txt", ".[m]\n")
    a, b, c = (("direct", f"https://{name}/{name}.whl") for name in "abc")
    assert world.said("install", ".") == [DEFAULT, c, a]
    assert world.said("install", "-e", ".[m]") == world.said("install", "-r", "r.txt") == [DEFAULT, c, a, b]
    assert world.said("install", f"x @ file://{world.folder}/work") == [DEFAULT, c, a]
    assert world.said("install", "--no-deps", ".") == [DEFAULT, c]


def test_a_page_of_links_on_disk_names_servers(world: World) -> None:
    page = world.write("work/pages/links.html", '<a href="https://a/x-1.whl">x</a><a href="https://a/x-1.whl">x</a>')
    world.write("work/pages/r.txt", "-f links.html\n")
    for argv in (["-f", "pages"], ["-f", page], ["-f", f"file://{page}"], ["-r", "pages/r.txt"]):
        assert world.said("install", "--no-index", *argv, "x") == [("direct", "https://a/x-1.whl")]


def test_a_lock_names_the_repositories_of_its_files(world: World) -> None:
    files = [f"https://files/a/b/c/d/{number}.whl" for number in range(50)] + ["https://files/a/b/c/e/1.whl"]
    world.write("work/pylock.toml", "".join(f'url = "{file}"\n' for file in files))
    direct = [("direct", files[0]), ("direct", files[-1])]
    assert world.said("install", "-r", "pylock.toml") == [DEFAULT, *direct]
    assert world.said("install", "-r", "pylock.toml[dev]")[1:] == direct
    assert world.said("install", "--group", "pylock.toml:dev")[1:] == direct


def test_build_constraints_add_to_the_indexes_and_replace_none(world: World) -> None:
    world.write("work/b.txt", f"-i {url('b')}\n")
    assert world.said("install", "x", "-i", url("a"), "--build-constraint", "b.txt") == [index("a"), extra("b")]


def test_a_file_url_may_include_what_is_no_url(world: World) -> None:
    path = world.write("work/r.txt", f"-r https://[\n-c :\n-i {url('r')}\n")
    assert world.said("install", "-r", f"file:{path}") == [index("r")]


def test_files_in_a_circle_end(world: World) -> None:
    world.write("work/r.txt", f"--extra-index-url {url('r')}\n-r s.txt\n")
    world.write("work/s.txt", f"-r r.txt\n-r s.txt\n--extra-index-url {url('s')}\n")
    assert world.said("install", "-r", "r.txt") == [DEFAULT, extra("r"), extra("s")]


def test_files_that_include_each_other_twice_in_a_long_row_end(world: World) -> None:
    for number in range(40):
        world.write(f"work/{number}.txt", f"-r {number + 1}.txt\n-c {number + 1}.txt\n")
    assert world.said("install", "-r", "0.txt") == [DEFAULT]
    assert count_calls(lambda: world.said("install", "-r", "0.txt")) < 200_000


def test_noise_folders_and_missing_files_are_skipped(world: World) -> None:
    world.write("work/noise.txt", bytes(range(256)) * 100)
    world.write("work/utf16.txt", b"\xff\xfe" + b"\xff" * 31)
    (world.folder / "work/folder").mkdir()
    argv = [word for name in ("noise.txt", "utf16.txt", "folder", "missing.txt", "nul\0.txt") for word in ("-r", name)]
    endpoints = world.read("install", *argv)
    assert [endpoint.url.text for endpoint in endpoints.items] == [DEFAULT[1]]
    assert str(world.folder / "work/missing.txt") in endpoints.files_read


def test_a_pipe_is_left_to_pip(world: World) -> None:
    pipe = world.folder / "work/pipe"
    os.mkfifo(pipe)
    endpoints = world.read("install", "-r", "pipe")
    assert endpoints.unreadable_inputs == ("pipe (it is a pipe)",)
    assert endpoints.careless == ()


def test_a_huge_file_is_left_to_pip(world: World) -> None:
    path = world.write("work/huge.txt", f"-i {url('huge')}\n")
    os.truncate(path, MAX_BYTES + 1)
    endpoints = world.read("install", "-r", "huge.txt")
    assert (endpoints.items[0].url.text, endpoints.unreadable_inputs) == (DEFAULT[1], ("huge.txt (it is larger than 4 MB)",))
    assert endpoints.careless == endpoints.unreadable_inputs


def test_an_empty_index_in_a_file_replaces_none(world: World) -> None:
    world.write("work/r.txt", "--index-url=\n-i ''\n")
    endpoints = world.read("install", "-i", url("a"), "-r", "r.txt")
    assert ([endpoint.url.text for endpoint in endpoints.items], endpoints.unreadable_inputs) == ([url("a")], ())


@pytest.mark.parametrize("argv", [["-i", ""], ["--extra-index-url="], ["--extra-index-url", "mirror/simple"], ["-r", "r.txt"]])
def test_an_index_that_is_no_url_is_one_on_disk(world: World, argv: list[str]) -> None:
    world.write("work/r.txt", "--extra-index-url=\n")
    (unknown,) = world.read("install", *argv, "x").unreadable_inputs
    assert "is an index on disk" in unknown


@pytest.mark.parametrize("text", ["https://i\u200b.example/simple", "http:\\\\i\\simple", "http://u:PASSWORD@i:99999/s", "https://127.1/simple"])
@pytest.mark.parametrize("form", ["-i {}", "--extra-index-url={}", "-f {}", "-r {}", "-c {}", "x @ {}", "{}"])
def test_a_url_that_is_none_to_us_is_unread_wherever_it_stands(world: World, form: str, text: str) -> None:
    world.write("work/r.txt", form.format(text.replace("\\", "\\\\") if form[0] == "-" else text) + "\n")
    unknown = world.read("install", "-r", "r.txt").unreadable_inputs
    assert unknown
    assert "PASSWORD" not in repr(unknown)


@pytest.mark.parametrize("tail", ["?x", "#x", ";x", "%00"])
def test_a_file_url_that_releases_of_pip_read_differently_is_unread(world: World, tail: str) -> None:
    evil = world.write("work/evil.txt", f"-i {url('evil')}\n--trusted-host h\n")
    world.write("work/r.txt", f"-r file://{evil}{tail}\n")
    endpoints = world.read("install", "-r", "r.txt")
    assert endpoints.unreadable_inputs == endpoints.careless
    assert len(endpoints.unreadable_inputs) == 1


def test_more_files_than_anybody_has_are_unread(world: World) -> None:
    world.write("work/empty.txt", "")
    world.write("work/evil.txt", f"-i {url('evil')}\n")
    world.write("work/r.txt", "-r empty.txt\n" * 1001 + "-r evil.txt\n")
    assert "too many includes" in "".join(world.read("install", "-r", "r.txt").careless)
    for number in range(400):
        world.write(f"work/{number}.txt", f"-r {number + 1}.txt\n")
    assert "too many includes" in "".join(world.read("install", "-r", "0.txt").careless)


@pytest.mark.parametrize("line", ["-i 'x", "-f '" + "x" * 5000 + "'", "-i ${A}"])
def test_a_line_that_is_none_to_us_is_unread(world: World, line: str) -> None:
    world.environ |= {"A": "https://${B}/", "B": "b"}
    world.write("work/r.txt", f"x==1\n{line}\n")
    assert world.read("install", "-r", "r.txt").careless[0].startswith("r.txt:2 (it ")


def make_wheel(world: World, name: str, *requires: str) -> str:
    path = world.folder / "work" / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}-1.0.dist-info/METADATA", "Name: x\n" + "".join(f"Requires-Dist: {one}\n" for one in requires) + "\nText\n")
    return f"./{path.name}"


@pytest.mark.parametrize(
    ("requires", "extras", "expected"),
    [
        ("secret; extra == 'dev'", "[dev]", "packages"),
        ("secret; extra == 'Dev_X'", "[dev-x]", "packages"),
        ("secret; extra == 'dev'", "", "nothing"),
        ("secret; extra == 'dev' or os_name == 'posix'", "", "packages"),
        ("secret; os_name == 'nobody'", "", "nothing"),
        ("secret; implementation_name == 'nobody'", "", "packages"),
        ("secret", "", "packages"),
    ],
)
def test_a_wheel_takes_from_an_index_what_it_requires_with_its_extras(world: World, requires: str, extras: str, expected: str) -> None:
    world.make_pip("25.3")
    wheel = make_wheel(world, "a", requires)
    assert tool.read_demand(tool.read_invocation("pip", ("install", wheel + extras), world.host, world.target), world.host) == expected


def test_a_wheel_names_the_servers_of_what_it_requires(world: World) -> None:
    inner = make_wheel(world, "b", "c @ https://c/c.whl", "d @ https://d/d.whl ; extra == 'more'")
    outer = make_wheel(world, "a", f"b[more] @ file://{world.folder}/work/{inner[2:]}", "e @ http:\\\\e\\e.whl")
    world.write("work/r.txt", outer[2:] + "\n")
    for argv in ([outer], ["-r", "r.txt"], [outer[2:]]):
        endpoints = world.read("install", "--no-index", *argv)
        assert [endpoint.url.host for endpoint in endpoints.items] == ["c", "d"]
        assert "http:" in endpoints.unreadable_inputs[0]
    alone = world.read("install", "--no-index", "--no-deps", outer)
    assert alone.items == alone.unreadable_inputs == ()


@pytest.mark.parametrize("kind", ["setup.py", "setup.cfg", "dynamic", "sdist", "broken", "no wheel"])
def test_what_only_code_can_say_about_a_project_is_unread(world: World, kind: str) -> None:
    place = "./project"
    if kind == "sdist":
        place = world.write("work/p-1.tar.gz", b"x")
    elif kind == "no wheel":
        place = world.write("work/p-1-py3-none-any.whl", b"PK")
    elif kind in ("dynamic", "broken"):
        world.write("work/project/pyproject.toml", "[project]\ndynamic = ['dependencies']\n" if kind == "dynamic" else "[[")
    else:
        world.write(f"work/project/{kind}", "")
    endpoints = world.read("install", place)
    is_code = kind in ("setup.py", "setup.cfg", "dynamic", "sdist")
    assert (len(endpoints.unreadable_inputs), len(endpoints.built)) == ((0, 1) if is_code else (1, 0))
    assert endpoints.careless == ()


def test_the_urls_in_the_files_of_a_project_that_code_describes_are_mentioned_and_what_builds_it_is_read(world: World) -> None:
    world.write("work/project/pyproject.toml", "[build-system]\nrequires = ['b @ https://b/b.whl']\n[project]\ndynamic = ['dependencies']\n")
    world.write("work/project/setup.py", "X = 'x @ HTTP://corp.example:8080/x.whl'\n")
    world.write("work/project/requirements.txt", "y @ https://corp.example/y.whl\n")
    endpoints = world.read("install", "./project")

    assert [endpoint.url.host for endpoint in endpoints.items if endpoint.role == "direct"] == ["b"]
    assert set(endpoints.mentioned) == {"HTTP://corp.example:8080/x.whl", "https://corp.example/y.whl", "https://b/b.whl"}
    assert f"{world.folder}/work/project" in endpoints.files_read
    assert world.read("install", "--no-deps", "./project").mentioned == ()


@pytest.mark.parametrize("files", [5, 50])
def test_a_line_in_a_tree_of_files_costs_the_same_however_many_there_are(world: World, files: int) -> None:
    for number in range(files):
        hashed = "package-{}==1.0 ; python_version > '3.8' \\\n  --hash=sha256:{:064}"
        lines = [hashed.format(line, line) for line in range(90)]
        lines += [f"direct-{line} @ https://h{number}/{line}/x.whl" for line in range(10)]
        lines += [f"--extra-index-url https://h{number}/simple", f"-r {number + 1}.txt"]
        world.write(f"work/{number}.txt", "\n".join(lines) + "\n")
    assert len(world.read("install", "-r", "0.txt").items) == 1 + 11 * files
    assert count_calls(lambda: world.read("install", "-r", "0.txt")) < 4_000 * files + 10_000


# Userinfo


def only(endpoints: Endpoints) -> Endpoint:
    (endpoint,) = endpoints.items
    return endpoint


@pytest.mark.parametrize(
    ("userinfo", "username", "password"),
    [
        ("alice:p%40ss@", "alice", "p@ss"),
        ("token@", "token", None),
        ("token:@", "token", ""),
        (":secret@", None, "secret"),
        (":@", None, None),
        ("", None, None),
        ("me%40corp:a:b@", "me@corp", "a:b"),
    ],
)
def test_a_userinfo_is_taken_apart_and_leaves_no_trace_in_the_url(
    world: World, userinfo: str, username: str | None, password: str | None
) -> None:
    endpoint = only(world.read("install", "x", f"-i=https://{userinfo}h/simple".replace("-i=", "--index-url=")))
    assert (endpoint.url.text, endpoint.username) == (url("h"), username)
    assert (endpoint.inline_password.reveal() if endpoint.inline_password is not None else None) == password


def cut(world: World, argv: tuple[str, ...], place: Location) -> str:
    text = argv[place.key] if isinstance(place.key, int) else world.environ[place.key]
    return text[: place.start] + "<" + text[place.start : place.end] + ">" + text[place.end :]


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ("install -i https://u:p@h/s x", "https://<u:p@>h/s"),
        ("-q install -qihttps://u:p@h/s x", "-qihttps://<u:p@>h/s"),
        ("--log a install x --ind=https://u@h/s", "--ind=https://<u@>h/s"),
        ("install --no-index x@https://u:p@h/x.whl", "x@https://<u:p@>h/x.whl"),
        ("install --no-index -r https://u:p@h/r.txt", "https://<u:p@>h/r.txt"),
    ],
)
def test_a_place_marks_the_userinfo_in_argv(world: World, argv: str, expected: str) -> None:
    words = tuple(argv.split())
    place = only(world.read(*words)).location
    assert place is not None
    assert cut(world, words, place) == expected


def test_a_place_marks_the_userinfo_in_a_variable(world: World) -> None:
    value = "  https://h/a\thttps://u:p@h/a\n https://u:p@h/b "
    world.environ["PIP_EXTRA_INDEX_URL"] = value
    places = [endpoint.location for endpoint in world.read("install", "x").items if endpoint.location]
    assert [cut(world, (), place) for place in places] == [
        value.replace("https://h/a", "https://<>h/a", 1),  # where one would be put
        value.replace("u:p@h/a", "<u:p@>h/a"),
        value.replace("u:p@h/b", "<u:p@>h/b"),
    ]


def test_every_userinfo_has_a_place_even_where_pip_will_not_ask(world: World) -> None:
    world.environ |= {"PIP_INDEX_URL": "https://e:p@h/s", "PIP_PROXY": "https://not:this@h", "PIP_FIND_LINKS": "https://f@h"}
    argv = ("install", "-i", "https://a:p@h/s", "-ihttps://b:p@h/s", "--no-index", "https://c@h/x.whl", "-f", "https://c@h/x.whl")
    argv += ("git+https://g:p@h/x.git", "-e", "x@git+ssh://git@h/x.git")
    invocation = tool.read_invocation("pip", argv, world.host, world.target)
    assert {(place.key, cut(world, argv, place)) for place in tool.find_places(invocation, world.host)} == {
        (2, "https://<a:p@>h/s"),
        (3, "-ihttps://<b:p@>h/s"),
        (5, "https://<c@>h/x.whl"),
        (7, "https://<c@>h/x.whl"),
        ("PIP_INDEX_URL", "https://<e:p@>h/s"),
        ("PIP_FIND_LINKS", "https://<f@>h"),
    }


def test_the_same_need_is_named_once_and_another_password_is_another_need(world: World) -> None:
    said = [f"https://{userinfo}h/simple" for userinfo in ("", "u:p@", "u:p@", "u:q@", "u@", "")]
    endpoints = world.read("install", "x", "-i", said[0], *(f"--extra-index-url={text}" for text in said[1:]))
    assert [endpoint.inline_password.reveal() if endpoint.inline_password else endpoint.username for endpoint in endpoints.items] == [None, "p", "q", "u"]


def test_no_secret_shows_in_the_needs_or_the_invocation_s_reason(world: World) -> None:
    world.environ["PIP_FIND_LINKS"] = "https://u:hunter2@f/"
    world.write("work/r.txt", "-r https://u:hunter2@h/r.txt\nx @ https://u:hunter2@h/x.whl\n")
    endpoints = world.read("install", "-r", "r.txt", "-i", "https://u:hunter2@i/simple", "https://u:hunter2@d/d.whl")
    assert len(endpoints.items) == 5
    assert "hunter2" not in repr(endpoints)


WORDS = st.sampled_from(
    [
        *("install", "list", "uninstall", "index", "versions", "x", "", "~", "a:b", "\udcff", "--", "-"),
        *("-i", "-iU", "-r", "-o", "--group", "--python", "--no-index", "file:", "file://h/%00"),
        *("https://u:p@h/", "https://[", "https://@", "x @ https://h"),
    ]
)


@settings(deadline=None)
@given(argv=st.lists(WORDS, max_size=7), value=WORDS, config=st.text(max_size=30))
def test_no_argv_no_variable_and_no_file_is_ever_an_error(
    tmp_path_factory: pytest.TempPathFactory, argv: list[str], value: str, config: str
) -> None:
    folder = tmp_path_factory.getbasetemp() / "fuzz"
    folder.mkdir(exist_ok=True)
    (folder / "pip.conf").write_text("[global]\nindex-url = " + config, encoding="utf-8")
    names = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_REQUIREMENT", "PIP_GROUP", "PIP_PYTHON", "XDG_CONFIG_HOME")
    host = Host({"PIP_CONFIG_FILE": "pip.conf", **dict.fromkeys(names, value)}, str(folder))
    invocation = tool.read_invocation("pip", tuple(argv), host, "/nowhere/pip")
    endpoints = tool.read_endpoints(invocation, host)
    assert invocation.touches_index or endpoints == Endpoints()
    assert all("u:p@" not in endpoint.url.text for endpoint in endpoints.items)
    assert all(place.end > place.start for place in tool.find_places(invocation, host))
