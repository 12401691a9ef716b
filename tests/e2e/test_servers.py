"""Against servers that others made: nginx with basic auth, and pypiserver, which says 403 where others say 401."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex
from shim.cli.demo.watch import ArgvWatch, is_in, needles
from tests.support import machine, servers, toolchains
from tests.support.world import CANARY, USER, World

OTHER = "0ther-canary-42"
Packages = tuple[str, dict[str, list[str]]]
endpoints_nginx = machine.endpoints(machine.lacks_programs("nginx"))


@pytest.fixture
def nginx(tmp_path_factory: pytest.TempPathFactory, packages: Packages) -> Iterator[tuple[int, Path]]:
    realms = {"/a/": (USER, CANARY), "/b/": ("bob", OTHER), "/open/": None}
    with servers.nginx(tmp_path_factory.mktemp("nginx"), realms, packages) as served:
        yield served


def log_of(nginx: tuple[int, Path]) -> list[tuple[str, str, str]]:
    """Return (user, path, status) of each request."""
    rows = [line.split() for line in nginx[1].read_text().splitlines()]
    return [(row[2], row[6], row[8]) for row in rows]


def configure(world: World, port: int, **passwords: str) -> None:
    rows = []
    for name, user in (("a", USER), ("b", "bob")):
        if name in passwords:
            url = f"http://127.0.0.1:{port}/{name}/simple/"
            rows.append(f'[[index]]\nname = "{name}"\nurl = "{url}"\nusername = "{user}"\nenv = {{ password = "PW_{name}" }}\n')
            world.environ[f"PW_{name}"] = passwords[name]
    world.configure("".join(rows))


def install(world: World, tool: toolchains.Tool, port: int, *options: str, package: str = "corp-lib"):
    words = ["pip", "install", "-i"] if tool.name == "pip" else ["uv", "pip", "install", "--default-index"]
    world.use(tool)
    return world.run(*words, f"http://127.0.0.1:{port}/a/simple/", *options, "-vv", "--target", world.folder / "out", package)


TOOLS = {"pip-23.2.1": lambda: toolchains.pip("23.2.1"), "pip-newest": lambda: toolchains.pip("newest"), "uv-newest": toolchains.uv}


@endpoints_nginx
@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("package", ["corp-lib", "corp-sdist"])
def test_nginx_sees_our_user_and_refuses_everybody_else(tool: str, package: str, world: World, nginx: tuple[int, Path]) -> None:
    configure(world, nginx[0], a=CANARY)
    result = install(world, TOOLS[tool](), nginx[0], package=package)

    assert result.returncode == 0, result.stderr
    assert {user for user, _, status in log_of(nginx) if status == "200"} == {USER}


@endpoints_nginx
@pytest.mark.parametrize("version", ["23.2.1", "25.3", "newest"])
@pytest.mark.parametrize("package", ["corp-lib", "corp-sdist"])
def test_two_credentials_on_one_host_reach_pip_each_for_its_own_index(
    version: str, package: str, world: World, nginx: tuple[int, Path]
) -> None:
    port = nginx[0]
    configure(world, port, a=CANARY, b=OTHER)
    forms = (*needles(USER, CANARY), *needles("bob", OTHER))
    with ArgvWatch(forms) as watch:
        result = install(world, toolchains.pip(version), port, "--extra-index-url", f"http://127.0.0.1:{port}/b/simple/", package=package)
    log = log_of(nginx)

    assert result.returncode == 0, result.stderr
    assert {user for user, path, status in log if status == "200" and path.startswith("/a/")} == {USER}
    assert {user for user, path, status in log if status == "200" and path.startswith("/b/")} == {"bob"}
    assert watch.seen == set()
    assert not is_in((result.stdout + result.stderr).encode(), forms)


class Neighbour(PrivateIndex):
    """An open index on another port of the same host, which keeps what it is sent."""

    sent: list[str | None]

    def answer(self, path: str, authorization: str | None) -> tuple[int, str, bytes]:
        self.sent.append(authorization)
        return self._page(path)


@endpoints_nginx
@pytest.mark.parametrize("version", ["23.2.1", "25.3", "newest"])
@pytest.mark.parametrize("naive", [False, True], ids=["with shim", "with a netrc by hand"])
def test_another_port_of_the_same_host_gets_no_credential(
    naive: bool, version: str, world: World, nginx: tuple[int, Path], packages: Packages
) -> None:
    with Neighbour(*packages, "x", "x") as neighbour:
        neighbour.sent = []
        other = f"http://{neighbour.netloc}/simple/"
        if naive:
            netrc = world.folder / "config" / "netrc"
            netrc.write_text(f"machine 127.0.0.1 login {USER} password {CANARY}\n")
            world.environ |= {"NETRC": str(netrc), "SHIM_BYPASS": "1"}
        else:
            configure(world, nginx[0], a=CANARY)
        result = install(world, toolchains.pip(version), nginx[0], "--extra-index-url", other)

        assert result.returncode == 0, result.stderr
        assert neighbour.sent
        assert any(neighbour.sent) == naive, "the attack works without us, or this test would prove nothing"


@endpoints_nginx
def test_two_credentials_on_one_host_reach_uv_each_for_its_own_index(world: World, nginx: tuple[int, Path]) -> None:
    port = nginx[0]
    configure(world, port, a=CANARY, b=OTHER)
    forms = (*needles(USER, CANARY), *needles("bob", OTHER))
    with ArgvWatch(forms) as watch:
        result = install(world, toolchains.uv(), port, "--index", f"http://127.0.0.1:{port}/b/simple/")
    log = log_of(nginx)

    assert result.returncode == 0, result.stderr
    assert {user for user, path, status in log if status == "200" and path.startswith("/a/")} <= {USER}
    assert {user for user, path, status in log if status == "200" and path.startswith("/b/")} == {"bob"}
    assert watch.seen == set()
    assert not is_in((result.stdout + result.stderr).encode(), forms)


@pytest.fixture
def pypiserver(tmp_path_factory: pytest.TempPathFactory, packages: Packages) -> Iterator[int]:
    with servers.pypiserver(tmp_path_factory.mktemp("pypiserver"), USER, CANARY, packages) as port:
        yield port


@pytest.mark.parametrize("store", ["file", "memory"])
@pytest.mark.parametrize("tool", TOOLS)
def test_pypiserver_lets_us_in(tool: str, store: str, world: World, pypiserver: int) -> None:
    if store == "memory":
        machine.skip_without(machine.lacks_kernel_keyring())
    url = f"http://127.0.0.1:{pypiserver}/simple/"
    world.configure(f'[[index]]\nname = "corp"\nurl = "{url}"\n')
    world.use(TOOLS[tool]())
    wrong = world.shim("login", "corp", "--user", USER, "--password-stdin", "--store", store, input="wrong")
    right = world.shim("login", "corp", "--user", USER, "--password-stdin", "--store", store, input=CANARY)
    words = ["pip", "install", "-i"] if tool.startswith("pip") else ["uv", "pip", "install", "--default-index"]
    result = world.run(*words, url, "--target", world.folder / "out", "corp-lib")

    assert wrong.returncode == 77
    assert "answers 403 to alice" in wrong.stderr
    assert right.returncode == 0, right.stderr
    assert result.returncode == 0, result.stderr
