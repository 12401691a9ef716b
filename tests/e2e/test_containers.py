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


def test_the_image_holds_what_was_installed_and_no_secret(image: Container) -> None:
    """What the last RUN line of the Dockerfile made, as somebody else than root."""
    assert (image.folder / "home/app/lib/corp_lib.py").is_file()
    assert list((image.folder / "opt/app/lib").glob("python3*/site-packages/corp_lib.py"))
    found = [path for path in image.folder.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]
    assert found == []


INSTALL = "pip install --no-cache-dir --target /tmp/lib corp-lib && cat /tmp/lib/corp_lib.py"


@pytest.mark.parametrize("home", ["/home/app", "/nonexistent", "relative", None])
@pytest.mark.parametrize("read_only", [["/home"], ["/"]], ids=["home read-only", "root read-only"])
@pytest.mark.parametrize("has_shared_memory", [True, False], ids=["shm", "no shm"])
def test_somebody_else_installs_from_the_private_index(
    home: str | None, read_only: list[str], has_shared_memory: bool, image: Container
) -> None:
    secret = dockerfile.give_secret(CANARY, 1000, image)
    image.has_shared_memory = has_shared_memory
    result = image.run(
        "sh", "-c", INSTALL, user="app", environ={"HOME": home} if home else {}, read_only=read_only, binds={"/run/secrets/corp": secret}
    )

    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert CANARY not in result.stdout
