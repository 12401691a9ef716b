"""Hints that are met, followed to the letter, and gone: a table of scenes, each in a home of its own and in this process."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from shim.cli import main
from shim.config.settings import load_settings
from shim.core.errors import ShimError
from shim.core.host import Host
from shim.core.model import Endpoint, Endpoints, Origin, Resolution
from shim.core.urls import find_userinfo, parse_url
from shim.credentials.resolve import resolve
from tests.support import machine

URL = "https://pypi.corp.example/simple/"
INDEX = f'[[index]]\nname = "corp"\nurl = "{URL}"\nusername = "alice"\n'


@dataclass
class Place:
    """A home with a configuration, and what is done there."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)
    interactive: bool = False
    words: list[str] = field(default_factory=list)
    stdin: str = ""
    server: Any = None
    clock_s: float = 0.0

    def __post_init__(self) -> None:
        (self.folder / "runtime").mkdir(mode=0o700)
        own = {"HOME": str(self.folder), "XDG_RUNTIME_DIR": f"{self.folder}/runtime", "PATH": "/usr/bin:/bin"}
        own |= {"SHIM_CONFIG_FILE": f"{self.folder}/config.toml", "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
        self.environ = {**own, **self.environ}
        self.configure("")

    @property
    def host(self) -> Host:
        return Host(dict(self.environ), str(self.folder), lambda: time.time() + self.clock_s, self.interactive)

    def write(self, name: str, data: str | bytes, mode: int = 0o600) -> str:
        """Write a file and return its path. Only root can write a policy: elsewhere the test is skipped."""
        machine.skip_without(machine.lacks_root() if name == "policy.toml" else "")
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        path.chmod(mode)
        return str(path)

    def program(self, text: str, name: str = "vault") -> str:
        """Write a script of sh and return its path."""
        return self.write(name, f"#!/bin/sh\n{text}\n", 0o755)

    def configure(self, text: str) -> None:
        self.write("config.toml", text)

    def edit(self, old: str, new: str) -> None:
        """Change the configuration as a person does."""
        text = (self.folder / "config.toml").read_text()
        assert old in text
        self.configure(text.replace(old, new))

    def ask(self, url: str = URL, *, project: bool = False) -> Resolution:
        """Resolve what a command with that index would need. Raises what it raises, also what is said only where nothing else answers."""
        typed = find_userinfo(url)
        origin = Origin("file", "pyproject.toml", project=True, line=3) if project else Origin("argv", "-i")
        endpoint = Endpoint(parse_url(url), origin, username=typed.username if typed else None)
        answer = resolve(Endpoints((endpoint,)), load_settings(self.host), self.host)[0]
        if answer.blocked is not None:
            raise answer.blocked
        return answer

    def run(self, command: str) -> str:
        """Run a command line as a shell does and return what it prints. It must succeed."""
        result = subprocess.run(["sh", "-c", command], env=self.environ, cwd=self.folder, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        return result.stdout + result.stderr

    def shim(self, *words: str) -> tuple[int, str]:
        """Run `shim WORDS` in this process, with `stdin`; return its status and what it printed."""
        out = io.StringIO()
        said: list[str] = []
        with contextlib.ExitStack() as stack:
            stack.enter_context(mock.patch.dict(os.environ, self.environ, clear=True))
            stack.enter_context(contextlib.chdir(self.folder))
            stack.enter_context(contextlib.redirect_stdout(out))
            stack.enter_context(mock.patch("sys.stdin", io.TextIOWrapper(io.BytesIO(self.stdin.encode()))))
            stack.enter_context(mock.patch("shim.cli.this_host", lambda _launcher="": self.host))
            stack.enter_context(mock.patch("shim.cli.write_stderr", said.append))
            status = main(list(words))
        return status, out.getvalue() + "".join(said)

    def hint_of_shim(self, *words: str) -> str | None:
        """Return the hint that `shim WORDS` prints, None if it succeeds."""
        status, said = self.shim(*words)
        found = re.search(r"^hint: (.*)$", said, re.MULTILINE)
        assert status == 0 or found, said
        return found[1] if found else None


def typing(line: str, stdin: str = "") -> Callable[[Place], None]:
    """Return what has a person type a line of `shim`; `~` in it is the home."""

    def begin(place: Place) -> None:
        place.words, place.stdin = shlex.split(line.replace("~", str(place.folder)))[1:], stdin

    return begin


def typed(place: Place) -> str | None:
    """Run what was typed and return the hint that it ends with."""
    return place.hint_of_shim(*place.words)


def retype(place: Place, hint: str) -> None:
    """Type the command in a hint instead."""
    place.words = shlex.split(hint)[1:]


def add(option: str) -> Callable[[Place, str], None]:
    """Return what types the option that a hint names as well."""

    def follow(place: Place, hint: str) -> None:
        assert option.split("=")[0].split(" ")[0] in hint
        place.words += option.split(" ")

    return follow


def both(*acts: Callable[[Place], object]) -> Callable[[Place], None]:
    """Return what does one thing after the other."""

    def begin(place: Place) -> None:
        for act in acts:
            act(place)

    return begin


def has(name: str, data: str | bytes, mode: int = 0o600) -> Callable[[Place], str]:
    return lambda place: place.write(name, data, mode)


def configured(text: str) -> Callable[[Place], None]:
    return lambda place: place.configure(text.replace("~", str(place.folder)))


@dataclass(frozen=True)
class Scene:
    """`begin` makes the trouble, `meet` runs into it (and tells whether it is gone), `follow` does what the hint says."""

    template: str
    begin: Callable[[Place], object]
    meet: Callable[[Place], object]
    follow: Callable[[Place, str], object]

    def play(self, place: Place) -> None:
        self.begin(place)
        hint = hint_of(self.meet, place)
        pattern = "(.+)".join(map(re.escape, self.template.split("{}")))
        assert hint is not None and re.fullmatch(pattern, hint), hint
        self.follow(place, hint)
        assert hint_of(self.meet, place) is None


def hint_of(meet: Callable[[Place], object], place: Place) -> str | None:
    """Return the hint of what is raised or, if it is text, of what is returned; None if all is well."""
    try:
        found = meet(place)
    except ShimError as error:
        assert error.hint is not None, error.message
        return error.hint
    return found if isinstance(found, str) else None
