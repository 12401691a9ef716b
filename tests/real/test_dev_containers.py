"""The real dev container CLI installs our Feature with no registry at hand, and its user installs private packages."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex
from shim.cli.demo.watch import needles
from tests.support import debian, dev_containers, engines, machine, toolchains
from tests.support.dev_containers import DevContainer
from tests.support.engines import Engine
from tests.support.world import CANARY, USER

#: The Debian below is made first, where none is kept from the last time.
pytestmark = [pytest.mark.timeout(1500), machine.endpoints(dev_containers.lacks_cli())]
PACK = toolchains.ROOT / "container" / "feature" / "pack"
EXAMPLE = toolchains.ROOT / "examples"
#: What images for dev containers have besides Python: a user, who is named in a label.
IMAGE = """\
FROM debian
RUN useradd --create-home --uid 1001 --shell /bin/bash vscode
ENV PIP_BREAK_SYSTEM_PACKAGES=1
LABEL devcontainer.metadata='[{"remoteUser": "vscode"}]'
"""
TEST = """\
#!/bin/bash
set -e
. dev-container-features-test-lib
check "shim" shim --version
check "every shell" bash -lc 'type -P pip | grep /opt/shim/shims/pip'
check "keyring" sh -c 'command -v keyring | grep /opt/shim/faces/keyring'
reportResults
"""


@pytest.fixture(scope="module")
def engine(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("image")
    (folder / "Dockerfile").write_text(IMAGE)
    with engines.start("docker") as started:
        started.bring(debian.with_wheels(wheels, started.folder), "debian")
        started.build(folder, "python", {}, {})
        yield started


@pytest.fixture
def dev(engine: Engine, index: PrivateIndex, tmp_path: Path) -> DevContainer:
    """The folder of examples/devcontainer, set up as its README says."""
    home, workspace = tmp_path / "home", tmp_path / "workspace"
    shutil.copytree(EXAMPLE / "devcontainer", workspace)
    subprocess.run([PACK, workspace / ".devcontainer"], check=True)
    (home / ".config" / "shim").mkdir(parents=True)
    settings = workspace / ".devcontainer" / "devcontainer.json"
    text = (EXAMPLE / "docker" / "shim.toml").read_text()
    for path, was in ((settings, settings.read_text()), (home / ".config" / "shim" / "container.toml", text)):
        path.write_text(was.replace("https://pypi.corp.example/", f"http://{index.netloc}/").replace("alice", USER))
    token = home / ".config" / "shim" / "token"
    token.write_text(CANARY + "\n")
    token.chmod(0o600)
    shutil.chown(token, 1001, 1001)  # where it is not root who starts it, the CLI gives the container's user the number of the one outside
    ours = {**json.loads(settings.read_text()), "image": "python", "runArgs": ["--network=host"]}
    settings.write_text(json.dumps(ours))
    return DevContainer(engine, workspace, {"HOME": str(home), "TMPDIR": str(tmp_path)})


def test_up_and_exec(dev: DevContainer, index: PrivateIndex) -> None:
    container = dev.up()
    after_creation = [path for path, user, status in index.requests if user == USER and status == 200]
    terminal = dev.exec("bash", "-ic", "pip install --target /tmp/lib corp-lib && id -un")
    login = dev.exec("bash", "-lc", "command -v keyring; type -P pip")

    assert any(path.startswith("/files/corp_lib") for path in after_creation)
    assert "Successfully installed corp-lib-1.0\nvscode\n" in terminal.stdout.replace("\r", "")
    assert login.stdout.split() == ["/opt/shim/faces/keyring", "/opt/shim/shims/pip"]
    assert dev.engine.files_with(container, needles(USER, CANARY)) == []


def test_features_test_and_package(dev: DevContainer, tmp_path: Path) -> None:
    """What a maintainer does with the one that is published: its test, and the archive, which says after which others it comes."""
    collection = tmp_path / "collection"
    (collection / "src").mkdir(parents=True)
    (collection / "test" / "pip-uv-shim").mkdir(parents=True)
    (collection / "test" / "pip-uv-shim" / "test.sh").write_text(TEST)
    subprocess.run([PACK, collection / "src"], check=True)
    only = ("--skip-scenarios", "--skip-duplicated", "--remote-user", "vscode", "--base-image", "python")
    tested = dev.call("features", "test", "--project-folder", collection, *only)
    subprocess.run([PACK, "--publish", collection / "src"], check=True)
    dev.call("features", "package", "--output-folder", tmp_path / "packed", collection / "src")

    assert re.search(r"Passed:\s+'pip-uv-shim'", tested.stdout + tested.stderr)
    with tarfile.open(tmp_path / "packed" / "devcontainer-feature-pip-uv-shim.tgz") as tar:
        names = tar.getnames()
        feature = json.loads(tar.extractfile("./devcontainer-feature.json").read())  # type: ignore[union-attr]
    assert {"./install.sh", "./checkout/install.sh", "./checkout/shim/__init__.py"} <= set(names)
    assert "ghcr.io/devcontainers/features/python" in feature["installsAfter"]


@pytest.mark.quick
def test_another_feature_comes_first_where_the_user_says_so(tmp_path: Path) -> None:
    """As docs/containers.md has it, here with two Features that no registry is asked for."""
    place = tmp_path / ".devcontainer"
    (place / "python").mkdir(parents=True)
    subprocess.run([PACK, place], check=True)
    (place / "python" / "devcontainer-feature.json").write_text('{"id": "python", "version": "1.0.0", "name": "Python"}')
    (place / "python" / "install.sh").touch()
    settings = {"image": "debian", "features": {"./pip-uv-shim": {}, "./python": {}}, "overrideFeatureInstallOrder": ["./python"]}
    (place / "devcontainer.json").write_text(json.dumps(settings))
    words = [dev_containers.program(), "features", "resolve-dependencies", "--workspace-folder", tmp_path]
    said = subprocess.run(words, env={**os.environ, "TMPDIR": str(tmp_path)}, capture_output=True, text=True, check=True).stdout

    assert [feature["id"] for feature in json.loads(said[said.index("{") :])["installOrder"]] == ["./python", "./pip-uv-shim"]
