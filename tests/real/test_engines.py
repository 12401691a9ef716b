"""Docker with BuildKit, podman and buildah build the image of examples/docker, and private packages are installed in its containers."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from shim.cli.demo.server import PrivateIndex
from shim.cli.demo.watch import find_in_files, needles
from tests.support import debian, engines, machine, toolchains
from tests.support.documents import Block, blocks
from tests.support.engines import Engine
from tests.support.world import CANARY, USER, World

EXAMPLE = toolchains.ROOT / "examples" / "docker"
#: The Debian below is made first, where none is kept from the last time.
pytestmark = [pytest.mark.timeout(1500), pytest.mark.long]
FORMS = needles(USER, CANARY)
#: What our example begins with, and what its image is called here.
BASE, APP = "debian:bookworm-slim", "app"
#: Docker makes a layer of each RUN and COPY, buildah one of all.
LAYERS = {"docker": 9, "podman": 2}
#: The number on the host of root in a container with a user namespace.
MAPPED = 100000


@dataclass
class Built:
    """An engine that has built the example's image for an index, with a token in a file of the host's root."""

    engine: Engine
    index: PrivateIndex
    token: Path

    def install(self, options: list[str], *, ok: bool = True) -> subprocess.CompletedProcess[str]:
        line = "id -u; pip install --no-cache-dir --target /tmp/lib corp-lib && cat /tmp/lib/corp_lib.py"
        return self.engine.run(APP, "sh", "-c", line, options=options, ok=ok)


@pytest.fixture(scope="module")
def served(packages: tuple[str, dict[str, list[str]]]) -> Iterator[PrivateIndex]:
    """One private index for all tests here: its port is written into the image."""
    with PrivateIndex(*packages, USER, CANARY) as index:
        yield index


@pytest.fixture(scope="module", params=engines.PROGRAMS)
def engine(request: pytest.FixtureRequest, wheels: Path) -> Iterator[Engine]:
    with engines.start(request.param) as started:
        started.bring(debian.with_wheels(wheels, started.folder), BASE)
        yield started


@pytest.fixture(scope="module")
def built(engine: Engine, served: PrivateIndex, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Builds the Dockerfile as it stands, but for the address and the line by which BuildKit would fetch its newest reader."""
    folder = tmp_path_factory.mktemp("context")
    for name in ("Dockerfile", "shim.toml"):
        text = (EXAMPLE / name).read_text().replace("https://pypi.corp.example/", f"http://{served.netloc}/").replace("alice", USER)
        (folder / name).write_text(text.removeprefix("# syntax=docker/dockerfile:1\n"))
    token = tmp_path_factory.mktemp("host") / "token"
    token.write_text(CANARY + "\n")
    token.chmod(0o444)  # as docker compose, swarm and Kubernetes mount them
    printed = engine.build(folder, APP, {"shim": toolchains.ROOT}, {"corp": token})
    assert printed.count("Successfully installed corp-lib-1.0") == 2, printed
    assert CANARY not in printed
    return Built(engine, served, token)


def test_no_layer_and_no_history_holds_the_token(built: Built) -> None:
    """Neither does anything else that the engine keeps: caches of the build, logs, the secret's own mount."""
    layers, found = built.engine.layers_with(APP, FORMS)

    assert layers == LAYERS[built.engine.name]
    assert found == []
    assert find_in_files(str(built.engine.folder), FORMS) == []


WAYS = {
    "the user of the image": [],
    "root": ["--user=0"],
    "a number without a name": ["--user=12345:12345"],
    "root without capabilities": ["--user=0", "--cap-drop=ALL"],
    "nothing to write on": ["--read-only", "--tmpfs=/tmp"],
    "nothing at all": ["--user=12345:12345", "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges"],
}


@pytest.mark.parametrize("way", WAYS)
def test_a_private_package_is_installed_in_a_container(way: str, built: Built) -> None:
    result = built.install([*WAYS[way], f"--volume={built.token}:/run/secrets/corp:ro"])

    assert "VALUE = 1" in result.stdout
    assert "shim:" not in result.stderr


@pytest.mark.parametrize("engine", ["podman"], indirect=True, scope="module")
@pytest.mark.parametrize("user", ["0", "1000"])
def test_a_private_package_is_installed_in_a_user_namespace(user: str, built: Built) -> None:
    """A secret of podman's is its user's own; a file of the host's root would be nobody's there."""
    built.engine.do("secret", "create", f"corp-{user}", built.token)
    mapped = [f"--uidmap=0:{MAPPED}:65536", f"--user={user}"]
    result = built.install([*mapped, f"--secret=corp-{user},target=corp,uid={user},mode=0400"])
    stranger = built.install([*mapped, f"--volume={built.token}:/run/secrets/corp:ro"], ok=False)

    assert "VALUE = 1" in result.stdout
    assert result.stdout.startswith(f"{user}\n")
    assert "/run/secrets/corp belongs to another user (uid 65534)" in stranger.stderr


@contextmanager
def agent(host: World, *words: str) -> Iterator[list[str]]:
    """Run the host's agent; yields the options that docs/agent.md gives to a container."""
    command = ["shim", "agent", "--for", "dev", *words]
    process = subprocess.Popen(command, env=host.environ, cwd=host.cwd, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        assert "agent for dev gives corp" in process.stderr.readline()
        folder = host.folder / "runtime" / "shim" / "agent" / "dev"
        mount = f"type=bind,src={folder},dst=/run/shim-agent,readonly"
        yield ["--mount", mount, "--env=SHIM_AGENT_SOCKET=/run/shim-agent/agent.sock"]
    finally:
        process.terminate()
        process.communicate(timeout=20)


@pytest.fixture
def host(prefix: Path, built: Built) -> Iterator[World]:
    """A host that lends what is in a file of its own."""
    with tempfile.TemporaryDirectory() as folder:  # a socket's path has room for 107 bytes
        made = World(Path(folder), prefix)
        secret = made.folder / "config" / "token"
        secret.write_text(CANARY)
        secret.chmod(0o600)
        url = f"http://{built.index.netloc}/simple/"
        made.configure(
            f'[[index]]\nname = "corp"\nurl = "{url}"\nusername = "{USER}"\nfile = {{ password = "{secret}" }}\n'
            "agent = true\nagent-permanent = true\n"
        )
        yield made


#: Engine, options of the container, whom the agent has to let in besides its own user.
LENT = {
    "root": ("docker", ["--user=0"], None),
    "another user": ("docker", ["--user=1000"], "1000"),
    "root of a user namespace": ("podman", ["--user=0", f"--uidmap=0:{MAPPED}:65536"], str(MAPPED)),
}


@pytest.mark.parametrize(("engine", "options", "allowed"), LENT.values(), ids=LENT, indirect=["engine"], scope="module")
def test_the_hosts_agent_serves_a_container_and_nothing_stays_there(
    options: list[str], allowed: str | None, built: Built, host: World
) -> None:
    with agent(host, *(["--allow-uid", allowed] if allowed else [])) as lent:
        name = host.folder.name  # no other test's
        words = ["run", f"--name={name}", *built.engine.run_words, *options, *lent, APP, "pip", "install", "--target=/tmp/lib", "corp-lib"]
        served = built.engine.do(*words)
        found = built.engine.files_with(name, FORMS)
    with agent(host, "--allow-uid", "4711") as lent:
        stranger = built.engine.run(APP, "pip", "install", "--target=/tmp/lib", "corp-lib", options=["--user=1001", *lent], ok=False)

    assert "Successfully installed corp-lib-1.0" in served.stdout
    assert found == []
    assert stranger.returncode != 0
    assert "uid 1001 may not ask" in stranger.stderr
    assert host.leftovers() == []


def has_old_compose() -> bool:
    """Return whether docker-compose is of the first line, which Python programs are."""
    said = subprocess.run(["docker-compose", "version", "--short"], capture_output=True, text=True, check=True)
    return said.stdout.startswith("1.")


def compose(shown: list[Block], built: Built, folder: Path, user: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Install a private package in the service of a page's compose file. Only its image and its network are this test's."""
    machine.skip_without(machine.lacks_programs("docker-compose"))
    (block,) = shown
    document = yaml.safe_load(block.text)
    ((name, service),) = document["services"].items()
    service.pop("build", None)
    service.update(image=APP, network_mode="host")
    if has_old_compose():
        for volume in service.get("volumes", []):
            volume.pop("bind")  # as the page's comment says
    file = folder / "compose.yaml"
    file.write_text(yaml.safe_dump(document))
    command = ["docker-compose", "--file", file, "run", "--rm", "-T", f"--user={user}", name, "pip", "install", "--target=/tmp/lib", "corp-lib"]
    environ = {**built.engine.environ, **variables}
    return subprocess.run(command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.parametrize("engine", ["docker"], indirect=True, scope="module")
@pytest.mark.parametrize("user", ["0", "1000"])
def test_compose_mounts_a_secret_as_its_page_says(user: str, built: Built, tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(built.token.read_bytes())
    (tmp_path / "token").chmod(0o444)
    served = compose(blocks("docs/containers.md", "yaml"), built, tmp_path, user)
    (tmp_path / "token").write_text("wrong")
    refused = compose(blocks("docs/containers.md", "yaml"), built, tmp_path, user)

    assert "Successfully installed corp-lib-1.0" in served.stdout, served.stderr
    assert CANARY not in served.stdout + served.stderr
    assert refused.returncode != 0


@pytest.mark.parametrize("engine", ["docker"], indirect=True, scope="module")
@pytest.mark.parametrize("user", ["0", "1000"])
def test_compose_mounts_the_agents_folder_as_its_page_says(user: str, built: Built, host: World) -> None:
    runtime = str(host.folder / "runtime")
    with agent(host, "--allow-uid", user):
        served = compose(blocks("docs/agent.md", "yaml"), built, host.folder, user, XDG_RUNTIME_DIR=runtime)

    assert "Successfully installed corp-lib-1.0" in served.stdout, served.stderr
    assert host.leftovers() == []
