"""The main job: every way to name an index, every place for a credential, in every release that matters.

Each case installs from a private index with the real tool and looks for the secret everywhere.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from shim.cli.demo.server import PrivateIndex
from shim.cli.demo.watch import ArgvWatch, is_in, needles
from tests.support import toolchains
from tests.support.processes import with_secret_in
from tests.support.toolchains import Tool
from tests.support.world import CANARY, USER, World

TOOLS = ["pip-20.3.4", "pip-23.2.1", "pip-25.3", "pip-newest", "uv-newest"]
PACKAGES = {"wheel": "corp-lib", "sdist": "corp-sdist"}
FORMS = needles(USER, CANARY)


def real_tool(label: str) -> Tool:
    name, _, version = label.partition("-")
    if name == "uv":
        return toolchains.uv(version)
    return toolchains.pip(version)


@pytest.fixture(scope="module", params=TOOLS)
def tool(request: pytest.FixtureRequest) -> Tool:
    return real_tool(request.param)


@pytest.fixture
def counter(tmp_path: Path) -> Path:
    """A program that prints the canary and counts its calls."""
    program = tmp_path / "config" / "give-secret"
    program.write_text(f"#!/bin/sh\necho called >>{tmp_path}/calls\necho {CANARY}\n")
    program.chmod(0o700)
    return program


@pytest.fixture(params=["keyring", "command", "cache"])
def credential(request: pytest.FixtureRequest, world: World, index: PrivateIndex, counter: Path) -> Iterator[str]:
    """Put the credential where this case wants it."""
    kind: str = request.param
    table = f'[[index]]\nname = "corp"\nurl = "http://{index.netloc}/simple/"\nusername = "{USER}"\n'
    if kind == "keyring":
        world.environ |= request.getfixturevalue("keyring_daemon")
        world.configure(table + 'source = ["keyring"]\n')
        stored = world.shim("login", "corp", "--password-stdin", input=CANARY)
        assert stored.returncode == 0, stored.stderr
        yield kind
        assert world.shim("logout", "corp").stdout.startswith("removed from keyring")
        return
    world.configure(table + f'command = {{ argv = ["{counter}"] }}\n' + ('max-age = "1h"\n' if kind == "cache" else ""))
    if kind == "cache":
        assert world.shim("token", "corp").stdout == CANARY + "\n"
    yield kind


def command_of(tool: Tool, where: str, package: str, index: PrivateIndex, world: World) -> list[str]:
    """Return the command line, the index named in one of three places."""
    url = f"http://{index.netloc}/simple/"
    words = ["pip", "install"] if tool.name == "pip" else ["uv", "pip", "install"]
    words += ["-vvv", "--target", str(world.folder / "installed"), package]
    if where == "argv":
        words[-1:-1] = ["-i" if tool.name == "pip" else "--default-index", url]
    elif where == "environment":
        world.environ["PIP_INDEX_URL" if tool.name == "pip" else "UV_DEFAULT_INDEX"] = url
    elif tool.name == "pip":
        file = world.folder / "config" / "pip" / "pip.conf"
        file.parent.mkdir()
        file.write_text(f"[global]\nindex-url = {url}\n")
    else:
        file = world.folder / "config" / "uv" / "uv.toml"
        file.parent.mkdir()
        file.write_text(f'[[index]]\nurl = "{url}"\ndefault = true\n')
    return words


@pytest.mark.parametrize("where", ["argv", "environment", "config"])
@pytest.mark.parametrize("kind", PACKAGES)
def test_a_private_package_is_installed_and_the_secret_seen_nowhere(
    tool: Tool, kind: str, where: str, credential: str, world: World, index: PrivateIndex, report: Path
) -> None:
    world.use(tool)
    command = command_of(tool, where, PACKAGES[kind], index, world)
    report.write_bytes(b"")
    index.requests.clear()
    environments: set[str] = set()
    with ArgvWatch(FORMS) as watch:

        def look() -> None:
            watch.look()
            environments.update(with_secret_in("environ", FORMS))

        index.on_request = look
        result = world.run(*command, SHIM_DEBUG="1")
        index.on_request = lambda: None

    output = result.stdout + result.stderr
    assert result.returncode == 0, output
    assert (world.folder / "installed" / (PACKAGES[kind].replace("-", "_") + ".py")).is_file()
    files = [(path, user) for path, user, status in index.requests if status == 200]
    assert files, index.requests
    assert all(user == USER for _, user in files)
    assert watch.seen == set()
    assert environments == set()
    assert not is_in(output.encode(errors="surrogateescape"), FORMS)
    builds = [json.loads(line) for line in report.read_text().splitlines()]
    assert bool(builds) == (kind == "sdist")
    for build in builds:
        assert not is_in(json.dumps(build, ensure_ascii=False).encode(errors="surrogateescape"), FORMS)
    calls = world.folder / "calls"
    if credential == "cache" or credential == "command":
        assert calls.read_text().count("called") == 1


@pytest.mark.parametrize("package", ["corp-lib", "corp-sdist", "no-such-package"])
def test_the_exit_status_is_the_bare_tools(tool: Tool, package: str, world: World, index: PrivateIndex) -> None:
    world.use(tool)
    world.configure(
        f'[[index]]\nname = "corp"\nurl = "http://{index.netloc}/simple/"\nusername = "{USER}"\nenv = {{ password = "CORP" }}\n'
    )
    words = ["pip", "install"] if tool.name == "pip" else ["uv", "pip", "install"]
    option = "-i" if tool.name == "pip" else "--default-index"
    clean = world.run(*words, "--target", world.folder / "one", option, f"http://{index.netloc}/simple/", package, CORP=CANARY)
    typed = world.run(
        *words, "--target", world.folder / "two", option, f"http://{USER}:{CANARY}@{index.netloc}/simple/", package, bare=True
    )

    assert clean.returncode == typed.returncode, clean.stderr


def test_the_same_search_finds_the_secret_where_pip_is_given_it_in_a_url(world: World, index: PrivateIndex, report: Path) -> None:
    """What people do without us; if this ever finds nothing, the search above has gone blind, or pip has mended its ways."""
    world.use(toolchains.pip("newest"))
    report.write_bytes(b"")
    url = f"http://{USER}:{CANARY}@{index.netloc}/simple/"
    environments: set[str] = set()
    with ArgvWatch(FORMS) as watch:

        def look() -> None:
            watch.look()
            environments.update(with_secret_in("environ", FORMS))

        index.on_request = look
        result = world.run("pip", "install", "--target", world.folder / "installed", "corp-sdist", bare=True, PIP_INDEX_URL=url)
        index.on_request = lambda: None

    assert result.returncode == 0, result.stderr
    assert watch.seen, "pip starts a child for the build dependencies, with the index URL on its command line"
    assert environments
    assert is_in(report.read_bytes(), FORMS)


@pytest.mark.parametrize("where", ["cmdline", "environ"])
def test_the_search_sees_every_form_of_the_secret_in_another_process(where: Literal["cmdline", "environ"]) -> None:
    for form in FORMS:
        word, value = (form.decode(), "") if where == "cmdline" else ("", form.decode())
        command = ["sh", "-c", "echo ready; read line", "sh", word]
        with subprocess.Popen(command, env={"X": value}, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            assert with_secret_in(where, FORMS) == {"sh"}
            process.communicate(b"\n")
        assert with_secret_in(where, FORMS) == set()
