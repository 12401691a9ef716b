"""`use-as`: one configured index for every tool that names none itself, and never over what the user or the project says.

pypi.org is played by a recording server, which has every package called `known-...`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from shim.cli.demo.packages import build_wheel
from shim.cli.demo.server import PrivateIndex
from tests.support import toolchains
from tests.support.recorder import Recorder
from tests.support.world import CANARY, USER, World

SHARED = "known-a-p"
PYPI = "[[index]]\nname = 'pypi'\nurl = 'https://pypi.org/simple/'\nuse-as = '{}'\n"
TOOLS = {
    "pip": ("pip", "newest"),
    "pip-old": ("pip", "23.2.1"),
    "uv": ("uv", "newest"),
    "uv-old": ("uv", "0.5.31"),
}


@pytest.fixture(scope="module")
def pypi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    made = Recorder(tmp_path_factory.mktemp("certificates"))
    yield made
    made.close()


@pytest.fixture
def corp(packages: tuple[str, dict[str, list[str]]]) -> Iterator[PrivateIndex]:
    """The private index, which also has a package of a name that is on pypi.org, in a lower version."""
    folder, files = packages
    name = build_wheel(folder, SHARED, {"known_a_p.py": "ORIGIN = 'corp'\n"}, version="0.5")
    with PrivateIndex(folder, {**files, SHARED: [name]}, USER, CANARY) as served:
        yield served


@pytest.fixture
def own(world: World, corp: PrivateIndex, pypi: Recorder) -> World:
    pypi.asked.clear()
    world.environ |= {**pypi.environ, "PIP_CERT": pypi.environ["SSL_CERT_FILE"], "PIP_CONFIG_FILE": os.devnull}
    configure(world, corp, "use-as = 'default'")
    return world


def configure(world: World, corp: PrivateIndex, *lines: str, more: str = "") -> None:
    program = world.folder / "config" / "give-secret"
    program.write_text(f"#!/bin/sh\necho {CANARY}\n")
    program.chmod(0o700)
    said = "\n".join(lines)
    table = f"[[index]]\nname = 'corp'\nurl = 'http://{corp.netloc}/simple/'\nusername = '{USER}'\ncommand = {{ argv = ['{program}'] }}\n{said}\n"
    world.configure(table + more)


def use(world: World, label: str) -> str:
    name, version = TOOLS[label]
    world.use(toolchains.uv(version) if name == "uv" else toolchains.pip(version))
    return name


def installing(name: str, world: World, *words: str) -> list[str]:
    start = ["uv", "pip"] if name == "uv" else ["pip"]
    return [*start, "install", "--target", str(world.folder / "installed"), *words]


def explain(world: World, *words: str) -> dict[str, object]:
    result = world.shim("explain", "--json", "--", *words)
    assert result.returncode == 0, result.stderr
    found: dict[str, object] = json.loads(result.stdout)
    return found


def asked(pypi: Recorder) -> list[str]:
    return [url for _, url in pypi.asked if "pypi.org/simple/" in url]


@pytest.mark.parametrize("label", TOOLS)
def test_a_command_that_names_no_index_asks_the_configured_one_alone(label: str, own: World, corp: PrivateIndex, pypi: Recorder) -> None:
    name = use(own, label)
    result = own.run(*installing(name, own, "corp-lib"))

    assert result.returncode == 0, result.stderr
    assert (own.folder / "installed" / "corp_lib.py").is_file()
    assert USER in {user for _, user, _ in corp.requests}
    assert asked(pypi) == []


@pytest.mark.parametrize("label", ["pip", "pip-old", "uv"])
def test_private_build_requirements_come_from_there_and_builds_see_no_secret(
    label: str, own: World, corp: PrivateIndex, report: Path
) -> None:
    report.unlink(missing_ok=True)
    name = use(own, label)
    result = own.run(*installing(name, own, "corp-sdist"))

    assert result.returncode == 0, result.stderr
    seen = report.read_text()
    assert f"http://{corp.netloc}/simple/" in seen
    assert CANARY not in seen


@pytest.mark.parametrize(
    "words",
    [
        ["wheel", "--no-deps", "-w", "out", "corp-lib"],
        ["download", "--no-deps", "-d", "out", "corp-lib"],
        ["index", "versions", "corp-lib"],
        ["install", "--dry-run", "--find-links", "nowhere", "corp-lib"],
    ],
    ids=lambda words: words[0],
)
def test_pips_other_verbs_take_it_too(words: list[str], own: World, pypi: Recorder) -> None:
    use(own, "pip")
    result = own.run("pip", *words)

    assert result.returncode == 0, result.stderr
    assert asked(pypi) == []


def test_uvx_and_uv_tool_take_it_too(own: World, corp: PrivateIndex, pypi: Recorder, packages: tuple[str, dict[str, list[str]]]) -> None:
    entry = {
        "corp_lib.py": "def main():\n    print('ran')\n",
        "corp_lib-2.0.dist-info/entry_points.txt": "[console_scripts]\ncorp-lib = corp_lib:main\n",
    }
    corp._files["corp-lib"] = [build_wheel(packages[0], "corp-lib", entry, version="2.0")]
    use(own, "uv")
    own.environ |= {"UV_TOOL_DIR": str(own.folder / "tools"), "UV_TOOL_BIN_DIR": str(own.folder / "bin")}

    assert own.run("uvx", "corp-lib").stdout == "ran\n"
    installed = own.run("uv", "tool", "install", "corp-lib")
    assert installed.returncode == 0, installed.stderr
    assert own.run("uv", "tool", "upgrade", "corp-lib").returncode == 0
    assert asked(pypi) == []


def named_by_option(world: World) -> tuple[list[str], dict[str, str]]:
    return ["--index-url", "https://pypi.org/simple/"], {}


def named_by_variable(world: World) -> tuple[list[str], dict[str, str]]:
    return [], {"PIP_INDEX_URL": "https://pypi.org/simple/", "UV_INDEX_URL": "https://pypi.org/simple/"}


def named_by_file(world: World) -> tuple[list[str], dict[str, str]]:
    (world.cwd / "own.conf").write_text("[global]\nindex-url = https://pypi.org/simple/\n")
    (world.cwd / "uv.toml").write_text("[[index]]\nurl = 'https://pypi.org/simple/'\ndefault = true\n")
    return [], {"PIP_CONFIG_FILE": str(world.cwd / "own.conf")}


def named_by_requirements(world: World) -> tuple[list[str], dict[str, str]]:
    (world.cwd / "requirements.txt").write_text("--index-url https://pypi.org/simple/\n")
    return ["-r", "requirements.txt"], {}


def extra_on_disk(world: World) -> tuple[list[str], dict[str, str]]:
    (world.cwd / "simple").mkdir()
    return ["--extra-index-url", f"file://{world.cwd}/simple"], {}


@pytest.mark.parametrize("naming", [named_by_option, named_by_variable, named_by_file, named_by_requirements, extra_on_disk])
@pytest.mark.parametrize("label", ["pip", "uv"])
def test_what_the_user_or_the_project_names_goes_before_it(
    label: str, naming: object, own: World, corp: PrivateIndex, pypi: Recorder
) -> None:
    name = use(own, label)
    words, environ = naming(own)  # type: ignore[operator]
    result = own.run(*installing(name, own, *words, SHARED), **environ)

    assert result.returncode == 0, result.stderr
    assert corp.requests == []
    assert asked(pypi)


@pytest.mark.parametrize("label", ["pip", "uv"])
def test_an_extra_index_that_keeps_the_private_default_away_is_said(label: str, own: World, corp: PrivateIndex) -> None:
    """Else the name of a private package would be taken from pypi.org without a word, because a project names one more index."""
    name = use(own, label)
    (own.cwd / "requirements.txt").write_text("--extra-index-url https://b.corp.example/simple/\n")
    result = own.run(*installing(name, own, "-r", "requirements.txt", SHARED))

    assert "https://pypi.org/simple is asked and corp is not, since" in result.stderr
    assert "requirements.txt:1 names an index" in result.stderr
    assert corp.requests == []


@pytest.mark.parametrize("words", [["--isolated"], ["--no-index"]])
def test_pip_that_is_to_read_no_settings_or_ask_nobody_gets_nothing(words: list[str], own: World) -> None:
    use(own, "pip")
    assert explain(own, "pip", "install", *words, "corp-lib")["environ"] == {}


@pytest.mark.parametrize("uses", ["private default", "public default", "no default"])
def test_uv_takes_a_name_from_the_private_index_whatever_it_is_used_as(uses: str, own: World, corp: PrivateIndex, pypi: Recorder) -> None:
    private, public = {"private default": ("default", PYPI.format("extra")), "public default": ("extra", PYPI.format("default"))}.get(
        uses, ("extra", "")
    )
    configure(own, corp, f"use-as = '{private}'", more=public)
    use(own, "uv")
    result = own.run(*installing("uv", own, SHARED, "known-b-p"))

    assert result.returncode == 0, result.stderr
    assert (own.folder / "installed" / "known_a_p.py").read_text() == "ORIGIN = 'corp'\n"
    assert [url for url in asked(pypi) if SHARED in url] == []
    assert explain(own, "uv", "pip", "install", "x")["use_as"] == [
        f"asks corp, then {'pypi' if public else 'pypi.org'}: uv takes a package from the first of them that has the name"
    ]


def test_pip_beside_a_public_index_is_told_what_that_means(own: World, corp: PrivateIndex) -> None:
    """pip takes the higher version: so it does with a pip.conf, and explain and doctor say so."""
    configure(own, corp, "use-as = 'default'", more=PYPI.format("extra"))
    use(own, "pip")
    result = own.run(*installing("pip", own, SHARED))
    doctor = own.shim("doctor", "--confusion")

    assert result.returncode == 0, result.stderr
    assert "corp" not in (own.folder / "installed" / "known_a_p.py").read_text()
    assert any("dependency confusion" in text for text in explain(own, "pip", "install", SHARED)["use_as"])  # type: ignore[attr-defined]
    assert (doctor.returncode, "use-as puts corp beside pypi" in doctor.stdout) == (1, True)


@pytest.mark.parametrize("trouble", ["rejected", "unanswered"])
def test_a_private_index_that_came_by_use_as_fails_closed(trouble: str, own: World, corp: PrivateIndex, pypi: Recorder) -> None:
    configure(own, corp, "use-as = 'extra'")
    (own.folder / "config" / "give-secret").write_text(
        "#!/bin/sh\necho wrong-password\n" if trouble == "rejected" else "#!/bin/sh\nexit 1\n"
    )
    use(own, "pip")
    result = own.run(*installing("pip", own, SHARED))

    assert result.returncode in (69, 77), result.stderr
    assert corp.netloc in result.stderr
    assert asked(pypi) == []


def test_pips_own_report_of_its_settings_shows_nothing_of_ours(own: World) -> None:
    use(own, "pip")
    for words in (["config", "list"], ["config", "debug"], ["debug"]):
        assert own.run("pip", *words).stdout == own.run("pip", *words, bare=True).stdout


PROJECT = '[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["known-b-p"]\n'


@pytest.mark.parametrize("inherited", [False, True])
def test_uv_lock_is_as_without_us_even_below_a_command_of_ours(inherited: bool, own: World, corp: PrivateIndex) -> None:
    use(own, "uv")
    url = f"http://{corp.netloc}/simple/"
    (own.cwd / "pyproject.toml").write_text(PROJECT)
    assert own.run("uv", "lock", bare=True).returncode == 0
    locked = (own.cwd / "uv.lock").read_bytes()
    (own.cwd / "uv.lock").unlink()
    environ = {"UV_DEFAULT_INDEX": url, "_SHIM_USE_AS": f"UV_DEFAULT_INDEX={url}"} if inherited else {}
    result = own.run("uv", "lock", **environ)

    assert result.returncode == 0, result.stderr
    assert (own.cwd / "uv.lock").read_bytes() == locked
    assert corp.requests == []
    said = "\n".join(explain(own, "uv", "lock")["use_as"])  # type: ignore[arg-type]
    assert f'  [[tool.uv.index]]\n  name = "corp"\n  url = "{url}"\n  default = true' in said


def test_the_lines_for_pyproject_do_what_explain_promises(own: World, corp: PrivateIndex, pypi: Recorder) -> None:
    use(own, "uv")
    (own.cwd / "pyproject.toml").write_text(PROJECT.replace("known-b-p", SHARED))
    said: list[str] = explain(own, "uv", "lock")["use_as"]  # type: ignore[assignment]
    lines = [line.strip() for line in said[said.index("lines for pyproject.toml:") + 1 :]]
    (own.cwd / "pyproject.toml").write_text(PROJECT.replace("known-b-p", SHARED) + "\n".join(lines) + "\n")
    result = own.run("uv", "lock")

    assert result.returncode == 0, result.stderr
    assert f"http://{corp.netloc}/simple" in (own.cwd / "uv.lock").read_text()
    assert asked(pypi) == []
    assert not any("[[tool" in text for text in explain(own, "uv", "lock")["use_as"])  # type: ignore[attr-defined]


def test_a_broken_config_that_speaks_of_use_as_stops_what_would_ask_strangers(own: World, pypi: Recorder) -> None:
    name = use(own, "uv")
    own.configure("use-as = \n")
    stopped = own.run(*installing(name, own, SHARED))
    own.configure("nothing = \n")
    passed = own.run(*installing(name, own, SHARED))

    assert (stopped.returncode, "bad-config" in stopped.stderr) == (78, True)
    assert passed.returncode == 0, passed.stderr
