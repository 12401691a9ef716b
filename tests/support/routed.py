"""A private index on `localhost` and a stranger's public one on 127.0.0.1 that has the same names in version 99.0."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from shim.cli.demo.packages import BACKEND_SOURCE, build_sdist, build_wheel
from tests.support import toolchains
from tests.support.bait import FaultyIndex, Stranger
from tests.support.listening import listening
from tests.support.world import CANARY, USER, World

#: Names that both have. corp-app needs corp-lib, and with the extra `more` corp-extra; corp-sdist is built by corp-build.
NAMES = ("corp-lib", "corp-extra", "corp-build", "acme", "free-lib")
OURS, THEIRS = "1.0", "99.0"


@dataclass
class Pair:
    """The two indexes, and the world that is configured for them."""

    world: World
    private: FaultyIndex
    public: Stranger

    @property
    def private_url(self) -> str:
        return self.private.url.replace("127.0.0.1", "localhost")

    @property
    def public_url(self) -> str:
        return self.public.url

    def configure(self, packages: str = '["corp-*", "acme"]', *, strategy: bool = False, lines: str = "") -> None:
        """Write the configuration: the private index with a credential, the public one with none."""
        claim = f"packages = {packages}\n" if packages else ""
        top = 'index-strategy = "first-index"\n' if strategy else ""
        secret = self.world.config.parent / "secret"
        secret.parent.mkdir(parents=True, exist_ok=True)
        secret.write_text(CANARY)
        secret.chmod(0o600)
        self.world.configure(
            f'{top}[[index]]\nname = "corp"\nurl = "{self.private_url}"\nusername = "{USER}"\nfile = {{ password = "{secret}" }}\n{claim}{lines}'
            f'[[index]]\nname = "public"\nurl = "{self.public_url}"\non-failure = "pass"\nsource = []\n'
        )

    def asked_public(self) -> set[str]:
        """Return the names that the stranger was asked for."""
        return {path.split("/")[2] for path, _, _ in self.public.requests if path.startswith("/simple/") and path.count("/") > 2}


@contextmanager
def make_pair(world: World, folder: Path) -> Iterator[Pair]:
    """Serve both indexes."""
    files = {name: _build(folder / name, world.folder / "built.jsonl", version) for name, version in (("ours", OURS), ("theirs", THEIRS))}
    files["theirs"] |= {"public-app": [_wheel_with(folder / "theirs", "public-app", "2.0", ["corp-lib"])]}
    pip = toolchains.newest_wheel("pip")  # pipx wants a new one for itself
    files["theirs"] |= {"pip": [shutil.copy(pip, folder / "theirs") and pip.name]}
    files["theirs"] |= {"only-public": [build_wheel(str(folder / "theirs"), "only-public", {"only_public.py": ""}, "3.0")]}
    with (
        FaultyIndex(str(folder / "ours"), files["ours"], USER, CANARY) as private,
        Stranger(str(folder / "theirs"), files["theirs"], "x", "x") as public,
    ):
        world.environ |= {"PIP_CONFIG_FILE": "/dev/null"}
        yield Pair(world, private, public)


def _build(folder: Path, report: Path, version: str) -> dict[str, list[str]]:
    folder.mkdir(parents=True)
    files = {}
    for name in NAMES:
        module = name.replace("-", "_")
        source = BACKEND_SOURCE.format(report=str(report)) if name == "corp-build" else ""
        files[name] = [build_wheel(str(folder), name, {f"{module}.py": source + f"VERSION = {version!r}\n"}, version)]
    files["corp-app"] = [_wheel_with(folder, "corp-app", version, ["corp-lib", 'corp-extra ; extra == "more"'])]
    files["corp-sdist"] = [build_sdist(str(folder), "corp-sdist", "corp-build", "corp_build", version if version == OURS else "1.0")]
    return files


def _wheel_with(folder: Path, name: str, version: str, requires: list[str]) -> str:
    """Write a wheel that requires others."""
    module = name.replace("-", "_")
    information = f"{module}-{version}.dist-info"
    extras = "Provides-Extra: more\n" if any("extra ==" in text for text in requires) else ""
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{extras}" + "".join(f"Requires-Dist: {text}\n" for text in requires)
    files = {
        f"{module}.py": f"VERSION = {version!r}\n",
        f"{information}/METADATA": metadata,
        f"{information}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = f"{information}/RECORD"
    files[record] = "".join(f"{path},,\n" for path in [*files, record])
    path = folder / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for inner, text in files.items():
            wheel.writestr(inner, text)
    return path.name


def installed(folder: Path) -> dict[str, str]:
    """Return name -> version of what was installed into a --target folder."""
    found = (path.name.removesuffix(".dist-info").rpartition("-") for path in folder.glob("*.dist-info"))
    return {name.replace("_", "-"): version for name, _, version in found}


@contextmanager
def forwarding_proxy() -> Iterator[tuple[str, list[str]]]:
    """Yield the URL of a proxy for plain http, and the list of URLs that it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            rest = self.path.partition("://")[2]
            with closing(HTTPConnection(rest.partition("/")[0], timeout=10)) as behind:
                kept = {name: value for name, value in self.headers.items() if name.lower() in ("authorization", "accept")}
                behind.request("GET", "/" + rest.partition("/")[2], headers=kept)
                answer = behind.getresponse()
                body = answer.read()
            self.send_response(answer.status)
            for name in ("Content-Type", "WWW-Authenticate", "Location"):
                if value := answer.headers.get(name):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    with listening(Handler) as url:
        yield url, asked
