"""An index with an authority of its own, or a certificate that nobody vouches for: real TLS, real pips and uvs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex
from tests.support import toolchains
from tests.support.tls import Authority, make_authority
from tests.support.toolchains import Tool
from tests.support.world import CANARY, USER, World

Packages = tuple[str, dict[str, list[str]]]


TOOLS = ["pip-20.3.4", "pip-23.2.1", "pip-newest", "uv-0.5.31", "uv-0.9.30", "uv-newest"]


@pytest.fixture(scope="module")
def corp(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("corp"), "corp")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The authority that the tool trusts without us; in the field, one that it brings along."""
    return make_authority(tmp_path_factory.mktemp("other"), "other")


@pytest.fixture
def index(packages: Packages, corp: Authority) -> Iterator[PrivateIndex]:
    with PrivateIndex(*packages, USER, CANARY) as served:
        corp.protect(served._server)
        yield served


@pytest.fixture
def second(packages: Packages, other: Authority) -> Iterator[PrivateIndex]:
    with PrivateIndex(packages[0], {}, USER, CANARY) as served:
        other.protect(served._server)
        yield served


@pytest.fixture(params=TOOLS)
def tool(request: pytest.FixtureRequest, world: World) -> Tool:
    name, _, version = request.param.partition("-")
    chosen = toolchains.uv(version) if name == "uv" else toolchains.pip(version)
    world.use(chosen)
    world.environ |= {"CORP_TOKEN": CANARY, "PIP_CONFIG_FILE": os.devnull}  # the machine's own pip.conf may name a cert
    return chosen


def url_of(index: PrivateIndex, host: str = "localhost") -> str:
    return f"https://{host}:{index.netloc.rpartition(':')[2]}/simple/"


def configure(world: World, index: PrivateIndex, *lines: str) -> None:
    settings = [f'url = "{url_of(index)}"', f'username = "{USER}"', 'env = { password = "CORP_TOKEN" }', *lines]
    world.configure("[[index]]\nname = 'corp'\n" + "\n".join(settings) + "\n")


def command(tool: Tool, world: World, index: PrivateIndex, *more: str) -> list[object]:
    install = ["pip", "install"] if tool.name == "pip" else ["uv", "pip", "install"]
    return [*install, "--target", world.folder / "installed", "--index-url", url_of(index), *more, "corp-lib"]


def is_installed(world: World) -> bool:
    return (world.folder / "installed" / "corp_lib.py").is_file()


def test_the_index_is_trusted_by_its_own_authority(tool: Tool, world: World, index: PrivateIndex, corp: Authority) -> None:
    configure(world, index, f'ca-bundle = "{corp.certificate}"')
    bare = world.run(*command(tool, world, index), bare=True)
    assert bare.returncode != 0
    assert not is_installed(world)
    result = world.run(*command(tool, world, index))

    assert result.returncode == 0, result.stderr
    assert is_installed(world)


def test_an_index_marked_insecure_is_not_checked(tool: Tool, world: World, index: PrivateIndex) -> None:
    configure(world, index, "insecure = true")
    result = world.run(*command(tool, world, index))

    assert result.returncode == 0, result.stderr
    assert is_installed(world)


def test_what_the_tool_trusted_before_it_trusts_still(
    tool: Tool, world: World, index: PrivateIndex, second: PrivateIndex, corp: Authority, other: Authority
) -> None:
    """Both servers answer, each vouched for by its own authority; the user has named the second one in the usual variable."""
    configure(world, index, f'ca-bundle = "{corp.certificate}"')
    variables = ["PIP_CERT", "REQUESTS_CA_BUNDLE"] if tool.name == "pip" else ["SSL_CERT_FILE"]
    # An address as name makes some pips crash; a netrc, all that uv 0.5 has, knows no port, and stands beside no stranger's server.
    second_host = "localhost" if tool.name == "pip" else "127.0.0.1"
    vouched = f"[[index]]\nname = 'second'\nurl = '{url_of(second, second_host)}'\non-failure = 'pass'\n"
    world.configure(world.config.read_text() + (vouched if tool.name == "uv" else ""))
    strategy = [] if tool.name == "pip" else ["--index-strategy", "unsafe-best-match"]
    for variable in variables:
        second.requests.clear()
        result = world.run(
            *command(tool, world, index, "--extra-index-url", url_of(second, second_host), *strategy, "--upgrade"),
            **{variable: str(other.certificate)},
        )

        assert result.returncode == 0, result.stderr
        assert second.requests, variable
    assert is_installed(world)


def test_only_the_marked_port_goes_unchecked(tool: Tool, world: World, index: PrivateIndex, second: PrivateIndex) -> None:
    configure(world, index, "insecure = true")
    world.run(*command(tool, world, index, "--extra-index-url", url_of(second)))

    assert second.requests == []


def test_a_bundle_without_a_certificate_is_named(tool: Tool, world: World, index: PrivateIndex) -> None:
    configure(world, index, 'ca-bundle = "/etc/hostname"')
    result = world.run(*command(tool, world, index))

    assert result.returncode == 78
    assert "ca-bundle /etc/hostname of corp holds no certificate" in result.stderr


def test_the_users_own_cert_option_stands(world: World, index: PrivateIndex, corp: Authority, other: Authority) -> None:
    tool = toolchains.pip("newest")
    world.use(tool)
    world.environ |= {"CORP_TOKEN": CANARY, "PIP_CONFIG_FILE": os.devnull}
    configure(world, index, f'ca-bundle = "{other.certificate}"')
    words = command(tool, world, index, "--cert", str(corp.certificate))
    explained = world.shim("explain", "--", *words)

    assert world.run(*words).returncode == 0
    assert "its --cert stands" in explained.stdout


def test_pip_isolated_from_its_variables_is_served_too(world: World, index: PrivateIndex, corp: Authority) -> None:
    tool = toolchains.pip("newest")
    world.use(tool)
    world.environ |= {"CORP_TOKEN": CANARY, "PIP_CONFIG_FILE": os.devnull}
    configure(world, index, f'ca-bundle = "{corp.certificate}"')
    result = world.run(*command(tool, world, index, "--isolated"))

    assert result.returncode == 0, result.stderr


def test_explain_says_how_far_the_trust_reaches(tool: Tool, world: World, index: PrivateIndex, corp: Authority) -> None:
    configure(world, index, f'ca-bundle = "{corp.certificate}"', "insecure = true")
    explained = world.shim("explain", "--", *command(tool, world, index))

    assert f"{tool.name} has one list of authorities, so this one counts for all its servers" in explained.stdout
    assert f"nobody checks who answers at localhost:{index.netloc.rpartition(':')[2]}" in explained.stdout


def test_system_means_the_operating_systems_authorities(tool: Tool, world: World, index: PrivateIndex) -> None:
    configure(world, index, 'ca-bundle = "system"')
    explained = world.shim("explain", "--", *command(tool, world, index)).stdout
    wanted = {
        "20.3.4": "PIP_CERT=/etc/ssl/",
        "23.2.1": "PIP_CERT=/etc/ssl/",
        "0.5.31": "UV_NATIVE_TLS=1",
        "0.9.30": "UV_NATIVE_TLS=1",
    }
    expected = wanted.get(tool.version, "UV_SYSTEM_CERTS=1" if tool.name == "uv" else None)

    if expected:
        assert f"set      {expected}" in explained
    else:
        assert "CERT" not in explained


def test_a_bundle_of_both_is_kept_once(world: World, index: PrivateIndex, corp: Authority, other: Authority) -> None:
    tool = toolchains.uv()
    world.use(tool)
    world.environ |= {"CORP_TOKEN": CANARY, "PIP_CONFIG_FILE": os.devnull}
    configure(world, index, f'ca-bundle = "{corp.certificate}"')
    for _ in range(2):
        assert world.run(*command(tool, world, index), SSL_CERT_FILE=str(other.certificate)).returncode == 0
    (kept,) = Path(world.environ["XDG_RUNTIME_DIR"], "shim", "tokens", "authorities").iterdir()

    assert kept.read_bytes() == other.certificate.read_bytes().rstrip() + b"\n" + corp.certificate.read_bytes().rstrip() + b"\n"
