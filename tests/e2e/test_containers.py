"""Containers: installed in an image as root, used by others, with nothing to write on and nobody's home."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex
from tests.support import container, dockerfile, machine, toolchains
from tests.support.container import Container
from tests.support.documents import blocks
from tests.support.world import CANARY, USER

pytestmark = machine.endpoints(container.MISSING)

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
    """The image with a uv that came after shim did."""
    image.binds["/opt/tools/uv"] = toolchains.uv().path
    image.environ["PATH"] = image.environ["PATH"].removesuffix(":/opt/tools") + ":/opt/tools"
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


def test_a_tool_that_comes_later_has_its_launcher_already(image: Container) -> None:
    """`RUN pip install uv`, after shim, and the next line asks it for something private."""
    environ = {"UV_INDEX_URL": image.environ["PIP_INDEX_URL"], "HOME": "/root"}
    environ["PATH"] = image.environ["PATH"].removesuffix(":/opt/tools") + ":/opt/later"
    before = image.run("sh", "-c", "uv --version; exit $?", environ=environ)
    binds = {"/run/secrets/corp": dockerfile.give_secret(CANARY, 0, image), "/opt/later/uv": toolchains.uv().path}
    later = image.run("sh", "-c", "command -v uv; uv pip install --target /tmp/lib corp-lib", environ=environ, binds=binds)

    assert (before.returncode, before.stderr) == (127, "sh: uv: not found\n")
    assert later.returncode == 0, later.stderr
    assert later.stdout == "/opt/shim/shims/uv\n"
    assert "corp-lib" in later.stderr


def test_launchers_of_tools_that_are_not_there_are_taken_away_again(image: Container) -> None:
    undone = image.run("sh", "-c", "shim install; command -v poetry; shim install --all --quiet; command -v poetry", environ={"HOME": "/root"})

    assert "removed /opt/shim/shims/poetry (no such tool on PATH)\n" in undone.stdout
    assert undone.stdout.endswith(")\n/opt/shim/shims/poetry\n")


@pytest.mark.parametrize("shell", [["bash", "-lc"], ["sh", "-lc"], ["bash", "-c"]])
def test_every_shell_of_the_image_finds_the_venvs_pip_behind_the_launcher(shell: list[str], image: Container) -> None:
    found = image.run(*shell, "env sh -c 'command -v pip'; shim which pip", user="app", environ={"HOME": "/home/app"})

    assert found.stdout == "/opt/shim/shims/pip\n/opt/app/bin/pip\n", found.stderr


def test_a_python_that_is_closed_to_this_user_is_named_with_what_mends_it(tmp_path: Path, wheels: Path) -> None:
    """Installed by root for all, with the Python of root's home."""
    made = Container(tmp_path / "root")
    made.binds |= {"/mnt/wheels": wheels, "/mnt/shim": toolchains.ROOT}
    made.write("/opt/tools/pip", "#!/bin/sh\necho the real pip\n", mode=0o755)
    made.environ["PATH"] = f"/opt/mine/shims:/opt/tools:{made.environ['PATH']}"
    made.write("/etc/xdg/shim/config.toml", '[[index]]\nname = "corp"\nurl = "https://pypi.corp.example/simple/"\n')
    script = "/mnt/shim/install.sh --quiet --wheels /mnt/wheels --no-modify-path"
    root = {"HOME": "/root"}
    line = f"cp -L /usr/bin/python3 /root/python3 && chmod 700 /root && {script} --prefix /opt/mine --python /root/python3"
    made.run("sh", "-c", line, environ=root).check_returncode()
    stopped = made.run("pip", "install", "x", user="app")
    hint = re.search("^hint: run install.sh (.*) as root, or", stopped.stderr, re.MULTILINE)
    assert hint, stopped.stderr
    made.run("sh", "-c", f"{script} {hint[1]}", environ=root).check_returncode()
    version = made.run("shim", "--version", user="app")

    assert stopped.returncode == 77
    assert "this user may not run the Python that shim was installed with (/root is closed to it), and pip" in stopped.stderr
    assert version.stdout.startswith("shim "), version.stderr


FEATURE = toolchains.ROOT / "container" / "feature"

#: What the devcontainer CLI (0.80) wraps a Feature's install.sh into.
WRAPPER = """\
#!/bin/sh
set -e
set -a
. ../devcontainer-features.builtin.env
. ./devcontainer-features.env
set +a
chmod +x ./install.sh
./install.sh
"""


def install_feature(made: Container, folder: Path, options: dict[str, str]) -> dict[str, object]:
    """Do what the devcontainer CLI does with a local Feature: ENV lines, then install.sh as root; returns devcontainer-feature.json."""
    feature = json.loads((folder / "devcontainer-feature.json").read_text())
    for name, value in feature["containerEnv"].items():
        made.environ[name] = value.replace("${PATH}", made.environ["PATH"])
    place = made.folder / "srv" / "features" / "pip-uv-shim_0"
    shutil.copytree(folder, place)
    chosen = {name: str(options.get(name, option["default"])).lower() for name, option in feature["options"].items()}
    (place / "devcontainer-features.env").write_text("".join(f'{name.upper()}="{value}"\n' for name, value in chosen.items()))
    (place / "devcontainer-features-install.sh").write_text(WRAPPER)
    (place.parent / "devcontainer-features.builtin.env").write_text(
        "_CONTAINER_USER=root\n_REMOTE_USER=vscode\n_CONTAINER_USER_HOME=/root\n_REMOTE_USER_HOME=/home/vscode\n"
    )
    result = made.run("sh", "./devcontainer-features-install.sh", cwd=f"/srv/features/{place.name}", environ={"HOME": "/root"})
    assert result.returncode == 0, result.stdout + result.stderr
    shutil.rmtree(place.parent)
    return feature


def prepare_by_page(folder: Path) -> Path:
    """Type what examples/devcontainer/README.md says, in a folder that is home and project; returns the folder `.devcontainer` of it."""
    (block,) = blocks("examples/devcontainer/README.md", "console")
    lines = "\n".join(block.typed).replace("PATH/OF/pip-uv-shim", str(toolchains.ROOT))
    (folder / ".config" / "shim").mkdir(parents=True)
    environ = {"HOME": str(folder), "PATH": "/usr/bin:/bin"}
    subprocess.run(["sh", "-ec", lines], cwd=folder, env=environ, input=CANARY, text=True, check=True)
    assert (folder / ".config" / "shim" / "token").stat().st_mode & 0o777 == 0o600
    return folder / ".devcontainer"


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory, served: PrivateIndex, wheels: Path) -> Container:
    """The dev container of examples/devcontainer, on an image with a Python and a uv of its own."""
    folder = tmp_path_factory.mktemp("dev")
    made = Container(folder / "root")
    made.run("python3", "-m", "venv", "/opt/python").check_returncode()
    made.binds |= {"/opt/tools/uv": toolchains.uv().path, "/mnt/wheels": wheels}
    made.environ["PATH"] = f"/opt/python/bin:/opt/tools:{made.environ['PATH']}"
    # As the Features for Python and conda do, so that the image's PATH outlives /etc/profile.
    made.write("/etc/profile.d/00-restore-env.sh", "export PATH=/opt/python/bin:/opt/tools:$PATH\n")
    install_feature(made, prepare_by_page(folder) / "pip-uv-shim", {"wheels": "/mnt/wheels"})
    example = json.loads(at(served, (toolchains.ROOT / "examples/devcontainer/.devcontainer/devcontainer.json").read_text()))
    assert list(example["features"]) == ["./pip-uv-shim"]
    made.environ |= example["containerEnv"]
    settings = folder / ".config" / "shim" / "container.toml"
    settings.write_text(at(served, settings.read_text()))
    sources = {"container.toml": settings, "token": dockerfile.give_secret(CANARY, 1001, made, 0o600)}
    for mount in example["mounts"]:
        words = dict(word.partition("=")[::2] for word in mount.split(","))
        made.binds[words["target"]] = sources[words["source"].rpartition("/")[2]]
    return made


TERMINALS = {
    "an editor's terminal": ["bash", "-ic"],
    "a login terminal": ["bash", "-lic"],
    "userEnvProbe": ["bash", "-lc"],
    "a login sh": ["sh", "-lc"],
    "a task": ["sh", "-c"],
}


@pytest.mark.parametrize("terminal", TERMINALS)
def test_every_kind_of_terminal_of_a_dev_container_has_the_launchers_in_front(terminal: str, dev: Container) -> None:
    """Debian's /etc/profile forgets the PATH of the image, so ENV alone would not do."""
    line = "pip --version; command -v keyring; type pip"
    result = dev.run(*TERMINALS[terminal], line, user="vscode", environ={"HOME": "/home/vscode"})
    target, face, launcher = result.stdout.split("\n")[:3]

    assert target.startswith("pip ") and "/opt/python/" in target
    assert face == "/opt/shim/faces/keyring"
    assert "function" in launcher or launcher.endswith(" /opt/shim/shims/pip")


def test_the_dev_containers_user_installs_and_cannot_change_shim(dev: Container, served: PrivateIndex) -> None:
    for line in ("pip install --target /tmp/lib corp-lib", "uv pip install --target /tmp/lib2 corp-lib"):
        result = dev.run("bash", "-ic", line, user="vscode", environ={"HOME": "/home/vscode"})
        assert result.returncode == 0, result.stderr
    assert dev.run("sh", "-c", "echo x >>/opt/shim/shims/pip", user="vscode").returncode != 0
    assert [path for path in dev.folder.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()] == []


@pytest.mark.quick
def test_the_feature_is_of_this_release_and_its_own_folder_works_too(tmp_path: Path) -> None:
    import shim

    feature = json.loads((FEATURE / "pip-uv-shim" / "devcontainer-feature.json").read_text())
    assert feature["version"] == shim.__version__
    script = FEATURE / "pip-uv-shim" / "install.sh"
    result = subprocess.run(
        ["sh", script],
        env={"PATH": "/usr/bin:/bin", "WHEELS": str(tmp_path / "none"), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"there is no folder {tmp_path / 'none'}" in result.stderr
