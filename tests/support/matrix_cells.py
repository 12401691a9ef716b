"""One cell of the matrix: the bare tool with the password typed, and the same through us."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from shim.cli.demo.watch import find_in_files, is_in, needles
from shim.core.host import Host
from shim.delivery.env import IN_BUILDS
from shim.storage import keyring_cache
from tests.support import toolchains
from tests.support.matrix_http import OTHER_SECRET, OTHER_USER, SECRETS
from tests.support.matrix_packages import PRIVATE, found_in, said_in
from tests.support.matrix_servers import COMPANY, SECOND
from tests.support.matrix_street import Street
from tests.support.matrix_tools import JOBS, Stand, Task, Way
from tests.support.platforms import Platform
from tests.support.processes import with_secret_in
from tests.support.world import CANARY, USER, World

FORMS = (*needles(USER, CANARY), *needles(OTHER_USER, OTHER_SECRET))
Judgement = Literal["equal", "served", "refused", "DIFFERENT"]
_USERINFO = re.compile(r"(?<=://)[^/@\s\"']+@")
_REFUSAL = re.compile(r"^shim: error\[([a-z-]+)\]", re.MULTILINE)
_RANDOM = re.compile(r"[a-z0-9_]{8}(?=\.)")
_TIMEOUT_S = 100.0


class Cell(NamedTuple):
    """Where, what, beside whom, and how the password gets there."""

    server: str
    job: str
    surroundings: str
    way: Way

    def __str__(self) -> str:
        return " | ".join((self.server, self.job, self.surroundings, self.way))


@dataclass(frozen=True)
class Outcome:
    """How a task ended: status, our packages as `NAME VERSION`, texts, output."""

    status: int
    packages: frozenset[str]
    texts: tuple[str, ...]
    output: str

    @property
    def result(self) -> tuple[object, ...]:
        """What is compared."""
        return self.status, self.packages, self.texts

    @property
    def refusal(self) -> str:
        """The code with which we stopped the command, or ""."""
        match = _REFUSAL.search(self.output)
        return match[1] if match and self.status == 77 and not self.packages else ""

    @property
    def is_private(self) -> bool:
        """Whether all is as the company has it."""
        names = {text.rpartition(" ")[2] for text in self.packages}
        return self.status == 0 and names == {PRIVATE}

    def __str__(self) -> str:
        return f"{self.status} {sorted(self.packages)}"


def judge(bare: Outcome, ours: Outcome) -> Judgement:
    """Return what to think of ours.

    `served`: the bare tool failed, and through us it has the company's packages.
    """
    if ours.result == bare.result:
        return "equal"
    if ours.refusal:
        return "refused"
    return "served" if bare.status and ours.is_private else "DIFFERENT"


class Runner:
    """Runs cells, each command in a fresh world below `folder`. All ways share the bare outcome."""

    def __init__(self, street: Street, platform: Platform, folder: Path) -> None:
        self.street, self.platform, self.folder = street, platform, folder
        self._bare: dict[Cell, Outcome] = {}
        self._shown: dict[Cell, set[str]] = {}
        self._count = 0

    def bare(self, cell: Cell) -> Outcome:
        """Return what the bare tool does with the password typed.

        Where we are told of the second host, it is told by a netrc of both.
        """
        key = self._key(cell)
        if key not in self._bare:
            world = self._world()
            if key.way == "netrc":
                machines = "".join(
                    f"machine {host} login {USER} password {CANARY}\n" for host in (COMPANY, SECOND)
                )
                (world.folder / "config" / "netrc").write_text(machines)
                world.environ["NETRC"] = str(world.folder / "config" / "netrc")
            self._bare[key], self._shown[key] = self._watched(world, key, bare=True)
        return self._bare[key]

    def ours(self, cell: Cell) -> tuple[Outcome, list[str]]:
        """Return what it does through us, and where a secret was that should not be there.

        The last resort says that pip shows it in the process list while it builds.
        """
        world = self._world()
        if cell.way == "configured":
            self._configure(world, cell)
        outcome, shown = self._watched(world, cell, bare=False)
        keyring_cache.forget(Host(world.environ, str(world.cwd)))
        kinds = ("argv of ",) if IN_BUILDS in outcome.output else ()
        kinds += ("environ of ",) if IN_BUILDS in outcome.output or self._is_in_variables(cell) else ()
        said = {one for one in shown if one.startswith(kinds)} if kinds else set()
        return outcome, sorted(shown - self._allowed(cell) - said)

    def _key(self, cell: Cell) -> Cell:
        """Return the cell as the bare tool has it. A netrc has one credential for a host."""
        by_netrc = (
            cell.way == "configured" and cell.server == "second host" and cell.surroundings != "two"
        )
        typed: Way = "typed" if "typed" in JOBS[cell.job].ways else "variable"
        return cell._replace(way="netrc" if by_netrc else typed)

    def _allowed(self, cell: Cell) -> set[str]:
        """Return where a secret may be: where the bare tool shows or sends it, if it is typed or in its own netrc, or nowhere."""
        self.bare(cell)
        key = self._key(cell)
        return set() if cell.way == "configured" and key.way != "netrc" else self._shown[key]

    def _is_in_variables(self, cell: Cell) -> bool:
        """Whether a secret may be in variables: the user's own, those of a tool that uploads, and poetry's where a netrc will not do."""
        return cell.way == "variable" or JOBS[cell.job].task.__name__ in ("publish", "poetry")

    def _watched(self, world: World, cell: Cell, *, bare: bool) -> tuple[Outcome, set[str]]:
        """Run a cell; return its outcome, and what else had a secret: argv, variables, output, files, servers.

        Where it was handed by a named pipe, its folder goes soon after the command.
        """
        shown: set[str] = set()

        def look() -> None:
            shown.update(f"argv of {name}" for name in with_secret_in("cmdline", FORMS))
            shown.update(f"environ of {name}" for name in with_secret_in("environ", FORMS))

        self.street.watch(look)
        outcome = self._run(world, cell, bare=bare)
        self.street.look_away()
        world.wait_for_pipes()
        shown |= {"output"} if is_in(outcome.output.encode(), FORMS) else set()
        files = find_in_files(str(world.folder), FORMS, map(str, world.vaults))
        covered = cell.way == "configured" and cell.server == "second host"
        shown.update(self.street.strayed(cell.server, covered=covered))
        return outcome, shown | {f"file {_RANDOM.sub('*', Path(path).name)}" for path in files}

    def _world(self) -> World:
        self._count += 1
        folder = self.folder / str(self._count)
        folder.mkdir(parents=True)
        world = World(folder, self.platform.prefix)
        for name in self.platform.unset:
            del world.environ[name]
        # A channel of ours is a system's uv.toml, and who has none is not told to read none.
        (folder / "xdg" / "uv").mkdir()
        (folder / "xdg" / "uv" / "uv.toml").write_text("")
        return world

    def _configure(self, world: World, cell: Cell) -> None:
        """Let files hold the passwords. The second host is an index of its own."""
        text = ""
        indexes = [
            (index.name, index.url, index.user)
            for index in self.street.indexes(cell.server, cell.surroundings)
            if index.user
        ]
        if cell.server == "second host":
            indexes += [
                (f"{name}-files", self.street.second.url(url.split("/")[3] + "/"), user)
                for name, url, user in indexes
            ]
        for name, url, user in indexes:
            secret = world.folder / "config" / user
            secret.write_text(SECRETS[user])
            secret.chmod(0o600)
            text += f'[[index]]\nname = "{name}"\nurl = "{url}"\nusername = "{user}"\n'
            text += f'file = {{ password = "{secret}" }}\n'
            if JOBS[cell.job].task.__name__ == "publish":
                text += f'publish-url = "{self.street.private[cell.server].url("upload/")}"\n'
        world.configure(text)

    def _run(self, world: World, cell: Cell, *, bare: bool) -> Outcome:
        job, upload = JOBS[cell.job], self.street.private[cell.server].url("upload/")
        world.use(job.tool())
        folder = world.cwd / "work"
        folder.mkdir()
        task = job.task(
            Stand(
                folder,
                self.street.indexes(cell.server, cell.surroundings),
                cell.way,
                cell.surroundings,
                upload,
            )
        )
        environ = {
            **_environ_of(world, self.platform.programs),
            **self.street.environ(cell.surroundings),
            **task.environ,
        }
        if not cell.job.startswith("pip "):
            del world.environ["VIRTUAL_ENV"]
        status, output = 0, ""
        for command in task.commands:
            try:
                done = world.run(
                    *self.platform.words,
                    "sh",
                    "-c",
                    'cd "$0" && exec "$@"',
                    folder,
                    *command,
                    bare=bare,
                    timeout=_TIMEOUT_S,
                    **environ,
                )
            except subprocess.TimeoutExpired:
                status, output = -1, output + "\nno end in time"
                break
            status, output = done.returncode, output + done.stdout + done.stderr
            if status:
                break
        return self._outcome(world, folder, task, status, output, cell)

    def _outcome(
        self, world: World, folder: Path, task: Task, status: int, output: str, cell: Cell
    ) -> Outcome:
        texts = [
            (folder / name).read_text() if (folder / name).is_file() else "" for name in task.texts
        ]
        packages = {
            *found_in(folder),
            *found_in(world.folder / "data"),
            *found_in(world.folder / "pipx"),
        }
        packages |= {found for text in (*texts, output) for found in said_in(text)}
        packages |= {f"uploaded {name}" for name in self.street.private[cell.server].uploaded}
        compared = (
            tuple(_USERINFO.sub("", text) for text in texts) if cell.job.startswith("uv ") else ()
        )
        return Outcome(status, frozenset(packages), compared, output)


def _environ_of(world: World, programs: str) -> dict[str, str]:
    """Return what the tools that make environments want."""
    python = toolchains.python_for("3.11", "3.12", "3.13")
    path = world.environ["PATH"].removesuffix("/usr/bin:/bin")
    return {
        "PATH": f"{path}{programs}",
        **dict.fromkeys(
            ("PIPENV_DEFAULT_PYTHON_VERSION", "PIPENV_PYTHON", "PDM_PYTHON"), str(python)
        ),
        "PIPENV_NOSPIN": "1",
        "PIPX_SHARED_LIBS": str(toolchains.pip("newest").bin.parent),
        "PIPX_HOME": str(world.folder / "pipx"),
        "PIPX_BIN_DIR": str(world.folder / "pipx" / "bin"),
        "PIPX_DEFAULT_BACKEND": "pip",
        "UV_HTTP_RETRIES": "0",
        "POETRY_REQUESTS_MAX_RETRIES": "0",
        "NO_COLOR": "1",
        "CI": "1",
    }
