"""Fixtures: an installed prefix, a world for each test, a private index, a keyring."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings

from shim.cli.demo.packages import build_packages
from shim.cli.demo.server import PrivateIndex
from shim.core.host import Host
from shim.storage import keyring_cache
from shim.tools import TOOLS
from tests.support import agents, keyrings, long_way, machine, selection, toolchains
from tests.support.installation import copy_installation
from tests.support.world import CANARY, USER, World

#: How many examples are thrown away and how long it takes to make one is luck and the machine's speed: no test fails for that.
LUCK = [HealthCheck.filter_too_much, HealthCheck.too_slow]
# In CI the same examples each time: a new one found there would be a red main that nobody can repeat. Random everywhere else.
settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=LUCK)
settings.register_profile("here", deadline=None, suppress_health_check=LUCK)
settings.load_profile("ci" if os.environ.get("CI") else "here")
settings.register_profile("quick", max_examples=20)

# Who is started by nohup, or in the background of a script, has these ignored, and so would all the programs that tests send them to.
for number in (signal.SIGHUP, signal.SIGQUIT):
    signal.signal(number, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
#: How long a thread that was told to end may take, on a machine with other work.
THREAD_ENDS_WITHIN_S = 30.0
#: The folders of which `--quick` runs all; of each file elsewhere, one row.
QUICK_FOLDERS = ("arch", "property", "unit")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our options."""
    parser.addoption("--quick", action="store_true", help="all of tests/unit, arch and property with a tenth of what is random, and one row of each other file that has a short one")
    parser.addoption("--no-skips", action="store_true", help="fail if anything is skipped: for a machine that has everything")


def pytest_configure(config: pytest.Config) -> None:
    """Make our mark known."""
    config.addinivalue_line("markers", "quick: the test of its file that --quick runs, where another than the first one says more or costs less")
    config.addinivalue_line("markers", "long: a test that --quick never runs, since what it starts takes ten seconds and more")
    if config.getoption("--quick"):
        os.environ["SHIM_TEST_QUICK"] = "1"
        os.environ.setdefault("SHIM_TEST_LAYOUTS", "5")  # of which a whole run tries a hundred and more
        settings.load_profile("quick")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With --quick, keep one row of each suite."""
    if not config.getoption("--quick"):
        return
    others = [item for item in items if item.path.parent.name not in QUICK_FOLDERS]
    short = [item for item in others if item.get_closest_marker("long") is None]
    kept = selection.one_of_each((str(item.path), item.nodeid, item.get_closest_marker("quick") is not None) for item in short)
    gone = {item for item in others if item.nodeid not in kept}
    config.hook.pytest_deselected(items=[item for item in items if item in gone])
    items[:] = [item for item in items if item not in gone]


def skipped_in(terminal: pytest.TerminalReporter) -> list[tuple[str, str]]:
    """Return (reason, name) of every test that was skipped."""
    return [(report.longrepr[2].partition(": ")[2], report.nodeid) for report in terminal.stats.get("skipped", [])]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Write into the report whether its test is one that no machine like this one can run."""
    report = yield
    report.is_excused = call.excinfo is not None and isinstance(call.excinfo.value, machine.CannotRunHere)  # type: ignore[attr-defined]
    return report


def is_all_excused(terminal: pytest.TerminalReporter) -> bool:
    """Whether each skipped test is about a program that is here and cannot start."""
    return all(getattr(report, "is_excused", False) for report in terminal.stats.get("skipped", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say once what could not run here, and why."""
    skipped = skipped_in(terminalreporter)
    if skipped:
        terminalreporter.section(f"{len(skipped)} skipped here")
        for line in selection.explain(skipped):
            terminalreporter.write_line(line)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """With --no-skips, a run that skipped something that could be had has failed."""
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if terminal and exitstatus == pytest.ExitCode.OK and session.config.getoption("--no-skips") and not is_all_excused(terminal):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def no_thread_outlives_its_test() -> Iterator[None]:
    """A thread that is left behind would answer, sleep or burn the processor in the middle of another test."""
    before = set(threading.enumerate())
    yield
    agents.stop()
    deadline = time.monotonic() + THREAD_ENDS_WITHIN_S
    left = [thread for thread in threading.enumerate() if thread not in before]
    for thread in left:
        thread.join(max(deadline - time.monotonic(), 0))
    assert [thread for thread in left if thread.is_alive()] == []


@pytest.fixture(scope="session", autouse=True)
def no_keyring_of_the_machine() -> None:
    """Tests in this process find no keyring, whatever the machine has and whatever backends other tests define."""
    import keyring
    from keyring.backends.null import Keyring

    keyring.set_keyring(Keyring())


@pytest.fixture(scope="session")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation made by the real install.sh from this checkout, with launchers for pip and uv."""
    folder = tmp_path_factory.mktemp("installed") / "prefix"
    newest = toolchains.uv()
    environ = {**os.environ, "PATH": f"{newest.bin}:{os.environ['PATH']}"}
    command = ["sh", str(toolchains.ROOT / "install.sh"), "--prefix", str(folder), "--no-modify-path", "--quiet"]
    subprocess.run(command, check=True, env=environ, timeout=300)
    return folder


@pytest.fixture(scope="session")
def watched_prefix(prefix: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of that installation that says when it goes the long way."""
    return long_way.watch_installation(prefix, tmp_path_factory.mktemp("watched") / "prefix")


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with our wheel, all that it needs, and what builds it: for a machine without an index. All workers read the same one."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "wheels"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            command = [sys.executable, "-m", "pip", "wheel", "--quiet", "-w", f"{folder}.new", f"{toolchains.ROOT}[ci,toml,socks]", "flit_core"]
            subprocess.run(command, check=True, timeout=300)
            Path(f"{folder}.new").rename(folder)
    return folder


@pytest.fixture(scope="session")
def wrapped(tmp_path_factory: pytest.TempPathFactory, prefix: Path) -> Path:
    """A copy of the installation with launchers for every tool that we know."""
    copy = copy_installation(prefix, tmp_path_factory.mktemp("wrapped") / "prefix")
    subprocess.run([copy / "shims" / "shim", "install", "--quiet", *TOOLS], check=True, env={"PATH": f"{copy}/shims:/usr/bin:/bin"})
    return copy


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """Have ignored again what a test of our start made deadly: a server's thread would end the test process when a client leaves early."""
    yield
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture
def world(tmp_path: Path, prefix: Path) -> Iterator[World]:
    """A fresh world; after the test no file in it may hold the canary, but where we keep it on purpose."""
    made = World(tmp_path, prefix)
    yield made
    keyring_cache.forget(Host(made.environ, str(made.cwd)))  # the kernel has room for 200 keys of a user
    assert made.leftovers() == []


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the private build backend writes down its environment."""
    return tmp_path_factory.mktemp("report") / "builds.jsonl"


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory, report: Path) -> tuple[str, dict[str, list[str]]]:
    """The folder of the private packages, and project -> files."""
    folder = str(tmp_path_factory.mktemp("packages"))
    return folder, build_packages(folder, str(report))


@pytest.fixture
def index(packages: tuple[str, dict[str, list[str]]]) -> Iterator[PrivateIndex]:
    """A private index on loopback for the user and the canary."""
    with PrivateIndex(*packages, USER, CANARY) as served:
        yield served


@pytest.fixture(scope="session")
def keyring_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A real, unlocked gnome-keyring; yields the variables that lead to it."""
    machine.skip_without(keyrings.MISSING)
    with keyrings.keyring_daemon(tmp_path_factory.mktemp("keyring")) as variables:
        yield {**variables, "PYTHON_KEYRING_BACKEND": "keyring.backends.SecretService.Keyring"}
