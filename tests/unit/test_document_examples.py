"""What README and docs/ show is what shim takes: each `shim` command has these verbs and options, each configuration is valid."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from shim.cli import VERBS, load_verb
from shim.cli.usage import Parser, UsageError
from shim.config.settings import load_settings
from shim.core.host import Host
from tests.support.documents import ROOT, Block, blocks

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"(?ms)^ *```([a-z]*).*?\n(.*?)^ *```")
#: Where the command ends: a comment, another command, the end of a substitution.
END = re.compile(r"\s+#|\s*(?:\|\||&&|[|;)])|\s+(?:…|\.\.\.)")
#: Its usage lines have `[OPTIONS]` in them; it is made from the parsers.
MADE = "docs/cli.md"


def read_commands(text: str) -> Iterator[tuple[str, bool]]:
    """Yield each command that begins with `shim`, and whether it is whole, as somebody types it: inline code may name a part."""
    for _, block in BLOCK.findall(text):
        yield from ((END.split(line)[0], True) for line in re.findall(r"(?m)^(?:\$ |    - )?(shim [a-z].*)$", block))
    yield from ((END.split(code)[0], False) for code in re.findall(r"`(shim [a-z][^`\n]*)`", BLOCK.sub("", text)))


def find_flaw(command: str, *, whole: bool) -> str | None:
    """Return what `shim` does not have of this command."""
    verb, *words = shlex.split(command)[1:]
    if verb not in VERBS:
        return f"there is no verb {verb}"
    parser = Parser(prog=f"shim {verb}")
    load_verb(verb).configure(parser)
    own = words[: words.index("--")] if "--" in words else words
    known = {option for action in parser._actions for option in action.option_strings}
    if unknown := [word for word in own if word.startswith("-") and word.partition("=")[0] not in known]:
        return f"shim {verb} has no option {unknown[0]}"
    try:
        if whole:
            parser.read(words)
    except UsageError as error:
        return error.message
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_command_of_ours_is_one_that_shim_has(page: Path) -> None:
    if str(page.relative_to(ROOT)) == MADE:
        return
    flaws = {command: find_flaw(command, whole=whole) for command, whole in read_commands(page.read_text())}

    assert {command: flaw for command, flaw in flaws.items() if flaw} == {}


@pytest.mark.parametrize("block", blocks("*", "toml"), ids=str)
def test_a_configuration_is_one_that_shim_takes(block: Block, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(block.text)
    (tmp_path / "config.toml").chmod(0o600)

    load_settings(Host({"SHIM_CONFIG_FILE": str(tmp_path / "config.toml")}, "/"))


def test_the_search_finds_what_it_is_for() -> None:
    text = "`shim login --stroe` and `shim logni`\n```console\n$ shim setup  # asks\n$ shim cache\nshim: error[usage]: …\n```\n`pip x`\n"

    assert [(command, find_flaw(command, whole=whole)) for command, whole in read_commands(text)] == [
        ("shim setup", None),
        ("shim cache", "the following arguments are required: action"),
        ("shim login --stroe", "shim login has no option --stroe"),
        ("shim logni", "there is no verb logni"),
    ]
    assert sum(len(list(read_commands(page.read_text()))) for page in PAGES) > 150
