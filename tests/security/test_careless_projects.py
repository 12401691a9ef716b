"""A project that turns the certificate check off, or chooses a proxy, for a server that is about to get a credential.

Each attack runs twice: with the credential handed over in the usual way it succeeds, through the launcher the command stops.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from shim.core.urls import parse_url
from tests.support import toolchains
from tests.support.attacker import Attacker
from tests.support.tls import Authority, make_authority
from tests.support.world import CANARY, USER, World


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("evil"), "evil")


@pytest.fixture
def impostor(authority: Authority) -> Iterator[Attacker]:
    """Somebody who answers in the private index's place, with a certificate that nobody vouches for."""
    attacker = Attacker()
    authority.protect(attacker.server)
    with attacker:
        yield attacker


@pytest.fixture
def proxy() -> Iterator[Attacker]:
    with Attacker() as attacker:
        yield attacker


def url_of(impostor: Attacker) -> str:
    return f"https://localhost:{impostor.port}/simple/"


def configure(world: World, url: str, *lines: str) -> None:
    settings = [f'url = "{url}"', f'username = "{USER}"', 'env = { password = "CORP_TOKEN" }', *lines]
    world.configure("[[index]]\nname = 'corp'\n" + "\n".join(settings) + "\n")
    world.environ["CORP_TOKEN"] = CANARY


def as_netrc(world: World, host: str) -> dict[str, str]:
    netrc = world.folder / "config" / "netrc"
    netrc.write_text(f"machine {host} login {USER} password {CANARY}\n")
    netrc.chmod(0o600)
    return {"NETRC": str(netrc)}


def attack(world: World, command: Sequence[object], thief: Attacker, url: str) -> subprocess.CompletedProcess[str]:
    """Run a command bare, which loses the secret, and behind the launcher, which has to stop it; return how that ended."""
    world.run(*command, bare=True, **as_netrc(world, parse_url(url).host))
    assert thief.has_secret
    thief.loot.clear()
    configure(world, url)
    result = world.run(*command)
    assert thief.loot == []
    assert result.returncode == 77, result.stdout + result.stderr
    return result


def write_project(world: World, kind: str, settings: str) -> list[object]:
    """Write settings of uv into the project in one of the ways that uv knows; return the command that obeys them."""
    cwd, tool = world.cwd, "[tool.uv]\n" + settings
    project = '[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["corp-lib"]\n'
    if kind == "uv.toml":
        (cwd / "uv.toml").write_text(settings)
        return ["uv", "pip", "install", "--target", world.folder / "out", "corp-lib"]
    if kind == "pyproject.toml":
        (cwd / "pyproject.toml").write_text(project + tool)
        return ["uv", "lock"]
    lines = ["# /// script", '# dependencies = ["corp-lib"]', *(f"# {line}" for line in tool.splitlines()), "# ///", ""]
    (cwd / "x.py").write_text("\n".join(lines))
    return ["uv", "run", "--no-project", "x.py"]


KINDS = ["uv.toml", "pyproject.toml", "script"]


@pytest.mark.parametrize("kind", KINDS)
def test_uv_stops_where_a_project_turns_tls_off(kind: str, world: World, impostor: Attacker) -> None:
    world.use(toolchains.uv())
    command = write_project(
        world,
        kind,
        f'allow-insecure-host = ["localhost"]\n[[{"" if kind == "uv.toml" else "tool.uv."}index]]\nurl = "{url_of(impostor)}"\ndefault = true\n',
    )
    result = attack(world, command, impostor, url_of(impostor))

    assert "says that nobody checks the certificate of localhost" in result.stderr


#: What uv understands and Python's own parser, or ours, may not.
DIALECTS = {
    "byte order mark": "\ufeff{settings}",
    "trailing comma (1.1)": "{settings}[x]\na = {{b = 1,}}\n",
    "line break (1.1)": "{settings}[x]\na = {{b = 1,\n c = 2}}\n",
    "escape (1.1)": '{settings}[x]\na = "\\x41\\e"\n',
    "time without seconds (1.1)": "{settings}[x]\na = 12:00\n",
    "leap second": "{settings}[x]\na = 2016-12-31T23:59:60Z\n",
    "year 0": "{settings}[x]\na = 0000-01-01\n",
    "large": "{settings}" + "# " + "x" * (17 << 20) + "\n",
}


@pytest.mark.parametrize(
    "pattern",
    [
        '"localhost:0{}"',
        '"localhost:+{}"',
        '"https://localhost:00{}"',
        '"https://localhost"',
        '"*"',
        '{{ host = "localhost" }}',
        '{{ scheme = "https", host = "localhost", port = {} }}',
    ],
)
def test_uv_has_more_spellings_of_a_host_than_one(pattern: str, world: World, impostor: Attacker) -> None:
    world.use(toolchains.uv())
    setting = f"allow-insecure-host = [{pattern.format(impostor.port)}]"
    command = write_project(world, "uv.toml", f'{setting}\n[[index]]\nurl = "{url_of(impostor)}"\ndefault = true\n')

    assert "uv.toml" in attack(world, command, impostor, url_of(impostor)).stderr


@pytest.mark.parametrize("dialect", DIALECTS)
def test_uv_stops_where_a_project_turns_tls_off_in_words_that_we_may_not_know(dialect: str, world: World, impostor: Attacker) -> None:
    world.use(toolchains.uv())
    settings = f'[tool.uv]\nallow-insecure-host = ["localhost"]\n[[tool.uv.index]]\nurl = "{url_of(impostor)}"\ndefault = true\n'
    (world.cwd / "pyproject.toml").write_text(DIALECTS[dialect].format(settings=settings))
    command = ["uv", "pip", "install", "--target", world.folder / "out", "--index", url_of(impostor), "corp-lib"]
    result = attack(world, command, impostor, url_of(impostor))

    assert "pyproject.toml" in result.stderr
    assert "certificate" in result.stderr


def test_a_script_of_any_name_is_looked_at(world: World, impostor: Attacker) -> None:
    world.use(toolchains.uv())
    command = write_project(
        world, "script", f'allow-insecure-host = ["localhost"]\n[[tool.uv.index]]\nurl = "{url_of(impostor)}"\ndefault = true\n'
    )
    (world.cwd / "x.py").rename(world.cwd / "job")
    command[-1:] = ["--script", "job"]
    result = attack(world, command, impostor, url_of(impostor))

    assert "says that nobody checks the certificate of localhost" in result.stderr


def test_a_uv_toml_is_the_users_only_if_it_is_named_as_the_configuration(world: World, impostor: Attacker) -> None:
    world.use(toolchains.uv())
    (world.cwd / "uv.toml").write_text('allow-insecure-host = ["localhost"]\n')
    configure(world, url_of(impostor))
    words = ["uv", "run", "--no-project", "--default-index", url_of(impostor), "--with", "corp-lib"]
    told = world.run(*words, "--config-file", "uv.toml", "true")
    impostor.loot.clear()
    mentioned = world.run(*words, "cat", "uv.toml")

    assert told.returncode != 77
    assert mentioned.returncode == 77
    assert impostor.loot == []


@pytest.mark.parametrize("kind", KINDS)
def test_uv_stops_where_a_project_chooses_a_proxy(kind: str, world: World, proxy: Attacker) -> None:
    world.use(toolchains.uv())
    private = "http://127.0.0.1:9/simple/"
    command = write_project(
        world,
        kind,
        f'http-proxy = "http://127.0.0.1:{proxy.port}"\n[[{"" if kind == "uv.toml" else "tool.uv."}index]]\nurl = "{private}"\ndefault = true\n',
    )
    result = attack(world, command, proxy, private)

    assert "sends requests through a proxy of its own choice" in result.stderr


@pytest.mark.parametrize("spelling", ["--trusted-host localhost", "--trusted-host=localhost", "--trus localhost", "nested"])
@pytest.mark.parametrize("version", ["23.2.1", "newest"])
def test_pip_stops_where_a_requirements_file_turns_tls_off(version: str, spelling: str, world: World, impostor: Attacker) -> None:
    world.use(toolchains.pip(version))
    world.environ["PIP_CONFIG_FILE"] = "/dev/null"
    line = spelling
    if spelling == "nested":
        (world.cwd / "more.txt").write_text("--trusted-host localhost\n")
        line = "-r more.txt"
    (world.cwd / "requirements.txt").write_text(f"--index-url {url_of(impostor)}\n{line}\ncorp-lib\n")
    command = ["pip", "install", "--target", world.folder / "out", "-r", "requirements.txt"]
    result = attack(world, command, impostor, url_of(impostor))

    assert "says that nobody checks the certificate of localhost" in result.stderr


HIDDEN: dict[str, str] = {
    "a query": "-r file://{folder}/evil.txt?x",
    "a fragment": "-r file://{folder}/evil.txt#x",
    "many includes": "-r empty.txt\n" * 1001 + "-r evil.txt",
    "a variable": "-r ${{EVIL}}",
    "another encoding": "-r coded.txt",
    "a long line": "--trusted-host 'localhost' " + "--pre " * 1000,
}


@pytest.mark.parametrize("how", HIDDEN)
def test_pip_stops_where_a_project_hides_a_file_that_turns_tls_off(how: str, world: World, impostor: Attacker) -> None:
    world.use(toolchains.pip("newest"))
    world.environ |= {"PIP_CONFIG_FILE": "/dev/null", "EVIL": "evil.txt"}
    (world.cwd / "empty.txt").write_text("")
    (world.cwd / "evil.txt").write_text("--trusted-host localhost\n")
    (world.cwd / "coded.txt").write_text("# coding: utf-7\n+AC0--trusted-host localhost\n")
    hidden = HIDDEN[how].format(folder=world.cwd)
    (world.cwd / "requirements.txt").write_text(f"--index-url {url_of(impostor)}\n{hidden}\ncorp-lib\n")
    result = attack(world, ["pip", "install", "--target", world.folder / "out", "-r", "requirements.txt"], impostor, url_of(impostor))

    assert "that nobody checks the certificate of localhost" in result.stderr


def test_pip_stops_where_a_project_names_a_file_on_another_server(world: World, impostor: Attacker) -> None:
    world.use(toolchains.pip("newest"))
    world.environ["PIP_CONFIG_FILE"] = "/dev/null"
    (world.cwd / "requirements.txt").write_text(f"--index-url {url_of(impostor)}\n-r http://127.0.0.1:9/evil.txt\ncorp-lib\n")
    configure(world, url_of(impostor))
    result = world.run("pip", "install", "--target", world.folder / "out", "-r", "requirements.txt")

    assert result.returncode == 77
    assert "http://127.0.0.1:9/evil.txt may say that nobody checks the certificate of localhost" in result.stderr
    assert impostor.loot == []


def test_what_the_user_says_is_the_users_business(world: World, impostor: Attacker) -> None:
    world.environ["PIP_CONFIG_FILE"] = "/dev/null"
    (world.cwd / "requirements.txt").write_text(f"--index-url {url_of(impostor)}\n--trusted-host localhost\ncorp-lib\n")
    world.use(toolchains.pip("newest"))
    command = ["pip", "install", "--target", world.folder / "out", "-r", "requirements.txt"]
    configure(world, url_of(impostor))
    said = world.run(*command, "--trusted-host", "localhost")
    configure(world, url_of(impostor), "insecure = true")
    configured = world.run(*command)
    world.use(toolchains.uv())
    (world.cwd / "uv.toml").write_text('allow-insecure-host = ["localhost"]\n')
    by_variable = world.run(
        "uv", "pip", "install", "--target", world.folder / "out", "-i", url_of(impostor), "x", UV_INSECURE_HOST="localhost"
    )

    assert 77 not in (said.returncode, configured.returncode, by_variable.returncode)
    assert impostor.has_secret


def test_the_users_own_uv_toml_is_no_projects(world: World, impostor: Attacker) -> None:
    world.use(toolchains.uv())
    own = Path(world.environ["XDG_CONFIG_HOME"], "uv")
    own.mkdir()
    (own / "uv.toml").write_text('allow-insecure-host = ["localhost"]\n')
    configure(world, url_of(impostor))
    result = world.run("uv", "pip", "install", "--target", world.folder / "out", "-i", url_of(impostor), "x")

    assert result.returncode not in (0, 77)
    assert impostor.has_secret


PROJECT = '[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["corp-lib"]\n'
UNCHECKED = "says that nobody checks the certificate of localhost"
AUTHORITY = "names the authorities that vouch for localhost"

#: Case -> command, files of a project that makes the tool careless, and what we say of it.
CASES: dict[str, tuple[list[str], dict[str, str], str]] = {
    "pipenv": (
        ["pipenv", "lock"],
        {"Pipfile": '[[source]]\nname = "corp"\nurl = "{url}"\nverify_ssl = false\n[packages]\ncorp-lib = "*"\n'},
        UNCHECKED,
    ),
    "pipenv: requirements": (
        ["pipenv", "install", "-r", "wanted"],
        {
            "Pipfile": '[[source]]\nname = "corp"\nurl = "http://127.0.0.1:9/simple/"\nverify_ssl = true\n[packages]\n',
            "wanted": "--index-url {url}\n--trusted-host localhost\ncorp-lib\n",
        },
        UNCHECKED,
    ),
    "pipenv: requirements alone": (
        ["pipenv", "install"],
        {"requirements.txt": "-i {url}\n--trusted-host localhost\ncorp-lib\n"},
        UNCHECKED,
    ),
    "pipenv: Pipfile.lock": (
        ["pipenv", "sync"],
        {
            "Pipfile": '[[source]]\nname = "corp"\nurl = "{url}"\nverify_ssl = true\n[packages]\ncorp-lib = "*"\n',
            "Pipfile.lock": '{"_meta": {"hash": {"sha256": "0"}, "pipfile-spec": 6, "requires": {}, "sources": [{"name": "corp", "url": "{url}", '
            '"verify_ssl": false}]}, "default": {"corp-lib": {"version": "==1.0"}}, "develop": {}}',
        },
        UNCHECKED,
    ),
    "pipenv: pylock.toml": (
        ["pipenv", "sync"],
        {
            "Pipfile": '[[source]]\nname = "corp"\nurl = "{url}"\nverify_ssl = true\n[packages]\ncorp-lib = "*"\n',
            "pylock.toml": 'lock-version = "1.0"\ncreated-by = "x"\n[[sources]]\nname = "corp"\nurl = "{url}"\nverify_ssl = false\n'
            '[[packages]]\nname = "corp-lib"\nversion = "1.0"\n',
        },
        UNCHECKED,
    ),
    "pdm": (
        ["pdm", "lock"],
        {"pyproject.toml": PROJECT + '[[tool.pdm.source]]\nname = "corp"\nurl = "{url}"\nverify_ssl = false\n'},
        UNCHECKED,
    ),
    "pdm: authority": (
        ["pdm", "lock"],
        {"pyproject.toml": PROJECT + '[[tool.pdm.source]]\nname = "corp"\nurl = "{url}"\nca_certs = "{authority}"\n'},
        AUTHORITY,
    ),
    "pdm: pdm.toml": (["pdm", "lock"], {"pyproject.toml": PROJECT, "pdm.toml": '[pypi]\nurl = "{url}"\n"verify_ssl" = false\n'}, UNCHECKED),
    "poetry": (
        ["poetry", "lock", "--no-interaction"],
        {
            "pyproject.toml": PROJECT + '[[tool.poetry.source]]\nname = "corp"\nurl = "{url}"\n',
            "poetry.toml": "[certificates.corp]\ncert = false\n",
        },
        UNCHECKED,
    ),
    "poetry: verify": (
        ["poetry", "lock", "--no-interaction"],
        {
            "pyproject.toml": PROJECT + '[[tool.poetry.source]]\nname = "corp"\nurl = "{url}"\n',
            "poetry.toml": "[certificates.corp]\nverify = false\n",
        },
        UNCHECKED,
    ),
    "poetry: authority": (
        ["poetry", "lock", "--no-interaction"],
        {
            "pyproject.toml": PROJECT + '[[tool.poetry.source]]\nname = "corp"\nurl = "{url}"\n',
            "poetry.toml": '[certificates.corp]\ncert = "{authority}"\n',
        },
        AUTHORITY,
    ),
    "pip-tools": (["pip-compile"], {"requirements.in": "--index-url {url}\n--trusted-host localhost\ncorp-lib\n"}, UNCHECKED),
    "pip-tools: any file": (["pip-compile", "wanted"], {"wanted": "--index-url {url}\n--trusted-host localhost\ncorp-lib\n"}, UNCHECKED),
    "pip-tools: configuration": (
        ["pip-compile"],
        {"requirements.in": "--index-url {url}\ncorp-lib\n", "pyproject.toml": '[tool.pip-tools.compile]\ntrusted_host = ["localhost"]\n'},
        UNCHECKED,
    ),
    "pip-tools: pip-args": (
        ["pip-compile"],
        {"requirements.in": "--index-url {url}\ncorp-lib\n", ".pip-tools.toml": '[tool.pip-tools]\npip-args = "--cert {authority}"\n'},
        AUTHORITY,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_other_tools_stop_as_well(case: str, world: World, wrapped: Path, impostor: Attacker, authority: Authority) -> None:
    command, files, says = CASES[case]
    kind = case.partition(":")[0]
    world.prefix = wrapped
    world.use(toolchains.program(kind, *(["pdm[locked]"] if kind == "pdm" else [kind])))
    del world.environ["VIRTUAL_ENV"]
    python = str(toolchains.python_for())
    world.environ |= {"PIPENV_DEFAULT_PYTHON_VERSION": python, "PDM_PYTHON": python, "PIPENV_IGNORE_VIRTUALENVS": "1", "CI": "1"}
    for name, text in files.items():
        (world.cwd / name).write_text(text.replace("{url}", url_of(impostor)).replace("{authority}", str(authority.certificate)))
    result = attack(world, command, impostor, url_of(impostor))

    assert says in result.stderr
