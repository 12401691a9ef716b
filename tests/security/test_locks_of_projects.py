"""Lock files under any name: the indexes that they name get their credential, another port of the host gets nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex
from tests.support import toolchains
from tests.support.attacker import Attacker
from tests.support.bait import make_stranger
from tests.support.realms import Realms, basic
from tests.support.world import CANARY, USER, World

PROJECT = '[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["corp-evil"]\n'
FILE = 'name = "corp-evil"\nversion = "1"\n'
DIGEST = "0" * 64
PDM_LOCK = (
    '[metadata]\ngroups = ["default"]\nstrategy = ["inherit_metadata", "static_urls"]\nlock_version = "4.5.0"\n'
    'content_hash = "sha256:0"\n[[metadata.targets]]\nrequires_python = ">=3.11"\n'
    f'[[package]]\n{FILE}groups = ["default"]\nfiles = [{{url = "THERE", hash = "sha256:{DIGEST}"}}]\n'
)
PYLOCK = (
    'lock-version = "1.0"\ncreated-by = "x"\nrequires-python = ">=3.11"\n'
    f'[[packages]]\n{FILE}[packages.archive]\nurl = "THERE"\nhashes = {{sha256 = "{DIGEST}"}}\n'
)
META = {"hash": {"sha256": "0"}, "pipfile-spec": 6, "requires": {}}
SOURCE = {"name": "corp", "url": "{url}", "verify_ssl": True}
#: Which lock -> what is typed, its variables, the lock's name and text, and what says that it counts.
LOCKS: dict[str, tuple[list[str], dict[str, str], str, str, str]] = {
    "pdm -L": (["pdm", "sync", "-L", "other.lock"], {}, "other.lock", PDM_LOCK, ""),
    "pdm --lockfile=": (["pdm", "sync", "--lockfile=other.lock"], {}, "other.lock", PDM_LOCK, ""),
    "PDM_LOCKFILE": (["pdm", "sync"], {"PDM_LOCKFILE": "other.lock"}, "other.lock", PDM_LOCK, ""),
    "pdm, pylock.toml": (["pdm", "sync"], {}, "pylock.toml", PYLOCK, '[lock]\nformat = "pylock"\n'),
    "pipenv, pylock.toml": (["pipenv", "sync"], {}, "pylock.toml", PYLOCK, ""),
    "pipenv, pylock.x.toml": (["pipenv", "sync"], {}, "pylock.x.toml", PYLOCK, ""),
}


@pytest.fixture
def evil() -> Iterator[Attacker]:
    with Attacker() as attacker:
        yield attacker


def use(world: World, wrapped: Path, name: str) -> None:
    world.prefix = wrapped
    world.use(toolchains.program(name, *(["pdm[locked]"] if name == "pdm" else [name])))
    del world.environ["VIRTUAL_ENV"]
    python = str(toolchains.python_for("3.11"))
    world.environ |= {
        "PIPENV_DEFAULT_PYTHON_VERSION": python,
        "PDM_PYTHON": python,
        "PIPENV_IGNORE_VIRTUALENVS": "1",
        "CI": "1",
    }


def configure(world: World, url: str) -> None:
    world.configure(
        f'[[index]]\nname = "corp"\nurl = "{url}"\nusername = "{USER}"\nenv = {{ password = "CORP_TOKEN" }}\n'
    )
    world.environ["CORP_TOKEN"] = CANARY


@pytest.mark.long
@pytest.mark.parametrize("case", LOCKS)
def test_another_port_that_a_lock_names_gets_nothing(
    case: str, world: World, wrapped: Path, index: PrivateIndex, evil: Attacker
) -> None:
    words, environ, name, text, says = LOCKS[case]
    use(world, wrapped, words[0])
    url, there = (
        f"http://{index.netloc}/simple/",
        f"http://127.0.0.1:{evil.port}/corp_evil-1-py3-none-any.whl",
    )
    (world.cwd / name).write_text(text.replace("THERE", there))
    (world.cwd / "Pipfile").write_text(
        f'[[source]]\nname = "corp"\nurl = "{url}"\nverify_ssl = true\n[packages]\ncorp-evil = "*"\n'
    )
    (world.cwd / "pyproject.toml").write_text(
        f'{PROJECT}[[tool.pdm.source]]\nname = "corp"\nurl = "{url}"\n'
    )
    (world.cwd / "pdm.toml").write_text(says)
    netrc = world.folder / "config" / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login {USER} password {CANARY}\n")
    netrc.chmod(0o600)
    bare = world.run(*words, bare=True, NETRC=str(netrc), **environ)
    assert evil.has_secret, bare.stdout + bare.stderr
    evil.loot.clear()
    configure(world, url)
    world.run(*words, **environ)

    assert evil.loot == []


@pytest.mark.long
@pytest.mark.parametrize("name", ["Pipfile.lock", "pylock.toml"])
def test_a_source_that_only_the_lock_of_pipenv_names_gets_the_credential(
    name: str, world: World, wrapped: Path, index: PrivateIndex
) -> None:
    use(world, wrapped, "pipenv")
    url, other = f"http://{index.netloc}/simple/", "http://localhost:9/simple/"
    (world.cwd / "Pipfile").write_text(
        f'[[source]]\nname = "other"\nurl = "{other}"\nverify_ssl = true\n[packages]\ncorp-lib = "*"\n'
    )
    text = {
        "Pipfile.lock": json.dumps(
            {
                "_meta": META | {"sources": [SOURCE]},
                "default": {"corp-lib": {"version": "==1.0"}},
                "develop": {},
            }
        ),
        "pylock.toml": (
            'lock-version = "1.0"\ncreated-by = "x"\n[[sources]]\nname = "corp"\nurl = "{url}"\nverify_ssl = true\n'
            '[[packages]]\nname = "corp-lib"\nversion = "1.0"\n'
        ),
    }[name]
    lock = world.cwd / name
    lock.write_text(text.replace("{url}", url.replace("://", "://$WHO@")))
    bare = world.run("pipenv", "sync", bare=True, WHO=f"{USER}:{CANARY}")
    lock.write_text(text.replace("{url}", url))
    configure(world, url)
    result = world.run("pipenv", "sync")

    assert bare.returncode == 0, bare.stdout + bare.stderr
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.long
def test_what_poetry_locked_beside_another_source_is_installed(
    tmp_path: Path, world: World, wrapped: Path, index: PrivateIndex
) -> None:
    """The lock has the URL of the source, which is no file to fetch."""
    use(world, wrapped, "poetry")
    url = f"http://{index.netloc}/simple/"
    with make_stranger(tmp_path / "public", "0.9") as stranger:
        other = stranger.url.replace("127.0.0.1", "localhost")
        sources = f'[[tool.poetry.source]]\nname = "corp"\nurl = "{url}"\n[[tool.poetry.source]]\nname = "other"\nurl = "{other}"\npriority = "supplemental"\n'
        (world.cwd / "pyproject.toml").write_text(
            f"{PROJECT.replace('evil', 'lib')}[tool.poetry]\npackage-mode = false\n{sources}"
        )
        configure(world, url)
        locked = world.run("poetry", "lock", "--no-interaction")
        installed = world.run("poetry", "install", "--no-interaction")

    assert locked.returncode == 0, locked.stderr
    assert installed.returncode == 0, installed.stdout + installed.stderr
    assert "Installing corp-lib (1.0)" in installed.stdout


@pytest.mark.long
def test_a_file_of_the_server_beside_the_index_is_covered_by_a_wider_scope(
    world: World, wrapped: Path, packages: tuple[str, dict[str, list[str]]]
) -> None:
    """GitLab keeps the files of a group's index below its projects, and a lock names them there."""
    use(world, wrapped, "pdm")
    folder, files = packages
    name, header = files["corp-lib"][0], basic(USER, CANARY)
    digest = hashlib.sha256(Path(folder, name).read_bytes()).hexdigest()
    with Realms(folder, files, {"/group": header, "/project": header}, refusal=404) as server:
        url = server.url("/group/simple/")
        lock = (
            PDM_LOCK.replace("corp-evil", "corp-lib")
            .replace('"1"', '"1.0"')
            .replace(DIGEST, digest)
        )
        (world.cwd / "pdm.lock").write_text(
            lock.replace("THERE", server.url(f"/project/files/{name}"))
        )
        project = (
            PROJECT.replace("evil", "lib")
            + f'[[tool.pdm.source]]\nname = "pypi"\nurl = "{url}"\n[tool.pdm]\ndistribution = false\n'
        )
        (world.cwd / "pyproject.toml").write_text(project)
        configure(world, url)
        stopped = world.run("pdm", "sync")
        world.configure(world.config.read_text() + f'scope = "{server.url("/")}"\n')
        done = world.run("pdm", "sync")

    assert stopped.returncode == 77, stopped.stdout + stopped.stderr
    assert "an [[index]] whose scope covers both" in stopped.stderr
    assert done.returncode == 0, done.stdout + done.stderr


UV_LOCK = (
    'version = 1\nrevision = 3\nrequires-python = ">=3.11"\n\n[[package]]\nname = "corp-lib"\nversion = "1.0"\nsource = {{ registry = "{url}" }}\n'
    'wheels = [\n    {{ url = "{there}", hash = "sha256:{digest}" }},\n]\n\n[[package]]\nname = "p"\nversion = "1"\nsource = {{ virtual = "." }}\n'
    'dependencies = [\n    {{ name = "corp-lib" }},\n]\n\n[package.metadata]\nrequires-dist = [{{ name = "corp-lib" }}]\n'
)


@pytest.mark.parametrize("version", ["0.9.30", "newest"])
@pytest.mark.parametrize("verb", ["run", "sync"])
def test_files_that_a_uv_lock_has_beside_their_index_get_its_credential(
    verb: str, version: str, world: World, packages: tuple[str, dict[str, list[str]]]
) -> None:
    """uv asks no index then, and its store is asked for each file by its URL."""
    world.use(toolchains.uv(version))
    del world.environ["VIRTUAL_ENV"]
    folder, files = packages
    name, header = files["corp-lib"][0], basic(USER, CANARY)
    digest = hashlib.sha256(Path(folder, name).read_bytes()).hexdigest()
    with Realms(
        folder, files, {"/group": header, "/project": header, "/other": header}, refusal=404
    ) as server:
        url, there = server.url("/group/simple/"), server.url(f"/project/files/{name}")
        (world.cwd / "uv.lock").write_text(UV_LOCK.format(url=url, there=there, digest=digest))
        index = f'[[tool.uv.index]]\nname = "corp"\nurl = "{url}"\ndefault = true\n'
        (world.cwd / "pyproject.toml").write_text(PROJECT.replace("evil", "lib") + index)
        configure(world, url)
        words = ["python", "-c", "import corp_lib; print(corp_lib.VALUE)"] if verb == "run" else []
        done = world.run("uv", verb, *words, UV_HTTP_RETRIES="0")

    assert done.returncode == 0, done.stderr
