"""Real pips against a recording server: whatever they ask, we had said they would.

Each layout is a random mixture of options, variables, configuration files and requirements files, the same in every
run. `SHIM_TEST_LAYOUTS` raises their number, `SHIM_TEST_SEED` makes others, `SHIM_TEST_PIPS=22.3.1,24.0` takes other releases.
"""

from __future__ import annotations

import base64
import os
import random
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from shim.host import Host
from shim.model import Needs
from shim.tools import pip
from shim.urls import Scope, parse_url, scope_of
from tests.support.toolchains import python_for

LAYOUTS = int(os.environ.get("SHIM_TEST_LAYOUTS", "40"))
#: (release, None for the newest; the newest Python 3 it runs on; the commands it has).
SEED = int(os.environ.get("SHIM_TEST_SEED", "0"))
OLDEST = ("20.3.4", ("3.9", "3.8", "3.10", "3.11"), ("install", "download", "wheel"))
MIDDLE = ("23.2.1", ("3.11", "3.12", "3.10"), ("install", "download", "wheel", "index"))
NEWEST = (None, ("3.11", "3.12", "3.13"), ("install", "download", "wheel", "lock", "index"))
PIPS = [(version, MIDDLE[1], MIDDLE[2][:3]) for version in os.environ.get("SHIM_TEST_PIPS", "").split(",") if version] or [
    OLDEST,
    MIDDLE,
    NEWEST,
]
PASSWORD = "not-a-real-password"


class Recorder(ThreadingHTTPServer):
    """Answers 404, or an empty requirements file, and remembers every URL that was asked.

    It is an https proxy as well, which refuses, and knows by the proxy's user name which layout asked.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: Recorder

    def do_GET(self) -> None:
        self.server.asked.append(f"http://{self.headers['Host']}{self.path}")
        is_input = self.path.endswith(".txt")
        self.send_response(200 if is_input else 404)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815

    def do_CONNECT(self) -> None:
        user = base64.b64decode(self.headers["Proxy-Authorization"].removeprefix("Basic ")).decode().partition(":")[0]
        self.server.asked.append(f"https://{self.path.removesuffix(':443')}/{user}/")
        self.send_error(502)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    server = Recorder()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass(frozen=True)
class RealPip:
    """An interpreter, the folder with pip's unpacked wheel, and pip's commands that ask an index."""

    python: str
    site: Path
    verbs: tuple[str, ...]


@pytest.fixture(scope="module", params=PIPS, ids=lambda release: release[0] or "newest")
def real_pip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> RealPip:
    """One pip, from the index that this machine is configured for."""
    version, pythons, verbs = request.param
    folder = tmp_path_factory.mktemp("pip")
    wanted = f"pip=={version}" if version else "pip"
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:", "-d", str(folder)]
    subprocess.run([*command, wanted], check=True, timeout=120)
    (wheel,) = folder.glob("pip-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    python = str(python_for(*pythons))
    # Byte-compiled once, or each of the runs would do it again.
    subprocess.run([python, "-m", "compileall", "-q", str(folder / "site")], check=False, timeout=120)
    return RealPip(python, folder / "site", verbs)


@dataclass
class Layout:
    """One command with its surroundings, built below `folder`; its URLs all begin with `/L<number>/`."""

    number: int
    folder: Path
    port: int
    chance: random.Random
    argv: list[str] = field(default_factory=list)
    environ: dict[str, str] = field(default_factory=dict)
    names: int = 0
    asks_direct: bool = False

    def fresh(self) -> str:
        self.names += 1
        return f"n{self.names}"

    def url(self, kind: str = "simple") -> str:
        host = self.chance.choice(["127.0.0.1", "localhost"])
        user = self.chance.choice(["", "", "", "alice@", f"alice:{PASSWORD}@", f"token%40x:{PASSWORD}@"])
        slash = "/" if kind == "simple" and self.chance.random() < 0.5 else ""
        return f"http://{user}{host}:{self.port}/L{self.number}/{self.fresh()}/{kind}{slash}"

    def write(self, path: str, text: str) -> Path:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return target


def make_environment(layout: Layout, real: RealPip) -> Path:
    """Make a virtual environment whose site-packages is the unpacked pip; return its `pip` script."""
    minor = os.path.basename(real.python).removeprefix("python3.")
    prefix = layout.folder / "environment"
    library = prefix / "lib" / f"python3.{minor}"
    library.mkdir(parents=True)
    (library / "site-packages").symlink_to(real.site)
    (prefix / "bin").mkdir()
    (prefix / "bin" / "python").symlink_to(real.python)
    layout.write("environment/pyvenv.cfg", f"home = {os.path.dirname(real.python)}\nversion = 3.{minor}\n")
    text = f"#!{prefix}/bin/python\nimport sys\nfrom pip._internal.cli.main import main\nsys.exit(main())\n"
    script = layout.write("environment/bin/pip", text)
    script.chmod(0o755)
    return script


def add_argv(layout: Layout) -> None:
    spellings: list[Callable[[str], list[str]]] = [
        lambda url: ["-i", url],
        lambda url: ["-i" + url],
        lambda url: ["-qi", url],
        lambda url: ["-qqi" + url],
        lambda url: ["--index-url=" + url],
        lambda url: ["--index-u", url],
        lambda url: ["--pypi-url", url],
        lambda url: ["--extra-index-url", url],
        lambda url: ["--extra-i=" + url],
        lambda url: ["-f", url],
        lambda url: ["--find-l", url],
    ]
    for _ in range(layout.chance.choice([0, 0, 1, 2, 3])):
        layout.argv += layout.chance.choice(spellings)(layout.url())
    if layout.chance.random() < 0.15:
        layout.argv.append(layout.chance.choice(["--no-index", "--no-ind"]))
    if layout.chance.random() < 0.15:
        layout.argv.append("--isolated")
    layout.chance.shuffle(pairs := _pairs(layout.argv))
    layout.argv = [word for pair in pairs for word in pair]


def _pairs(argv: list[str]) -> list[list[str]]:
    """Group options with their values, so that they can change places."""
    groups: list[list[str]] = []
    for word in argv:
        if word.startswith("-") or not groups:
            groups.append([word])
        else:
            groups[-1].append(word)
    return groups


def add_environment(layout: Layout) -> None:
    choices: dict[str, Callable[[], str]] = {
        "PIP_INDEX_URL": layout.url,
        "PIP_index_url": layout.url,
        "PIP_EXTRA_INDEX_URL": lambda: f" {layout.url()}\n{layout.url()} ",
        "PIP_FIND_LINKS": layout.url,
        "PIP_NO_INDEX": lambda: layout.chance.choice(["0", "false", "1", "yes"]),
        "PIP_REQUIREMENT": lambda: str(add_requirements(layout)),
        "PIP_CONSTRAINT": lambda: layout.url("constraints.txt"),
    }
    for name in layout.chance.sample(list(choices), layout.chance.choice([0, 1, 1, 2])):
        layout.environ[name] = "" if layout.chance.random() < 0.15 else choices[name]()


def add_configuration(layout: Layout, verb: str) -> None:
    folders = ["xdg/pip", "home/.pip", "home/.config/pip", "environment"]
    files = [*(f"{folder}/pip.conf" for folder in folders), "named.conf"]
    for file in layout.chance.sample(files, layout.chance.choice([0, 1, 2, 3])):
        lines = ["# who wrote this?", ""]
        for section in layout.chance.sample(["global", verb, "freeze"], layout.chance.choice([1, 2])):
            index = layout.chance.choice(["index-url", "index_url", "Index-URL", "--index-url"])
            values = {
                index: layout.url(),
                "extra-index-url": f"\n    {layout.url()}\n    ; not this\n    {layout.url()}",
                "find-links": layout.url(),
                "no-index": layout.chance.choice(["0", "true"]) if layout.chance.random() < 0.3 else "no",
            }
            lines.append(f"[{section}]")
            keys = layout.chance.sample(list(values), layout.chance.choice([1, 2]))
            lines += [f"{key}{layout.chance.choice([' = ', '=', ': '])}{values[key]}" for key in keys]
        layout.write(file, "\n".join(lines) + "\n")
    named = layout.chance.choice([None, None, "named.conf", "missing.conf", os.devnull])
    if named:
        layout.environ["PIP_CONFIG_FILE"] = str(layout.folder / named)


def add_requirements(layout: Layout, depth: int = 0) -> Path:
    """Write a requirements file, and those it includes; return the first one's path."""
    chance = layout.chance
    layout.environ["SECRET_PART"] = f"alice:{PASSWORD}@"
    lines: dict[str, Callable[[], str]] = {
        "index": lambda: f"--index-url {layout.url()}",
        "short": lambda: f"-i{layout.url()}  # with a comment",
        "extra": lambda: f"--extra-index-url={layout.url()} --extra-index-url {layout.url()}",
        "extra again": lambda: f"--extra-index-url \\\n    {layout.url()}",
        "variable": lambda: f"--extra-i http://${{SECRET_PART}}localhost:{layout.port}/L{layout.number}/{layout.fresh()}/v",
        "links": lambda: f"-f {layout.url()} -f {layout.url()}",
        "quoted": lambda: f"--find-links '{layout.url()}'",
        "no index": lambda: "--no-index" if chance.random() < 0.3 else "--pre",
        "beside": lambda: f"nobody-has-this --index-url {layout.url()}",
        "commented": lambda: f"# --index-url {layout.url()}",
        "nested": lambda: f"-r {add_requirements(layout, depth + 1).name}" if depth < 2 else "",
        "constraint": lambda: f"-c {add_requirements(layout, depth + 1).name} -i {layout.url()}" if depth < 2 else "",
        "remote": lambda: f"-r {layout.url('more.txt')}",
    }
    text = "\n".join(lines[kind]() for kind in chance.sample(list(lines), chance.choice([1, 2, 4])))
    return layout.write(f"work/{layout.fresh()}.txt", text + "\n")


def make_layout(number: int, folder: Path, port: int, real: RealPip) -> tuple[Layout, Path, tuple[str, ...]]:
    """Return a layout, its pip, and the argv after `pip`."""
    layout = Layout(number, folder, port, random.Random(SEED + number))
    (folder / "work").mkdir(parents=True)
    (folder / "home").mkdir()
    script = make_environment(layout, real)
    verb = layout.chance.choice(real.verbs)
    add_argv(layout)
    add_environment(layout)
    add_configuration(layout, verb)
    takes_requirements = verb != "index"
    if takes_requirements and layout.chance.random() < 0.5:
        layout.argv += [layout.chance.choice(["-r", "-c", "--requirement"]), add_requirements(layout).name]
    if takes_requirements and layout.chance.random() < 0.15:
        layout.argv += ["-r", layout.url("remote.txt")]
    if takes_requirements and layout.chance.random() < 0.1:
        layout.asks_direct = True
        layout.argv.append(f"direct @ {layout.url('direct-1.0-py3-none-any.whl')}")
    general = ["--no-input", "--disable-pip-version-check", "--retries", "0", "--timeout", "20", "--no-cache-dir"]
    layout.environ |= {
        "HOME": str(folder / "home"),
        "PATH": "/usr/bin:/bin",
        "XDG_CONFIG_DIRS": str(folder / "xdg"),
        "TMPDIR": str(folder),
        "https_proxy": f"http://L{number}:x@127.0.0.1:{port}",
    }
    return layout, script, (*general, verb, *layout.argv, *(["versions"] if verb == "index" else []), "nobody-has-this")


def describe_difference(layout: Layout, needs: Needs, asked: list[str]) -> list[str]:
    """Return what pip asked that we had not said, and what we said that it did not ask."""
    scopes = [scope_of(need.url) for need in needs.items]
    missing = [url for url in asked if not any(covers(scope, url) for scope in scopes)]
    idle = [str(scope) for scope in scopes if not any(covers(scope, url) for url in asked)]
    if layout.asks_direct:
        # pip stops at the first direct URL that is not there.
        idle = []
    return [f"asked and not foreseen: {url}" for url in missing] + [f"foreseen and not asked: {url}" for url in idle]


def covers(scope: Scope, url: str) -> bool:
    if url.startswith("https:"):
        return scope.host == parse_url(url).host
    return scope.covers(parse_url(url))


def run_layout(number: int, tmp_path: Path, recorder: Recorder, real: RealPip) -> list[str]:
    layout, script, argv = make_layout(number, tmp_path / str(number), recorder.server_port, real)
    host = Host(environ=layout.environ, cwd=str(layout.folder / "work"))
    invocation = pip.read_invocation("pip", argv, host, str(script))
    assert invocation.touches_index
    needs = pip.read_needs(invocation, host)
    command = [str(script), *argv]
    run = subprocess.run(command, env=layout.environ, cwd=host.cwd, capture_output=True, text=True, timeout=120, check=False)
    asked = list(dict.fromkeys(url for url in recorder.asked if f"/L{number}/" in url))
    differences = describe_difference(layout, needs, asked)
    return [f"layout {number}: {line}\n  {argv}\n  {run.stderr[-600:]}" for line in differences]


def test_a_real_pip_asks_what_was_foreseen_and_nothing_else(real_pip: RealPip, recorder: Recorder, tmp_path: Path) -> None:
    recorder.asked.clear()
    with ThreadPoolExecutor(2) as pool:
        differences = list(pool.map(lambda number: run_layout(number, tmp_path, recorder, real_pip), range(LAYOUTS)))
    shutil.rmtree(tmp_path)
    assert [line for lines in differences for line in lines] == []
    assert len({url.split("/")[3] for url in recorder.asked if "/L" in url}) > LAYOUTS // 2
