"""Nothing where nothing is due: commands that need no index run with the very environment that the user has.

A private index with a credential is configured all the while, and the tool is told to use it.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex
from tests.support import toolchains
from tests.support.world import CANARY, USER, World

URL = "http://127.0.0.1:9/simple/"
CONFIG = f'[[index]]\nname = "corp"\nurl = "{URL}"\nusername = "{USER}"\nfile = {{ password = "{{secret}}" }}\n'
PROBE = "#!{python}\nimport json, sys\nprint(json.dumps([sys.argv[1:], open('/proc/self/environ', errors='surrogateescape').read()]))\n"

LINES = [
    "pip", "pip --version", "pip -V", "pip -v --version", "pip --help", "pip help", "pip help install", "pip install --help", "pip install -h x",
    "pip config list", "pip config debug", "pip -v config list", "pip debug", "pip cache dir", "pip completion --bash", "pip freeze", "pip list",
    "pip show x", "pip check", "pip hash x", "pip inspect", "pip uninstall -y x", "pip no-such-verb",
    "uv", "uv --version", "uv -V", "uv help", "uv --help", "uv -q --version", "uv run --help", "uv pip install --help", "uv cache dir", "uv -v cache dir",
    "uv auth token x", "uv generate-shell-completion bash", "uv self version", "uv version", "uv tool dir", "uv tool list", "uv python find",
    "uv pip freeze", "uv pip list", "uv pip show x", "uv init", "uv run --no-sync x", "uv no-such-verb",
    "uvx", "uvx --version", "uvx --help",
]  # fmt: skip


@pytest.fixture
def configured(world: World) -> World:
    secret = world.folder / "config" / "secret"
    secret.write_text(CANARY)
    secret.chmod(0o600)
    world.configure(CONFIG.replace("{secret}", str(secret)))
    world.environ |= {"PIP_INDEX_URL": URL, "UV_DEFAULT_INDEX": URL, "ODD": "é\n'\""}
    return world


def started(world: World, line: str, *, bare: bool) -> tuple[list[str], dict[str, str]]:
    """Return the argv and environment that the tool was started with, by a shell as ever, which has its own idea of `_`."""
    argv, text = json.loads(world.run("bash", "-c", f"{line}; exit", bare=bare, SHIM_REDACT="always").stdout)
    environ = dict(entry.partition("=")[::2] for entry in text.split("\0") if entry)
    environ.pop("_", None)
    return argv, environ


@pytest.mark.parametrize("line", LINES)
def test_the_environment_is_the_users_own(line: str, configured: World, tmp_path: Path) -> None:
    folder = tmp_path / "probe"
    folder.mkdir()
    for name in ("pip", "uv", "uvx"):
        (folder / name).write_text(PROBE.format(python=toolchains.python_for("3.11")))
        (folder / name).chmod(0o755)
    configured.environ["PATH"] = f"{configured.prefix / 'shims'}:{folder}:/usr/bin:/bin"
    argv, environ = started(configured, line, bare=False)
    bare_argv, bare_environ = started(configured, line, bare=True)
    # What keeps two programs of this kind from starting each other for ever; pip and uv know no such names.
    assert environ.pop("_SHIM_DEPTH") == "1"
    environ.pop("_SHIM_WORDS", None)  # where there is another one behind it
    assert environ.pop("_SHIM_LAST") == str(folder / line.split()[0])
    assert environ.pop("_SHIM_SHAPE") == "".join(f"{len(word)}:" for word in line.split()[1:])
    assert environ.pop("PATH") == f"{configured.prefix / 'shims'}:{bare_environ.pop('PATH')}"

    assert environ == bare_environ
    assert argv == bare_argv


@pytest.mark.parametrize("settings", ["none", "an index"])
@pytest.mark.parametrize("line", ["uv run --no-project env -0", "uv run --no-project uv run --no-project env -0"])
def test_what_uv_starts_finds_nothing_of_ours(line: str, settings: str, world: World) -> None:
    if settings == "an index":
        world.configure('[[index]]\nname = "corp"\nurl = "http://127.0.0.1:9/simple/"\n')
    world.use(toolchains.uv())
    for _ in range(2):  # the second time from the record
        wrapped, bare = (world.run("bash", "-c", f"{line}; exit", bare=bare) for bare in (False, True))
        names, bare_names = ({entry.partition("=")[0] for entry in result.stdout.split("\0")} for result in (wrapped, bare))

        assert wrapped.returncode == 0, wrapped.stderr
        assert names - {"_"} == bare_names - {"_"}  # the shell has its own idea of that


@pytest.mark.parametrize(
    "verb", ["config list", "config debug", "debug", "config get global.index-url", "cache dir", "freeze --all", "help"]
)
def test_what_pip_says_about_itself_has_nothing_of_ours(verb: str, configured: World) -> None:
    configured.use(toolchains.pip("newest"))
    wrapped, bare = (configured.run("pip", *verb.split(), bare=bare, SHIM_REDACT="always") for bare in (False, True))

    assert (wrapped.returncode, wrapped.stdout, wrapped.stderr) == (bare.returncode, bare.stdout, bare.stderr)


@pytest.mark.parametrize("version", ["newest", "20.3.4"])
def test_a_server_that_no_index_of_ours_names_is_asked_by_the_tool_alone(version: str, world: World, index: PrivateIndex) -> None:
    """Its files may come from any host: their servers are looked for where we hand over a credential, or an `[[index]]` names it."""
    world.use(toolchains.pip(version))
    world.configure(CONFIG.replace("127.0.0.1", "localhost").replace("{secret}", str(world.folder / "config" / "secret")))
    netrc = world.folder / "config" / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login {USER} password {CANARY}\n")
    netrc.chmod(0o600)
    words = ["pip", "download", "--no-cache-dir", "-d", world.cwd, "-i", f"http://{index.netloc}/simple/", "corp-lib"]
    asked = []
    for bare in (True, False):
        index.requests.clear()
        assert world.run(*words, bare=bare, NETRC=netrc).returncode == 0
        asked.append([*index.requests])
        next(world.cwd.glob("*.whl")).unlink()

    assert asked[0] == asked[1]
