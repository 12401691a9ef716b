"""The option tables against the parsers of real pips: whatever a release accepts, every abbreviation included, we read alike."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest

from shim.formats.optparse_scan import OptionTable, read_table
from shim.tools.installed_version import parse_version
from shim.tools.pip.options import COMMANDS, MAIN, REQUIREMENTS_LINE, WANTED
from shim.tools.pip.settings import command_table
from tests.support import toolchains

VERSIONS = ["20.3.4", "21.3.1", "22.3.1", "23.0.1", "23.2.1", "24.0", "25.0", "25.3", "newest"]
#: Prints every command's options: [long names, short names, does it take a value].
DUMP = """
import json, sys
from pip._internal.commands import commands_dict, create_command
from pip._internal.cli.main_parser import create_main_parser
from pip._internal.req.req_file import build_parser
parsers = {name: create_command(name).parser for name in commands_dict}
parsers.update({"": create_main_parser(), "a line": build_parser()})
def options(parser):
    return [*parser.option_list, *(option for group in parser.option_groups for option in group.option_list)]
print(json.dumps({name: [[o._long_opts, o._short_opts, o.takes_value()] for o in options(parser)] for name, parser in parsers.items()}))
"""

Rows = list[tuple[list[str], list[str], bool]]


def read_parsers(version: str) -> tuple[dict[str, Rows], tuple[int, ...]]:
    tool = toolchains.pip(version)
    run = subprocess.run([tool.python, "-I", "-c", DUMP], capture_output=True, text=True, check=True, timeout=60)
    return json.loads(run.stdout), parse_version(tool.version)


def our_tables(names: set[str], release: tuple[int, ...]) -> Iterator[tuple[str, OptionTable]]:
    yield "", read_table(MAIN, release=release)
    yield "a line", read_table(REQUIREMENTS_LINE, WANTED, release)
    for name in names & set(COMMANDS):
        yield name, command_table(name, release)


def accepted(rows: Rows) -> Iterator[tuple[str, str, bool]]:
    """Yield (spelling, the option's name, whether it takes a value) for all that optparse takes for one option."""
    options = {name: (longs[0].removeprefix("--"), takes_value) for longs, _, takes_value in rows for name in longs}
    for longs, shorts, takes_value in rows:
        for name in shorts:
            yield name, longs[0].removeprefix("--"), takes_value
    for spelling in {name[:length] for name in options for length in range(3, len(name) + 1)}:
        matching = [spelling] if spelling in options else [name for name in options if name.startswith(spelling)]
        if len(matching) == 1:
            yield spelling, *options[matching[0]]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_option_and_abbreviation_that_a_pip_accepts_is_read_as_it_reads_it(version: str) -> None:
    parsers, release = read_parsers(version)
    differences = []
    count = 0
    for command, table in our_tables(set(parsers), release):
        for spelling, name, takes_value in accepted(parsers[command]):
            count += 1
            ours = table.find_long(spelling) if spelling.startswith("--") else table.short.get(spelling)
            if ours is None or (ours.name, ours.takes_value) != (name, takes_value):
                differences.append((command, spelling, name, takes_value, ours))

    assert differences == []
    assert count > 1000


@pytest.mark.parametrize("version", VERSIONS)
def test_a_command_without_a_table_has_no_option_that_names_an_index(version: str) -> None:
    parsers, _ = read_parsers(version)
    others = set(parsers) - set(COMMANDS) - {"", "a line"}

    assert others >= {"freeze", "show", "check", "config", "hash"}
    assert [name for name in others for longs, _, _ in parsers[name] if "--index-url" in longs] == []
