"""The main job on systems that lack what Linux has: memory files (macOS, some sandboxes), or a /proc (macOS, some containers)."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex
from shim.cli.demo.watch import ArgvWatch, is_in, needles
from shim.config.former_places import FORMER
from tests.support import machine, toolchains, without
from tests.support.installation import copy_installation
from tests.support.long_way import is_hot, warm_up
from tests.support.macos import as_on_macos
from tests.support.processes import with_secret_in
from tests.support.tool_scenes import INSTALLING
from tests.support.toolchains import Tool
from tests.support.world import CANARY, USER, World, wait_until

FORMS = needles(USER, CANARY)


@pytest.fixture(scope="module")
def mac_prefix(prefix: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return as_on_macos(copy_installation(prefix, tmp_path_factory.mktemp("macos") / "prefix"))


@pytest.fixture(params=["memory files", "proc", "darwin"])
def lack(request: pytest.FixtureRequest, world: World, mac_prefix: Path) -> list[str]:
    if request.param == "darwin":
        world.prefix = mac_prefix
        world.environ["PATH"] = f"{mac_prefix / 'shims'}:/usr/bin:/bin"
        del world.environ["XDG_RUNTIME_DIR"]
    return without.words(request.param)


@pytest.fixture(params=without.LACKS)
def elsewhere(request: pytest.FixtureRequest) -> list[str]:
    return without.words(request.param)


def real_tool(request: pytest.FixtureRequest) -> Tool:
    name, _, version = request.param.partition("-")
    return toolchains.uv(version) if name == "uv" else toolchains.pip(version)


any_tool = pytest.fixture(scope="module", params=["pip-20.3.4", "pip-23.2.1", "pip-newest", "uv-0.5.31", "uv-newest"])(real_tool)
tool = pytest.fixture(scope="module", params=["pip-newest", "uv-newest"])(real_tool)


@pytest.fixture
def url(world: World, index: PrivateIndex) -> Iterator[str]:
    """The index's URL, configured; what the test leaves behind is looked at."""
    url = f"http://{index.netloc}/simple/"
    secret = world.folder / "config" / "secret"
    secret.write_text(CANARY)
    secret.chmod(0o600)
    world.configure(f'[[index]]\nname = "corp"\nurl = "{url}"\nusername = "{USER}"\nfile = {{ password = "{secret}" }}\n')
    yield url
    assert world.leftovers() == []
    world.wait_for_pipes()


def install(tool: Tool, url: str, *words: str) -> list[str]:
    """Return the command that installs from the index."""
    if tool.name == "pip":
        return ["pip", "install", "-vvv", "-i", url, *words]
    return ["uv", "pip", "install", "-v", "--default-index", url, *words]


def releases(world: World) -> int:
    """Return how many releases of a credential the audit log has."""
    return len((world.folder / "state" / "shim" / "audit" / "audit.jsonl").read_text().splitlines())


def test_a_record_is_believed_only_where_its_memory_file_can_be_reached(
    tool: Tool, elsewhere: list[str], url: str, world: World, index: PrivateIndex, watched_prefix: Path
) -> None:
    """Containers may share the folder of records. The tool would be handed a path that leads nowhere, and ask without a credential.

    A pip has the redirector beside it as well.
    """
    world.prefix = watched_prefix
    world.use(tool)
    world.environ |= {"PIP_INDEX_URL": url, "UV_DEFAULT_INDEX": url}
    command = f'max-age = "1h"\ncommand = {{ argv = ["/bin/cat", "{world.folder / "config" / "secret"}"] }}\npackages = ["corp-*"]\n'
    world.configure(world.config.read_text().partition("file =")[0] + command)
    words = [word for word in install(tool, url, "--upgrade", "--target", str(world.folder / "installed"), "corp-lib") if word not in ("-i", "--default-index", url)]
    warm_up(world, words)
    shutil.rmtree(world.folder / "installed")
    index.requests.clear()
    before = releases(world)

    assert is_hot(world, [*elsewhere, *words]) == (elsewhere == without.LACKS["memfd_create"])
    assert any(user == USER and status == 200 for _, user, status in index.requests)
    assert releases(world) == before + 1, "no more than without the record"
    assert is_hot(world, words), "and here it holds"


@pytest.mark.parametrize("package", ["corp-lib", "corp-sdist"])
def test_a_private_package_is_installed_and_the_secret_seen_nowhere(
    package: str, any_tool: Tool, lack: list[str], url: str, world: World, index: PrivateIndex, report: Path
) -> None:
    world.use(any_tool)
    report.write_bytes(b"")
    environments: set[str] = set()
    with ArgvWatch(FORMS) as watch:

        def look() -> None:
            watch.look()
            environments.update(with_secret_in("environ", FORMS))

        index.on_request = look
        result = world.run(*lack, *install(any_tool, url, "--target", str(world.folder / "installed"), package), SHIM_DEBUG="1")
        index.on_request = lambda: None

    output = result.stdout + result.stderr
    assert result.returncode == 0, output
    assert (world.folder / "installed" / f"{package.replace('-', '_')}.py").is_file()
    assert watch.seen == set()
    assert environments == set()
    assert not is_in(output.encode(errors="surrogateescape"), FORMS)
    for line in report.read_text().splitlines():
        assert not is_in(json.dumps(json.loads(line), ensure_ascii=False).encode(errors="surrogateescape"), FORMS)


def test_a_project_is_synced(lack: list[str], url: str, world: World) -> None:
    world.use(toolchains.uv())
    del world.environ["VIRTUAL_ENV"]
    (world.cwd / "pyproject.toml").write_text(
        '[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["corp-lib"]\n'
        f'[[tool.uv.index]]\nname = "corp"\nurl = "{url}"\ndefault = true\n'
    )
    synced = world.run(*lack, "uv", "sync")
    started = world.run(*lack, "uv", "run", "python", "-c", "import corp_lib")

    assert synced.returncode == 0, synced.stderr
    assert started.returncode == 0, started.stderr
    assert CANARY not in (world.cwd / "uv.lock").read_text()


def test_a_tool_that_is_killed_leaves_no_process_no_pipe_and_no_secret(tool: Tool, lack: list[str], url: str, world: World, index: PrivateIndex) -> None:
    """It is killed in the middle of its first request; the fixture looks at what is left."""
    world.use(tool)
    running: list[subprocess.Popen[bytes]] = []

    def kill() -> None:
        if running and world.pipes():  # before that it is us who ask
            running[0].send_signal(signal.SIGKILL)

    index.on_request = kill
    command = [*lack, *install(tool, url, "--target", str(world.folder / "installed"), "corp-lib")]
    running.append(subprocess.Popen(command, env=world.environ, cwd=world.cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    status = running[0].wait(timeout=120)
    index.on_request = lambda: None

    assert status == -signal.SIGKILL
    wait_until(lambda: with_secret_in("environ", FORMS) == with_secret_in("cmdline", FORMS) == set() and world.pipes() == [])


def test_any_program_has_its_uv_served(lack: list[str], url: str, world: World) -> None:
    """`shim exec`, whose program starts four at once: the lock of uv's store lets them read one after the other."""
    world.use(toolchains.uv())
    line = " ".join(install(toolchains.uv(), url, "corp-lib", "--target"))
    targets = [world.folder / f"target-{number}" for number in range(4)]
    script = " & ".join(f"{line} {target}" for target in targets)
    result = world.run(*lack, "shim", "exec", "--", "sh", "-c", f"PATH={toolchains.uv().bin}:$PATH; {script} & wait")

    assert [target for target in targets if not (target / "corp_lib.py").is_file()] == [], result.stderr


@pytest.mark.parametrize("verb", [["run"], []], ids=str)
def test_tox_that_makes_one_environment_after_the_other_is_served(verb: list[str], lack: list[str], url: str, world: World, wrapped: Path) -> None:
    scene, world.prefix = INSTALLING["tox"], wrapped
    world.use(scene.tool())
    scene.prepare(world.cwd, {"index": url})
    result = world.run(*lack, "tox", *verb, "-e", "py", PIP_INDEX_URL=url)

    assert result.returncode == 0, result.stdout + result.stderr
    assert scene.says in result.stdout


def test_what_starts_several_pips_is_served_where_only_memfd_create_is_refused(url: str, world: World, index: PrivateIndex) -> None:
    """A file without a name in /dev/shm is read by as many as come, and ends with the command as a memory file does."""
    world.use(toolchains.pip("newest"))
    world.configure(world.config.read_text() + 'packages = ["corp-*"]\n')
    world.environ["PIP_INDEX_URL"] = url
    targets = [world.folder / f"target-{number}" for number in range(3)]
    script = " & ".join(f"python -m pip install --target {target} corp-lib" for target in targets)
    show = f"{script} & wait; ls -l /proc/$$/fd"
    result = world.run(*without.words("memfd_create"), "shim", "exec", "--", "sh", "-c", f"PATH={toolchains.pip('newest').bin}:$PATH; {show}")

    assert [target for target in targets if not (target / "corp_lib.py").is_file()] == [], result.stderr
    assert any(line.startswith("lr-x") and "/dev/shm/#" in line for line in result.stdout.splitlines()), result.stdout


def test_a_claimed_name_comes_from_its_own_index(lack: list[str], url: str, world: World) -> None:
    """pip is behind the redirector, whose process is another one of ours."""
    world.use(toolchains.pip("newest"))
    world.configure(world.config.read_text() + 'packages = ["corp-*"]\n')
    command = install(toolchains.pip("newest"), "https://pypi.org/simple", "--target", str(world.folder / "installed"), "corp-lib")
    result = world.run(*lack, *command)

    assert result.returncode == 0, result.stderr
    assert (world.folder / "installed" / "corp_lib.py").is_file()


def test_a_wrong_password_stops_the_command(tool: Tool, lack: list[str], url: str, world: World) -> None:
    world.use(tool)
    (world.folder / "config" / "secret").write_text("wrong")
    result = world.run(*lack, *install(tool, url, "--target", str(world.folder / "installed"), "corp-lib"))

    assert result.returncode != 0
    assert "refuse" in result.stderr
    assert not (world.folder / "installed" / "corp_lib.py").exists()


def test_a_typed_password_is_gone_from_the_process_list_before_anything_is_asked(lack: list[str], url: str, world: World, index: PrivateIndex) -> None:
    """The process list is looked at from outside, while a slow source of another index is asked."""
    world.use(toolchains.pip("newest"))
    started, answer = world.folder / "started", world.folder / "answer"
    program = world.folder / "config" / "slow"
    program.write_text(f"#!/bin/sh\n: >{started}\nwhile [ ! -e {answer} ]; do sleep 0.05; done\necho {CANARY}\n")
    program.chmod(0o700)
    other = url.replace("127.0.0.1", "localhost")
    world.configure(f'[[index]]\nname = "slow"\nurl = "{other}"\nusername = "{USER}"\ncommand = {{ argv = ["{program}"] }}\n')
    typed = url.replace("//", f"//{USER}:{CANARY}@")
    words = install(toolchains.pip("newest"), typed, "--extra-index-url", other, "--target", str(world.folder / "installed"), "corp-lib")
    with subprocess.Popen([*lack, *words], env=world.environ, cwd=world.cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:
        wait_until(started.exists)
        seen = with_secret_in("cmdline", FORMS)
        answer.touch()
        output, _ = running.communicate(timeout=120)

    assert seen == set()
    assert running.returncode == 0, output
    assert (world.folder / "installed" / "corp_lib.py").is_file()
    assert not is_in(output.encode(errors="surrogateescape"), FORMS)


def test_busybox_is_all_that_installing_activating_and_a_private_package_need(url: str, world: World) -> None:
    machine.skip_without(machine.lacks_programs("busybox"))
    pip, applets, prefix = toolchains.pip("newest"), world.folder / "applets", world.folder / "prefix"
    applets.mkdir()
    subprocess.run(["busybox", "--install", "-s", applets], check=True)
    del world.environ["XDG_DATA_HOME"]
    world.environ |= {"PATH": f"{applets}:{pip.bin}", "SHELL": "/bin/ash", "PIP_INDEX_URL": url}
    here = [*without.words("busybox"), "env", f"PATH={world.environ['PATH']}"]
    world.environ["PATH"] += ":/usr/bin:/bin:/usr/sbin"  # for busybox itself, and env

    installed = world.run(*here, "env", "-u", "PIP_INDEX_URL", "sh", toolchains.ROOT / "install.sh", "--prefix", prefix)
    line = f"shim which pip; pip install --target {world.folder}/installed corp-lib; shim status; shim deactivate; command -v pip shim"
    used = world.run(*here, "sh", "-c", f". ~/.profile; {line}")  # /etc/profile would set another PATH
    removed = world.run(*here, "sh", toolchains.ROOT / "install.sh", "--uninstall", "--prefix", prefix)

    assert installed.returncode == 0, installed.stderr
    assert (world.folder / "installed" / "corp_lib.py").is_file(), used.stderr
    assert used.stdout.splitlines()[0] == used.stdout.splitlines()[-1] == f"{pip.bin}/pip"
    assert used.stderr == ""
    assert removed.returncode == 0, removed.stderr
    assert not prefix.exists()
    assert not (world.folder / "home" / ".profile").exists()


def test_macos_is_played_to_our_python_as_well(world: World, mac_prefix: Path) -> None:
    """Without that the tests above would be of Linux alone: it asks the library, and it looks for what was left on macOS."""
    world.prefix = mac_prefix
    world.environ["PATH"] = f"{mac_prefix / 'shims'}:/usr/bin:/bin"
    left = Path(world.environ["HOME"], FORMER, "config.toml")
    left.parent.mkdir(parents=True)
    left.touch()
    agent = world.run(*without.words("darwin"), "shim", "agent")
    doctor = world.run(*without.words("darwin"), "shim", "doctor")

    assert "needs Linux, which says who connects" in agent.stderr
    assert str(left) in doctor.stdout
