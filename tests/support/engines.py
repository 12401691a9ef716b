"""Real container engines: Debian's docker, and podman with buildah.

Each works in a mount namespace of its own, with a storage of its own in .cache/, and ends with the test process, however that ends. What one
cannot do for what this machine's kernel says is no fault of ours: `machine.CannotRunHere`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from shim.cli.demo.watch import is_in
from tests.support import debian, machine

#: What each engine is made of.
PROGRAMS = {"docker": ("dockerd", "docker", "containerd", "runc"), "podman": ("podman", "buildah", "runc", "conmon")}
#: What a kernel, or a machine around us, says to who may not. What fails with other words is our fault, and fails the test.
KERNEL_SAYS = re.compile(
    r"operation not (permitted|supported)|permission denied|function not implemented|no such device|read-only file system|cgroup"
    r"|driver not supported|unsupported for this graph driver",
    re.IGNORECASE,
)
#: How long a daemon may take to answer, or to end, on a machine with other work.
DAEMON_WITHIN_S = 60.0
#: What of a checkout goes into an image of it: not what is made there.
MADE = (".cache", ".git")
NAMESPACE = ("setpriv", "--pdeathsig", "TERM", "unshare", "--mount", "--propagation", "private")


@dataclass
class Engine:
    """One engine: the words before each verb and before a build, and the options that each `run` takes here."""

    name: str
    folder: Path
    words: list[str]
    build_words: list[str]
    run_words: list[str]
    environ: dict[str, str] = field(default_factory=dict)

    def do(self, *words: object, ok: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a verb of the engine."""
        return self._run([*self.words, *map(str, words)], ok)

    def run(self, image: str, *command: str, options: Sequence[object] = (), ok: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command in a container that is gone afterwards."""
        return self.do("run", "--rm", *self.run_words, *options, image, *command, ok=ok)

    def bring(self, archive: Path, image: str) -> None:
        """Make an image of a root file system; the first container of all shows whether this engine runs here."""
        tried = self.do("import", archive, image, ok=False)
        if tried.returncode == 0:
            tried = self.run(image, "true", ok=False)
        explain_failure(self.name, tried)

    def build(self, folder: Path, image: str, contexts: Mapping[str, Path], secrets: Mapping[str, Path]) -> str:
        """Build the Dockerfile in `folder`; return what was printed."""
        named = [word for name, path in contexts.items() for word in self.context_words(name, path)]
        given = [f"--secret=id={name},src={path}" for name, path in secrets.items()]
        built = self._run([*self.build_words, *named, *given, "--tag", image, str(folder)], True)
        return built.stdout + built.stderr

    def context_words(self, name: str, path: Path) -> list[str]:
        """Return the words that give a build a second folder."""
        return ["--build-context", f"{name}={path}"]

    def layers_with(self, image: str, forms: tuple[bytes, ...]) -> tuple[int, list[str]]:
        """Return how many layers an image has, and which parts of it, its history included, hold a form of the secret."""
        saved = self.folder / f"{image}.tar"
        self.do("save", "--output", saved, image)
        with tarfile.open(saved) as tar:
            files = {member.name: tar.extractfile(member) for member in tar if member.isreg()}
            (manifest,) = json.loads(tar.extractfile("manifest.json").read())  # type: ignore[union-attr]
            found = [name for name, stream in files.items() if stream and is_in(stream.read(), forms)]
        history = self.do("history", "--no-trunc", image).stdout + self.do("inspect", image).stdout
        return len(manifest["Layers"]), [*found, *(["history"] if is_in(history.encode(), forms) else [])]

    def files_with(self, container: str, forms: tuple[bytes, ...]) -> list[str]:
        """Return the files of a container that hold a form of the secret; what is mounted there is not its own."""
        saved = self.folder / f"{container}.tar"
        self.do("export", "--output", saved, container)
        with tarfile.open(saved) as tar:
            return [member.name for member in tar if member.isreg() and is_in(tar.extractfile(member).read(), forms)]  # type: ignore[union-attr]

    def _run(self, command: list[str], ok: bool) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(command, env=self.environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=600)
        assert result.returncode == 0 or not ok, f"{' '.join(command)}\n{result.stdout}{result.stderr}"
        return result


class Docker(Engine):
    """Without buildx, as Debian has it, a named context is an image."""

    def context_words(self, name: str, path: Path) -> list[str]:
        packed = self.folder / "context.tar"
        with tarfile.open(packed, "w") as tar:
            for entry in sorted(path.iterdir()):
                if entry.name not in MADE:
                    tar.add(entry, entry.name)
        self.do("import", packed, name)
        return []


@contextmanager
def start(name: str) -> Iterator[Engine]:
    """Start one of the engines; at the end nothing of it is left. Skips the test where it is not installed, or cannot run."""
    machine.skip_without(debian.lacks_debian() or machine.lacks_programs(*PROGRAMS[name]))
    debian.CACHE.mkdir(parents=True, exist_ok=True)
    _remove_left_over()
    folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-{name}-", dir=debian.CACHE))
    try:
        # A socket's path has room for 107 bytes.
        with tempfile.TemporaryDirectory() as short, STARTERS[name](folder, Path(short)) as engine:
            yield engine
    finally:
        _remove(folder)


@contextmanager
def _docker(folder: Path, short: Path) -> Iterator[Engine]:
    socket = f"unix://{short}/docker.sock"
    daemon = [*NAMESPACE, "dockerd", "--data-root", folder / "data", "--exec-root", short / "exec", "--host", socket, "--pidfile", short / "pid"]
    daemon += ["--bridge=none", "--iptables=false", "--ip6tables=false", "--storage-driver=overlay2", f"--cgroup-parent=/{_group(os.getpid())}"]
    environ = {**_environ(folder), "DOCKER_HOST": socket, "DOCKER_CONFIG": str(folder / "home"), "DOCKER_BUILDKIT": "1"}
    # /usr/local may have an older one of somebody else's.
    client = shutil.which("docker", path=f"/usr/bin:{machine.SYSTEM_PATH}") or "docker"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(daemon, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    build = [client, "build", "--progress=plain", "--network=host"]
    engine = Docker("docker", folder, [client], build, ["--network=host"], environ)
    try:
        deadline = time.monotonic() + DAEMON_WITHIN_S
        while process.poll() is None and time.monotonic() < deadline:
            if engine.do("version", ok=False).returncode == 0:
                break
            time.sleep(0.2)
        else:
            text = (folder / "log").read_text(errors="replace")
            explain_failure("docker", subprocess.CompletedProcess(daemon, 1, "", text))
        machine.skip_without(_lacks_buildkit(engine))
        yield engine
        left = engine.do("ps", "--all", "--quiet").stdout.split()
        engine.do("rm", "--force", *left, ok=False)
    finally:
        process.terminate()
        try:
            process.wait(DAEMON_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _lacks_buildkit(docker: Engine) -> str:
    """Return why this client cannot build with BuildKit, or an empty text: it could by itself before 23."""
    major = int(docker.do("version", "--format", "{{.Client.Version}}").stdout.partition(".")[0])
    if major < 23 or docker.do("buildx", "version", ok=False).returncode == 0:
        return ""
    return "docker has no BuildKit here: apt install docker-buildx"


@contextmanager
def _podman(folder: Path, short: Path) -> Iterator[Engine]:
    storage = ["--root", str(folder / "root"), "--runroot", str(short / "run"), "--storage-driver=overlay"]
    podman = [*NAMESPACE, "podman", *storage, "--runtime=runc", "--cgroup-manager=cgroupfs", "--events-backend=none"]
    podman += ["--tmpdir", str(short / "tmp"), "--network-config-dir", str(folder / "networks")]
    settings = folder / "containers.conf"
    settings.write_text('[engine]\nlock_type = "file"\n')  # all podmans of root share the locks that are in memory
    build = [*NAMESPACE, "buildah", *storage, "bud", "--isolation=chroot", "--network=host"]
    limits = [f"--ulimit={name}=1024:1024" for name in ("nofile", "nproc")]
    run = ["--network=host", f"--cgroup-parent=/{_group(os.getpid())}", *limits]
    yield Engine("podman", folder, podman, build, run, {**_environ(folder), "CONTAINERS_CONF": str(settings)})


STARTERS = {"docker": _docker, "podman": _podman}


def _environ(folder: Path) -> dict[str, str]:
    """Return an environment in which an engine finds no settings of the user's."""
    home = folder / "home"
    home.mkdir()
    return {"PATH": machine.SYSTEM_PATH, "HOME": str(home), "TMPDIR": os.environ.get("TMPDIR", "/tmp"), "LC_ALL": "C.UTF-8"}


def _group(process: int | str) -> str:
    """Return the control group of all containers of a test process."""
    return f"shim-tests-{process}"


def explain_failure(name: str, tried: subprocess.CompletedProcess[str]) -> None:
    """Raise CannotRunHere if the engine failed for what the kernel said, and AssertionError if it failed for anything else."""
    lines = (tried.stdout + tried.stderr).strip().splitlines()
    if tried.returncode:
        said = next((line for line in reversed(lines) if KERNEL_SAYS.search(line)), "")
        assert said, f"{name}: {tried.args}\n" + "\n".join(lines[-20:])
        raise machine.CannotRunHere(f"{name} cannot run on this machine: {said[-200:]}")


def _remove_left_over() -> None:
    """Remove what test processes left that were killed."""
    for folder in debian.CACHE.iterdir():
        owner = folder.name.partition("-")[0]
        if owner.isdigit() and not Path("/proc", owner).exists():
            _remove(folder)


def _remove(folder: Path) -> None:
    """Remove the storage of an engine, and the control groups of its containers."""
    subprocess.run(["rm", "-rf", "--one-file-system", folder], check=True)
    name = _group(folder.name.partition("-")[0])
    for group in [*Path("/sys/fs/cgroup").glob(name), *Path("/sys/fs/cgroup").glob(f"*/{name}")]:
        subprocess.run(["find", group, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"], check=True)
