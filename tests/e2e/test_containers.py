"""Containers: installed in an image as root, used by others, with nothing to write on and nobody's home."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shim.demo.server import PrivateIndex
from tests.support import container, dockerfile, toolchains
from tests.support.container import Container
from tests.support.world import CANARY, USER

pytestmark = pytest.mark.skipif(bool(container.MISSING), reason=container.MISSING)

EXAMPLE = toolchains.ROOT / "examples" / "docker"


@pytest.fixture(scope="module")
def served(packages: tuple[str, dict[str, list[str]]]) -> Iterator[PrivateIndex]:
    """One private index for all tests here: its port is written into the image."""
    with PrivateIndex(*packages, USER, CANARY) as index:
        yield index


def at(index: PrivateIndex, text: str) -> str:
    """Return the text with the example's index in the place of the one it names."""
    return text.replace("https://pypi.corp.example/", f"http://{index.netloc}/").replace("alice", USER)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory, served: PrivateIndex, wheels: Path) -> Container:
    """What the Dockerfile of examples/docker makes."""
    folder = tmp_path_factory.mktemp("image")
    made = Container(folder / "root")
    made.offer(wheels)
    context = folder / "context"
    context.mkdir()
    (context / "shim.toml").write_text(at(served, (EXAMPLE / "shim.toml").read_text()))
    dockerfile.play(at(served, (EXAMPLE / "Dockerfile").read_text()), context, {"shim": toolchains.ROOT}, {"corp": CANARY}, made)
    return made


@pytest.fixture
def uv(image: Container) -> Container:
    """The image with a uv that came after shim did, and the launcher that `shim install` wrote for it."""
    image.binds["/opt/tools/uv"] = toolchains.uv().path
    image.environ["PATH"] = image.environ["PATH"].removesuffix(":/opt/tools") + ":/opt/tools"
    image.run("shim", "install", "--quiet")
    return image


def test_the_image_holds_what_was_installed_and_no_secret(image: Container) -> None:
    """What the last RUN line of the Dockerfile made, as somebody else than root."""
    assert (image.folder / "home/app/lib/corp_lib.py").is_file()
    assert list((image.folder / "opt/app/lib").glob("python3*/site-packages/corp_lib.py"))
    found = [path for path in image.folder.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]
    assert found == []


@pytest.mark.parametrize(("user", "home"), [("app", "/home/app"), ("app", None), ("stranger", "/")])
@pytest.mark.parametrize(("read_only", "has_shared_memory"), [("/home", True), ("/", True), ("/", False)])
@pytest.mark.parametrize("tool", ["pip", "uv pip"])
def test_somebody_else_installs_from_the_private_index(
    tool: str, user: str, home: str | None, read_only: str, has_shared_memory: bool, image: Container, uv: Container
) -> None:
    """No D-Bus, no keyring, no folder to write in but /tmp: the secret travels in memory all the same."""
    secret = dockerfile.give_secret(CANARY, 0, image, 0o444)  # as docker compose, swarm and Kubernetes mount them
    image.has_shared_memory = has_shared_memory
    result = image.run(
        *["sh", "-c", f"{tool} install --no-cache-dir --target /tmp/lib corp-lib && cat /tmp/lib/corp_lib.py"],
        user=user,
        environ={"UV_INDEX_URL": image.environ["PIP_INDEX_URL"], "SHIM_CHANNEL": "strict", **({"HOME": home} if home else {})},
        read_only=[read_only],
        binds={"/run/secrets/corp": secret},
    )

    assert result.returncode == 0, result.stderr
    assert "VALUE" in result.stdout
    assert "shim:" not in result.stderr


def test_a_tool_that_comes_later_gets_its_launcher_by_the_same_line(image: Container, uv: Container) -> None:
    assert "/opt/shim/shims/uv" in uv.run("sh", "-c", "command -v uv").stdout
    without = uv.run(
        "sh", "-c", "shim install; command -v uv; uv --version", environ={"PATH": "/opt/shim/shims:/opt/app/bin:/usr/bin:/bin"}
    )

    assert without.stdout == "removed /opt/shim/shims/uv (no such tool on PATH)\n"
    assert without.returncode == 127
