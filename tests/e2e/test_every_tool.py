"""One configuration of three lines, the secret in a real keyring alone, an activated shell: every tool that we wrap does its task.

Project and lock files are those that the bare tool writes with the credential in a netrc of the user's. The server is a real
pypiserver, which asks for a password for packages and for uploads.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from shim.cli.demo.packages import build_wheel
from shim.cli.demo.server import PrivateIndex
from shim.cli.demo.watch import ArgvWatch, find_in_files, is_in, needles
from shim.core.dataclass import replace
from tests.support import toolchains
from tests.support.servers import devpi, nginx, pypiserver
from tests.support.tool_scenes import CHILDREN, INSTALLING, PUBLISHING, TWO_SOURCES, TYPED, Scene
from tests.support.world import CANARY, USER, World

Packages = tuple[str, dict[str, list[str]]]
Result = subprocess.CompletedProcess[str]
FORMS = needles(USER, CANARY)
#: How people work: the line of their rc file, and then what they type.
ACTIVATED = 'eval "$("$0" activate bash)"; cd "$1" && shift && "$@"'


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory, packages: Packages) -> Path:
    """The folder that the server keeps packages in: ours, and what pipx and pre-commit want of an index besides."""
    folder = tmp_path_factory.mktemp("shelf")
    for names in packages[1].values():
        for name in names:
            shutil.copy(Path(packages[0], name), folder)
    entry = "[console_scripts]\ncorp-tool = corp_tool:main\n"
    build_wheel(
        str(folder), "corp-tool", {"corp_tool.py": "def main():\n    print('it runs')\n", "corp_tool-1.0.dist-info/entry_points.txt": entry}
    )
    pip = [toolchains.pip("newest").python, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, "pip", "setuptools"]
    subprocess.run([str(word) for word in pip], check=True, timeout=120)
    return folder


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory, shelf: Path) -> Iterator[dict[str, str]]:
    """The server's URLs."""
    with pypiserver(tmp_path_factory.mktemp("server"), USER, CANARY, (str(shelf), {})) as port:
        yield {"index": f"http://127.0.0.1:{port}/simple/", "upload": f"http://127.0.0.1:{port}/"}


@pytest.fixture
def activated(world: World, wrapped: Path, urls: dict[str, str], keyring_daemon: dict[str, str]) -> World:
    """The world of somebody who has logged in once, and says nothing of a password anywhere."""
    world.prefix = wrapped
    world.environ |= keyring_daemon | {
        "PATH": f"{wrapped}/shims:/usr/bin:/bin",
        "PIP_INDEX_URL": urls["index"],
        "UV_DEFAULT_INDEX": urls["index"],
    }
    del world.environ["PIP_NO_INPUT"]
    world.configure(f'[[index]]\nname = "corp"\nurl = "{urls["index"]}"\n')
    stored = world.shim("login", "corp", "--user", USER, "--password-stdin", input=CANARY)
    assert stored.returncode == 0, stored.stderr
    return world


def run(world: World, scene: Scene, folder: Path, urls: dict[str, str], *, activated: bool = True, **environ: str) -> Result:
    """Do the scene in `folder` with the tool on PATH: in an activated shell, or behind the launchers alone."""
    tool = scene.tool()
    words, variables = scene.prepare(folder, {**urls, "python": str(tool.python)})
    python = str(toolchains.python_for())
    tools = {
        "PIPENV_DEFAULT_PYTHON_VERSION": python,
        "PIPENV_PYTHON": python,
        "PDM_PYTHON": python,
        "PIPENV_IGNORE_VIRTUALENVS": "1",
        "PIPENV_NOSPIN": "1",
        "PIPX_HOME": str(world.folder / "pipx"),
        "PIPX_DEFAULT_BACKEND": "pip",
        "NO_COLOR": "1",
        "CI": "1",
    }
    shims, path = world.prefix / "shims", f"{tool.bin}:{python.rpartition('/')[0]}:/usr/bin:/bin"
    if not activated:
        return world.run("sh", "-c", 'cd "$0" && exec "$@"', folder, *words, **{**tools, "PATH": f"{shims}:{path}", **variables, **environ})
    return world.run("bash", "-c", ACTIVATED, shims / "shim", folder, *words, **{**tools, "PATH": path, **variables, **environ})


def texts_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("name", INSTALLING)
def test_it_installs_with_three_lines_of_configuration(name: str, activated: World, urls: dict[str, str]) -> None:
    scene, ours, bare = INSTALLING[name], activated.cwd / "ours" / "app", activated.cwd / "bare" / "app"
    with ArgvWatch(FORMS) as watch:
        result = run(activated, scene, ours, urls, activated=False)

    output = result.stdout + result.stderr
    assert result.returncode == 0, output
    assert scene.says in output
    assert not scene.result or (ours / scene.result).is_file()
    assert watch.seen == set()
    assert not is_in(output.encode(), FORMS)
    assert find_in_files(str(activated.folder), FORMS, [str(activated.folder / "config")]) == []
    assert "delivered by" in activated.shim("doctor", "--audit", "--json").stdout
    if scene.is_text:
        netrc = activated.folder / "config" / "netrc"
        netrc.write_text(f"machine 127.0.0.1 login {USER} password {CANARY}\n")
        result = run(activated, scene, bare, urls, NETRC=str(netrc), SHIM_BYPASS="1")
        assert result.returncode == 0, result.stdout + result.stderr
        assert texts_in(ours) == texts_in(bare)


@pytest.mark.parametrize("name", ["pip-compile", "pip-sync", "build", "tox", "nox", "hatch"])
def test_it_installs_where_nothing_but_use_as_names_the_index(name: str, activated: World, urls: dict[str, str]) -> None:
    """pip, uv and pipx are in test_use_as.py and test_projects.py."""
    del activated.environ["PIP_INDEX_URL"], activated.environ["UV_DEFAULT_INDEX"]
    activated.configure(activated.config.read_text() + 'use-as = "default"\n')
    scene, folder = INSTALLING[name], activated.cwd / "app"
    result = run(activated, scene, folder, urls, activated=False, PIP_CONFIG_FILE=os.devnull)

    assert result.returncode == 0, result.stdout + result.stderr
    assert scene.says in result.stdout + result.stderr
    assert not scene.result or (folder / scene.result).is_file()


def test_pip_sync_takes_what_pip_compile_wrote_without_a_word(activated: World, urls: dict[str, str]) -> None:
    """It wrote the private index as the one to ask, so the tool's own default is not asked, and no warning may say that it is."""
    del activated.environ["PIP_INDEX_URL"], activated.environ["UV_DEFAULT_INDEX"]
    activated.configure(activated.config.read_text() + 'use-as = "default"\n')
    folder = activated.cwd / "app"
    compiled = run(activated, INSTALLING["pip-compile"], folder, urls, activated=False, PIP_CONFIG_FILE=os.devnull)
    result = run(activated, replace(INSTALLING["pip-sync"], files={}), folder, urls, activated=False, PIP_CONFIG_FILE=os.devnull)

    assert compiled.returncode == 0, compiled.stderr
    assert f"--index-url {urls['index']}" in (folder / "requirements.txt").read_text()
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(("name", "file"), [("pipenv", "Pipfile"), ("poetry", "pyproject.toml"), ("pdm", "pyproject.toml")])
def test_the_lines_that_explain_has_for_a_project_file_are_what_the_tool_wants(
    name: str, file: str, activated: World, urls: dict[str, str]
) -> None:
    del activated.environ["PIP_INDEX_URL"], activated.environ["UV_DEFAULT_INDEX"]
    activated.configure(activated.config.read_text() + 'use-as = "default"\n')
    scene, folder = INSTALLING[name], activated.cwd / "app"
    without = re.sub(r"\[\[[\w.]+\]\]\n(?:\w+ = .*\n)+\n?", "", scene.files[file])
    asking = replace(scene, files={file: without}, words=("shim", "explain", "--json", "--", *scene.words), program=name)
    explained = run(activated, asking, folder, urls, activated=False)
    said: list[str] = json.loads(explained.stdout)["use_as"]
    lines = [line.removeprefix("  ") for line in said[said.index(f"lines for {file}:") + 1 :]]
    result = run(activated, replace(scene, files={file: without + "\n" + "\n".join(lines) + "\n"}), folder, urls, activated=False)

    assert result.returncode == 0, result.stdout + result.stderr
    assert (folder / scene.result).is_file()
    assert "corp-lib" in (folder / scene.result).read_text()


@pytest.mark.parametrize("name", PUBLISHING)
def test_it_publishes_with_three_lines_of_configuration(name: str, activated: World, urls: dict[str, str], shelf: Path) -> None:
    scene, folder, project = PUBLISHING[name], activated.cwd / "app", f"corp-{name.partition(' ')[0]}"
    (folder / "dist").mkdir(parents=True)
    wheel = build_wheel(str(folder / "dist"), project, {"it.py": ""})
    with ArgvWatch(FORMS) as watch:
        result = run(activated, scene, folder, urls, activated=False)

    output = result.stdout + result.stderr
    assert result.returncode == 0, output
    assert "delivered by" in activated.shim("doctor", "--audit", "--json").stdout
    assert (shelf / wheel).exists() or list(shelf.glob(wheel.partition("-py3")[0] + "*"))
    assert watch.seen == set()
    assert not is_in(output.encode(), FORMS)


@pytest.mark.parametrize("name", TYPED)
def test_a_typed_password_is_in_no_file_that_the_tool_writes(name: str, activated: World, urls: dict[str, str]) -> None:
    typed = urls["index"].replace("://", f"://{USER}:{CANARY}@")
    result = run(activated, TYPED[name], activated.cwd / "app", urls | {"typed": typed}, activated=False)

    assert result.returncode == 0, result.stdout + result.stderr
    assert TYPED[name].says in result.stdout + result.stderr
    assert not is_in((result.stdout + result.stderr).encode(), FORMS)
    assert find_in_files(str(activated.folder), FORMS, [str(activated.folder / "config")]) == []


OTHER = f"0ther-canary-{CANARY.rpartition('-')[2]}"
BOTH = (*FORMS, *needles("bob", OTHER))


@pytest.fixture
def neighbours(activated: World, packages: Packages, tmp_path: Path) -> Iterator[tuple[dict[str, str], Path]]:
    """Two private indexes on one host, each with a credential of its own; yields their URLs and the server's log."""
    folder = tmp_path / "config" / "nginx"  # htpasswd files are hashed; the log has user names only
    folder.mkdir()
    with nginx(folder, {"/a/": (USER, CANARY), "/b/": ("bob", OTHER)}, packages) as (port, log):
        urls = {name: f"http://127.0.0.1:{port}/{name}/simple/" for name in "ab"}
        for name, secret in (("a", CANARY), ("b", OTHER)):
            (activated.folder / "config" / name).write_text(secret)
            (activated.folder / "config" / name).chmod(0o600)
        rows = [
            f'[[index]]\nname = "{name}"\nurl = "{urls[name]}"\nusername = "{user}"\nfile = {{ password = "{activated.folder}/config/{name}" }}\n'
            for name, user in (("a", USER), ("b", "bob"))
        ]
        activated.configure("".join(rows))
        activated.environ |= {"PIP_INDEX_URL": urls["a"], "PIP_EXTRA_INDEX_URL": urls["b"]}
        yield urls, log


@pytest.mark.parametrize("name", TWO_SOURCES)
def test_two_sources_on_one_host_each_get_their_own_credential(
    name: str, activated: World, neighbours: tuple[dict[str, str], Path]
) -> None:
    urls, log = neighbours
    del activated.environ["PIP_INDEX_URL"], activated.environ["PIP_EXTRA_INDEX_URL"]
    with ArgvWatch(BOTH) as watch:
        result = run(activated, TWO_SOURCES[name], activated.cwd / "app", urls, activated=False)

    output = result.stdout + result.stderr
    assert result.returncode == 0, output
    answered = {(line.split()[2], line.split()[6].split("/")[1]) for line in log.read_text().splitlines() if line.split()[8] == "200"}
    assert answered == {(USER, "a"), ("bob", "b")}
    assert watch.seen == set()
    assert not is_in(output.encode(), BOTH)
    assert find_in_files(str(activated.cwd), BOTH) == []


@pytest.mark.parametrize("name", ["build", "hatch", "nox", "pip-compile", "pipx", "tox"])
def test_two_credentials_for_one_host_are_refused_where_the_tool_has_no_way_for_them(
    name: str, activated: World, neighbours: tuple[dict[str, str], Path]
) -> None:
    result = run(activated, INSTALLING[name], activated.cwd / "app", neighbours[0], activated=False)

    assert result.returncode == 77
    assert "error[cannot-deliver]" in result.stderr
    assert "this command needs two" in result.stderr
    assert "hint: " in result.stderr


@pytest.mark.parametrize("name", CHILDREN)
def test_a_pip_that_no_launcher_sees_asks_our_keyring(name: str, activated: World, urls: dict[str, str]) -> None:
    """An activated shell and nothing else; each line here is one of README's."""
    venv = activated.folder / "venv"
    toolchains.pip_environment(toolchains.pip("newest"), venv)
    scene, folder = CHILDREN[name], activated.cwd / "app"
    with ArgvWatch(FORMS) as watch:
        result = run(activated, scene, folder, urls | {"venv": str(venv)}, SHIM_BYPASS="1")

    output = result.stdout + result.stderr
    assert result.returncode == 0, output
    assert scene.says in output
    assert not scene.result or (folder / scene.result).is_file()
    assert watch.seen == set()
    assert not is_in(output.encode(), FORMS)
    assert "answered" in activated.shim("doctor", "--audit", "--json").stdout


@pytest.fixture
def named(activated: World, index: PrivateIndex) -> str:
    """The URL of an index with the user's name in it. The server must answer 401 to a name without a password: pypiserver does not."""
    url = f"http://{index.netloc}/simple/"
    activated.configure(f'[[index]]\nname = "corp"\nurl = "{url}"\n')
    stored = activated.shim("login", "corp", "--user", USER, "--password-stdin", input=CANARY)
    assert stored.returncode == 0, stored.stderr
    return url.replace("://", f"://{USER}@")


def test_pip_23_1_asks_it_where_the_url_has_a_user_name(activated: World, named: str) -> None:
    scene = Scene({}, ("{python}", "-m", "pip", "install", "--target", "lib", "-i", named, "corp-lib"), pip="23.1.2")
    with ArgvWatch(FORMS) as watch:
        result = run(activated, scene, activated.cwd / "app", {})

    assert result.returncode == 0, result.stdout + result.stderr
    assert watch.seen == set()
    assert not is_in((result.stdout + result.stderr).encode(), FORMS)


def test_a_pip_with_a_keyring_backend_of_its_own_works_as_before(activated: World, named: str) -> None:
    tool = toolchains.program("keyring")
    scene = Scene({}, ("{python}", "-m", "pip", "install", "--target", "lib", "-i", named, "corp-lib"), program="keyring")
    before = run(activated, scene, activated.cwd / "before", {}, activated=False, PATH=f"{tool.bin}:/usr/bin:/bin")
    after = run(activated, scene, activated.cwd / "after", {})

    assert (before.returncode, after.returncode) == (0, 0), before.stderr
    assert (after.stdout, after.stderr) == (before.stdout, before.stderr)
    assert activated.shim("doctor", "--audit").stdout == "no credential was given to anybody yet\n"


def test_a_devpi_gets_uploads_and_gives_packages(activated: World) -> None:
    with devpi(activated.folder / "config" / "devpi", USER, CANARY) as upload:
        urls = {"upload": upload, "index": f"{upload}+simple/"}
        activated.configure(f'[[index]]\nname = "corp"\nurl = "{urls["index"]}"\nscope = "{upload}"\n')
        stored = activated.shim("login", "corp", "--user", USER, "--password-stdin", "--no-verify", input=CANARY)
        assert stored.returncode == 0, stored.stderr
        for name in ("twine", "uv publish", "poetry"):
            folder = activated.cwd / name.partition(" ")[0]
            (folder / "dist").mkdir(parents=True)
            build_wheel(str(folder / "dist"), f"corp-{folder.name}", {f"corp_{folder.name}.py": ""})
            result = run(activated, PUBLISHING[name], folder, urls, activated=False)
            assert result.returncode == 0, result.stdout + result.stderr
            assert not is_in((result.stdout + result.stderr).encode(), FORMS)
        wanted = ["corp-twine", "corp-uv", "corp-poetry"]
        activated.environ |= {"PIP_INDEX_URL": urls["index"], "UV_DEFAULT_INDEX": urls["index"]}
        for name in ("pip", "uv"):
            scene = INSTALLING[name]
            result = run(activated, replace(scene, words=(*scene.words[:-1], *wanted)), activated.cwd / name, urls, activated=False)
            assert result.returncode == 0, result.stdout + result.stderr
