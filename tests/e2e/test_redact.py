"""Masked output of real tools: a log in a pipe has no secret, data are the bare tool's to the byte, a terminal is the tool's own."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from shim.cli.demo.packages import build_packages, build_sdist, build_wheel
from shim.cli.demo.server import PrivateIndex
from shim.cli.demo.watch import is_in, needles
from tests.support import toolchains
from tests.support.terminal import Terminal
from tests.support.world import CANARY, USER, World

FORMS = needles(USER, CANARY)
#: Fails, and shows its environment as people do when they look for the reason.
TALKATIVE = """
import os, sys

def build_wheel(*arguments):
    for name, value in sorted(os.environ.items()):
        print(name, value, repr(value))
    print("to stderr", dict(os.environ), file=sys.stderr, flush=True)
    sys.exit("this build fails")
"""
CONFIG = """
channel = "env"
[[index]]
name = "corp"
url = "{url}"
username = "{user}"
file = {{ password = "{secret}" }}
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, report: Path) -> tuple[str, dict[str, list[str]]]:
    folder = str(tmp_path_factory.mktemp("packages"))
    found = build_packages(folder, str(report))
    found["corp-talk"] = [build_wheel(folder, "corp-talk", {"corp_talk.py": TALKATIVE})]
    found["talk-sdist"] = [build_sdist(folder, "talk-sdist", "corp-talk", "corp_talk")]
    return folder, found


@pytest.fixture
def secret() -> str:
    return CANARY


@pytest.fixture
def corp(world: World, files: tuple[str, dict[str, list[str]]], secret: str) -> Iterator[str]:
    """A world where tools get their secret in the environment; yields the index's URL."""
    file = world.folder / "config" / "secret"
    file.write_text(secret)
    file.chmod(0o600)
    with PrivateIndex(*files, USER, secret) as index:
        url = f"http://{index.netloc}/simple/"
        world.configure(CONFIG.format(url=url, user=USER, secret=file))
        yield url


def talk(world: World, url: str, tool: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a build that fails and shows its environment."""
    if tool == "pip":
        world.use(toolchains.pip("newest"))
        return world.run("pip", "-v", "install", "--target", "out", "-i", url, "talk-sdist", **environ)
    world.use(toolchains.uv())
    return world.run("uv", "pip", "install", "--target", "out", "--default-index", f"corp={url}", "talk-sdist", **environ)


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_a_build_that_shows_its_environment_shows_no_secret_in_a_log(tool: str, world: World, corp: str) -> None:
    masked, plain = talk(world, corp, tool), talk(world, corp, tool, SHIM_REDACT="never")

    assert masked.returncode == plain.returncode != 0
    assert "this build fails" in masked.stdout + masked.stderr
    assert "****" in masked.stdout + masked.stderr
    assert not is_in((masked.stdout + masked.stderr).encode(errors="surrogateescape"), FORMS)
    assert is_in((plain.stdout + plain.stderr).encode(errors="surrogateescape"), FORMS), "so there is something to mask"


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_a_file_is_masked_only_if_that_is_wanted(tool: str, world: World, corp: str) -> None:
    for redact, shown in (("auto", True), ("always", False)):
        world.use(toolchains.pip("newest") if tool == "pip" else toolchains.uv())
        words = ["pip", "-v", "install", "-i", corp] if tool == "pip" else ["uv", "pip", "install", "--default-index", f"corp={corp}"]
        with open(world.folder / "config" / "log", "wb") as log:  # a place that may hold the canary
            environ = {**world.environ, "SHIM_REDACT": redact}
            command = ["/usr/bin/env", *words, "--target", "out", "talk-sdist"]
            subprocess.run(command, env=environ, cwd=world.cwd, stdout=log, stderr=log, check=False, timeout=120)
        assert is_in((world.folder / "config" / "log").read_bytes(), FORMS) == shown


@pytest.mark.parametrize("secret", ["python", "corp-lib==1.0", "alice-lock"])
@pytest.mark.parametrize("sink", ["> file", "| cat > file"])
def test_data_are_the_bare_tools_to_the_byte_whatever_the_secret_is(secret: str, sink: str, world: World, corp: str) -> None:
    (world.cwd / "pyproject.toml").write_text(
        '[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.8"\ndependencies = ["corp-lib; python_version > \'3\'"]\n'
        f'[[tool.uv.index]]\nname = "corp"\nurl = "{corp}"\ndefault = true\n'
    )
    own = {"UV_INDEX_CORP_USERNAME": USER, "UV_INDEX_CORP_PASSWORD": secret}
    world.use(toolchains.uv())
    world.run("uv", "pip", "install", "-q", "--target", "out", "corp-lib", bare=True, **own)
    for line in ("uv export", "uv tree", "uv pip compile -q pyproject.toml", "uv pip freeze --path out", "pip freeze --path out"):
        world.use(toolchains.pip("newest") if line.startswith("pip") else toolchains.uv())
        outputs = []
        for bare in (True, False):
            world.run("sh", "-c", f"{line} {sink}", bare=bare, **(own if bare else {}))
            outputs.append((world.cwd / "file").read_bytes())
        assert outputs[0] == outputs[1] != b""
        assert line == "uv tree" or b"corp-lib==1.0" in outputs[1]


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_in_a_terminal_it_looks_and_ends_as_without_us(tool: str, world: World, corp: str) -> None:
    """Nobody is in between there, whatever the secret and wherever it is."""
    world.use(toolchains.pip("newest") if tool == "pip" else toolchains.uv())
    bare_path = world.environ["PATH"].partition(":")[2]
    own = {
        "PIP_INDEX_URL": corp.replace("://", f"://{USER}:{CANARY}@"), "UV_INDEX_CORP_USERNAME": USER, "UV_INDEX_CORP_PASSWORD": CANARY,
    }  # fmt: skip
    words = (
        f"pip install --no-cache-dir --force-reinstall --no-deps --target out -i {corp}"
        if tool == "pip"
        else f"uv pip install --no-cache --reinstall --target out --default-index corp={corp}"
    )
    words = words.replace(f"-i {corp}", "") if tool == "pip" else words
    screens = []
    for environ in ({**world.environ, **own, "PATH": bare_path}, {**world.environ, "PIP_INDEX_URL": corp}):
        with Terminal(["/bin/bash", "--norc", "--noprofile", "-i"], {**environ, "PS1": "", "TERM": "xterm"}, str(world.cwd)) as terminal:
            terminal.type("stty -echo")
            terminal.type(f"{words} corp-lib")
            text = terminal.type(f"{words} corp-lib; echo status $?; {words} no-such-package; echo status $?")
        screens.append([line for line in normal(text) if not line.startswith("shim:")])

    assert screens[0] == screens[1]
    assert any("\x1b[" in line for line in screens[1]), "colours are the tool's own"


def normal(text: str) -> list[str]:
    """Return the lines on a screen, without the frames of spinners and bars, and timings, which differ from run to run."""
    text = text.replace(f"{USER}:****@", "")
    text = re.sub(r"\d+(\.\d+)? ?(ms|s|µs|ns|[kM]?B/s)\b|\d+:\d\d:\d\d", "T", text)
    lines = [line.rpartition("\r")[2] for line in text.split("\n")]
    return [line for line in lines if not re.search("[⠁-⣿]|━|\x1b\\[2K", line)]


WINDOW_WATCHER = """
import os, signal, time

def show(*_):
    rows = os.get_terminal_size(os.open("/dev/tty", os.O_RDONLY)).lines
    os.write(1, b"window of %d rows\\n" % rows)

def build_wheel(*_):
    signal.signal(signal.SIGWINCH, show)
    os.write(1, b"build" + b"ing\\n")
    while True:
        time.sleep(0.05)
"""


def test_a_window_that_changes_its_size_says_so_to_pip_and_its_builds(world: World, corp: str) -> None:
    world.use(toolchains.pip("newest"))
    project = world.cwd / "watcher"
    project.mkdir()
    (project / "watcher.py").write_text(WINDOW_WATCHER)
    (project / "pyproject.toml").write_text('[build-system]\nrequires = []\nbuild-backend = "watcher"\nbackend-path = ["."]\n')
    environ = {**world.environ, "PIP_INDEX_URL": corp, "PS1": ""}
    with Terminal(["/bin/bash", "--norc", "--noprofile", "-i"], environ, str(world.cwd)) as terminal:
        terminal.type("stty -echo")
        terminal.start("pip wheel -v --no-deps -w out ./watcher", "building")
        for rows in (20, 50):
            terminal.resize(rows, 100)
            assert terminal.until(f"window of {rows} rows").count("window of") == 1
        terminal.press("\x03")


@pytest.mark.parametrize("key", ["\x03", "\x1a"])
def test_a_key_means_to_pip_in_a_terminal_what_it_means_without_us(key: str, world: World, corp: str) -> None:
    """pip is caught in the middle of a build that goes on for ever: ^C ends it, ^Z stops it and `fg` goes on."""
    world.use(toolchains.pip("newest"))
    project = world.cwd / "slow"
    project.mkdir()
    (project / "slow.py").write_text(
        "import time\ndef build_wheel(*_):\n    while True:\n        print('build' + 'ing', flush=True)\n        time.sleep(0.05)\n"
    )
    (project / "pyproject.toml").write_text('[build-system]\nrequires = []\nbuild-backend = "slow"\nbackend-path = ["."]\n')
    ends = []
    for path in (world.environ["PATH"], world.environ["PATH"].partition(":")[2]):
        environ = {**world.environ, "PIP_INDEX_URL": corp, "PS1": "", "PATH": path}
        with Terminal(["/bin/bash", "--norc", "--noprofile", "-i"], environ, str(world.cwd)) as terminal:
            terminal.type("stty -echo")
            terminal.start("pip wheel -v --no-deps -w out ./slow", "building")
            terminal.press(key)
            if key == "\x1a":
                terminal.until("Stopped")
                terminal.start("fg", "building")  # the shell says the command's name before it has handed over the terminal
                terminal.press("\x03")
            ends.append(terminal.type("echo status $?").rpartition("status")[2])

    assert ends[0] == ends[1] != ""
