"""What tox, nox and hatch tell their pips in files of their own gets the credential; a stranger's index there offers the name as well."""

from __future__ import annotations

from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex
from tests.support import toolchains
from tests.support.bait import make_stranger
from tests.support.world import CANARY, USER, World

SAY = 'python -c "import corp_lib; print(corp_lib.VALUE)"'
#: Program -> its file, with {corp} and {open}, and what is typed.
PROGRAMS = {
    "tox": (
        "tox.ini",
        "[testenv]\npackage = skip\nset_env =\n  PIP_INDEX_URL = {corp}\n  PIP_EXTRA_INDEX_URL = {open}\ndeps = corp-lib<9\ncommands = "
        + SAY,
        ("tox", "-q", "-e", "py"),
    ),
    "nox": (
        "noxfile.py",
        ("import nox\nnox.options.default_venv_backend = 'venv'\n@nox.session\ndef a(session):\n"
        "    session.install('-i', '{corp}', '--extra-index-url', '{open}', 'corp-lib<9')\n"
        "    session.run('python', '-c', 'import corp_lib; print(corp_lib.VALUE)')\n"),
        ("nox", "-s", "a"),
    ),
    "hatch": (
        "hatch.toml",
        ('[envs.default]\nskip-install = true\ninstaller = "pip"\ndependencies = ["corp-lib<9"]\n'
        '[envs.default.env-vars]\nPIP_INDEX_URL = "{corp}"\nPIP_EXTRA_INDEX_URL = "{open}"\n'),
        ("hatch", "run", "python", "-c", "import corp_lib; print(corp_lib.VALUE)"),
    ),
}


@pytest.mark.long
@pytest.mark.parametrize("name", PROGRAMS)
def test_an_index_in_a_file_of_its_own_gets_the_credential(
    name: str, tmp_path: Path, world: World, wrapped: Path, index: PrivateIndex
) -> None:
    file, text, words = PROGRAMS[name]
    world.prefix = wrapped
    world.use(toolchains.program(name))
    del world.environ["VIRTUAL_ENV"]
    with make_stranger(tmp_path / "public", "0.9") as stranger:
        corp, other = (
            f"http://{index.netloc}/simple/",
            stranger.url.replace("127.0.0.1", "localhost"),
        )
        world.configure(
            f'[[index]]\nname = "corp"\nurl = "{corp}"\nusername = "{USER}"\nenv = {{ password = "CORP_TOKEN" }}\n'
            f'[[index]]\nname = "open"\nurl = "{other}"\non-failure = "pass"\n'
        )
        (world.cwd / file).write_text(text.replace("{corp}", corp).replace("{open}", other))
        if name == "hatch":
            project = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n[project]\nname = "p"\nversion = "1"\n'
            (world.cwd / "pyproject.toml").write_text(project)
        variables = {"CORP_TOKEN": CANARY}
        done = world.run(*words, timeout=300, **variables)

    assert done.returncode == 0, done.stderr + done.stdout
    assert "1" in (done.stdout + done.stderr).splitlines()
