"""What `--json` prints is what docs/json.schema.json says, for every verb that has the option, in good times and in bad ones."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from shim.cli.answer import JSON_VERBS
from shim.cli.demo.server import PrivateIndex
from tests.support import toolchains
from tests.support.world import CANARY, USER, World

SCHEMA: dict[str, Any] = json.loads((toolchains.ROOT / "docs" / "json.schema.json").read_text())
#: Verb and words -> the definition that its answer has. What has none is no answer.
ANSWERS = {
    ("status",): "status",
    ("status", "--offline"): "status",
    ("doctor",): "doctor",
    ("doctor", "--audit"): "audit",
    ("cache", "list"): "cache",
    ("cache", "clear"): "cache",
    ("token", "corp"): "token",
    ("backend", "list"): "backend",
    ("explain", "--", "pip", "install", "corp-lib"): "explain",
    ("explain", "--", "uv", "pip", "install", "corp-lib"): "explain",
    ("explain", "--", "pip", "--version"): "explain",
}
FAILURES = (
    ["status", "--no-such-option"],
    ["token", "nobody"],
    ["explain", "--", "no-such-tool"],
    ["cache", "lsit"],
    ["doctor", "--confusion"],
    ["backend", "list", "x"],
)


def check(text: str, definition: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(text)
    jsonschema.validate(document, {"$ref": f"#/$defs/{definition}", "$defs": SCHEMA["$defs"]}, jsonschema.Draft202012Validator)
    return document


def test_the_schema_is_one_and_has_every_verb() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert {words[0] for words in ANSWERS} == set(JSON_VERBS)
    named = {entry["$ref"].rpartition("/")[2] for entry in SCHEMA["anyOf"]}
    assert named == {*ANSWERS.values(), "error"}


@pytest.mark.parametrize("state", ["good", "refused", "missing"])
def test_every_answer_has_the_shape_that_is_documented(state: str, world: World, index: PrivateIndex) -> None:
    world.environ["PATH"] = f"{world.prefix / 'shims'}:{toolchains.pip('newest').bin}:{toolchains.uv().bin}:/usr/bin:/bin"
    token = 'command = { argv = ["printenv", "CORP"] }\nmax-age = "1h"\n' if state == "good" else 'env = { password = "CORP" }\n'
    url = f"http://{index.netloc}/simple/"
    world.configure(f'[[index]]\nname = "corp"\nurl = "{url}"\nusername = "{USER}"\nuse-as = "default"\n{token}')
    if state != "missing":
        world.environ["CORP"] = CANARY if state == "good" else "yesterdays"
    for words, definition in ANSWERS.items():
        result = world.shim(words[0], "--json", *words[1:])
        is_error = state == "missing" and definition == "token"
        document = check(result.stdout, "error" if is_error else definition)

        assert (CANARY in result.stdout) == (state == "good" and definition == "token"), words
        if definition == "explain" and state == "missing" and words[2:4] == ("pip", "install"):
            assert document["error"]["code"] == "no-credential"


@pytest.mark.parametrize("words", FAILURES, ids=" ".join)
def test_every_failure_has_the_same_shape(words: list[str], world: World) -> None:
    result = world.shim(words[0], "--json", *words[1:])

    assert result.returncode != 0
    assert result.stderr == ""
    check(result.stdout, "error")
