"""docs/recipes.md says what the code knows of vendors; that its configurations are valid is held by test_document_examples.py."""

from __future__ import annotations

import re

import pytest

from shim.core.host import Host
from shim.core.urls import parse_url
from shim.credentials.known_hosts import load_tables
from shim.credentials.oauth import prompt
from shim.formats.pypirc import parse_pypirc
from tests.support.documents import ROOT, blocks

TEXT = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")


def test_the_recipe_for_a_pypirc_has_a_section_with_a_command() -> None:
    (block,) = blocks("docs/recipes.md", "ini")
    (section,) = parse_pypirc(block.text)

    assert section.password_command == ("op", "read", "op://work/pypi/password")


def test_a_login_with_a_code_looks_as_it_is_shown(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    (block,) = blocks("docs/recipes.md", "console")
    issuer, page = (parse_url(f"https://login.corp.example{path}") for path in ("", "/device"))
    complete = parse_url("https://login.corp.example/device?user_code=WDJB-MJHT")
    monkeypatch.setattr("os.isatty", lambda descriptor: True)
    said = ""
    with prompt.invite(prompt.Invitation(issuer, "corp", page, "WDJB-MJHT", 582.0, complete), Host({"TERM": "xterm"}, "/")):
        while "gives up" not in said:  # another thread counts
            said += capfd.readouterr().err

    lines = [re.sub(r"\d:\d\d", "9:41", line) for line in re.split(r"[\r\n]", said.replace("\x1b[K", ""))]
    assert [line for line in block.shown if line not in lines] == []


def test_every_known_host_is_named_with_its_variable_or_its_login() -> None:
    for table in load_tables():
        assert table["name"].removesuffix(" CI") in TEXT or "gitlab.com" in TEXT
        assert (table.get("variable") or table["login"].partition(" --")[0]) in TEXT
