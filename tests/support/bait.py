"""A private index that can be made to fail in every way, and a public one where a stranger offers the same name in version 99."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

from shim.cli.demo.packages import build_wheel
from shim.cli.demo.server import PrivateIndex
from tests.support.world import World


class FaultyIndex(PrivateIndex):
    """A private index with a `fault`: None, a status that it answers with, "login page", "hidden" (404 instead of 401), or
    "welcoming" (strangers are let in, who has a wrong password is not).

    `accept(secret)` chooses the only secret that works from then on. `logins` lists the secrets of failing logins.
    """

    def __init__(self, folder: str, files: dict[str, list[str]], username: str, secret: str) -> None:
        super().__init__(folder, files, username, secret)
        self.fault: int | str | None = None
        self.logins: list[str] = []

    @property
    def url(self) -> str:
        return f"http://{self.netloc}/simple/"

    def accept(self, secret: str) -> None:
        self._header = "Basic " + base64.b64encode(f"{self._username}:{secret}".encode()).decode()

    def answer(self, path: str, authorization: str | None) -> tuple[int, str, bytes]:
        status, kind, body = super().answer(path, authorization)
        if status == 401 and authorization:
            secret = base64.b64decode(authorization.partition(" ")[2]).decode().partition(":")[2]
            self.logins += [secret] if secret else []  # old pips try `user@` with no password by themselves, before they ask anybody
        if isinstance(self.fault, int):
            return self.fault, "text/plain", b"no\n"
        if self.fault == "hidden" and status == 401:
            return 404, "text/plain", b"not here\n"
        if self.fault == "forbidden" and status == 401 and authorization:
            return 403, "text/plain", b"not you\n"
        if self.fault == "welcoming" and not authorization:
            return self._page(path)
        if self.fault == "login page" and status == 401:
            return 200, "text/html", b'<html><form action="/session"><input name="user"><input type="password" name="p"></form></html>'
        return status, kind, body


class Stranger(PrivateIndex):
    """A public index where somebody offers our package in a higher version."""

    @property
    def url(self) -> str:
        return f"http://{self.netloc}/simple/"

    def answer(self, path: str, authorization: str | None) -> tuple[int, str, bytes]:
        self.requests.append((path, None, 200))
        return self._page(path)


def make_stranger(folder: Path, version: str = "99.0") -> Stranger:
    """Return the stranger's index, not yet started, with the bait: corp-lib in a version."""
    folder.mkdir()
    wheel = build_wheel(str(folder), "corp-lib", {"corp_lib.py": "STRANGER = True\n"}, version)
    return Stranger(str(folder), {"corp-lib": [wheel]}, "x", "x")


@dataclass(frozen=True)
class Result:
    """How an installation of the package ended: the status, stderr, and what is there now."""

    status: int
    stderr: str
    installed: str | None

    @property
    def took_the_bait(self) -> bool:
        return self.installed == "STRANGER = True\n"

    @property
    def has_ours(self) -> bool:
        return self.installed == "VALUE = 1\n"


def install(world: World, private: str, public: str, *words: object, wanted: object = "corp-lib", **options: object) -> Result:
    """Run `pip install` with both indexes."""
    target = world.folder / "out"
    command = ["pip", "install", "--target", target, "--upgrade", "-i", private, "--extra-index-url", public, *words, wanted]
    done = world.run(*command, **options)  # type: ignore[arg-type]
    file = target / "corp_lib.py"
    return Result(done.returncode, done.stderr, file.read_text() if file.exists() else None)
