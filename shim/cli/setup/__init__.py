"""`shim setup`: three questions, or as many options, or another tool's file, make config.toml.

`--remove` takes an index out again. A file of shim's own settings, from a team's server or a path,
becomes a file of its own (`team.py`).
"""

from __future__ import annotations

import argparse
import os
import sys
from shlex import quote

from shim.cli.setup.ask import Dialogue
from shim.cli.setup.table import ask_table, ask_use, load_or_begin
from shim.cli.usage import Parser
from shim.config.edit import Table, append, remove, render
from shim.config.settings import config_files, machine_config_file, user_config_file
from shim.core.errors import UsageError, printable
from shim.core.host import Host, write_stderr
from shim.core.typing import Iterable
from shim.core.urls import parse_url

HELP = "write the configuration: an index, how you log in, and for which commands"
EXAMPLE = (
    "shim setup https://pypi.corp.example/simple/ --login env:CORP_TOKEN --use-as default --yes"
)

#: The exit status after a no.
DECLINED = 1
#: Options that say something about the one index that is asked about.
OF_ONE_INDEX = (
    *("url", "login", "name", "user", "ca_bundle", "publish_url"),
    *("packages", "scope", "client_id"),
)
#: Those that say something about a team's file.
OF_A_TEAM = ("sha256", "allow", "system")


def configure(parser: Parser) -> None:
    """Add the arguments of `shim setup`."""
    add = parser.add
    add("url URL", "the index, as pip is told it (asked for if left out)", nargs="?")
    ways = (
        "login, env:NAME, file:PATH, command:COMMAND LINE, posit:ADDRESS, oidc:ISSUER, or none"
        " (default: login)"
    )
    add("--login HOW", ways)
    add("--client-id ID", "with --login oidc:ISSUER: as which client (default: pip)")
    use = "default, extra or no: also for commands that name no index (default: no)"
    add("--use-as USE", use)
    name = "what to call it in messages and commands (default: after its host)"
    parser.add_argument("--name", help=name)
    parser.add_argument("-u", "--user", help="the user name (default: __token__)")
    add("--ca-bundle FILE", "PEM file of the authority that signs its certificate, or system")
    add("--publish-url URL", "where packages are uploaded to, if that is not below the index")
    names = "names that pip takes from it and from nowhere else, such as 'corp-* acme-lib'"
    add("--packages NAMES", names)
    add("--scope URL", "who may receive the credential (default: the index and what is below it)")
    files = "a pip.conf, uv.toml, pyproject.toml, .pypirc or Pipfile"
    source = f"take over a team's settings (NAME.toml, or its URL), or the indexes of {files}"
    add("--from FILE|URL", source, dest="file")
    add("--sha256 HASH", "with --from or --update: take the file with this hash and no other")
    leave = "with them: the file may say this (command, env, ca-bundle, ...)"
    add("--allow KEY", leave, action="append", default=[])
    add("--system", "with them: for everybody on this machine")
    add("--update", "fetch again what came from elsewhere, and show what has changed")
    which = "take an index, or a file (NAME.toml), out again"
    add("--remove NAME", which, action="append", default=[])
    add("--yes", "ask nothing")
    add("--dry-run", "show what would be written, and stop")


def main(arguments: argparse.Namespace, host: Host) -> int:
    """Make the tables, show them, write them once they are confirmed, and say what comes next."""
    # Without a home the first file would be the machine's, which is everybody's: that one has to be
    # named.
    at_home = host.environ.get("SHIM_CONFIG_FILE") or user_config_file(host)
    if not at_home:
        raise UsageError(
            "there is no home folder to write config.toml to",
            hint="set HOME, or SHIM_CONFIG_FILE to a path",
        )
    dialogue = Dialogue(arguments, host)
    if arguments.update or _is_of_a_team(arguments.file or "", *arguments.remove):
        return _do_for_team(dialogue)
    if said := _find_said(arguments, *OF_A_TEAM):
        hint = "shim setup --from URL, or --update"
        raise UsageError(f"--{said} is for a file of settings from elsewhere", hint=hint)
    file = config_files(host)[0]
    if arguments.remove:
        return _remove(file, dialogue)
    tables, notes = _make_tables(file, dialogue)
    for note in notes:
        write_stderr(f"shim: {printable(note)}\n")
    if not tables:
        raise UsageError("nothing to write", hint="shim status shows what is configured already")
    _show(f"to be added to {file}", render(tables).splitlines())
    if arguments.dry_run:
        return 0
    if not dialogue.is_confirmed("Write this? [Y/n] "):
        return DECLINED
    append(file, tables, host)
    undo = "shim setup" + "".join(f" --remove {table['name']}" for table in tables)
    sys.stdout.write(f"written; to undo it: {undo}\n{_next_steps(tables, arguments)}")
    return 0


def _find_said(arguments: argparse.Namespace, *names: str) -> str | None:
    """Return the first of these options that was typed, or None."""
    return next((name for name in names if getattr(arguments, name)), None)


def _show(title: str, lines: Iterable[str]) -> None:
    sys.stdout.write("\n".join([f"{title}:", "", *(f"    {line}" for line in lines), "", ""]))
    sys.stdout.flush()


def _is_of_a_team(*words: str) -> bool:
    """Whether a word is a URL, or names a file with an ending that is no other tool's."""
    return any(
        "://" in word
        or (word.endswith(".toml") and os.path.basename(word) not in ("uv.toml", "pyproject.toml"))
        for word in words
    )


def _do_for_team(dialogue: Dialogue) -> int:
    """Take over a file, fetch all of them again, or remove some; say what comes next."""
    from shim.cli.setup import team

    arguments, host = dialogue.arguments, dialogue.host
    if named := host.environ.get("SHIM_CONFIG_FILE"):
        raise UsageError(
            f"with SHIM_CONFIG_FILE={named} no other file counts",
            hint="unset SHIM_CONFIG_FILE, and say it again",
        )
    if _find_said(arguments, *({*OF_ONE_INDEX, "use_as"} - {"name", "ca_bundle"})):
        raise UsageError(
            "the file says what it says",
            hint="shim setup --from URL takes --name and --ca-bundle, and no other option of an"
            " index",
        )
    file = machine_config_file() if arguments.system else str(user_config_file(host))
    if arguments.remove:
        done = [team.remove_file(name, file, dialogue) for name in arguments.remove]
        return 0 if all(done) else DECLINED
    tables = (team.update if arguments.update else team.take_over)(file, dialogue)
    if tables:
        sys.stdout.write(_next_steps(tables, arguments))
    return DECLINED if tables is None else 0


def _make_tables(file: str, dialogue: Dialogue) -> tuple[list[Table], list[str]]:
    arguments, settings = dialogue.arguments, load_or_begin(dialogue.host)
    if arguments.file is None:
        return [ask_table(dialogue, settings, file)], []
    from shim.cli.setup.import_file import read_tables

    if _find_said(arguments, *OF_ONE_INDEX):
        raise UsageError(
            "--from takes the indexes as the file says",
            hint="leave out everything else but --use-as",
        )
    use = ask_use(dialogue, settings, file)
    return read_tables(arguments.file, use, settings, file, dialogue.host)


def _remove(file: str, dialogue: Dialogue) -> int:
    """Take indexes out of config.toml. What is stored for them stays, and is said."""
    arguments, host = dialogue.arguments, dialogue.host
    if _find_said(arguments, *OF_ONE_INDEX, "file"):
        raise UsageError(
            "--remove takes names of indexes and nothing else", hint="shim setup --remove NAME"
        )
    try:
        lines = remove(file, arguments.remove, host, only_show=True)
    except UsageError:
        _refuse_part_of_a_file(arguments.remove, file)
        raise
    _show(f"to be removed from {file}", lines)
    if arguments.dry_run:
        return 0
    if not dialogue.may_remove():
        return DECLINED
    remove(file, arguments.remove, host)
    names = " ".join(arguments.remove)
    sys.stdout.write(
        f"removed {names} from {file}; what was stored for it stays: shim status lists it, shim"
        " logout URL forgets it\n"
    )
    return 0


def _refuse_part_of_a_file(names: list[str], file: str) -> None:
    """Raise UsageError for an index that came with a team's file: that one goes as a whole."""
    from shim.config.team_files import list_team_files

    for one in list_team_files(file):
        if found := next((name for name in names if name in one.index_names), None):
            raise UsageError(
                f"[[index]] {found} came with {one.path}", hint=f"shim setup --remove {one.name}"
            )


def _next_steps(tables: list[Table], arguments: argparse.Namespace) -> str:
    """Return what to do now: log in where a secret is to be stored, and look at the whole."""
    sources = {"env", "file", "command", "ambient", "on-failure"}
    stored = [
        table
        for table in tables
        if sources.isdisjoint(table) and not parse_url(str(table["url"])).is_public
    ]
    steps = [f"shim login {table['name']}" for table in stored]
    endpoints = (str(table["publish-url"]) for table in stored if "publish-url" in table)
    steps += [f"shim login {quote(endpoint)}" for endpoint in endpoints]
    if steps and arguments.file and not _is_of_a_team(arguments.file):
        steps.append(
            'where an index is open to everybody, write on-failure = "pass" into its table instead'
        )
    return "".join(f"next: {step}\n" for step in (*steps, "shim status"))
