"""A canary for a secret, and some seventy commands at their highest verbosity, in success and in every kind of failure: whoever
looks at the process list during a request, at the output, at what build backends see, or at any file afterwards, finds no canary.

tests/e2e/test_matrix.py shows that the same search does find it where a password stands in a URL without us.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from shim.cli.demo.packages import build_packages, build_sdist, build_wheel
from shim.cli.demo.server import PrivateIndex
from shim.cli.demo.watch import ArgvWatch, is_in, needles
from tests.support import toolchains
from tests.support.processes import with_secret_in
from tests.support.servers import free_port
from tests.support.tls import make_authority
from tests.support.world import CANARY, USER, World

FORMS = needles(USER, CANARY)

#: A build backend that shows all it can see, and then builds, or does not.
LOUD_BACKEND = """
import glob, os, sys
import corp_build

def get_requires_for_build_wheel(config_settings=None):
    return []

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    print(dict(os.environ))
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            print(open(path, errors="replace").read())
        except OSError:
            pass
    sys.stdout.flush()
    {ending}
"""


class FaultyIndex(PrivateIndex):
    """Below /401/, /403/, /404/ and /500/ nothing but that; elsewhere the private index."""

    def _page(self, path: str) -> tuple[int, str, bytes]:
        first, _, _ = path.strip("/").partition("/")
        return (int(first), "text/plain", b"no\n") if first.isdigit() else super()._page(path)


@dataclass(frozen=True)
class Places:
    """Index URLs of every kind, for the user whose secret is the canary; `urls` maps the words of the command lines to them."""

    index: PrivateIndex
    urls: dict[str, str]


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory, report: Path) -> Iterator[Places]:
    folder = str(tmp_path_factory.mktemp("packages"))
    files = build_packages(folder, str(report))
    for name, ending in (("loud", "return corp_build.build_wheel(wheel_directory)"), ("failing", "raise SystemExit('this build fails')")):
        module = f"corp_{name}"
        files[f"corp-{name}"] = [build_wheel(folder, f"corp-{name}", {f"{module}.py": LOUD_BACKEND.format(ending=ending)})]
        files[f"{name}-sdist"] = [build_sdist(folder, f"{name}-sdist", f'corp-build", "corp-{name}', module)]
    files["orphan-sdist"] = [build_sdist(folder, "orphan-sdist", "no-such-backend", "nothing")]
    authority = make_authority(tmp_path_factory.mktemp("authority"), "stranger")
    with FaultyIndex(folder, files, USER, CANARY) as index, FaultyIndex(folder, files, USER, CANARY) as behind_tls:
        authority.protect(behind_tls._server)
        base = f"http://127.0.0.1:{index.netloc.rpartition(':')[2]}"
        urls = {f"E{status}": f"{base}/{status}/simple/" for status in (401, 403, 404, 500)}
        urls |= {"GOOD": f"{base}/simple/", "FILE": f"{base}/files/corp_lib-1.0-py3-none-any.whl"}
        urls |= {"REFUSED": f"http://127.0.0.1:{free_port()}/simple/", "UNKNOWN": "https://nowhere.invalid/simple/"}
        urls |= {"STRANGER": f"https://localhost:{behind_tls.netloc.rpartition(':')[2]}/simple/"}
        yield Places(index, urls)


#: `GOOD`, `E401` … are index URLs, `@GOOD` the same with user and password typed into them.
PIP = [
    *(f"install --target out -i {url} {name}" for url in ("GOOD", "@GOOD") for name in ("corp-lib", "corp-sdist", "loud-sdist")),
    *(f"install --target out -i {url} {name}" for url in ("GOOD", "@GOOD") for name in ("failing-sdist", "orphan-sdist")),
    *(f"install -i {url} corp-lib" for url in ("E401", "E403", "E404", "E500", "REFUSED", "UNKNOWN", "STRANGER")),
    *(f"install -i @{url} corp-lib" for url in ("E401", "E403", "E404", "E500", "REFUSED", "UNKNOWN", "STRANGER")),
    "install -i http://USER:SECRET@127.0.0.1:99999/simple/ corp-lib",
    "install -i ftp://USER:SECRET@127.0.0.1/simple/ corp-lib",
    "install -i htp://USER:SECRET@127.0.0.1/simple/ corp-lib",
    "install --proxy http://USER:SECRET@127.0.0.1:9 -i GOOD corp-lib",
    "install --target out --report - --extra-index-url @GOOD -i E404 corp-lib",
    "install --target out -r requirements.txt",
    "install --target out @FILE",
    "install --target out x@@FILE",
    "install --target out --no-index -f @GOODcorp-lib/ corp-lib",
    "download --log log -d out -i @GOOD corp-sdist",
    "wheel --log log -w out -i GOOD failing-sdist",
    "index versions -i @GOOD corp-lib",
    "lock -o - -i @GOOD corp-lib",
    "list --outdated -i @GOOD",
    "list -i @GOOD",
    "install --no-such-option -i @GOOD corp-lib",
    "install --help -i @GOOD",
]
UV = [
    *(f"pip install --target out --default-index {url} {name}" for url in ("GOOD", "@GOOD") for name in ("corp-lib", "corp-sdist")),
    *(f"pip install --target out --default-index {url} {name}" for url in ("GOOD", "@GOOD") for name in ("failing-sdist", "orphan-sdist")),
    *(
        f"pip install --target out --default-index {url} corp-lib"
        for url in ("E401", "E403", "E404", "E500", "REFUSED", "UNKNOWN", "STRANGER")
    ),
    *(f"pip install --target out --default-index @{url} corp-lib" for url in ("E401", "E404", "REFUSED", "UNKNOWN", "STRANGER")),
    "pip install --target out --default-index http://USER:SECRET@127.0.0.1:99999/simple/ corp-lib",
    "pip install --target out --index corp=htp://USER:SECRET@127.0.0.1/simple/ corp-lib",
    "pip install --target out --no-deps @FILE",
    "pip install --target out --index corp=@GOOD --default-index E404 loud-sdist",
    "pip compile --emit-index-url --default-index @GOOD requirements.in",
    "lock --default-index @GOOD",
    "sync --default-index @GOOD",
    "export --default-index @GOOD",
    "tree --default-index @GOOD",
    "add --index @GOOD corp-lib",
    "run --default-index @GOOD --with corp-lib python -c 'import os; print(os.environ)'",
    "run --no-project --default-index @GOOD --with corp-lib python -c 'import os; print(os.environ)'",
    "tool run --default-index @GOOD corp-lib",
    "build --wheel --default-index @GOOD",
    "publish --publish-url GOOD --token SECRET out/x-1-py3-none-any.whl",
    "publish --publish-url E401 -u USER -p SECRET out/x-1-py3-none-any.whl",
    "publish --publish-url @E403 out/x-1-py3-none-any.whl",
]

PROJECT = '[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.8"\ndependencies = ["corp-lib"]\n'
CONFIG = """
[[index]]
name = "{name}"
url = "{url}"
scope = "{scope}"
username = "{user}"
file = {{ password = "{secret}" }}
"""


def prepare(world: World, places: Places) -> None:
    """Write the configuration, whose indexes all have the canary for a password, and a project."""
    secret = world.folder / "config" / "secret"
    secret.write_text(CANARY)
    secret.chmod(0o600)
    servers = {
        url.partition("/simple/")[0].removesuffix("/401") + "/": name
        for name, url in places.urls.items()
        if name in ("GOOD", "REFUSED", "UNKNOWN", "STRANGER")
    }
    world.configure(
        "".join(CONFIG.format(name=name, url=f"{scope}simple/", scope=scope, user=USER, secret=secret) for scope, name in servers.items())
    )
    (world.cwd / "pyproject.toml").write_text(PROJECT)
    (world.cwd / "requirements.in").write_text("corp-lib\n")
    (world.cwd / "requirements.txt").write_text(f"-i {places.urls['GOOD']}\ncorp-sdist\n")
    (world.cwd / "out").mkdir()
    build_wheel(str(world.cwd / "out"), "x", {"x.py": ""}, "1")


def fill(line: str, places: Places) -> list[str]:
    """Return the words of a line, with its URLs."""
    for name, url in places.urls.items():
        line = line.replace(f"@{name}", url.replace("://", f"://{USER}:{CANARY}@")).replace(name, url)
    return shlex.split(line.replace("SECRET", CANARY).replace("USER", USER))


def look_everywhere(command: list[str], world: World, places: Places, report: Path) -> None:
    """Run a command and look for the canary: at each request, all the time if it was not typed, in the output, in build reports."""
    report.write_bytes(b"")
    environments: set[str] = set()
    typed = any(CANARY in word for word in command)
    with ArgvWatch(FORMS, interval_s=3600 if typed else 0.02) as watch:

        def look() -> None:
            watch.look()
            environments.update(with_secret_in("environ", FORMS))

        places.index.on_request = look
        result = world.run(*command, SHIM_DEBUG="1", RUST_LOG="trace", UV_HTTP_RETRIES="0")
        places.index.on_request = lambda: None
    output = (result.stdout + result.stderr).encode(errors="surrogateescape")

    assert watch.seen == set()
    assert not is_in(output, FORMS), output.decode(errors="replace").replace(CANARY, "CANARY")
    # The variables of uv publish and of a proxy are the only ones, and nothing is built there.
    assert environments == set() or {"--proxy", "publish"} & set(command)
    assert not is_in(report.read_bytes(), FORMS)
    assert "[internal]" not in result.stderr


@pytest.mark.parametrize("line", PIP)
def test_pip_shows_no_secret(line: str, world: World, faulty: Places, report: Path) -> None:
    world.use(toolchains.pip("newest"))
    prepare(world, faulty)
    look_everywhere(["pip", "-vvv", *fill(line, faulty)], world, faulty, report)


@pytest.mark.parametrize("line", UV)
def test_uv_shows_no_secret(line: str, world: World, faulty: Places, report: Path) -> None:
    world.use(toolchains.uv())
    prepare(world, faulty)
    look_everywhere(["uv", "-vvv", *fill(line, faulty)], world, faulty, report)


@pytest.mark.parametrize("version", ["20.3.4", "23.2.1"])
@pytest.mark.parametrize("name", ["corp-sdist", "failing-sdist", "orphan-sdist"])
def test_older_pips_show_none_either(version: str, name: str, world: World, faulty: Places, report: Path) -> None:
    world.use(
        toolchains.pip(version)
    )
    prepare(world, faulty)
    words = ["pip", "-vvv", "install", "--log", "log", "--target", "out", "-i", faulty.urls["GOOD"], name]
    look_everywhere(words, world, faulty, report)


def test_the_builds_that_were_looked_at_did_run(world: World, faulty: Places, report: Path) -> None:
    world.use(toolchains.pip("newest"))
    prepare(world, faulty)
    report.write_bytes(b"")
    results = {
        name: world.run("pip", "-vvv", "install", "--target", "out", "-i", faulty.urls["GOOD"], name)
        for name in ("loud-sdist", "failing-sdist", "orphan-sdist")
    }

    assert results["failing-sdist"].returncode
    assert "this build fails" in results["failing-sdist"].stdout + results["failing-sdist"].stderr
    assert "'PIP_NO_INPUT'" in results["failing-sdist"].stdout + results["failing-sdist"].stderr
    assert "no-such-backend" in results["orphan-sdist"].stdout + results["orphan-sdist"].stderr
    assert json.loads(report.read_text().splitlines()[0])["environ"]["NETRC"].startswith("/proc/")
