"""Plays a Dockerfile in a Container: what BuildKit does with the instructions that our example has, and nothing more.

Sources: Dockerfile reference (docker/dockerfile:1), `RUN --mount`: a secret is 0400 and root's unless `uid=` says otherwise.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.support.container import HOMES, Container

#: What the container has already: Debian's packages and users.
GIVEN = ("apt-get ", "useradd ")


def read_instructions(text: str) -> Iterator[tuple[str, str]]:
    """Yield (instruction, rest of the line)."""
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip() and not line.startswith("#"):
            name, _, rest = line.partition(" ")
            yield name, rest.strip()


def play(text: str, context: Path, contexts: Mapping[str, Path], secrets: Mapping[str, str], container: Container) -> None:
    """Build the image into `container`."""
    user = "root"
    for name, rest in read_instructions(text):
        if name == "ENV":
            key, _, value = rest.partition("=")
            container.environ[key] = value.replace("$PATH", container.environ["PATH"])
        elif name == "USER":
            user = rest
        elif name == "COPY":
            source, target = rest.split()
            container.write(target, (context / source).read_text())
        elif name == "RUN" and not any(given in rest for given in GIVEN):
            _run(rest, user, contexts, secrets, container)
        else:
            assert name in ("FROM", "RUN"), f"the player knows no {name}"


def _run(line: str, user: str, contexts: Mapping[str, Path], secrets: Mapping[str, str], container: Container) -> None:
    """Do one RUN line with its mounts."""
    mounts: dict[str, Path] = {}
    while line.startswith("--mount="):
        option, _, line = line.partition(" ")
        words = dict(word.split("=", 1) for word in option.removeprefix("--mount=").split(","))
        if words.get("type") == "secret":
            mounts[f"/run/secrets/{words['id']}"] = give_secret(secrets[words["id"]], int(words.get("uid", 0)), container)
        else:
            mounts[words["target"]] = contexts[words["from"]]
    result = container.run("/bin/sh", "-c", line, user=user, environ={"HOME": HOMES[user]}, binds=mounts)
    assert result.returncode == 0, f"RUN {line}\n{result.stdout}{result.stderr}"


def give_secret(secret: str, uid: int, container: Container, mode: int = 0o400) -> Path:
    """Return a file with the secret that belongs to `uid`, outside of the container."""
    path = container.folder.parent / f"secret-{uid}-{mode:o}"
    path.write_text(secret + "\n")
    path.chmod(mode)
    os.chown(path, uid, uid)
    return path
