"""The record of a command knows every file that was looked at.

No reader goes around `shim/core/files.py`.

Commands are planned in all the layouts of files that the tests have, and what the journal of a plan
says is held against hooks that see every look (tests/support/hooked.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from shim.core.errors import ShimError
from shim.core.host import Host
from shim.pipeline.observing import observe
from shim.pipeline.run import make_plan
from shim.tools import load_tool
from tests.support import toolchains
from tests.support.hooked import hooked
from tests.support.pip_layouts import make_layout
from tests.support.tool_scenes import INSTALLING, PUBLISHING, TWO_SOURCES, TYPED, Scene
from tests.support.uv_layouts import Layout
from tests.support.uv_scenes import SCENES

LAYOUTS = int(os.environ.get("SHIM_TEST_LAYOUTS", "10"))
#: Where nothing answers.
PORT = 9
ORIGIN = f"http://127.0.0.1:{PORT}"
#: What a user may have written, by name: each takes other ways through the rooms.
CONFIGURATIONS = {
    "nothing": "",
    "command": 'command = { argv = ["/bin/echo", "token"] }\nmax-age = "1h"\n',
    "file": 'file = { password = "SECRET" }\nusername = "alice"\n',
    "use-as": 'use-as = "default"\ncommand = { argv = ["/bin/echo", "token"] }\n',
    "packages": 'packages = ["corp-*"]\ncommand = { argv = ["/bin/echo", "token"] }\n',
    "every source": 'source = ["netrc", "pypirc", "stored", "posit", "oidc", "known"]\n',
    "keyring": 'source = ["keyring"]\n',
}


def configure(folder: Path, name: str, environ: dict[str, str]) -> dict[str, str]:
    """Write the configuration of that name into a world; return the variables that lead to it."""
    for below in ("config/shim", "runtime", "state", "data"):
        (folder / below).mkdir(mode=0o700, parents=True)
    secret = folder / "secret"
    secret.write_text("token")
    secret.chmod(0o600)
    if name != "nothing":
        text = CONFIGURATIONS[name].replace("SECRET", str(secret))
        (folder / "config/shim/config.toml").write_text(
            f'[[index]]\nname = "corp"\nurl = "{ORIGIN}/"\non-failure = "pass"\n{text}'
        )
    return environ | {
        "XDG_CONFIG_HOME": str(folder / "config"),
        "XDG_RUNTIME_DIR": str(folder / "runtime"),
        "XDG_STATE_HOME": str(folder / "state"),
        "XDG_DATA_HOME": str(folder / "data"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }


def find_missed(tool: str, target: str, argv: tuple[str, ...], host: Host) -> dict[str, object]:
    """Plan a command; return what was looked at and is not in the journal, and vice versa."""
    with (
        hooked() as hook,
        observe(host) as (observed, journal),
        suppress(ShimError),
    ):  # what was looked at until then counts
        make_plan(load_tool(tool), tool, target, argv, observed)
    return {
        path: (ours.get(path), theirs.get(path))
        for ours, theirs in ((journal.paths, hook.paths), (journal.folders, hook.folders))
        for path in sorted({*ours, *theirs})
        if ours.get(path) != theirs.get(path)
    }


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_pip_is_planned_from_nothing_that_is_not_seen(configuration: str, tmp_path: Path) -> None:
    tool = toolchains.pip("newest")
    release = tuple(map(int, tool.version.split(".")))
    for number in range(LAYOUTS):
        folder = tmp_path / str(number)
        layout, script = make_layout(number, configuration, folder, PORT, tool, release)
        environ = configure(folder, configuration, layout.environ)
        host = Host(environ, str(folder / "work"))
        assert find_missed("pip", str(script), layout.words, host) == {}, layout.words


def make_tools(folder: Path) -> Path:
    """Make what uv keeps of a tool that it has installed; return the folder of all tools."""
    (folder / "nobody-tool").mkdir(parents=True)
    (folder / "nobody-tool/uv-receipt.toml").write_text(
        '[tool]\nrequirements = [{ name = "nobody-tool" }]\nentrypoints = []\n[tool.options]\n'
    )
    return folder


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_uv_is_planned_from_nothing_that_is_not_seen(configuration: str, tmp_path: Path) -> None:
    tool = toolchains.uv()
    release = tuple(map(int, tool.version.split(".")))
    for number in range(LAYOUTS):
        folder = tmp_path / str(number)
        layout = Layout(number, folder, [ORIGIN], make_tools(folder / "installed"), release)
        layout.play(SCENES)
        environ = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder / "home"),
            "UV_TOOL_DIR": str(folder / "tools"),
        }
        host = Host(configure(folder, configuration, environ | layout.environ), str(layout.cwd))
        assert find_missed("uv", str(tool.bin / "uv"), tuple(layout.argv), host) == {}, layout.argv


def scenes() -> Iterator[tuple[str, Scene]]:
    for table in (INSTALLING, TYPED, TWO_SOURCES, PUBLISHING):
        for name, scene in table.items():
            yield f"{name} {' '.join(scene.words[:3])}", scene


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_each_tool_is_planned_from_nothing_that_is_not_seen(
    configuration: str, tmp_path: Path
) -> None:
    missed = {}
    for number, (name, scene) in enumerate(scenes()):
        folder = tmp_path / str(number)
        urls = {key: f"{ORIGIN}/{key}/simple/" for key in ("index", "a", "b", "upload")}
        words, environ = scene.prepare(folder / "project", urls)
        target = folder / "venv/bin" / words[0]
        target.parent.mkdir(parents=True)
        target.write_text(f"#!{target.parent}/python\n")
        (folder / "venv/pyvenv.cfg").write_text("version = 3.11.7\n")
        base = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder / "home"),
            "PIP_INDEX_URL": urls["index"],
        }
        host = Host(configure(folder, configuration, base | environ), str(folder / "project"))
        if found := find_missed(words[0], str(target), tuple(words[1:]), host):
            missed[name] = found
    assert missed == {}
