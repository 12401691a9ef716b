"""From nothing to the first private package, as docs/team.md tells people: an organisation's servers, and the page's own blocks for them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from shim.cli.demo.server import PrivateIndex
from tests.support import machine, toolchains
from tests.support.documents import blocks
from tests.support.shared_files import FileServer, serving
from tests.support.tls import Authority
from tests.support.world import CANARY, World

BLOCKS = {block.name: block.text.splitlines() for block in blocks("docs/team.md", "sh")}
(SETTINGS,) = (block.text for block in blocks("docs/team.md", "toml"))
#: Who logs in where a file names nobody.
TOKEN_USER = "__token__"


@dataclass
class Organisation:
    """A server of files and a private index, both with or without an authority of their own."""

    files: FileServer
    index: PrivateIndex
    authority: Authority | None
    hashes: dict[str, str]

    def fill(self, line: str) -> str:
        """Return a line of the page for these servers."""
        machine.skip_without(machine.lacks_programs("curl") if re.search(r"\bcurl ", line) else "")
        line = line.replace("https://conf.corp.example", self.files.url)
        for name, value in self.hashes.items():
            line = line.replace(name, value)
        if self.authority:
            line = re.sub(r"\bcurl ", f"curl --cacert {self.authority.certificate} ", line)
            line = re.sub(r"(--config \S+|--from \S+)", rf"\1 --ca-bundle {self.authority.certificate}", line)
        return line.replace("pip install corp-lib", "pip install --target lib corp-lib")

    def publish(self, name: str, data: bytes, word: str) -> None:
        """Put a file on the server; `word` is what stands for its hash on the page."""
        self.files.files[f"/{name}"] = data
        self.hashes[word] = hashlib.sha256(data).hexdigest()


@contextmanager
def organisation(packages: tuple[str, dict[str, list[str]]], authority: Authority | None) -> Iterator[Organisation]:
    """Yield the servers, with the page's settings published."""
    with ExitStack() as stack:
        index = PrivateIndex(*packages, TOKEN_USER, CANARY)
        if authority:
            authority.protect(index._server)
        stack.enter_context(index)
        made = Organisation(stack.enter_context(serving(authority)), index, authority, {})
        scheme = "https" if authority else "http"
        text = SETTINGS.replace("https://pypi.corp.example", f"{scheme}://{index.netloc}")
        text += f'ca-bundle = "{authority.certificate}"\n' if authority else ""
        made.publish("shim.toml", text.encode(), "HASH-OF-THE-FILE")
        yield made


def prepare(world: World, wheels: Path, *tools: Path) -> None:
    """Make of a world one where nothing of ours is installed, and where packages come from a folder."""
    world.prefix = Path(world.environ["XDG_DATA_HOME"]) / "shim"
    (world.folder / "bin").mkdir()
    folders = [world.folder / "bin", *tools, toolchains.python_for().parent, Path("/usr/bin"), Path("/bin")]
    world.environ["PATH"] = ":".join(map(str, folders))
    world.environ |= {"SHELL": "/bin/bash", "UV_TOOL_BIN_DIR": str(world.folder / "bin"), "PIPX_BIN_DIR": str(world.folder / "bin")}
    world.environ |= {"PIPX_HOME": str(world.folder / "pipx"), "PIPX_DEFAULT_BACKEND": "uv", "UV_TOOL_DIR": str(world.folder / "tools")}
    (world.folder / "uv.toml").write_text(f'no-index = true\nfind-links = ["{wheels}"]\n')
    world.environ |= {"CORP_TOKEN": CANARY, "UV_CONFIG_FILE": str(world.folder / "uv.toml")}
