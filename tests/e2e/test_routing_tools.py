"""What inherits pip's variables stands behind the redirector as well; uv and the others keep a strategy of their own, or stop."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import toolchains
from tests.support.routed import OURS, Pair, installed, make_pair
from tests.support.world import CANARY, World

TOX = "[tox]\nskipsdist = true\nenv_list = a\n[testenv]\nskip_install = true\ndeps = corp-app\ncommands = python -c \"import corp_lib; print('it is', corp_lib.VERSION)\"\n"
NOX = (
    "import nox\nnox.options.default_venv_backend = 'venv'\n\n@nox.session\ndef a(session):\n    session.install('corp-app')\n"
    "    session.run('python', '-c', \"import corp_lib; print('it is', corp_lib.VERSION)\")\n"
)
HATCH = (
    '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n[project]\nname = "app"\nversion = "1.0"\n'
    '[tool.hatch.envs.default]\nskip-install = true\ndependencies = ["corp-app"]\ninstaller = "pip"\n'
)


@pytest.fixture
def pair(world: World, wrapped: Path, tmp_path: Path) -> Iterator[Pair]:
    world.prefix = wrapped
    with make_pair(world, tmp_path / "indexes") as made:
        made.configure('["corp-*", "acme"]')
        made.world.environ |= {"PIP_INDEX_URL": made.private_url, "PIP_EXTRA_INDEX_URL": made.public_url}
        yield made


def write(world: World, **files: str) -> None:
    for name, text in files.items():
        (world.cwd / name.replace("__", ".")).write_text(text)


def test_pip_compile_pins_ours_and_never_writes_the_redirector_down(pair: Pair) -> None:
    pair.world.use(toolchains.program("pip-tools"))
    write(pair.world, requirements__in="corp-app\n")
    refused = pair.world.run("pip-compile", "-q", timeout=300)
    done = pair.world.run("pip-compile", "-q", "--no-emit-index-url", timeout=300)
    text = (pair.world.cwd / "requirements.txt").read_text()

    assert refused.returncode == 77
    assert "hint: add --no-emit-index-url" in refused.stderr
    assert done.returncode == 0, done.stderr
    assert f"corp-lib=={OURS}" in text
    assert "127.0.0.1" not in text


@pytest.mark.parametrize(
    ("name", "files", "words", "said"),
    [
        ("tox", {"tox__ini": TOX + "set_env = PIP_INDEX_URL=http://evil.example/\n"}, ("tox",), "tox.ini:8 says 'PIP_INDEX_URL'"),
        ("tox", {"tox__ini": TOX.replace("deps = ", "deps = -rr.txt\n    "), "r__txt": "-i http://evil.example/\n"}, ("tox",), "r.txt:1 names an index"),
        ("nox", {"noxfile__py": NOX.replace("'corp-app'", "'-i', 'http://evil.example/', 'corp-app'")}, ("nox",), "noxfile.py:6 says"),
        ("nox", {"noxfile__py": NOX.replace("'venv'", "'uv'")}, ("nox",), "nox would install with uv"),
        ("hatch", {"pyproject__toml": HATCH.replace('"pip"', '"uv"')}, ("hatch", "run", "x"), "hatch would install with uv"),
        ("hatch", {"pyproject__toml": HATCH}, ("hatch", "test"), "hatch would install with uv (hatch test)"),
        ("pipx", {}, ("pipx", "install", "-i", "http://evil.example/", "corp-app"), "-i tells the pip that pipx starts"),
    ],
)
def test_what_would_lead_them_elsewhere_is_stopped(name: str, files: dict[str, str], words: tuple[str, ...], said: str, pair: Pair) -> None:
    pair.world.use(toolchains.program(name))
    write(pair.world, **files)
    done = pair.world.run(*words, timeout=300)

    assert done.returncode == 77, done.stderr
    assert said in done.stderr
    assert done.stderr.count("shim: error[cannot-route]") == 1


def test_any_program_under_exec_is_behind_it(pair: Pair) -> None:
    tool = toolchains.pip("newest")
    pair.world.use(tool)
    target = pair.world.folder / "out"
    done = pair.world.shim("exec", "--", "sh", "-c", f"{tool.python} -m pip install -q --target {target} corp-sdist")

    assert done.returncode == 0, done.stderr + done.stdout
    assert installed(target) == {"corp-sdist": OURS}
    assert not pair.asked_public() & {"corp-sdist", "corp-build"}


def test_a_launcher_inside_decides_anew(pair: Pair) -> None:
    pair.world.use(toolchains.pip("newest"))
    target = pair.world.folder / "out"
    done = pair.world.shim("exec", "--", "sh", "-c", f"pip install -q --target {target} corp-app")

    assert done.returncode == 0, done.stderr + done.stdout
    assert installed(target) == {"corp-app": OURS, "corp-lib": OURS}


def test_explain_says_for_each_name_which_index_and_why(pair: Pair) -> None:
    pair.world.use(toolchains.pip("newest"))
    done = pair.world.shim("explain", "--", "pip", "install", "corp-lib", "only-public")
    as_json = json.loads(pair.world.shim("explain", "--json", "--", "pip", "install", "corp-lib").stdout)

    assert f"  route    corp-lib comes from {pair.private_url}: its packages claim it\n" in done.stdout
    assert f"  route    only-public comes from the first of {pair.private_url}, {pair.public_url} that has it: no index claims it\n" in done.stdout
    assert as_json["environ"]["PIP_INDEX_URL"] == "http://127.0.0.1:PORT/RANDOM/simple/"
    assert CANARY not in done.stdout


UV_PROJECT = '[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.9"\ndependencies = ["corp-lib"]\n'


def uv_index(pair: Pair, *, pinned: bool, explicit: bool = True) -> str:
    text = f'[[tool.uv.index]]\nname = "corp"\nurl = "{pair.private_url}"\nexplicit = {str(explicit).lower()}\n'
    return text + ('[tool.uv.sources]\ncorp-lib = { index = "corp" }\n' if pinned else "")


def test_uv_keeps_a_claimed_name_with_its_index_by_its_own_means(pair: Pair) -> None:
    pair.world.use(toolchains.uv())
    pair.world.environ |= {"UV_DEFAULT_INDEX": pair.public_url}
    write(pair.world, pyproject__toml=UV_PROJECT)
    refused = pair.world.run("uv", "lock")
    write(pair.world, pyproject__toml=UV_PROJECT + uv_index(pair, pinned=True))
    done = pair.world.run("uv", "lock")

    assert refused.returncode == 77, refused.stderr
    assert f"uv would take corp-lib from {pair.public_url}, and it belongs to [[index]] corp" in refused.stderr
    assert 'hint: pyproject.toml: [tool.uv.sources] corp-lib = { index = "corp" }' in refused.stderr
    assert done.returncode == 0, done.stderr
    assert f'registry = "{pair.private_url}"' in (pair.world.cwd / "uv.lock").read_text()


def test_uv_pip_with_the_index_first_is_fine_and_without_is_not(pair: Pair) -> None:
    pair.world.use(toolchains.uv())
    pair.world.environ |= {"UV_DEFAULT_INDEX": pair.public_url}
    words = ("uv", "pip", "install", "--target", str(pair.world.folder / "out"), "corp-lib")
    refused = pair.world.run(*words)
    unsafe = pair.world.run(*words, "--index", pair.private_url, "--index-strategy", "unsafe-best-match")
    done = pair.world.run(*words, "--index", pair.private_url)
    other = pair.world.run("uv", "pip", "install", "--target", str(pair.world.folder / "other"), "only-public")

    assert (refused.returncode, unsafe.returncode) == (77, 77)
    assert f"hint: --index {pair.private_url}" in refused.stderr
    assert done.returncode == 0, done.stderr
    assert installed(pair.world.folder / "out") == {"corp-lib": OURS}
    assert other.returncode == 0, other.stderr


def test_a_lock_with_another_registry_for_a_claimed_name_is_stopped_and_found_by_doctor(pair: Pair) -> None:
    pair.world.use(toolchains.uv())
    write(pair.world, pyproject__toml=UV_PROJECT)
    subprocess.run(
        [toolchains.uv().path, "lock", "--default-index", pair.public_url, "-q"], cwd=pair.world.cwd, check=True, env=pair.world.environ, timeout=60
    )
    write(pair.world, pyproject__toml=UV_PROJECT + uv_index(pair, pinned=True))
    done = pair.world.run("uv", "sync")
    doctor = pair.world.shim("doctor")

    assert done.returncode == 77, done.stderr
    assert f"uv.lock takes corp-lib from {pair.public_url}" in done.stderr
    assert f"uv.lock: takes corp-lib from {pair.public_url}, and it belongs to [[index]] corp" in doctor.stdout
