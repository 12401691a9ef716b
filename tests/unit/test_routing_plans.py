"""What of a command is rewritten for the redirector, which locks take claimed names from elsewhere, and how other tools are held to an index."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from shim.cli.doctor import claims
from shim.config.mentions import is_mentioned
from shim.config.settings import Settings, load_settings
from shim.core.errors import CannotRoute
from shim.core.host import Host
from shim.core.model import (
    Credential,
    Delivery,
    Endpoint,
    Endpoints,
    Invocation,
    Origin,
    Plan,
    Resolution,
    Secret,
    Target,
)
from shim.core.urls import parse_url, scope_of
from shim.hotpath.redirector_process import STAND_IN
from shim.pipeline.plan_cache import _names
from shim.routing.inputs import name_in
from shim.routing.locks import find_foreign
from shim.routing.nesting import MARK, mark, take_back
from shim.routing.own_strategy import refuse_elsewhere
from shim.routing.planning import choose_address, rank
from shim.routing.rewriting import rewrite_pip
from shim.tools.pip.settings import FileReader, find_verb, read_settings

CORP, PUBLIC = "https://pypi.corp.example/simple/", "https://public.example/simple/"
CONFIG = f'[[index]]\nname = "corp"\nurl = "{CORP}"\npackages = ["corp-*"]\n'


def host_with(folder: Path, text: str = CONFIG, **environ: str) -> Host:
    (folder / "config.toml").write_text(text)
    return Host({"HOME": str(folder), "SHIM_CONFIG_FILE": str(folder / "config.toml"), **environ}, str(folder))


def settings_of(folder: Path) -> Settings:
    return load_settings(host_with(folder))


def rewritten(argv: tuple[str, ...], host: Host, version: tuple[int, ...] = (25, 3)) -> Delivery:
    target = Target("pip", version, (3, 11))
    _, position = find_verb(argv, version)
    assert position is not None
    options = read_settings(argv, position, target, host, FileReader())
    invocation = Invocation("pip", "pip", target, argv, (argv[position],), True, "test")
    return rewrite_pip(Delivery(argv), invocation, options, host, "127.0.0.1")


@pytest.mark.parametrize(
    ("argv", "kept"),
    [
        (("install", "-i", CORP, "a", "--extra-index-url", PUBLIC, "b"), ("install", "a", "b")),
        (("-q", "install", f"-i{CORP}", "-r", "r.txt", f"--extra-index={PUBLIC}"), ("-q", "install", "-r", "r.txt")),
        (("install", f"-Uqi{CORP}", "a"), ("install", "-Uq", "a")),
        (("install", "-vi", CORP, "a"), ("install", "-v", "a")),
        (("install", "--index-u", CORP, f"--pypi-url={PUBLIC}", "--", "a"), ("install", "--", "a")),
        (("install", "-r", "-i", "a"), ("install", "-r", "-i", "a")),
        (("--isolated", "install", "-i", CORP, "a"), ("--isolated", "install", "--index-url", STAND_IN, "a")),
        (("install", "-f", "wheels", "a"), ("install", "-f", "wheels", "a")),
        (("install", "--proxy", "http://p:1", "a"), ("install", "a")),
    ],
)
def test_argv_loses_its_indexes_and_nothing_else(argv: tuple[str, ...], kept: tuple[str, ...], tmp_path: Path) -> None:
    delivery = rewritten(argv, host_with(tmp_path, PIP_CONFIG_FILE="/dev/null"))

    assert delivery.argv == kept
    assert delivery.environ["PIP_INDEX_URL"] == STAND_IN


def test_every_spelling_of_a_variable_is_taken_away(tmp_path: Path) -> None:
    said = {"PIP_index_url": CORP, "PIP_PYPI_URL": PUBLIC, "PIP_EXTRA_INDEX_URL": PUBLIC, "PIP_CONFIG_FILE": "/dev/null"}
    environ = rewritten(("install", "a"), host_with(tmp_path, **said)).environ

    assert environ == {"PIP_index_url": None, "PIP_PYPI_URL": None, "PIP_INDEX_URL": STAND_IN, "PIP_EXTRA_INDEX_URL": STAND_IN}


def test_what_pip_conf_says_is_answered_by_a_variable(tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text(f"[global]\nindex-url = {CORP}\n[install]\nextra-index-url = {PUBLIC}\n")
    environ = rewritten(("install", "a"), host_with(tmp_path, PIP_CONFIG_FILE=str(tmp_path / "pip.conf"))).environ

    assert environ == {"PIP_INDEX_URL": STAND_IN, "PIP_EXTRA_INDEX_URL": STAND_IN}


def test_a_proxy_of_pips_becomes_one_of_the_environment(tmp_path: Path) -> None:
    host = host_with(tmp_path, PIP_PROXY="http://proxy:1", NO_PROXY="corp.example", REQUESTS_CA_BUNDLE="/x.pem", PIP_CONFIG_FILE="/dev/null")
    environ = rewritten(("install", "a"), host).environ

    assert {environ[name] for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")} == {"http://proxy:1"}
    assert {environ["no_proxy"], environ["NO_PROXY"]} == {"127.0.0.1"}  # `--proxy` minds no exceptions
    assert environ["PIP_PROXY"] is None
    assert environ["REQUESTS_CA_BUNDLE"] is None


def test_a_proxy_with_a_password_stays_a_secret(tmp_path: Path) -> None:
    environ = rewritten(("install", "--proxy", "http://u:p@proxy:1", "a"), host_with(tmp_path, PIP_CONFIG_FILE="/dev/null")).environ

    assert isinstance(environ["HTTPS_PROXY"], Secret)


def test_the_environments_own_proxy_stays_with_loopback_excepted(tmp_path: Path) -> None:
    environ = rewritten(("install", "a"), host_with(tmp_path, http_proxy="http://proxy:1", NO_PROXY="x.example", PIP_CONFIG_FILE="/dev/null")).environ

    assert environ == {"PIP_INDEX_URL": STAND_IN, "no_proxy": "x.example,127.0.0.1", "NO_PROXY": "x.example,127.0.0.1"}


def test_pip_conf_with_a_proxy_becomes_variables(tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text("[global]\nproxy = http://proxy:1\ntimeout = 7\nretries = 3\n[install]\nretries = 1\n")
    host = host_with(tmp_path, PIP_CONFIG_FILE=str(tmp_path / "pip.conf"), PIP_TIMEOUT="9")
    environ = rewritten(("install", "a"), host).environ

    assert (environ["PIP_CONFIG_FILE"], environ["PIP_RETRIES"], environ["HTTPS_PROXY"]) == ("/dev/null", "1", "http://proxy:1")
    assert "PIP_TIMEOUT" not in environ
    assert "PIP_PROXY" not in environ


def test_a_command_inside_takes_back_what_one_above_has_set() -> None:
    before = {"PIP_INDEX_URL": CORP, "HOME": "/home/alice"}
    changes = {"PIP_INDEX_URL": "http://127.0.0.1:5/x/simple/", "PIP_EXTRA_INDEX_URL": "http://127.0.0.1:5/x/simple/"}
    inside = {**before, **changes, MARK: mark(changes, before)}

    assert take_back(inside) == {"PIP_INDEX_URL": CORP, "PIP_EXTRA_INDEX_URL": None, MARK: None}
    assert take_back({**inside, "PIP_INDEX_URL": PUBLIC}) == {"PIP_EXTRA_INDEX_URL": None, MARK: None}
    assert take_back(before) == {}


@pytest.mark.parametrize("text", ["[" * 100_000, "[]", "1", '{"A": 1}', '{"A": []}', "x"])
def test_a_mark_that_is_none_of_ours_is_taken_away(text: str) -> None:
    assert take_back({MARK: text, "A": "1"}) == {MARK: None}


def test_a_url_with_a_password_is_not_written_into_the_mark() -> None:
    assert "secret" not in mark({"PIP_INDEX_URL": "http://127.0.0.1:5/x/"}, {"PIP_INDEX_URL": "https://alice:secret@pypi.corp.example/simple/"})


@pytest.mark.parametrize("text", ["packages = ['a']", "index = [{ url = 'https://x.example/', packages = [] }]", '"index-strategy"="first-index"'])
def test_a_configuration_that_speaks_of_us_is_noticed(text: str, tmp_path: Path) -> None:
    assert is_mentioned(host_with(tmp_path, text))


@pytest.mark.parametrize("text", ["url = 'https://packages.corp.example/'", "# no packages here", "name = 'packages'"])
def test_one_that_does_not_is_not_even_read(text: str, tmp_path: Path) -> None:
    assert not is_mentioned(host_with(tmp_path, text))


@pytest.mark.parametrize(("text", "others"), [(CONFIG, set()), (CONFIG.replace("packages", "# none"), {2})])
def test_a_recorded_uv_command_counts_for_its_own_names_where_names_are_checked(text: str, others: set[int], tmp_path: Path) -> None:
    """`uv pip install other` says nothing about `uv pip install corp-lib`, which may have to be stopped."""
    argv = ("pip", "install", "other")
    plan = Plan(Invocation("uv", "uv", Target("uv"), argv, argv[:2], True, "test"), Endpoints(), (), Delivery(argv))

    assert _names(plan, host_with(tmp_path, text)) == others


def test_the_redirector_is_at_an_address_that_no_credential_is_for() -> None:
    def answer(host: str, *, known: bool = True) -> Resolution:
        url = parse_url(f"http://{host}:8080/simple/")
        return Resolution(Endpoint(url, Origin("env", "x")), Credential("a", Secret("s"), scope_of(url), "test") if known else None)

    assert choose_address([answer("localhost"), answer("127.0.0.1", known=False)]) == "127.0.0.1"
    assert choose_address([answer("127.0.0.1"), answer("127.0.0.2"), answer("127.0.0.4")]) == "127.0.0.3"


def test_private_indexes_are_asked_first(tmp_path: Path) -> None:
    text = CONFIG + '[[index]]\nname = "mirror"\nurl = "https://mirror.example/"\non-failure = "pass"\n[[index]]\nname = "b"\nurl = "https://b.example/"\n'
    settings = load_settings(host_with(tmp_path, text))

    def answer(url: str, *, known: bool = False) -> Resolution:
        parsed = parse_url(url)
        who = Credential("alice", Secret("x"), scope_of(parsed), "test") if known else None
        return Resolution(Endpoint(parsed, Origin("env", "PIP_INDEX_URL")), who)

    urls = ["https://pypi.org/simple/", "https://mirror.example/", "https://b.example/", CORP, "https://c.example/", "https://d.example/"]
    answers = [answer(url, known=url.startswith("https://d.")) for url in urls]

    assert [one.endpoint.url.host for one in sorted(answers, key=lambda one: rank(one, settings))] == [
        "pypi.corp.example",
        "d.example",
        "b.example",
        "mirror.example",
        "c.example",
        "pypi.org",
    ]


UV_LOCK = 'version = 1\n\n[[package]]\nname = "{name}"\nversion = "1.0"\nsource = {{ {source} }}\n\n[[package]]\nname = "free"\nversion = "1"\nsource = {{ registry = "{public}" }}\n'
POETRY_LOCK = '[[package]]\nname = "{name}"\nversion = "1.0"\n[package.source]\ntype = "legacy"\nurl = "{url}"\nreference = "x"\n'
PDM_LOCK = '[[package]]\nname = "{name}"\nversion = "1.0"\nfiles = [ {{url = "{url}x.whl", hash = "sha256:0"}} ]\n'
PYLOCK = 'lock-version = "1.0"\n[[packages]]\nname = "{name}"\nversion = "1.0"\n[[packages.wheels]]\nurl = "{url}x.whl"\n'
PIPFILE_LOCK = {"_meta": {"sources": [{"name": "a", "url": "{url}"}]}, "default": {"{name}": {"index": "a", "version": "==1"}}, "develop": {}}
LOCKS = {
    "uv.lock": UV_LOCK.replace("{source}", 'registry = "{url}"').replace("{public}", PUBLIC),
    "poetry.lock": POETRY_LOCK,
    "pdm.lock": PDM_LOCK,
    "pylock.toml": PYLOCK,
    "pylock.dev.toml": PYLOCK,
    "Pipfile.lock": json.dumps(PIPFILE_LOCK).replace("{", "{{").replace("}", "}}").replace("{{url}}", "{url}").replace("{{name}}", "{name}"),
}


@pytest.mark.parametrize("kind", LOCKS)
def test_a_lock_that_takes_a_claimed_name_from_elsewhere_is_found(kind: str, tmp_path: Path) -> None:
    path = tmp_path / kind
    found = {}
    for url in (PUBLIC, CORP):
        for name in ("Corp_Lib", "other"):
            path.write_text(LOCKS[kind].format(name=name, url=url))
            found[url, name] = [(foreign.name, foreign.index.name) for foreign in find_foreign(str(path), settings_of(tmp_path))]

    assert found == {(PUBLIC, "Corp_Lib"): [("corp-lib", "corp")], (PUBLIC, "other"): [], (CORP, "Corp_Lib"): [], (CORP, "other"): []}


@pytest.mark.parametrize(("source", "is_foreign"), [('git = "https://evil.example/x"', True), ('url = "https://evil.example/x.whl"', True), ('path = "../x"', False)])
def test_a_uv_lock_with_another_kind_of_source(source: str, is_foreign: bool, tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text(UV_LOCK.format(name="corp-lib", source=source, public=PUBLIC))

    assert bool(list(find_foreign(str(tmp_path / "uv.lock"), settings_of(tmp_path)))) == is_foreign


#: Ways to write the same package that uv never takes; a project's lock is somebody else's text.
DISGUISED = {
    "another order": '[[package]]\nversion = "99"\nname = "{name}"\nsource = {{ registry = "{url}" }}\n',
    "a quoted key": '[["package"]]\nname = "{name}"\nsource = {{ registry = "{url}" }}\n',
    "blanks": ' [[ package ]]\nname="{name}"\nsource={{registry="{url}"}}\n',
    "an escape": '[[package]]\nname = "\\u0063orp-lib"\nsource = {{ registry = "{url}" }}\n',
    "another quote": "[[package]]\nname = '{name}'\nsource = {{ registry = '{url}' }}\n",
    "a dotted key": '[[package]]\nname = "{name}"\nsource.registry = "{url}"\n[package.metadata]\nsource = {{ registry = "{corp}" }}\n',
    "a table": '[[package]]\nname = "{name}"\n[package.source]\nregistry = "{url}"\n',
    "inline": 'package = [{{ name = "{name}", source = {{ registry = "{url}" }} }}]\n',
    "windows": '[[package]]\r\nname = "{name}"\r\nversion = "1"\r\nsource = {{ registry = "{url}" }}\r\n',
    "a long string": '[[package]]\nname = "{name}"\nversion = """\nsource = {{ registry = "{corp}" }}"""\nsource = {{ registry = "{url}" }}\n',
}


@pytest.mark.parametrize("way", DISGUISED)
def test_no_way_to_write_a_uv_lock_hides_a_package(way: str, tmp_path: Path) -> None:
    path, found = tmp_path / "uv.lock", {}
    for url in (PUBLIC, CORP):
        path.write_bytes(DISGUISED[way].format(name="corp-lib", url=url, corp=CORP).encode())
        found[url] = [foreign.name for foreign in find_foreign(str(path), settings_of(tmp_path))]

    assert found == {PUBLIC: ["corp-lib"], CORP: []}


@pytest.mark.parametrize("kind", ["uv.lock", "poetry.lock", "Pipfile.lock"])
@pytest.mark.parametrize("make", [lambda path: path.write_text("[" * 100_000), os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_a_lock_that_nobody_here_can_read_stops_the_tool_and_is_told_by_doctor(make: Callable[[Path], object], kind: str, tmp_path: Path) -> None:
    """uv.lock is scanned: brackets are no packages, whoever reads them."""
    make(tmp_path / kind)
    host, tool = host_with(tmp_path), {"uv.lock": "uv", "poetry.lock": "poetry", "Pipfile.lock": "pipenv"}[kind]
    is_read = kind == "uv.lock" and (tmp_path / kind).is_file()
    is_lock = (tmp_path / kind).is_file()  # for who looks upwards for one

    assert (refused(tool, host, "lock") is not None) == (is_lock and not is_read)
    assert [finding.where for finding in claims.find(host)] == ([] if is_read else [kind])


def refused(tool: str, host: Host, *argv: str, urls: tuple[str, ...] = ()) -> str | None:
    """Return the message by which a command of a tool is stopped, or None."""
    family = "uv" if tool in ("uv", "uvx") else "project"
    endpoints = Endpoints(tuple(Endpoint(parse_url(url), Origin("env", "x"), "extra") for url in urls))
    invocation = Invocation(tool, family, Target(tool), argv, argv[:1], True, "test")  # type: ignore[arg-type]
    try:
        refuse_elsewhere(invocation, endpoints, load_settings(host), host)
    except CannotRoute as error:
        return f"{error.message} | {error.hint}"
    return None


@pytest.mark.parametrize(
    ("line", "environ", "lock"),
    [
        ("pdm sync", {}, "pylock.toml"),
        ("pdm sync -L other.lock", {}, "pdm.lock as other.lock"),
        ("pdm sync --lockfile=other.lock", {}, "pylock.toml as other.lock"),
        ("pdm sync", {"PDM_LOCKFILE": "other.lock"}, "pdm.lock as other.lock"),
        ("pipenv sync", {}, "pylock.toml"),
        ("pipenv sync", {}, "pylock.dev.toml"),
        ("pipenv sync", {"PIPENV_PIPFILE": "mine"}, "Pipfile.lock as mine.lock"),
    ],
)
def test_a_lock_of_another_name_is_no_way_around_a_claim(line: str, environ: dict[str, str], lock: str, tmp_path: Path) -> None:
    kind, _, name = lock.partition(" as ")
    (tmp_path / (name or kind)).write_text(LOCKS[kind].format(name="corp-lib", url=PUBLIC))
    host, (tool, *argv) = host_with(tmp_path, **environ), line.split()

    assert f"{name or kind} takes corp-lib from {PUBLIC}" in (refused(tool, host, *argv) or "")


def test_a_pipfile_of_another_name_is_no_way_around_a_claim(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text(f'[[source]]\nname = "c"\nurl = "{CORP}"\n[packages]\ncorp-lib = "*"\n')

    assert refused("pipenv", host_with(tmp_path, PIPENV_PIPFILE="mine"), "install", urls=(CORP, PUBLIC))


@pytest.mark.parametrize(
    ("tool", "file", "text", "urls", "is_stopped"),
    [
        ("uv", "pyproject.toml", '[project]\ndependencies = ["corp-lib"]\n', (CORP, PUBLIC), False),
        ("uv", "pyproject.toml", '[project]\ndependencies = ["corp-lib"]\n', (PUBLIC, CORP), True),
        ("uv", "pyproject.toml", '[project]\ndependencies = ["other"]\n', (PUBLIC,), False),
        ("uv", "pyproject.toml", '[dependency-groups]\ndev = ["Corp.Lib>=1"]\n', (PUBLIC,), True),
        ("uv", "pyproject.toml", '[project]\ndependencies = ["corp-lib"]\n[tool.uv.sources]\ncorp-lib = { git = "https://evil.example/" }\n', (PUBLIC,), True),
        ("uv", "pyproject.toml", '[project]\ndependencies = ["corp-lib"]\n[tool.uv.sources]\ncorp-lib = { workspace = true }\n', (PUBLIC,), False),
        ("poetry", "pyproject.toml", '[tool.poetry.dependencies]\ncorp-lib = "*"\n', (CORP, PUBLIC), True),
        ("poetry", "pyproject.toml", '[tool.poetry.dependencies]\ncorp-lib = "*"\n', (CORP,), False),
        (
            "poetry",
            "pyproject.toml",
            f'[tool.poetry.dependencies]\ncorp-lib = {{ version = "*", source = "c" }}\n[[tool.poetry.source]]\nname = "c"\nurl = "{CORP}"\n',
            (PUBLIC, CORP),
            False,
        ),
        ("pipenv", "Pipfile", f'[[source]]\nname = "c"\nurl = "{CORP}"\n[packages]\ncorp-lib = "*"\n', (PUBLIC, CORP), True),
        ("pipenv", "Pipfile", f'[[source]]\nname = "c"\nurl = "{CORP}"\n[packages]\ncorp-lib = {{ version = "*", index = "c" }}\n', (PUBLIC, CORP), False),
        ("pdm", "pyproject.toml", '[project]\ndependencies = ["corp-lib"]\n', (PUBLIC,), True),
    ],
)
def test_tools_with_a_strategy_of_their_own(tool: str, file: str, text: str, urls: tuple[str, ...], is_stopped: bool, tmp_path: Path) -> None:
    (tmp_path / file).write_text(text)
    said = refused(tool, host_with(tmp_path), "lock", urls=urls)

    assert (said is not None) == is_stopped
    assert said is None or CORP in said.partition(" | ")[2]


@pytest.mark.parametrize("file", ["uv.toml", "pyproject.toml", "of pip"])
@pytest.mark.parametrize(("typed", "is_stopped"), [((), True), (("--index-strategy", "first-index"), False)])
def test_a_file_that_gives_uv_another_strategy_stops_it(file: str, typed: tuple[str, ...], is_stopped: bool, tmp_path: Path) -> None:
    line = 'index-strategy = "unsafe-best-match"\n'
    texts = {"uv.toml": line, "pyproject.toml": "[tool.uv]\n" + line, "of pip": "[tool.uv.pip]\n" + line}
    path = tmp_path / file.replace("of pip", "pyproject.toml")
    path.write_text(texts[file])
    host, argv = host_with(tmp_path), ("pip", "install", *typed, "corp-lib")
    endpoints = Endpoints((Endpoint(parse_url(CORP), Origin("env", "x"), "extra"),), (str(path),))
    invocation = Invocation("uv", "uv", Target("uv"), argv, argv[:2], True, "test")
    try:
        refuse_elsewhere(invocation, endpoints, load_settings(host), host)
    except CannotRoute as error:
        assert (is_stopped, str(path) in error.message) == (True, True)
    else:
        assert not is_stopped


@pytest.mark.parametrize(
    ("line", "is_stopped"),
    [
        ("uv pip install corp-lib", True),
        ("uv pip install|corp-lib ; python_version > '3'", True),
        ("uv pip install|corp-lib >=1", True),
        ("uv pip install Corp_Lib[x]==1", True),
        ("uv pip install ./corp-lib", False),
        ("uv add corp-lib", True),
        ("uv tool install --with other,corp-lib another", True),
        ("uv run --with other,corp-lib python", True),
        ("uv run --with=corp-lib python", True),
        ("uv run corp-program corp-lib", False),
        ("uvx corp-lib", True),
        ("uvx corp-lib@1.0", True),
        ("uvx --from corp-lib program", True),
        ("uvx program corp-lib", False),
        ("uv tool run corp-lib", True),
        ("poetry add corp-lib@^1", True),
        ("poetry add other", False),
        ("pipenv install corp-lib", True),
    ],
)
def test_what_is_typed_counts_and_what_a_program_is_told_does_not(line: str, is_stopped: bool, tmp_path: Path) -> None:
    command, *last = line.split("|")
    tool, *words = [*command.split(), *last]
    verb = tuple(words[:2]) if words[0] in ("pip", "tool") else tuple(words[:1])
    endpoints = Endpoints((Endpoint(parse_url(PUBLIC), Origin("env", "x"), "extra"),))
    invocation = Invocation(tool, "uv" if tool.startswith("uv") else "project", Target(tool), tuple(words), verb, True, "test")
    host = host_with(tmp_path)
    try:
        refuse_elsewhere(invocation, endpoints, load_settings(host), host)
    except CannotRoute:
        assert is_stopped
    else:
        assert not is_stopped


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://x.example/corp_lib-99-py3-none-any.whl", "corp_lib"),
        ("https://x.example/corp_lib-99-py3-none-any.whl#egg=innocent", "corp_lib"),
        ("https://x.example/corp_lib-99-py3-none-any.whl/", "corp_lib"),
        ("https://x.example/corp%5Flib-99-py3-none-any.whl?a=b", "corp_lib"),
        ("https://x.example/main.zip#/innocent-1-py3-none-any.whl", None),
        ("https://x.example/main.zip?x=/innocent-1-py3-none-any.whl", None),
        ("https://x.example/innocent-1-py3-none-any.whl/main.zip", None),
        ("https://x.example/innocent-1.0.tar.gz", None),
        ("git+https://x.example/y.git@v1#egg=corp-lib[x]&subdirectory=z", "corp-lib"),
        ("git+https://x.example/y.git", None),
    ],
)
def test_the_package_that_pip_takes_a_url_for(url: str, name: str | None) -> None:
    assert name_in(url) == name
