"""A vendor's index works without any configuration for who is logged in with the vendor's own command; a project must be approved."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from shim.cli.demo.packages import build_wheel
from shim.cli.demo.server import PrivateIndex
from tests.e2e.test_fail_closed import Stranger
from tests.support import toolchains
from tests.support.proxy import leading_to
from tests.support.tls import make_authority
from tests.support.toolchains import Tool
from tests.support.vendors import Vendors
from tests.support.world import CANARY, World

HOST = "corp-123456789012.d.codeartifact.eu-west-1.amazonaws.com"
URL = f"https://{HOST}/simple/"
CALL = "aws codeartifact get-authorization-token --domain corp --domain-owner 123456789012 --region eu-west-1 --output json [/]"


@dataclass
class Vendor:
    """CodeArtifact at home: its index, and `aws` on PATH."""

    index: PrivateIndex
    commands: Vendors
    proxied: list[str]


@pytest.fixture
def vendor(world: World, packages: tuple[str, dict[str, list[str]]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vendor]:
    authority = make_authority(tmp_path_factory.mktemp("authority"), "vendor", HOST)
    commands = Vendors(world.folder, CANARY, "aws")
    world.vaults.append(world.folder / "vendor-answers")
    with PrivateIndex(*packages, "aws", CANARY) as index:
        authority.protect(index._server)
        with leading_to(index._server.server_address[1]) as (proxy, asked):
            world.environ |= {
                "HTTPS_PROXY": proxy,
                "PIP_CERT": str(authority.certificate),
                "SSL_CERT_FILE": str(authority.certificate),
                "PIP_CONFIG_FILE": os.devnull,
            }
            yield Vendor(index, commands, asked)


def use(world: World, tool: Tool, vendor: Vendor) -> None:
    world.use(tool)
    world.environ["PATH"] = world.environ["PATH"].replace(":/usr/bin", f":{vendor.commands.bin}:/usr/bin")


def test_pip_and_uv_install_without_configuration_by_one_call(world: World, vendor: Vendor) -> None:
    for tool, words in (
        (toolchains.pip("newest"), ("pip", "install", "-i", URL)),
        (toolchains.uv(), ("uv", "pip", "install", "--default-index", URL)),
    ):
        use(world, tool, vendor)
        result = world.run(*words, "--target", world.folder / tool.name, "corp-lib")

        assert result.returncode == 0, result.stderr
        assert CANARY not in result.stdout + result.stderr
    assert vendor.commands.calls() == [CALL]
    assert any(user == "aws" for _, user, _ in vendor.index.requests)
    assert set(vendor.proxied) == {f"{HOST}:443"}


def test_an_index_that_only_a_project_names_is_asked_after_one_approval(world: World, vendor: Vendor) -> None:
    use(world, toolchains.pip("newest"), vendor)
    (world.cwd / "requirements.txt").write_text(f"-i {URL}\ncorp-lib\n")
    install = ("pip", "install", "-r", "requirements.txt", "--target", world.folder / "a")
    before = world.run(*install)
    assert before.returncode == 1
    assert "AWS CodeArtifact" in before.stderr
    assert "requirements.txt:1 names it" in before.stderr
    assert f"hint: shim login {URL} approves it, once" in before.stderr
    assert vendor.commands.calls() == []

    login = world.shim("login", URL)
    assert login.returncode == 0, login.stderr
    assert f"`aws` answers for https://{HOST} as aws: {URL} refuses everybody else (401) and answers aws" in login.stdout
    assert "approved" in login.stdout
    after = world.run(*install)
    assert after.returncode == 0, after.stderr

    assert f"removed from approved origins: https://{HOST}" in world.shim("logout", URL).stdout
    world.shim("cache", "clear")
    assert "names it" in world.run(*install, "--upgrade", "--no-cache-dir").stderr


def test_nothing_is_approved_by_who_is_not_logged_in_or_whose_token_is_refused(world: World, vendor: Vendor) -> None:
    use(world, toolchains.pip("newest"), vendor)
    vendor.index._header = "Basic of another account"
    refused = world.shim("login", URL)
    vendor.commands.log_out("aws")
    failed = world.shim("login", URL)

    assert (refused.returncode, failed.returncode) == (77, 69)
    assert "answers 401 to aws: nothing was approved" in refused.stderr
    assert "hint: log in: aws sso login, or store a token: --user NAME" in failed.stderr
    assert "aws: you are not logged in" in failed.stderr
    assert world.shim("logout", URL).stdout == "nothing was stored\n"


def test_our_keyring_face_runs_no_vendors_command_until_it_is_approved(world: World, vendor: Vendor) -> None:
    """Who asks the face does not say who named the index: it may be a project's file."""
    use(world, toolchains.pip("newest"), vendor)
    face = world.prefix / "faces" / "keyring"
    world.environ["PATH"] = f"{face.parent}:{world.environ['PATH']}"
    (world.cwd / "requirements.txt").write_text(f"-i {URL.replace('://', '://aws@')}\ncorp-lib\n")
    world.environ["PIP_KEYRING_PROVIDER"] = "subprocess"  # with PIP_NO_INPUT pip asks only if it is told to
    install = (toolchains.pip("newest").python, "-m", "pip", "install", "-r", "requirements.txt", "--target", world.folder / "a")
    assert world.run(face, "get", URL, "aws").stdout == ""
    assert world.run(*install).returncode == 1
    assert vendor.commands.calls() == []

    assert world.shim("login", URL).returncode == 0
    assert world.run(face, "get", URL, "aws").stdout == f"{CANARY}\n"
    assert world.run(*install).returncode == 0


def test_status_runs_no_vendors_command(world: World, vendor: Vendor) -> None:
    use(world, toolchains.pip("newest"), vendor)
    world.configure(f'[[index]]\nname = "corp"\nurl = "{URL}"\nsource = ["known"]\n')
    result = world.shim("status")

    assert "answered by known: would ask aws" in result.stdout
    assert vendor.commands.calls() == []


def test_pip_goes_on_without_us_when_nobody_is_logged_in(world: World, vendor: Vendor) -> None:
    use(world, toolchains.pip("newest"), vendor)
    vendor.commands.log_out("aws")
    result = world.run("pip", "install", "-i", URL, "--target", world.folder / "a", "corp-lib")

    assert result.returncode == 1
    assert "hint: log in: aws sso login" in result.stderr
    assert Path(world.folder / "a").exists() is False


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[PrivateIndex]:
    (tmp_path / "stranger").mkdir()
    wheel = build_wheel(str(tmp_path / "stranger"), "corp-lib", {"corp_lib.py": "STRANGER = True\n"}, "99.0")
    with Stranger(str(tmp_path / "stranger"), {"corp-lib": [wheel]}, "x", "x") as served:
        yield served


def test_beside_another_index_pip_is_stopped_where_nobody_may_be_asked_or_is_logged_in(
    world: World, vendor: Vendor, stranger: PrivateIndex
) -> None:
    """Else pip takes the package of that name from there, whoever put it there."""
    use(world, toolchains.pip("newest"), vendor)
    other = f"http://{stranger.netloc}/simple/"
    (world.cwd / "requirements.txt").write_text(f"-i {URL}\n--extra-index-url {other}\ncorp-lib\n")
    project = world.run("pip", "install", "-r", "requirements.txt", "--target", world.folder / "a")
    vendor.commands.log_out("aws")
    ended = world.run("pip", "install", "-i", URL, "--extra-index-url", other, "--target", world.folder / "a", "corp-lib")

    for result, hint in ((project, f"hint: shim login {URL} approves it, once"), (ended, "hint: log in: aws sso login")):
        assert result.returncode == 77, result.stderr
        assert f"refuses us without a credential (401); pip would take the packages from {other} instead" in result.stderr
        assert result.stderr.rstrip().endswith(hint)
    assert not (world.folder / "a").exists()


def test_login_takes_the_way_of_pip_conf(world: World, vendor: Vendor, tmp_path: Path) -> None:
    use(world, toolchains.pip("newest"), vendor)
    proxy, certificate = (world.environ.pop(name) for name in ("HTTPS_PROXY", "PIP_CERT"))
    world.environ.pop("SSL_CERT_FILE")
    refused = world.shim("login", URL, HTTPS_PROXY="http://127.0.0.1:9")
    (tmp_path / "pip.conf").write_text(f"[global]\nproxy = {proxy}\ncert = {certificate}\n")
    world.environ["PIP_CONFIG_FILE"] = str(tmp_path / "pip.conf")
    typed = world.shim("login", URL, "--user", "aws", "--password-stdin", "--store", "file", input=CANARY)
    asked = world.shim("login", URL)

    assert refused.returncode == 69
    assert typed.returncode == 0, typed.stderr
    assert asked.returncode == 0, asked.stderr


def test_a_plan_with_a_vendors_token_is_recorded_with_all_that_says_who_asks(world: World, vendor: Vendor) -> None:
    """The short way must not hand out the token of another profile, and must be there."""
    use(world, toolchains.pip("newest"), vendor)
    (world.folder / "home" / ".aws").mkdir()
    (world.folder / "home" / ".aws" / "config").write_text("[default]\n")
    install = ("pip", "install", "-i", URL, "--no-cache-dir", "--target", world.folder / "a", "--upgrade", "corp-lib")
    for profile in ("", "publisher", ""):
        assert world.run(*install, **({"AWS_PROFILE": profile} if profile else {})).returncode == 0
    plans = [path.read_text() for path in (world.folder / "runtime" / "shim" / "tokens" / "plans").glob("*.plan")]

    assert plans
    assert all("prefix\x1fAWS_" in text and "/.aws/config\x1f" in text for text in plans)
    assert vendor.commands.calls() == [CALL, CALL]
