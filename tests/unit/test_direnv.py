"""`formats/direnv.py`: our folders leave what direnv has saved, and nothing else does. Real ones are in tests/real/test_neighbours.py."""

from __future__ import annotations

import base64
import json
import zlib

import pytest

from shim.formats.direnv import without_folders


def pack(value: object) -> str:
    return base64.urlsafe_b64encode(zlib.compress(json.dumps(value).encode())).decode()


def test_only_our_folders_go() -> None:
    before = {"p": {"PATH": "/a/shims:/b::/a/shims/x", "ODD": "é\n/a/shims"}, "n": {"PATH": "/c:/a/shims", "NEW": ""}}
    after = json.loads(zlib.decompress(base64.urlsafe_b64decode(without_folders(pack(before), ("/a/shims",)))))

    assert after == {"p": {"PATH": "/b::/a/shims/x", "ODD": "é\n/a/shims"}, "n": {"PATH": "/c", "NEW": ""}}


@pytest.mark.parametrize(
    "text", ["", "x", "é", "====", pack([]), pack({"p": []}), pack({"p": {"PATH": 1}}), pack(None), base64.b64encode(b"x").decode()]
)
def test_what_is_none_of_direnvs_stays(text: str) -> None:
    assert without_folders(text, ("/a",)) in (text, pack({"p": []}))
