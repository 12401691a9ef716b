"""uv, in every release that matters: each way to name a private place, a wheel and an sdist, and the secret nowhere.

CI runs everything with the newest uv and a selection with the others; SHIM_TEST_MATRIX=all runs everything with all of them.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shim.cli.demo.watch import ArgvWatch, is_in, needles
from tests.support import toolchains
from tests.support.realms import Realms, basic
from tests.support.world import CANARY, USER, World

FORMS = needles(USER, CANARY)
VERSIONS = ["newest", "0.11.33", "0.9.30", "0.7.22", "0.5.31"]
SELECTION = {"flag", "variable", "pyproject-default", "frozen-lock", "typed-in-argv", "two-credentials"}
PACKAGES = {"wheel": "corp-lib", "sdist": "corp-sdist"}
OTHER_USER, OTHER_SECRET = "bob", "an0ther-canary-0815"


class Place:
    """A fresh folder to work in, the private URLs, and the package to install; `environ` is the command's."""

    def __init__(self, world: World, server: Realms, package: str) -> None:
        self.world, self.server, self.package = world, server, package
        self.folder = world.cwd / "work"
        self.folder.mkdir()
        self.url = server.url("/team/simple/")
        # Another host to uv: a credential may not go from one place of a server to another.
        self.open_url = server.url("/open/simple/").replace("127.0.0.1", "localhost")
        self.typed = self.url.replace("://", f"://{USER}:{CANARY}@")
        self.environ: dict[str, str] = {}

    def file(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def project(self, rest: str) -> list[str]:
        self.file(
            "pyproject.toml", f'[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["{self.package}"]\n{rest}'
        )
        return ["sync"]

    def install(self, *options: str) -> list[str]:
        return ["pip", "install", "--target", str(self.world.folder / "installed"), *options, self.package]

    def file_url(self) -> str:
        name = {"corp-lib": "corp_lib-1.0-py3-none-any.whl", "corp-sdist": "corp_sdist-1.0.tar.gz"}[self.package]
        return self.server.url(f"/team/files/{name}")

    def uv(self, *words: str) -> None:
        """Run a command that prepares the case, and has to work."""
        result = self.run(*words)
        assert result.returncode == 0, result.stderr

    def run(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return self.world.run("sh", "-c", 'cd "$0" && exec "$@"', self.folder, "uv", *words, **self.environ, **environ)


def flag(place: Place) -> list[str]:
    return place.install("--default-index", place.url)


def named_flag(place: Place) -> list[str]:
    return place.install("--index", f"corp={place.url}", "--default-index", place.open_url)


def variable(place: Place) -> list[str]:
    place.environ["UV_DEFAULT_INDEX"] = place.url
    return place.install()


def user_config(place: Place) -> list[str]:
    folder = place.world.folder / "config" / "uv"
    folder.mkdir()
    (folder / "uv.toml").write_text(f'[[index]]\nurl = "{place.url}"\ndefault = true\n')
    return place.install()


def machine_config(place: Place) -> list[str]:
    (place.world.folder / "xdg" / "uv" / "uv.toml").write_text(f'[[index]]\nname = "all"\nurl = "{place.url}"\ndefault = true\n')
    return place.install()


def pyproject_default(place: Place) -> list[str]:
    return place.project(f'[[tool.uv.index]]\nurl = "{place.url}"\ndefault = true\n')


def pyproject_named(place: Place) -> list[str]:
    return place.project(
        f'[[tool.uv.index]]\nname = "corp"\nurl = "{place.url}"\n'
        f'[[tool.uv.index]]\nname = "open"\nurl = "{place.open_url}"\ndefault = true\n'
    )


def pyproject_explicit(place: Place) -> list[str]:
    # A build dependency comes from the default index, never from an explicit one.
    return place.project(
        f'[[tool.uv.index]]\nname = "corp"\nurl = "{place.url}"\nexplicit = true\n'
        f'[[tool.uv.index]]\nname = "same"\nurl = "{place.url}"\ndefault = true\n'
        f'[tool.uv.sources]\n{place.package} = {{ index = "corp" }}\n'
    )


def pip_table(place: Place) -> list[str]:
    place.project(f'[tool.uv.pip]\nindex-url = "{place.url}"\n')
    return place.install()


def script(place: Place) -> list[str]:
    module = place.package.replace("-", "_")
    place.file(
        "script.py",
        f'# /// script\n# requires-python = ">=3.11"\n# dependencies = ["{place.package}"]\n'
        f'# [[tool.uv.index]]\n# url = "{place.url}"\n# default = true\n# ///\nimport {module}\nprint({module}.VALUE)\n',
    )
    return ["run", "script.py"]


def requirements_line(place: Place) -> list[str]:
    place.file("requirements.txt", f"--index-url {place.url}\n{place.package}\n")
    return place.install("-r", "requirements.txt")


def find_links(place: Place) -> list[str]:
    return place.install("--find-links", place.server.url("/team/links/"), "--default-index", place.open_url)


def frozen_lock(place: Place) -> list[str]:
    rest = f'[[tool.uv.index]]\nurl = "{place.url}"\ndefault = true\n'
    place.project(rest)
    place.uv("lock")
    place.environ["UV_CACHE_DIR"] = str(place.world.folder / "fresh-cache")
    if place.package == "corp-lib":  # building the other one asks the index
        place.project("")
    return ["sync", "--frozen"]


def direct_url(place: Place) -> list[str]:
    words = place.install("--default-index", place.url)
    return [*words[:-1], f"{place.package} @ {place.file_url()}"]


def user_only(place: Place) -> list[str]:
    return place.install("--default-index", place.url.replace("://", f"://{USER}@"))


def typed_in_argv(place: Place) -> list[str]:
    return place.install("--default-index", place.typed)


def typed_in_environment(place: Place) -> list[str]:
    place.environ["UV_DEFAULT_INDEX"] = place.typed
    return place.install()


def two_credentials(place: Place) -> list[str]:
    return place.install("--index", place.server.url("/other/simple/"), "--default-index", place.url)


CASES: dict[str, Callable[[Place], list[str]]] = {
    function.__name__.replace("_", "-"): function
    for function in (
        *(flag, named_flag, variable, user_config, machine_config, pyproject_default, pyproject_named, pyproject_explicit, pip_table),
        *(script, requirements_line, find_links, frozen_lock, direct_url, user_only, typed_in_argv, typed_in_environment, two_credentials),
    )
}
#: uv before 0.9 gets nothing where user code would see it.
REFUSED = {("0.7.22", "script"), ("0.5.31", "script")}
ROWS = [
    (version, case, kind)
    for version in VERSIONS
    for case in CASES
    for kind in PACKAGES
    if version == "newest" or os.environ.get("SHIM_TEST_MATRIX") == "all" or (case in SELECTION and kind == "sdist")
]


@pytest.fixture
def server(packages: tuple[str, dict[str, list[str]]]) -> Iterator[Realms]:
    """One server with two private places, and an open one that has nothing."""
    realms = {"/team": basic(USER, CANARY), "/other": basic(OTHER_USER, OTHER_SECRET), "/open": None}
    with Realms(packages[0], packages[1], realms, only={"/team"}) as served:
        yield served


def configure(world: World, server: Realms, *, typed: bool) -> None:
    """Let a program give the password of each place; for a typed one, nothing is configured."""
    (world.folder / "xdg" / "uv").mkdir()
    (world.folder / "xdg" / "uv" / "uv.toml").write_text("")  # whatever this machine has in /etc
    del world.environ["VIRTUAL_ENV"]
    tables = ""
    for path, user, secret in (("/team", USER, CANARY), ("/other", OTHER_USER, OTHER_SECRET)):
        program = world.folder / "config" / f"give-{user}"
        program.write_text(f"#!/bin/sh\necho {secret}\n")
        program.chmod(0o700)
        tables += (
            f'[[index]]\nname = "{user}"\nurl = "{server.url(path)}/simple/"\nusername = "{user}"\ncommand = {{ argv = ["{program}"] }}\n'
        )
    world.configure("" if typed else tables)


def channel_of(version: str, case: str) -> str:
    """Return the channel that has to be taken: the store where user code runs, and uv has one."""
    return "store" if case == "script" and version not in ("0.7.22", "0.5.31") else "seed"


@pytest.mark.parametrize(("version", "case", "kind"), ROWS)
def test_a_private_package_arrives_and_the_secret_is_seen_nowhere(
    version: str, case: str, kind: str, world: World, server: Realms, report: Path
) -> None:
    world.use(toolchains.uv(version))
    configure(world, server, typed=case.startswith("typed"))
    place = Place(world, server, PACKAGES[kind])
    words = CASES[case](place)
    report.write_bytes(b"")
    server.sent.clear()
    # What was typed stands in the launcher's argv for a moment: looked at with each request, when the real tool runs.
    with ArgvWatch(FORMS, interval_s=60 if case.startswith("typed") else 0.01) as watch:
        server.on_request = lambda: None if server.agent.startswith("pip-uv-shim/") else watch.look()
        result = place.run(*words[:1], "-v", *words[1:], SHIM_DEBUG="1")
        server.on_request = lambda: None
    output = result.stdout + result.stderr

    if (version, case) in REFUSED:
        assert result.returncode == 77, output
        assert server.sent == []
        return
    assert result.returncode == 0, output
    assert f"channel {channel_of(version, case)} for" in result.stderr
    assert server.let_in("/team"), "nothing was asked: this would prove nothing"
    assert server.wrongly_sent() == []
    assert watch.seen == set()
    assert not is_in(output.encode(errors="surrogateescape"), FORMS)
    builds = [json.loads(line) for line in report.read_text().splitlines()]
    assert bool(builds) == (kind == "sdist")
    for build in builds:
        assert not is_in(json.dumps(build).encode(), FORMS)
