"""In one command each text is parsed and each table of options built at most once.

It does not matter how many steps ask for it.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import FrameType

import pytest

from shim.config.settings import load_settings
from shim.core.errors import ConfigError
from shim.core.files import CannotRead
from shim.core.host import Host
from shim.core.model import Plan
from shim.core.toml import read_toml
from shim.formats.requirements import read_lines
from shim.pipeline.run import make_plan
from shim.tools import load_tool

#: What is counted -> file and function that does the work, and the arguments that it depends on.
PARSERS = {
    "pip.conf": ("tools/pip/config_file.py", "read_pip_config", ("text",)),
    "TOML": ("core/toml.py", "_parse", ("text",)),
    "option table": ("formats/optparse_scan.py", "read_table", ("text", "release")),
    "uv's option table": ("tools/uv/options.py", "option_table", ("verb",)),
    "requirements": ("formats/requirements.py", "_parse", ("text",)),
    "settings": ("config/settings.py", "_combine", ()),
    "pip's command line": ("tools/pip/settings.py", "scan_command", ("argv", "verb", "release")),
    "uv's command line": ("tools/uv/tool.py", "_parse", ("argv", "verb")),
}
PIP_CONF = "[global]\ntimeout = 5\n"
PYPROJECT = """\
[project]
name = "app"
version = "1"
dependencies = ["corp-lib"]
[tool.uv]
native-tls = false
"""
CONFIG = """\
[[index]]
name = "corp"
url = "https://pypi.corp.example/simple/"
use-as = "default"
on-failure = "pass"
command = { argv = ["/bin/echo", "token"] }
"""


@pytest.fixture(autouse=True)
def nothing_is_known() -> None:
    """Begin as a command does, in a process that has read nothing yet."""
    for file, function, _ in PARSERS.values():
        getattr(
            import_module(f"shim.{file.removesuffix('.py').replace('/', '.')}"), function
        ).cache_clear()


@contextmanager
def counting() -> Iterator[dict[str, Counter[object]]]:
    """Count the calls of each parser that do work: what a cache answers comes to none."""
    counted: dict[str, Counter[object]] = {name: Counter() for name in PARSERS}

    def look(frame: FrameType, event: str, _: object) -> None:
        for name, (file, function, arguments) in PARSERS.items():
            code = frame.f_code
            if (
                event == "call"
                and code.co_name == function
                and code.co_filename.endswith(f"/shim/{file}")
            ):
                counted[name][tuple(frame.f_locals[argument] for argument in arguments)] += 1

    kept = sys.getprofile()
    sys.setprofile(look)
    try:
        yield counted
    finally:
        sys.setprofile(kept)


def make_target(folder: Path, tool: str, version: str) -> str:
    """Make an environment that has a release of a tool, and return the tool's path."""
    (folder / "bin").mkdir(parents=True)
    (folder / "pyvenv.cfg").write_text("version = 3.11.7\n")
    (folder / "pip.conf").write_text(PIP_CONF)
    (folder / f"lib/python3.11/site-packages/{tool}-{version}.dist-info").mkdir(parents=True)
    (folder / "bin" / tool).write_text(
        f"#!{folder}/bin/python3.11\n" if tool == "pip" else "\x7fELF"
    )
    return str(folder / "bin" / tool)


def plan(folder: Path, tool: str, version: str, *argv: str) -> Plan:
    """Plan a command in a world that has each kind of file."""
    project = folder / "project"
    for path, text in {
        "config/shim/config.toml": CONFIG,
        "config/pip/pip.conf": PIP_CONF.replace("5", "6"),
        "config/uv/uv.toml": "native-tls = true\n",
        "project/pyproject.toml": PYPROJECT,
        "project/uv.lock": "version = 1\n",
        "project/requirements.txt": "corp-lib\n-r more.txt\n--only-binary corp-lib\n",
        "project/more.txt": "corp-more @ https://pypi.corp.example/${PLACE}/more.tar.gz\n",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    environ = {
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "XDG_CONFIG_DIRS": str(folder / "xdg"),
        "PATH": "/usr/bin:/bin",
        "SHIM_CACHE_DIR": str(folder / "cache"),  # where no settings of an earlier run are kept
    }
    if argv == ("sync",):
        environ["UV_DEFAULT_INDEX"] = "https://pypi.corp.example/simple/"
    target = make_target(folder / "venv", tool, version)
    return make_plan(
        load_tool(tool), tool, target, argv, Host(environ, str(project)), ask_indexes=False
    )


@pytest.mark.parametrize(
    ("tool", "version", "argv", "parsers"),
    [
        (
            "pip",
            "25.3",
            ("install", "-r", "requirements.txt"),
            {"pip.conf", "requirements", "pip's command line"},
        ),
        ("uv", "0.9.30", ("pip", "install", "x"), {"uv's option table", "uv's command line"}),
        ("uv", "0.9.30", ("sync",), {"uv's option table", "uv's command line"}),
    ],
    ids=["pip", "uv pip", "uv"],
)
def test_nothing_is_parsed_twice(
    tool: str, version: str, argv: tuple[str, ...], parsers: set[str], tmp_path: Path
) -> None:
    with counting() as counted:
        made = plan(tmp_path, tool, version, *argv)

    assert {answer.index for answer in made.resolutions if answer.credential} == {"corp"}
    assert {name for name, seen in counted.items() if seen} >= parsers | {
        "TOML",
        "option table",
        "settings",
    }
    repeated = {name: [what for what, n in seen.items() if n > 1] for name, seen in counted.items()}
    assert repeated == {name: [] for name in PARSERS}


def test_a_process_that_lives_on_sees_a_file_that_changed_by_no_more_than_a_letter(
    tmp_path: Path,
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(CONFIG)
    host = Host({"SHIM_CONFIG_FILE": str(file)}, str(tmp_path))
    before = file.stat()

    assert [index.name for index in load_settings(host).indexes] == ["corp"]
    file.write_text(CONFIG.replace('"corp"', '"cord"'))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert [index.name for index in load_settings(host).indexes] == ["cord"]
    assert (
        load_settings(Host({**host.environ, "SHIM_CHANNEL": "strict"}, host.cwd)).channel
        == "strict"
    )

    file.chmod(0o666)
    with pytest.raises(ConfigError, match="can be written by others"):
        load_settings(host)


def test_a_document_is_the_callers_own() -> None:
    text = "[[index]]\nsource = ['url']\n" + ".".join("x" * 900) + " = 1\n"  # Python allows 1000 parts
    document = read_toml(text)
    document["index"][0]["source"].append("netrc")
    document["index"].append({})

    assert read_toml(text)["index"][0]["source"] == ["url"]
    assert len(read_toml(text)["index"]) == 1


def test_a_text_that_is_no_toml_is_refused_each_time() -> None:
    for _ in range(2):
        with pytest.raises(CannotRead, match="is not valid TOML"):
            read_toml("a = ")


def test_variables_in_requirements_are_those_of_the_command() -> None:
    text = "-i https://${HOST}/simple/\n"
    found = [
        [line.options for line in read_lines(text, {"HOST": host})]
        for host in ("a.example", "b.example")
    ]

    assert found == [[("-i", "https://a.example/simple/")], [("-i", "https://b.example/simple/")]]
