"""The commands that are compared, and the world that they run in: a private index on loopback, a real gnome-keyring."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from shim.cli.demo.packages import LIBRARY
from shim.cli.demo.server import PrivateIndex
from shim.install.launchers import base_python
from tests.bench.measuring import Row
from tests.support import toolchains
from tests.support.world import CANARY, USER, World

BACKEND = "PYTHON_KEYRING_BACKEND"


class Scene:
    """The index's URL with and without a credential, an installed package, and a world with shim in it and a cached credential.

    `source` is what answers: `token` (a command with an end, in the token cache) or `keyring` (the OS keyring, remembered).
    """

    def __init__(self, folder: Path, prefix: Path, index: PrivateIndex, keyring: dict[str, str], source: str) -> None:
        self.folder = folder / source
        self.folder.mkdir()
        self.world = World(self.folder, prefix)
        self.world.environ |= keyring
        self.backend = {BACKEND: keyring[BACKEND]}
        self.url = f"http://{index.netloc}/simple/"
        self.typed = f"http://{USER}:{CANARY}@{index.netloc}/simple/"
        self.named = f"http://{USER}@{index.netloc}/simple/"
        self.installed = self.folder / "installed"
        table = f'[[index]]\nname = "corp"\nurl = "{self.url}"\nusername = "{USER}"\n'
        token = f'max-age = "1d"\ncommand = {{ argv = ["echo", "{CANARY}"] }}\n'
        self.world.configure('keyring-timeout = "8h"\n' + table + (token if source == "token" else ""))
        if source == "keyring":
            self._store(index)
        uv = toolchains.uv()
        words = [uv.path, "pip", "install", "-q", "--target", self.installed, "--default-index", self.typed, LIBRARY]
        subprocess.run([str(word) for word in words], env=self.bare("uv"), check=True)

    def _store(self, index: PrivateIndex) -> None:
        keyring = toolchains.program("keyring")
        for service in (self.url, self.url.rstrip("/"), index.netloc):
            subprocess.run([str(keyring.path), "set", service, USER], input=CANARY, text=True, env=self.world.environ, check=True)

    def tool(self, name: str) -> toolchains.Tool:
        return toolchains.uv() if name == "uv" else toolchains.pip("newest")

    def bare(self, name: str, **more: str) -> dict[str, str]:
        """Return the environment of a command without shim: the same but for PATH."""
        self.world.use(self.tool(name))
        return {**self.world.environ, "PATH": f"{self.tool(name).bin}:/usr/bin:/bin", **more}

    def wrapped(self, name: str, **more: str) -> dict[str, str]:
        """Return the environment of a command through shim."""
        self.world.use(self.tool(name))
        return {**self.world.environ, **more}

    def launcher(self, name: str) -> str:
        return str(self.world.prefix / "shims" / name)

    def with_keyring(self, name: str, **more: str) -> dict[str, str]:
        """Return an environment with the real `keyring` command on PATH, and its library where pip can import it."""
        keyring = toolchains.program("keyring")
        library = self.folder / "keyring-library"
        if not library.exists():
            library.mkdir()
            (site,) = keyring.bin.parent.glob("lib/python3*/site-packages")
            for entry in site.iterdir():
                if not entry.name.startswith(("pip", "setuptools", "_distutils", "pkg_resources")):
                    (library / entry.name).symlink_to(entry)
        environ = self.bare(name, **more)
        environ["PATH"] = f"{self.tool(name).bin}:{keyring.bin}:/usr/bin:/bin"
        environ["PYTHONPATH"] = f"{environ.get('PYTHONPATH', '')}:{library}".lstrip(":")
        return environ


def small_rows(scene: Scene) -> list[Row]:
    """Return what everything else is measured by, and commands that need no index."""
    uv, pip = scene.tool("uv"), scene.tool("pip")
    environ = scene.bare("uv")
    rows = [
        Row("sh -c :", "start", ["/bin/sh", "-c", ":"], environ),
        Row("python -IS -c pass", "start", [base_python(), "-IS", "-c", "pass"], environ, is_reference=True),
    ]
    if pyenv := shutil.which("pyenv"):
        root = subprocess.run([pyenv, "root"], capture_output=True, text=True, check=True).stdout.strip()
        rows.append(Row("pyenv's shim of python -IS -c pass", "start", [f"{root}/shims/python", "-IS", "-c", "pass"], environ))
    return [
        *rows,
        Row("uv --version", "uv --version", [str(uv.path), "--version"], environ, is_reference=True),
        Row("shim: uv --version", "uv --version", [scene.launcher("uv"), "--version"], scene.wrapped("uv")),
        Row("pip --version", "pip --version", [str(pip.path), "--version"], scene.bare("pip"), is_reference=True),
        Row("shim: pip --version", "pip --version", [scene.launcher("pip"), "--version"], scene.wrapped("pip")),
    ]


def satisfied_rows(token: Scene, keyring: Scene) -> list[Row]:
    """Return installs of what is installed already: no request is made, and only what the way costs is left."""
    rows = []
    for name, variable, words in (
        ("uv", "UV_DEFAULT_INDEX", ["pip", "install", "--target", "{installed}", LIBRARY]),
        ("pip", "PIP_INDEX_URL", ["install", LIBRARY]),
    ):
        said = f"{name} {words[0]} {words[1]}".replace(f" {LIBRARY}", "") + " (satisfied)"

        def row(label: str, scene: Scene, program: str, environ: dict[str, str], *, reference: bool = False) -> Row:
            command = [program, *(word.format(installed=scene.installed) for word in words)]  # noqa: B023 (called in this turn)
            more = {} if name == "uv" else {"PYTHONPATH": str(scene.installed)}  # noqa: B023
            return Row(label, said, command, {**environ, **more}, reference)  # noqa: B023

        path = str(token.tool(name).path)
        rows += [
            row(f"{said}, credential in its URL", token, path, token.bare(name, **{variable: token.typed}), reference=True),
            row(f"shim: {said}, cached token", token, token.launcher(name), token.wrapped(name, **{variable: token.url})),
            row(f"shim: {said}, remembered password", keyring, keyring.launcher(name), keyring.wrapped(name, **{variable: keyring.url})),
            row(
                f"shim: {said}, cold, from the keyring",
                keyring,
                keyring.launcher(name),
                keyring.wrapped(name, SHIM_REFRESH="1", **{variable: keyring.url}),
            ),
        ]
    return rows


def asking_rows(token: Scene, keyring: Scene) -> list[Row]:
    """Return commands that ask the index: by shim, and by the tools' own ways to the same keyring."""
    rows = []
    for name, variable, provider in (("uv", "UV_DEFAULT_INDEX", "UV_KEYRING_PROVIDER"), ("pip", "PIP_INDEX_URL", "PIP_KEYRING_PROVIDER")):
        words = ["pip", "compile", "-q", "--no-cache", "--no-header", "wanted.in"]
        if name == "pip":
            words = ["download", "-q", "--no-cache-dir", "--no-deps", "-d", str(keyring.folder / "downloaded"), LIBRARY]
        said = f"{name} {' '.join(words[:2])}" if name == "uv" else "pip download"
        path = str(token.tool(name).path)
        rows += [
            Row(f"{said}, credential in its URL", said, [path, *words], token.bare(name, **{variable: token.typed}), is_reference=True),
            Row(f"shim: {said}, cached token", said, [token.launcher(name), *words], token.wrapped(name, **{variable: token.url})),
            Row(
                f"shim: {said}, remembered password",
                said,
                [keyring.launcher(name), *words],
                keyring.wrapped(name, **{variable: keyring.url}),
            ),
        ]
        for label, more in (("keyring subprocess provider", {}), ("keyring subprocess provider, its backend named", keyring.backend)):
            environ = keyring.with_keyring(name, **{variable: keyring.named, provider: "subprocess"})
            environ.pop(BACKEND)  # nobody has it set; keyring then looks through all the backends that there are
            rows.append(Row(f"{said}, {label}", said, [path, *words], {**environ, **more}))
        if name == "pip":
            environ = keyring.with_keyring(name, **{variable: keyring.named, provider: "import"})
            rows.append(Row(f"{said}, keyring import provider", said, [path, *words], environ))
    return rows
