"""A project that turns the certificate check off, or chooses a proxy, for a server that is about to get a credential.

Each attack runs twice: with the credential handed over in the usual way it succeeds, through the launcher the command stops.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

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
    world.run(*command, bare=True, **as_netrc(world, "localhost"))
    assert impostor.has_secret
    impostor.loot.clear()
    configure(world, url_of(impostor))
    result = world.run(*command)

    assert impostor.loot == []
    assert result.returncode == 77
    assert "says that nobody checks the certificate of localhost" in result.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_uv_stops_where_a_project_chooses_a_proxy(kind: str, world: World, proxy: Attacker) -> None:
    world.use(toolchains.uv())
    private = "http://127.0.0.1:9/simple/"
    command = write_project(
        world,
        kind,
        f'http-proxy = "http://127.0.0.1:{proxy.port}"\n[[{"" if kind == "uv.toml" else "tool.uv."}index]]\nurl = "{private}"\ndefault = true\n',
    )
    world.run(*command, bare=True, **as_netrc(world, "127.0.0.1"))
    assert proxy.has_secret
    proxy.loot.clear()
    configure(world, private)
    result = world.run(*command)

    assert proxy.loot == []
    assert result.returncode == 77
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
    world.run(*command, bare=True, **as_netrc(world, "localhost"))
    assert impostor.has_secret
    impostor.loot.clear()
    configure(world, url_of(impostor))
    result = world.run(*command)

    assert impostor.loot == []
    assert result.returncode == 77
    assert "says that nobody checks the certificate of localhost" in result.stderr


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


def careless_project(kind: str, cwd: Path, url: str) -> list[str]:
    """Write a project of another tool that has nobody check the certificate of its source; return the command that obeys it."""
    project = '[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["corp-lib"]\n'
    source = f'[[tool.{kind}.source]]\nname = "corp"\nurl = "{url}"\n'
    if kind == "pipenv":
        (cwd / "Pipfile").write_text(f'[[source]]\nname = "corp"\nurl = "{url}"\nverify_ssl = false\n[packages]\ncorp-lib = "*"\n')
        return ["pipenv", "lock"]
    if kind == "pdm":
        (cwd / "pyproject.toml").write_text(project + source + "verify_ssl = false\n")
        return ["pdm", "lock"]
    if kind == "poetry":
        (cwd / "pyproject.toml").write_text(project + source)
        (cwd / "poetry.toml").write_text("[certificates.corp]\ncert = false\n")
        return ["poetry", "lock", "--no-interaction"]
    (cwd / "requirements.in").write_text(f"--index-url {url}\n--trusted-host localhost\ncorp-lib\n")
    return ["pip-compile"]


@pytest.mark.parametrize("kind", ["pipenv", "pdm", "poetry", "pip-tools"])
def test_the_other_tools_stop_as_well(kind: str, world: World, wrapped: Path, impostor: Attacker) -> None:
    world.prefix = wrapped
    world.use(toolchains.program(kind, *(["pdm[locked]"] if kind == "pdm" else [kind])))
    del world.environ["VIRTUAL_ENV"]
    python = str(toolchains.python_for("3.11", "3.12", "3.13"))
    world.environ |= {"PIPENV_DEFAULT_PYTHON_VERSION": python, "PDM_PYTHON": python, "PIPENV_IGNORE_VIRTUALENVS": "1", "CI": "1"}
    command = careless_project(kind, world.cwd, url_of(impostor))
    configure(world, url_of(impostor))
    world.run(*command, bare=True, **as_netrc(world, "localhost"))
    assert impostor.has_secret
    impostor.loot.clear()
    result = world.run(*command)

    assert impostor.loot == []
    assert result.returncode == 77, result.stdout + result.stderr
    assert "says that nobody checks the certificate of localhost" in result.stderr
