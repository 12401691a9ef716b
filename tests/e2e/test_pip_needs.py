"""Real pips against a recording server: whatever they ask, we had said they would, and nothing more.

Each layout (tests/support/pip_layouts.py) is a random mixture, the same in every run. `SHIM_TEST_LAYOUTS` raises their number,
`SHIM_TEST_SEED` makes others, `SHIM_TEST_PIPS=22.3.1,24.0` takes other releases.

Differences that stay, and why:

* Foreseen, not always asked: the indexes of a command that takes all from URLs, and those that build constraints name (asked only when
  something is built); URLs in constraints (only if that package is wanted); files of a lock or page on disk for other machines.
* Asked, not foreseen: servers that pages or files on *other* servers name (nobody can know them; `unknown` names the files); extra
  indexes of variables and pip.conf that a requirements file has replaced, which the check for a newer pip and the pip that installs
  what builds a project still ask; that second pip reads the variables even where the first is `--isolated`. A command must not be
  stopped for an index that it most likely leaves alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shim.core.host import Host
from shim.core.model import Endpoints
from shim.core.urls import Scope, parse_url, scope_of
from shim.tools.installed_version import parse_version
from shim.tools.pip import tool
from tests.support import toolchains
from tests.support.pip_layouts import Layout, make_layout
from tests.support.pip_recorder import Recorder
from tests.support.toolchains import Tool

LAYOUTS = int(os.environ.get("SHIM_TEST_LAYOUTS", "30"))
SEED = os.environ.get("SHIM_TEST_SEED", "")
PIPS = os.environ.get("SHIM_TEST_PIPS", "20.3.4,23.2.1,newest").split(",")


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    server = Recorder()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module", params=PIPS)
def real_pip(request: pytest.FixtureRequest) -> Tool:
    return toolchains.pip(request.param)


def describe_difference(layout: Layout, endpoints: Endpoints, asked: list[str]) -> list[str]:
    """Return what pip asked that we had not said, and what we said that it did not ask.

    A command that takes all it installs from URLs asks its indexes only when something has to be built: they stay needs.
    """
    missing = [url for url in asked if not any(covers(scope_of(endpoint.url), url) for endpoint in endpoints.items)]
    surely = [endpoint for endpoint in endpoints.items if layout.asks_indexes or endpoint.role in ("direct", "input")]
    idle = [endpoint.url for endpoint in surely if not any(covers(scope_of(endpoint.url), url) for url in asked)]
    return [f"asked and not foreseen: {url}" for url in missing] + [f"foreseen and not asked: {url}" for url in idle]


def covers(scope: Scope, url: str) -> bool:
    if url.startswith("https:"):
        return scope.host == parse_url(url).host
    return scope.covers(parse_url(url))


def run_layout(number: int, tmp_path: Path, recorder: Recorder, real: Tool) -> list[str]:
    folder = tmp_path / str(number)
    layout, script = make_layout(number, SEED, folder, recorder.server_port, real, parse_version(real.version))
    host = Host(environ=layout.environ, cwd=str(folder / "work"))
    invocation = tool.read_invocation("pip", layout.words, host, str(script))
    assert invocation.touches_index, layout.words
    endpoints = tool.read_endpoints(invocation, host)
    command = [str(script), *layout.words]
    run = subprocess.run(command, env=layout.environ, cwd=host.cwd, capture_output=True, text=True, timeout=120, check=False)
    asked = list(dict.fromkeys(url for url in recorder.asked if f"/L{number}/" in url))
    shutil.rmtree(folder)
    return [f"layout {number}: {line}\n{tell(layout)}\n{run.stderr[-600:]}" for line in describe_difference(layout, endpoints, asked)]


def tell(layout: Layout) -> str:
    return f"  {layout.words}\n  { ({name: value for name, value in layout.environ.items() if name.startswith('PIP_')}) }"


def test_a_real_pip_asks_what_was_foreseen_and_nothing_else(real_pip: Tool, recorder: Recorder, tmp_path: Path) -> None:
    recorder.asked.clear()
    with ThreadPoolExecutor(2) as pool:
        differences = list(pool.map(lambda number: run_layout(number, tmp_path, recorder, real_pip), range(LAYOUTS)))
    assert [line for lines in differences for line in lines] == []
    assert len({url.split("/")[3] for url in recorder.asked if "/L" in url}) > LAYOUTS // 2
