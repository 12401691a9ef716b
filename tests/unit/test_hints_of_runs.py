"""Hints about a command that would run: each is met as the command is planned, what it says is done, and there is a plan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from shim.pipeline.run import make_plan
from shim.tools import load_tool
from tests.support.following import INDEX, URL, Place, Scene, configured

KNOWN = INDEX + 'env = { password = "CORP" }\n'
OTHER = "http://other.example/more.txt"
CARELESS = 'allow-insecure-host = ["pypi.corp.example"]\n'


def runs(line: str, **files: str) -> Callable[[Place], None]:
    """Return what has a person with a password type a command in a project with these files."""

    def begin(place: Place) -> None:
        configured(KNOWN)(place)
        place.environ["CORP"] = "s3cret"
        place.words = line.split()
        for name, text in files.items():
            place.write(name.replace("_", "."), text)

    return begin


def plan(place: Place) -> None:
    """Plan the command. It must hand over the password."""
    tool, *words = place.words
    target = place.program("exit 0", f"bin/{tool}")
    made = make_plan(load_tool(tool), tool, target, tuple(words), place.host, ask_indexes=False)
    assert made.delivery.channels


def write(name: str, text: str) -> Callable[[Place, str], object]:
    return lambda place, _hint: place.write(name, text)


def say(*words: str) -> Callable[[Place, str], None]:
    return lambda place, _hint: place.words.extend(words)


def instead(old: str, new: str) -> Callable[[Place, str], None]:
    def follow(place: Place, _hint: str) -> None:
        place.words[place.words.index(old)] = new

    return follow


def in_a_file(place: Place, hint: str) -> None:
    assert "plain file of this machine" in hint
    place.write("more.txt", "corp-lib\n")
    instead(OTHER, "more.txt")(place, hint)


SCENES: dict[str, Scene] = {
    "take it out": Scene(
        "take that out of the file; if you want it so, set insecure = true for this [[index]], or say it on your command line",
        runs(f"uv pip install --index-url {URL} corp-lib", uv_toml=CARELESS),
        plan,
        write("uv.toml", ""),
    ),
    "insecure": Scene(
        "take that out of the file; if you want it so, set insecure = true for this [[index]], or say it on your command line",
        runs(f"uv pip install --index-url {URL} corp-lib", uv_toml=CARELESS),
        plan,
        lambda place, _hint: configured(KNOWN + "insecure = true\n")(place),
    ),
    "say it": Scene(
        "take that out of the file; if you want it so, set insecure = true for this [[index]], or say it on your command line",
        runs(f"uv pip install --index-url {URL} corp-lib", uv_toml=CARELESS),
        plan,
        say("--allow-insecure-host", "pypi.corp.example"),
    ),
    "a file": Scene(
        "give the tool a plain file of this machine instead, which shim can read",
        runs(f"pip install -i {URL} -r {OTHER}"),
        plan,
        in_a_file,
    ),
}


@pytest.mark.parametrize("name", SCENES)
def test_a_hint_about_a_command_is_met_and_followed(name: str, tmp_path: Path) -> None:
    SCENES[name].play(Place(tmp_path))
