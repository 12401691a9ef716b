"""Hints about a command that would run: each is met as the command is planned or started, what it says is done, and it may go."""

from __future__ import annotations

import base64
import errno
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest

from shim.core.errors import ShimError
from shim.core.model import Plan
from shim.delivery.masking.supervise import stand_aside
from shim.pipeline.run import make_plan
from shim.tools import load_tool
from tests.support.following import INDEX, URL, Place, Scene, both, has
from tests.unit.test_verify import Reply, Server

GOOD = "Basic " + base64.b64encode(b"alice:good").decode()
KNOWN = INDEX + 'env = { password = "CORP" }\n'
TEXT, OTHER = "http://other.example/more.txt", "https://other.example/simple/"
CARELESS = has("uv.toml", 'allow-insecure-host = ["pypi.corp.example"]\n')
PDM = f"""[project]
name = "p"
version = "1"
[[tool.pdm.source]]
name = "corp"
url = "{URL}"
[[tool.pdm.source]]
name = "other"
url = "{OTHER}"
"""
EXPLICIT = """[project]
name = "p"
version = "1"
dependencies = ["corp-lib"]
[tool.uv.sources]
corp-lib = {{ index = "team" }}
[[tool.uv.index]]
name = "team"
url = "{url}"
explicit = true
"""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A person with a password, and a server whose `answers` are for strangers and for who has the right one."""
    made = Place(tmp_path)
    answers = {"/simple/": ((401, None), (200, None))}

    def reply(path: str, authorization: str | None) -> Reply:
        stranger, friend = answers.get(path, ((404, None), (404, None)))
        return friend if authorization == GOOD else stranger

    made.configure(KNOWN)
    made.environ["CORP"] = "good"
    with Server(reply).running() as made.server:
        made.server.answers = answers
        yield made


def types(line: str) -> Callable[[Place], None]:
    return lambda place: setattr(place, "words", line.split())


def at_server(place: Place) -> None:
    """Let the index be at the server."""
    place.edit(URL, f"{place.server.url}/simple/")


def plan(place: Place, *, ask_indexes: bool = False) -> Plan:
    """Plan what was typed. The password must be handed over."""
    tool, *words = place.words
    target = place.program("exit 0", f"bin/{tool}")
    words = [word.replace("@", place.server.url) for word in words]
    made = make_plan(
        load_tool(tool), tool, target, tuple(words), place.host, ask_indexes=ask_indexes
    )
    assert made.delivery.channels
    return made


def plan_and_ask(place: Place) -> None:
    plan(place, ask_indexes=True)


def answers(stranger: Reply, friend: Reply, *paths: str) -> Callable[[Place], None]:
    return lambda place: place.server.answers.update(dict.fromkeys(paths, (stranger, friend)))


def refused_before(place: Place) -> None:
    """The user had no permission when the command ran the last time, and has got one since."""
    answers((401, None), (403, None), "/simple/")(place)
    with pytest.raises(ShimError, match="forbids us to read it"):
        plan_and_ask(place)
    answers((401, None), (200, None), "/simple/")(place)


def start(place: Place) -> None:
    """Start what was planned, on a machine that has no process left, with its output going into a pipe."""
    delivery = plan(place).delivery
    reader, writer = os.pipe()
    stdout = os.dup(1)
    os.dup2(writer, 1)
    try:
        with mock.patch("os.fork", side_effect=OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))):
            assert stand_aside(delivery) == delivery
    finally:
        os.dup2(stdout, 1)
        for descriptor in (reader, writer, stdout):
            os.close(descriptor)


def in_a_file(place: Place, hint: str) -> None:
    assert "plain file of this machine" in hint
    place.write("more.txt", "corp-lib\n")
    place.words[place.words.index(TEXT)] = "more.txt"


def write_without_quotes(place: Place, hint: str) -> None:
    found = re.fullmatch("write (.*) without them in env (.*)", hint)
    assert found is not None
    place.environ[found[2]] = found[1]


def ask_at_once(place: Place, hint: str) -> None:
    assert 'authenticate = "always" beside the URL of this [[index]]' in hint
    path = place.folder / "pyproject.toml"
    path.write_text(path.read_text() + 'authenticate = "always"\n')


SCENES = (
    Scene(
        "take that out of the file; if you want it so, set insecure = true for this [[index]], or say it on your command line",
        both(CARELESS, types(f"uv pip install --index-url {URL} corp-lib")),
        plan,
        lambda place, _: place.write("uv.toml", ""),
    ),
    Scene(
        "take that out of the file; if you want it so, set insecure = true for this [[index]], or say it on your command line",
        both(CARELESS, types(f"uv pip install --index-url {URL} corp-lib")),
        plan,
        lambda place, _: place.configure(KNOWN + "insecure = true\n"),
    ),
    Scene(
        "take that out of the file; if you want it so, set insecure = true for this [[index]], or say it on your command line",
        both(CARELESS, types(f"uv pip install --index-url {URL} corp-lib")),
        plan,
        lambda place, _: place.words.extend(("--allow-insecure-host", "pypi.corp.example")),
    ),
    Scene(
        "give the tool a plain file of this machine instead, which shim can read",
        types(f"pip install -i {URL} -r {TEXT}"),
        plan,
        in_a_file,
    ),
    Scene(
        "write {} without them in {}",
        both(
            lambda place: place.environ.update(PIP_INDEX_URL=f"'{URL}'"),
            types(f"pip install --extra-index-url {OTHER} corp-lib"),
        ),
        plan,
        write_without_quotes,
    ),
    Scene(
        'if you trust that server, say so: an [[index]] with its url and on-failure = "pass"',
        both(has("pyproject.toml", PDM), types("pdm lock")),
        plan,
        lambda place, _: place.configure(
            KNOWN + f'[[index]]\nname = "other"\nurl = "{OTHER}"\non-failure = "pass"\n'
        ),
    ),
    Scene(
        'write authenticate = "always" beside the URL of this [[index]] in uv.toml or pyproject.toml: uv then sends it at once',
        both(
            at_server,
            answers((200, None), (200, None), "/simple/", "/simple/corp-lib/"),
            lambda place: place.write(
                "pyproject.toml", EXPLICIT.format(url=f"{place.server.url}/simple/")
            ),
            types("uv run python"),
        ),
        plan_and_ask,
        ask_at_once,
    ),
    Scene(
        "{}; SHIM_REFRESH=1 tries the same secret again",
        both(
            at_server,
            types(f"pip install -i @/simple/ --extra-index-url {OTHER} corp-lib"),
            refused_before,
        ),
        plan_and_ask,
        lambda place, _: place.environ.update(SHIM_REFRESH="1"),
    ),
    Scene(
        "SHIM_REDACT=never runs it unmasked",
        both(
            lambda place: place.configure('redact = "always"\n' + KNOWN),
            types(f"pip install -i {URL} corp-lib"),
        ),
        start,
        lambda place, hint: place.environ.update([hint.split()[0].split("=")]),
    ),
)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.template[:50])
def test_a_command_may_go_once_its_hint_is_followed(scene: Scene, place: Place) -> None:
    scene.play(place)
