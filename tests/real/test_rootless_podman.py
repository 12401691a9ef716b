"""Rootless podman, run by a user without rights: the agent of that user answers the root of a container, and its own number inside."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex
from shim.cli.demo.watch import find_in_files, needles
from tests.support import engines, machine, toolchains
from tests.support.engines import Engine
from tests.support.world import CANARY, USER

pytestmark = [machine.endpoints(machine.lacks_mounts() or machine.lacks_programs("podman", "newuidmap", "runc", "conmon")), pytest.mark.long]
#: A user of the host, and what is in the files of that name in /etc there.
NUMBER = 1000
FILES = {
    "passwd": f"root:x:0:0::/root:/bin/sh\napp:x:{NUMBER}:{NUMBER}::/nonexistent:/bin/sh\n",
    "subuid": "app:200000:65536\n",
    "subgid": "app:200000:65536\n",
}
AS_USER = f"setpriv --reuid={NUMBER} --regid={NUMBER} --clear-groups env -i".split()
#: The image has no files but these: what it runs is the host's, mounted.
LINKS = ("bin", "sbin", "lib", "lib64")
EMPTY = ("dev", "etc", "proc", "run", "sys", "tmp", "usr")


@dataclass
class Host:
    """A folder of that user's, an installation and a pip there, and podman."""

    folder: Path
    environ: dict[str, str]
    engine: Engine
    index: PrivateIndex

    def install(self, *options: str, ok: bool = True) -> subprocess.CompletedProcess[str]:
        line = f"id -u; pip install --no-input --no-cache-dir --target /tmp/lib -i http://{self.index.netloc}/simple/ corp-lib && cat /tmp/lib/corp_lib.py"
        mounts = [f"--volume={path}:{path}:ro" for path in (self.folder / "prefix", self.folder / "pip")]
        lent = ["--mount", f"type=bind,src={self.folder}/run/shim/agent/dev,dst=/run/shim-agent,readonly"]
        variables = ["--env=SHIM_AGENT_SOCKET=/run/shim-agent/agent.sock", f"--env=PATH={self.environ['PATH']}"]
        return self.engine.run("links", "sh", "-c", line, options=[*mounts, *lent, *variables, *options], ok=ok)

    @contextmanager
    def agent(self) -> Iterator[None]:
        command = [*AS_USER, *(f"{name}={value}" for name, value in self.environ.items()), "shim", "agent", "--for", "dev"]
        process = subprocess.Popen(command, env=self.environ, cwd="/", stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            assert process.stderr is not None
            assert "agent for dev gives corp" in process.stderr.readline()
            yield
        finally:
            process.terminate()
            process.communicate(timeout=20)


@pytest.fixture(scope="module")
def host(wheels: Path, packages: tuple[str, dict[str, list[str]]]) -> Iterator[Host]:
    with tempfile.TemporaryDirectory() as name, PrivateIndex(*packages, USER, CANARY) as index:
        folder = Path(name)
        folder.chmod(0o755)
        path = f"{folder}/prefix/shims:{folder}/pip/bin:/usr/bin:/bin:/usr/sbin"
        environ = {"HOME": f"{folder}/home", "XDG_RUNTIME_DIR": f"{folder}/run", "TMPDIR": f"{folder}/tmp", "PATH": path}
        toolchains.own_copy(toolchains.bundled_pip(Path("/usr/bin/python3")), folder / "pip")  # the user may not read root's own Pythons
        words = ["sh", toolchains.ROOT / "install.sh", "--wheels", wheels, "--prefix", folder / "prefix", "--no-modify-path", "--quiet"]
        subprocess.run(words, check=True, env={"PATH": f"{folder}/pip/bin:/usr/bin:/bin", "HOME": name}, timeout=300)
        for private in ("home", "run", "tmp", "home/.config", "home/.config/shim"):
            (folder / private).mkdir(mode=0o700)
        (folder / "home/.config/shim/token").write_text(CANARY)
        (folder / "home/.config/shim/config.toml").write_text(
            f'[[index]]\nname = "corp"\nurl = "http://{index.netloc}/simple/"\nusername = "{USER}"\n'
            f'file = {{ password = "{folder}/home/.config/shim/token" }}\nagent = true\nagent-permanent = true\n'
        )
        (folder / "home/.config/shim/token").chmod(0o600)
        subprocess.run(["chown", "-R", f"{NUMBER}:{NUMBER}", *(folder / private for private in ("home", "run", "tmp"))], check=True)
        engine = podman(folder, environ)
        try:
            engine.bring(links(folder / "tmp"), "links")
            yield Host(folder, environ, engine, index)
        finally:
            # What keeps the user's namespace for the next command.
            for file in folder.glob("run/libpod/tmp/pause.pid"):
                os.kill(int(file.read_text()), signal.SIGKILL)


def podman(folder: Path, environ: dict[str, str]) -> Engine:
    """Return podman as that user runs it, in a mount namespace in which the user is known."""
    for name, text in FILES.items():
        (folder / name).write_text(text)
    (folder / "containers.conf").write_text('[engine]\nlock_type = "file"\n')
    mounts = "; ".join(f'mount --bind "{folder}/{name}" "/etc/{name}"' for name in FILES)
    around = [*engines.NAMESPACE, "sh", "-c", f'{mounts}; cd "{folder}"; exec "$@"', "sh", *AS_USER]
    variables = [f"{name}={value}" for name, value in {**environ, "CONTAINERS_CONF": f"{folder}/containers.conf"}.items()]
    storage = ["--root", str(folder / "home" / "storage"), "--runroot", str(folder / "run" / "storage"), "--storage-driver=vfs"]
    words = [*around, *variables, "podman", *storage, "--runtime=runc", "--cgroup-manager=cgroupfs", "--events-backend=none"]
    run = ["--network=host", "--volume=/usr:/usr:ro", *(f"--ulimit={limit}=1024:1024" for limit in ("nofile", "nproc"))]
    return Engine("rootless podman", folder, words, [], run, {"PATH": machine.SYSTEM_PATH})


def links(folder: Path) -> Path:
    """Return the image, as a tar file."""
    with tarfile.open(folder / "links.tar", "w") as tar:
        for name in EMPTY:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            tar.addfile(entry)
        for name in LINKS:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, f"usr/{name}"
            tar.addfile(entry)
        entry = tarfile.TarInfo("etc/passwd")
        text = FILES["passwd"].encode()
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
    return folder / "links.tar"


@pytest.mark.parametrize(("options", "number"), [([], 0), (["--userns=keep-id"], NUMBER)], ids=["root", "the number of the user"])
def test_the_agent_of_the_user_serves_a_container_without_an_option(options: list[str], number: int, host: Host) -> None:
    with host.agent():
        result = host.install(*options)

    assert result.stdout.startswith(f"{number}\n")
    assert "VALUE = 1" in result.stdout
    assert find_in_files(str(host.folder / "home" / "storage"), needles(USER, CANARY)) == []


def test_another_user_of_the_container_is_refused_by_name(host: Host) -> None:
    """Who is a number on the host that belongs to nobody."""
    with host.agent():
        result = host.install("--user=1000", ok=False)

    assert result.returncode != 0
    assert "it does not let this container's user in, who is uid 200999 on the host" in result.stderr
