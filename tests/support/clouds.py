"""Vendors' hosts played at home: an index that knows whose token it was given, and commands that know who asks.

The commands are scripts which answer as the real ones do (tests/contract/test_real_vendors.py holds that), in no time.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shim.cli.demo.server import PrivateIndex
from tests.support.proxy import leading_to
from tests.support.tls import make_authority
from tests.support.vendors import ANSWERS


@dataclass(frozen=True)
class Cloud:
    """A vendor: its index's URL, the user that it wants, its command, the variable that says who asks, and how one logs in."""

    name: str
    url: str
    username: str
    command: str
    variable: str
    login: str

    @property
    def host(self) -> str:
        return self.url.split("/")[2]


CLOUDS = {
    cloud.name: cloud
    for cloud in (
        Cloud(
            "AWS CodeArtifact",
            "https://corp-123456789012.d.codeartifact.eu-west-1.amazonaws.com/simple/",
            "aws",
            "aws",
            "AWS_PROFILE",
            "aws sso login",
        ),
        Cloud(
            "Google Artifact Registry",
            "https://europe-west1-python.pkg.dev/simple/",
            "oauth2accesstoken",
            "gcloud",
            "CLOUDSDK_ACTIVE_CONFIG_NAME",
            "gcloud auth login",
        ),
        Cloud("Azure Artifacts", "https://pkgs.dev.azure.com/simple/", "VssSessionToken", "az", "AZURE_CONFIG_DIR", "az login"),
        Cloud("Cloudsmith", "https://dl.cloudsmith.io/simple/", "token", "cloudsmith", "CLOUDSMITH_PROFILE", "cloudsmith login"),
    )
}

#: What a command does: who asks stands in its variable, and who is logged in has an answer in the folder.
SCRIPT = """#!/bin/sh
echo "{command}" >>{log}
who=$(basename "${{{variable}:-work}}")
if [ -e {answers}/asks ]; then
    {{ printf 'one-time code: ' >/dev/tty && read code </dev/tty; }} 2>/dev/null || {{ echo '{command}: no terminal to ask on' >&2; exit 253; }}
    [ "$code" = 123456 ] || exit 252
fi
[ -e {answers}/"$who" ] || {{ echo '{command}: your login has ended' >&2; exit 254; }}
cat {answers}/"$who"
"""


class CloudIndex(PrivateIndex):
    """Knows several users by their tokens: `seen` lists (method, who or None). `is_public` answers everybody.

    Google's has no page at its root, whoever asks (bazel-contrib/rules_python#3709).
    """

    def __init__(self, folder: str, files: dict[str, list[str]], username: str, tokens: dict[str, str]) -> None:
        super().__init__(folder, files, username, "")
        self.tokens = {"Basic " + base64.b64encode(f"{username}:{token}".encode()).decode(): who for who, token in tokens.items()}
        self.seen: list[str | None] = []
        self.is_public = False
        handler: Any = self._server.RequestHandlerClass
        handler.do_POST = _receive

    def answer(self, path: str, authorization: str | None) -> tuple[int, str, bytes]:
        """Return (status, content type, body); an upload is a POST to /upload/, which is never for everybody."""
        who = self.tokens.get(authorization or "")
        self.seen.append(who)
        if path.startswith("/upload"):
            return (200, "text/plain", b"thanks\n") if who else (401, "text/plain", b"who are you?\n")
        if self._username == "oauth2accesstoken" and path.strip("/") == "simple":
            return 404, "text/html", b"<b>404.</b> <ins>That is an error.</ins>\n"
        return self._page(path) if who or self.is_public else (401, "text/plain", b"who are you?\n")


def _receive(request: Any) -> None:
    request.rfile.read(int(request.headers.get("Content-Length") or 0))
    request.do_GET()


@dataclass
class Played:
    """One vendor at home. `environ` leads the tools to it; `log_in` and `log_out` say who is logged in."""

    cloud: Cloud
    index: CloudIndex
    folder: Path
    environ: dict[str, str]

    @property
    def bin(self) -> Path:
        return self.folder / "bin"

    def log_in(self, who: str) -> None:
        """Somebody is logged in from now on."""
        (self.folder / "answers" / who).write_text(ANSWERS[self.cloud.command].format(secret=token_of(who)) + "\n")

    def log_out(self) -> None:
        """Nobody is logged in any more."""
        for answer in (self.folder / "answers").iterdir():
            answer.unlink()

    def ask(self) -> None:
        """The command wants a code from a person from now on."""
        (self.folder / "answers" / "asks").touch()

    def calls(self) -> int:
        """Return how often the command was run."""
        log = self.folder / "calls"
        return len(log.read_text().splitlines()) if log.exists() else 0


def token_of(who: str) -> str:
    """Return the token of a user in this run."""
    return f"s3cr3t-token-of-{who}-{os.getpid()}"


@contextmanager
def play(cloud: Cloud, packages: tuple[str, dict[str, list[str]]], folder: Path) -> Iterator[Played]:
    """Yield a vendor at home, with nobody logged in."""
    folder.mkdir()
    authority = make_authority(folder, "cloud", cloud.host)
    for name in ("bin", "answers"):
        (folder / name).mkdir(mode=0o700 if name == "answers" else 0o755)
    program = folder / "bin" / cloud.command
    words = {"command": cloud.command, "variable": cloud.variable, "answers": folder / "answers", "log": folder / "calls"}
    program.write_text(SCRIPT.format(**words))
    program.chmod(0o755)
    with CloudIndex(*packages, cloud.username, {who: token_of(who) for who in ("work", "publisher")}) as index:
        authority.protect(index._server)
        with leading_to(index._server.server_address[1]) as (proxy, _):
            trusted = dict.fromkeys(("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), str(authority.certificate))
            yield Played(cloud, index, folder, {"HTTPS_PROXY": proxy, "PIP_CONFIG_FILE": os.devnull, **trusted})
