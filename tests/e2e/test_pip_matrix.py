"""pip, in every release that matters: each way to name a private place, a wheel and an sdist, and the secret nowhere.

CI runs each way with two releases, so that all of them have their turn; SHIM_TEST_MATRIX=all runs everything with all of them.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shim.cli.demo.watch import ArgvWatch, is_in, needles
from shim.tools.installed_version import parse_version
from tests.support import toolchains
from tests.support.processes import with_secret_in
from tests.support.realms import Realms, basic
from tests.support.world import CANARY, USER, World

FORMS = needles(USER, CANARY)
VERSIONS = ["20.3.4", "21.3.1", "22.3.1", "23.0.1", "23.2.1", "24.0", "25.0", "25.3", "newest"]
PACKAGES = {"wheel": "corp-lib", "sdist": "corp-sdist"}
OTHER_USER, OTHER_SECRET = "bob", "an0ther-canary-0815"


class Place:
    """The private URLs of a case, and what to install from them; `environ` is the command's."""

    def __init__(self, world: World, server: Realms, neighbour: Realms, package: str, folder: str) -> None:
        self.world, self.server, self.package, self.folder = world, server, package, folder
        self.url = server.url("/team/simple/")
        self.other_url = server.url("/other/simple/")
        self.open_url = neighbour.url("/open/simple/").replace("127.0.0.1", "localhost")
        self.open_port_url = neighbour.url("/open/simple/")
        self.typed = self.url.replace("://", f"://{USER}:{CANARY}@")
        self.environ: dict[str, str] = {}

    def file(self, path: str, text: str) -> Path:
        file = self.world.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    @property
    def file_name(self) -> str:
        return {"corp-lib": "corp_lib-1.0-py3-none-any.whl", "corp-sdist": "corp_sdist-1.0.tar.gz"}[self.package]

    def file_url(self) -> str:
        return self.server.url(f"/team/files/{self.file_name}")


def option(place: Place) -> list[str]:
    return ["-i", place.url, place.package]


def joined_option(place: Place) -> list[str]:
    return [f"-qi{place.url}", place.package]


def shortened_option(place: Place) -> list[str]:
    return [f"--index-u={place.url}", place.package]


def extra_option(place: Place) -> list[str]:
    return ["-i", place.open_url, "--extra-index-url", place.url, place.package]


def variable(place: Place) -> list[str]:
    place.environ["PIP_INDEX_URL"] = place.url
    return [place.package]


def extra_variable(place: Place) -> list[str]:
    place.environ |= {"PIP_INDEX_URL": place.open_url, "PIP_EXTRA_INDEX_URL": place.url}
    return [place.package]


def user_config(place: Place) -> list[str]:
    place.file("config/pip/pip.conf", f"[global]\nindex-url = {place.url}\n")
    return [place.package]


def command_config(place: Place) -> list[str]:
    place.file("config/pip/pip.conf", f"[global]\nindex-url = {place.open_url}\n[install]\nindex-url = {place.url}\n")
    return [place.package]


def machine_config(place: Place) -> list[str]:
    place.file("xdg/pip/pip.conf", f"[global]\nindex-url = {place.url}\n")
    return [place.package]


def named_config(place: Place) -> list[str]:
    place.environ["PIP_CONFIG_FILE"] = str(place.file("named.conf", f"[global]\nextra-index-url = {place.url}\nindex-url = {place.url}\n"))
    return [place.package]


def requirements_line(place: Place) -> list[str]:
    place.file("cwd/requirements.txt", f"--index-url {place.url}\n{place.package}\n")
    return ["-r", "requirements.txt"]


def nested_requirements(place: Place) -> list[str]:
    place.file("cwd/more/index.txt", f"-i \\\n  {place.url}\n")
    place.file("cwd/requirements.txt", f"-r more/index.txt\n{place.package}\n")
    return ["-i", place.open_url, "-r", "requirements.txt"]


def constraints(place: Place) -> list[str]:
    place.file("cwd/constraints.txt", f"--index-url {place.url}\n{place.package} == 1.0\n")
    return ["-c", "constraints.txt", place.package]


def venv_config(place: Place) -> list[str]:
    place.file("environment/pip.conf", f"[global]\nindex-url = {place.url}\n")
    return [place.package]


def extra_config(place: Place) -> list[str]:
    place.file("config/pip/pip.conf", f"[global]\nindex-url = {place.open_url}\nextra-index-url =\n    {place.url}\n")
    return [place.package]


def isolated_config(place: Place) -> list[str]:
    place.environ["PIP_INDEX_URL"] = place.open_url
    place.file("xdg/pip/pip.conf", f"[global]\nindex-url = {place.url}\n")
    return ["--isolated", place.package]


def required_by_variable(place: Place) -> list[str]:
    place.environ["PIP_CONSTRAINT"] = str(place.file("c.txt", f"{place.package} == 1.0\n"))
    place.environ["PIP_REQUIREMENT"] = str(place.file("r.txt", f"--index-url {place.url}\n"))
    return [place.package]


def other_python(place: Place) -> list[str]:
    place.file("other/pip.conf", f"[install]\nindex-url = {place.url}\n")
    place.environ["PIP_PYTHON"] = str(place.world.folder / "other")
    return [place.package]


def local_page(place: Place) -> list[str]:
    place.file("cwd/links.html", f"<a href='{place.file_url()}'>{place.package}</a>\n")
    return ["-i", place.url, "-f", "links.html", place.package]


def group(place: Place) -> list[str]:
    place.file("cwd/pyproject.toml", f'[dependency-groups]\ndev = ["{place.package} @ {place.file_url()}"]\n')
    return ["-i", place.url, "--group", "dev"]


def script(place: Place) -> list[str]:
    place.file("cwd/script.py", f'# /// script\n# dependencies = ["{place.package} @ {place.file_url()}"]\n# ///\n')
    return ["-i", place.url, "--requirements-from-script", "script.py"]


def lock(place: Place) -> list[str]:
    data = Path(place.folder, place.file_name).read_bytes()
    kind = "wheels = [{" if place.file_name.endswith(".whl") else "sdist = {"
    file = f'{kind}url = "{place.file_url()}", hashes = {{sha256 = "{hashlib.sha256(data).hexdigest()}"}}}}{"]" * ("[" in kind)}'
    text = f'lock-version = "1.0"\ncreated-by = "nobody"\n[[packages]]\nname = "{place.package}"\nversion = "1.0"\n{file}\n'
    place.file("cwd/pylock.toml", text)
    return ["-i", place.url, "-r", "pylock.toml"]


def find_links(place: Place) -> list[str]:
    return ["--no-index", "--find-links", place.server.url("/team/links/"), place.package]


def direct_url(place: Place) -> list[str]:
    return ["-i", place.url, f"{place.package} @ {place.file_url()}"]


def user_only(place: Place) -> list[str]:
    return ["-i", place.url.replace("://", f"://{USER}@"), place.package]


def typed_in_argv(place: Place) -> list[str]:
    return ["-i", place.typed, place.package]


def typed_in_environment(place: Place) -> list[str]:
    place.environ["PIP_INDEX_URL"] = place.typed
    return [place.package]


def two_credentials(place: Place) -> list[str]:
    return ["-i", place.url, "--extra-index-url", place.other_url, place.package]


def two_credentials_in_config(place: Place) -> list[str]:
    place.file("config/pip/pip.conf", f"[global]\nindex-url = {place.url}\nextra-index-url = {place.other_url}\n")
    return [place.package]


def two_credentials_in_a_file(place: Place) -> list[str]:
    place.file("cwd/requirements.txt", f"-i {place.url}\n--extra-index-url {place.other_url}\n{place.package}\n")
    return ["-r", "requirements.txt"]


def another_scheme(place: Place) -> list[str]:
    return ["-i", place.url, "--extra-index-url", place.url.replace("http:", "https:"), place.package]


def typed_in_a_file(place: Place) -> list[str]:
    place.file("cwd/requirements.txt", f"--index-url {place.typed}\n{place.package}\n")
    return ["-r", "requirements.txt"]


def another_port(place: Place) -> list[str]:
    return ["-i", place.url, "--extra-index-url", place.open_port_url, place.package]


CASES: dict[str, Callable[[Place], list[str]]] = {
    function.__name__.replace("_", "-"): function
    for function in (
        *(option, joined_option, shortened_option, extra_option, variable, extra_variable, user_config, command_config, machine_config),
        *(venv_config, extra_config, isolated_config, named_config, other_python, requirements_line, nested_requirements, constraints),
        *(required_by_variable, find_links, local_page, direct_url, group, script, lock, user_only),
        *(typed_in_argv, typed_in_environment, typed_in_a_file),
        *(two_credentials, two_credentials_in_config, two_credentials_in_a_file, another_port, another_scheme),
    )
}
#: The release that first knows what a case is about.
SINCE = {"other-python": (22, 3), "group": (25, 1), "script": (26, 0), "lock": (26, 1)}
#: Cases in which the command names a server besides the credential's own.
WITH_STRANGERS = {"extra-option", "extra-variable", "extra-config", "another-port"}
EVERYTHING = os.environ.get("SHIM_TEST_MATRIX") == "all"


def rows() -> Iterator[tuple[str, str, str]]:
    """Yield (version, case, kind): in CI each case with a wheel and an sdist, each in another release, all in turn."""
    number = 0
    for case in CASES:
        versions = [version for version in VERSIONS if release_of(version) >= SINCE.get(case, ())]
        for kind in PACKAGES:
            for version in versions if EVERYTHING else [versions[number % len(versions)]]:
                yield version, case, kind
            number += 2 if kind == "wheel" else 3


def release_of(version: str) -> tuple[int, ...]:
    return (99,) if version == "newest" else parse_version(version)


def channel_of(version: str, case: str) -> str | None:
    """Return the channel that has to be taken, None where the command must be stopped."""
    release = release_of(version)
    if case == "another-scheme":
        return None
    if case in ("two-credentials", "two-credentials-in-config"):
        return "face" if release >= (23, 1) else None
    if case == "two-credentials-in-a-file":
        return "face" if release >= (26, 2) else None
    if case in WITH_STRANGERS:
        return "face" if release >= (23, 1) else "env"
    return "netrc"


@pytest.fixture
def server(packages: tuple[str, dict[str, list[str]]]) -> Iterator[Realms]:
    """One server with two private places."""
    realms = {"/team": basic(USER, CANARY), "/other": basic(OTHER_USER, OTHER_SECRET)}
    with Realms(packages[0], packages[1], realms, only={"/team"}) as served:
        yield served


@pytest.fixture
def neighbour(packages: tuple[str, dict[str, list[str]]]) -> Iterator[Realms]:
    """An open index that has nothing, on another port."""
    with Realms(packages[0], {}, {"/open": None}) as served:
        yield served


def configure(world: World, server: Realms, *, typed: bool) -> None:
    """Let a program give the password of each place; for a typed one, nothing is configured."""
    tables = ""
    for path, user, secret in (("/team", USER, CANARY), ("/other", OTHER_USER, OTHER_SECRET)):
        program = world.folder / "config" / f"give-{user}"
        program.write_text(f"#!/bin/sh\necho {secret}\n")
        program.chmod(0o700)
        tables += (
            f'[[index]]\nname = "{user}"\nurl = "{server.url(path)}/simple/"\nusername = "{user}"\ncommand = {{ argv = ["{program}"] }}\n'
        )
    world.configure("" if typed else tables)


@pytest.mark.parametrize(("version", "case", "kind"), [*rows()])
def test_a_private_package_arrives_and_the_secret_is_seen_nowhere(
    version: str,
    case: str,
    kind: str,
    world: World,
    server: Realms,
    neighbour: Realms,
    report: Path,
    packages: tuple[str, dict[str, list[str]]],
) -> None:
    tool = toolchains.pip(version)
    world.use(toolchains.pip_environment(tool, world.folder / "environment"))
    toolchains.pip_environment(tool, world.folder / "other")
    configure(world, server, typed=case.startswith("typed"))
    place = Place(world, server, neighbour, PACKAGES[kind], packages[0])
    words = CASES[case](place)
    report.write_bytes(b"")
    environments: set[str] = set()
    channel = channel_of(version, case)
    # What was typed stands in the launcher's argv and environment for a moment: looked at with each request, when the real tool runs.
    with ArgvWatch(FORMS, interval_s=60 if case.startswith("typed") else 0.01) as watch:

        def look() -> None:
            if not server.agent.startswith("pip-uv-shim/"):
                watch.look()
                environments.update(with_secret_in("environ", FORMS))

        server.on_request = look
        result = world.run("pip", "install", "-vv", "--target", world.folder / "installed", *words, **place.environ, SHIM_DEBUG="1")
        server.on_request = lambda: None
    output = result.stdout + result.stderr

    if channel is None:
        assert result.returncode == 77, output
        assert [path for path, _, _ in server.sent if not path.endswith("/simple/")] == []  # but our own look at each index
        return
    # A password in a file stays there: pip shows it to the child that installs what builds an sdist.
    assert (f"channel {channel} for" in result.stderr) == (case != "typed-in-a-file"), output
    assert result.returncode == 0, output
    assert (world.folder / "installed" / f"{place.package.replace('-', '_')}.py").is_file()
    assert server.let_in("/team"), "nothing was asked: this would prove nothing"
    assert [one for one in neighbour.sent if one[1]] == []
    if not case.startswith("two-credentials"):  # pip itself tries what it knows for a server at each of its indexes
        assert server.wrongly_sent() == []
    builds = [json.loads(line) for line in report.read_text().splitlines()]
    assert bool(builds) == (kind == "sdist")
    if case == "typed-in-a-file":
        place.file("cwd/requirements.txt", "")  # it is the only file that may hold it
        return
    if channel == "env":
        assert "warning" in result.stderr
        return
    assert not is_in(output.encode(errors="surrogateescape"), FORMS)
    assert watch.seen == set()
    assert environments == set()
    for build in builds:
        assert not is_in(json.dumps(build).encode(), FORMS)
