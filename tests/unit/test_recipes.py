"""Every configuration in docs/recipes.md is one that shim takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shim.config.settings import load_settings
from shim.core.host import Host
from shim.credentials.known_hosts import load_tables
from shim.formats.pypirc import parse_pypirc
from tests.support.toolchains import ROOT

TEXT = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_a_recipe_is_a_configuration(block: str, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(block)
    (tmp_path / "config.toml").chmod(0o600)

    assert load_settings(Host({"SHIM_CONFIG_FILE": str(tmp_path / "config.toml")}, "/")).indexes


def test_the_recipe_for_a_pypirc_has_a_section_with_a_command() -> None:
    (block,) = re.findall(r"```ini\n(.*?)```", TEXT, re.DOTALL)
    (section,) = parse_pypirc(block)

    assert section.password_command == ("op", "read", "op://work/pypi/password")


def test_every_known_host_is_named_with_its_variable_or_its_login() -> None:
    for table in load_tables():
        assert table["name"].removesuffix(" CI") in TEXT or "gitlab.com" in TEXT
        assert (table.get("variable") or table["login"].partition(" --")[0]) in TEXT
