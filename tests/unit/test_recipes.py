"""docs/recipes.md says what the code knows of vendors; that its configurations are valid is held by test_document_examples.py."""

from __future__ import annotations

import re

from shim.credentials.known_hosts import load_tables
from shim.formats.pypirc import parse_pypirc
from tests.support.toolchains import ROOT

TEXT = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")


def test_the_recipe_for_a_pypirc_has_a_section_with_a_command() -> None:
    (block,) = re.findall(r"```ini\n(.*?)```", TEXT, re.DOTALL)
    (section,) = parse_pypirc(block)

    assert section.password_command == ("op", "read", "op://work/pypi/password")


def test_every_known_host_is_named_with_its_variable_or_its_login() -> None:
    for table in load_tables():
        assert table["name"].removesuffix(" CI") in TEXT or "gitlab.com" in TEXT
        assert (table.get("variable") or table["login"].partition(" --")[0]) in TEXT
