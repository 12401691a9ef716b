"""pipenv is told of indexes by variables and options of its own as well."""

from __future__ import annotations

from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex
from tests.support import toolchains
from tests.support.world import CANARY, USER, World

PIPFILE = (
    '[[source]]\nname = "pypi"\nurl = "https://pypi.org/simple"\nverify_ssl = true\n[packages]\n'
)


@pytest.mark.long
@pytest.mark.parametrize("way", ["option", "option with =", "variable"])
def test_a_mirror_gets_the_credential(
    way: str, world: World, wrapped: Path, index: PrivateIndex
) -> None:
    world.prefix = wrapped
    world.use(toolchains.program("pipenv"))
    url = f"http://{index.netloc}/simple/"
    world.configure(
        f'[[index]]\nname = "corp"\nurl = "{url}"\nusername = "{USER}"\nenv = {{ password = "CORP_TOKEN" }}\n'
    )
    world.environ |= {
        "CORP_TOKEN": CANARY,
        "PIPENV_NOSPIN": "1",
        "PIPENV_PYTHON": str(toolchains.python_for("3.11")),
    }
    del world.environ["VIRTUAL_ENV"]
    (world.cwd / "Pipfile").write_text(PIPFILE)
    words = {
        "option": ["--pypi-mirror", url],
        "option with =": [f"--pypi-mirror={url}"],
        "variable": [],
    }[way]
    environ = {} if words else {"PIPENV_PYPI_MIRROR": url}
    done = world.run("pipenv", "lock", *words, timeout=300, **environ)
    assert done.returncode == 0, done.stderr
    done = world.run("pipenv", "install", *words, "corp-lib", timeout=300, **environ)

    assert done.returncode == 0, done.stderr
    assert '"corp-lib"' in (world.cwd / "Pipfile.lock").read_text()
