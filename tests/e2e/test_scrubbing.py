"""The real tool's argv has no secret in it, wherever one was typed, and the rest of the line is as typed.

Stand-ins write down what they were started with; that results are the same is held by the matrices, with the real tools.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.support import toolchains
from tests.support.toolchains import Tool
from tests.support.world import CANARY, USER, World

#: Nobody listens there. `URL` in a line is an index there with user and password, `NAMED` with the user alone, `CLEAN` without both.
CLEAN = "http://127.0.0.1:9/simple/"
NAMED = f"http://{USER}@127.0.0.1:9/simple/"
URL = f"http://{USER}:{CANARY}@127.0.0.1:9/simple/"

#: What is typed -> what the tool gets, where that is more than the userinfo cut out of the URL.
LINES = {
    "pip install -i URL x": "",
    "pip install -iURL x": "",
    "pip install -qi URL x": "",
    "pip install --index-url=URL x": "",
    "pip install --index-u URL x": "",
    "pip install --pypi-url URL x": "",
    "pip install --extra-index-url URL -i CLEAN x": "",
    "pip install -i URL -i CLEAN x": "",
    "pip install --no-index -f URL x": "",
    "pip install --no-index --find-links=URL x": "",
    "pip install -r URLreq.txt": "",
    "pip install -c URLreq.txt x": "",
    "pip install URLx-1-py3-none-any.whl": "",
    "pip install x@URLx-1.tar.gz": "",
    "pip install -i URL git+ssh://git@127.0.0.1/x.git": "",
    "pip download -i URL x": "",
    "pip wheel -i URL x": "",
    "pip index versions -i URL x": "",
    "pip list -o -i URL": "",
    "pip list -i URL": "",
    "pip lock -i URL x": "",
    "pip install --proxy http://USER:SECRET@127.0.0.1:9 x": "pip install x",
    "pip install --proxy=USER:SECRET@127.0.0.1:9 x": "pip install x",
    "uv pip install -i URL x": "",
    "uv pip install --index-url URL x": "",
    "uv pip install --default-index=corp=URL x": "",
    "uv pip install --index corp=URL x": "",
    "uv pip install --extra-index-url URL x": "",
    "uv pip install --no-index -f URL x": "",
    "uv pip install -r URLreq.txt": "",
    "uv pip install URLx-1-py3-none-any.whl": "",
    "uv pip install x@URLx-1.tar.gz": "",
    "uv pip compile --index-url URL a.in": "",
    "uv pip list --index-url URL": "",
    "uv sync --index URL": "",
    "uv sync --offline --index URL": "",
    "uv lock --default-index URL": "",
    "uv add --index URL x": "",
    "uv run --index URL x": "",
    "uv run --no-sync --index URL x": "",
    "uv run --no-project -i URL x": "",
    "uv run --with x@URLx-1.tar.gz x": "",
    "uv tool install --index URL x": "uv tool install --index NAMED x",  # as the bare uv's receipt has it
    "uv build --index URL": "",
    "uvx --index URL x": "",
    "uvx --from x@URLx-1.tar.gz x": "",
    "uv publish --publish-url URL f": "",
    "uv publish --publish-url CLEAN --check-url URL --token SECRET f": "uv publish --publish-url CLEAN --check-url CLEAN f",
    "uv publish -tSECRET f": "uv publish f",
    "uv publish -u USER -p SECRET f": "uv publish f",
}  # fmt: skip
#: Where nobody can take it out: docs/security.md names each of these.
IMPOSSIBLE = [
    "pip install git+URLx.git",
    "pip install x@git+URLx.git",
    "pip install -e git+URLx.git#egg=x",
    "pip -q config set global.index-url URL",
    "pip --isolated install --proxy USER:SECRET@127.0.0.1:9 x",
    "uv pip install git+URLx.git",
    "uv -q auth login --password SECRET CLEAN",
    "uv run --no-sync x URL",
]
STAND_IN = "#!{python}\nimport json, sys\njson.dump(sys.argv[1:], open({out!r}, 'w'))\n"


def filled(line: str) -> list[str]:
    names = {"URL": URL, "CLEAN": CLEAN, "NAMED": NAMED, "SECRET": CANARY, "USER": USER}
    for name, value in names.items():
        line = line.replace(name, value)
    return line.split()


def stand_in(world: World, real: Tool, name: str) -> Path:
    """Put a program behind the launcher that looks like the real tool on disk; return the file that it writes its argv to."""
    folder, out = world.folder / "behind", world.folder / "argv.json"
    (folder / "bin").mkdir(parents=True)
    (folder / "lib").symlink_to(real.bin.parent / "lib")
    (folder / "bin" / "python").symlink_to(real.python)
    shutil.copy(real.bin.parent / "pyvenv.cfg", folder / "pyvenv.cfg")
    (folder / "bin" / name).write_text(STAND_IN.format(python=folder / "bin" / "python", out=str(out)))
    (folder / "bin" / name).chmod(0o755)
    world.environ["PATH"] = f"{world.prefix / 'shims'}:{folder / 'bin'}:/usr/bin:/bin"
    world.vaults.append(out)
    return out


def run(line: str, world: World) -> list[str]:
    name, *_ = line.split()
    out = stand_in(world, toolchains.pip("newest") if name == "pip" else toolchains.uv(), name)
    result = world.run(*filled(line))
    assert result.returncode == 0, result.stderr
    argv = [name, *json.loads(out.read_text())]
    os.unlink(out)
    return argv


@pytest.mark.parametrize("line", LINES)
def test_what_was_typed_as_a_secret_is_not_in_the_tools_argv(line: str, world: World) -> None:
    assert run(line, world) == filled((LINES[line] or line).replace("URL", "CLEAN"))


@pytest.mark.parametrize("line", IMPOSSIBLE)
def test_a_line_that_nobody_can_change_reaches_the_tool_as_typed(line: str, world: World) -> None:
    assert run(line, world) == filled(line)
