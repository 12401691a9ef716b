"""`shim setup`: three questions, or as many options, and the config.toml is written; or what other
tools' files say is taken over.

`--remove` takes an index out again: it is the undo of what was added. A file of shim's own
settings, from a team's server or a path, becomes a file of its own (`team.py`).
"""

from __future__ import annotations

import argparse
import os
import sys
from shlex import quote

from shim.cli.setup.ask import is_confirmed
from shim.cli.setup.table import ask_table, ask_use, load_or_begin
from shim.config.edit import Table, append, remove, render
from shim.config.settings import config_files, machine_config_file, user_config_file
from shim.core.errors import UsageError, printable
from shim.core.host import Host, write_stderr

HELP = "write the configuration: an index, how you log in, and for which commands"
EXAMPLE = (
    "shim setup https://pypi.corp.example/simple/ --login env:CORP_TOKEN --use-as default --yes"
)

#: The exit status after a no.
DECLINED = 1
#: Options that say something about the one index that is asked about.
OF_ONE_INDEX = (
    "url",
    "login",
    "name",
    "user",
    "ca_bundle",
    "publish_url",
    "packages",
    "scope",
    "client_id",
)
#: Those that say something about a team's file.
OF_A_TEAM = ("sha256", "allow", "system")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `shim setup`."""
    _configure_index(parser)
    _configure_files(parser)
    parser.add_argument("--yes", action="store_true", help="ask nothing")
    parser.add_argument(
        "--dry-run", action="store_true", help="show what would be written, and stop"
    )


def _configure_index(parser: argparse.ArgumentParser) -> None:
    """Add what says how one index is."""
    add = parser.add_argument
    add(
        "url", metavar="URL", nargs="?", help="the index, as pip is told it (asked for if left out)"
    )
    ways = (
        "login, env:NAME, file:PATH, command:COMMAND LINE, posit:ADDRESS, oidc:ISSUER, or none"
        " (default: login)"
    )
    add("--login", metavar="HOW", help=ways)
    add(
        "--client-id", metavar="ID", help="with --login oidc:ISSUER: as which client (default: pip)"
    )
    add(
        "--use-as",
        metavar="USE",
        help="default, extra or no: also for commands that name no index (default: no)",
    )
    add("--name", help="what to call it in messages and commands (default: after its host)")
    add("-u", "--user", help="the user name (default: __token__)")
    add(
        "--ca-bundle",
        metavar="FILE",
        help="PEM file of the authority that signs its certificate, or system",
    )
    add(
        "--publish-url",
        metavar="URL",
        help="where packages are uploaded to, if that is not below the index",
    )
    add(
        "--packages",
        metavar="NAMES",
        help="names that pip takes from it and from nowhere else, such as 'corp-* acme-lib'",
    )
    add(
        "--scope",
        metavar="URL",
        help="who may receive the credential (default: the index and what is below it)",
    )


def _configure_files(parser: argparse.ArgumentParser) -> None:
    """Add what takes indexes over from a file, and out again."""
    add = parser.add_argument
    files = "a pip.conf, uv.toml, pyproject.toml, .pypirc or Pipfile"
    add(
        "--from",
        dest="file",
        metavar="FILE|URL",
        help=f"take over a team's settings (NAME.toml, or its URL), or the indexes of {files}",
    )
    add(
        "--sha256",
        metavar="HASH",
        help="with --from or --update: take the file with this hash and no other",
    )
    add(
        "--allow",
        metavar="KEY",
        action="append",
        default=[],
        help="with them: the file may say this (command, env, ca-bundle, ...)",
    )
    add("--system", action="store_true", help="with them: for everybody on this machine")
    add(
        "--update",
        action="store_true",
        help="fetch again what came from elsewhere, and show what has changed",
    )
    add(
        "--remove",
        metavar="NAME",
        action="append",
        default=[],
        help="take an index, or a file (NAME.toml), out again",
    )


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
    if arguments.update or _is_of_a_team([arguments.file or "", *arguments.remove]):
        return _do_for_team(arguments, host)
    if said := [name for name in OF_A_TEAM if getattr(arguments, name)]:
        hint = "shim setup --from URL, or --update"
        raise UsageError(f"--{said[0]} is for a file of settings from elsewhere", hint=hint)
    if arguments.remove:
        return _remove(arguments, host)
    file = config_files(host)[0]
    tables, notes = _make_tables(arguments, file, host)
    for note in notes:
        write_stderr(f"shim: {printable(note)}\n")
    if not tables:
        raise UsageError("nothing to write", hint="shim status shows what is configured already")
    sys.stdout.write(
        f"to be added to {file}:\n\n"
        + "".join(f"    {line}\n" for line in render(tables).splitlines())
        + "\n"
    )
    sys.stdout.flush()
    if arguments.dry_run:
        return 0
    if not is_confirmed("Write this? [Y/n] ", arguments, host):
        return DECLINED
    append(file, tables, host)
    undo = "shim setup" + "".join(f" --remove {table['name']}" for table in tables)
    sys.stdout.write(
        f"written; to undo it: {undo}\n"
        + "".join(f"next: {text}\n" for text in _next_steps(tables, arguments))
    )
    return 0


def _is_of_a_team(words: list[str]) -> bool:
    """Whether one of the words names a file of settings: by a URL, or by its ending where that is
    no other tool's.
    """
    return any(
        "://" in word
        or (word.endswith(".toml") and os.path.basename(word) not in ("uv.toml", "pyproject.toml"))
        for word in words
    )


def _do_for_team(arguments: argparse.Namespace, host: Host) -> int:
    """Take over a file, fetch all of them again, or remove some; say what comes next."""
    from shim.cli.setup import team

    if named := host.environ.get("SHIM_CONFIG_FILE"):
        raise UsageError(
            f"with SHIM_CONFIG_FILE={named} no other file counts",
            hint="unset SHIM_CONFIG_FILE, and say it again",
        )
    if any(
        getattr(arguments, name)
        for name in (*OF_ONE_INDEX, "use_as")
        if name not in ("name", "ca_bundle")
    ):
        raise UsageError(
            "the file says what it says",
            hint=(
                "shim setup --from URL takes --name and --ca-bundle, and no other option of an"
                " index"
            ),
        )
    file = machine_config_file() if arguments.system else str(user_config_file(host))
    if arguments.remove:
        done = [team.remove_file(name, file, arguments, host) for name in arguments.remove]
        return 0 if all(done) else DECLINED
    tables = (team.update if arguments.update else team.take_over)(file, arguments, host)
    if tables:
        sys.stdout.write("".join(f"next: {text}\n" for text in _next_steps(tables, arguments)))
    return DECLINED if tables is None else 0


def _make_tables(
    arguments: argparse.Namespace, file: str, host: Host
) -> tuple[list[Table], list[str]]:
    settings = load_or_begin(host)
    if arguments.file is None:
        return [ask_table(arguments, settings, file, host)], []
    from shim.cli.setup.import_file import read_tables

    if any(getattr(arguments, name) for name in OF_ONE_INDEX):
        raise UsageError(
            "--from takes the indexes as the file says",
            hint="leave out everything else but --use-as",
        )
    use = ask_use(arguments, settings, file, host)
    return read_tables(arguments.file, use, settings, file, host)


def _remove(arguments: argparse.Namespace, host: Host) -> int:
    """Take indexes out of config.toml. What is stored for them stays, and is said."""
    if any(getattr(arguments, name) for name in OF_ONE_INDEX) or arguments.file:
        raise UsageError(
            "--remove takes names of indexes and nothing else", hint="shim setup --remove NAME"
        )
    file = config_files(host)[0]
    try:
        lines = remove(file, arguments.remove, host, only_show=True)
    except UsageError:
        _refuse_part_of_a_file(arguments.remove, file)
        raise
    sys.stdout.write(
        f"to be removed from {file}:\n\n" + "".join(f"    {line}\n" for line in lines) + "\n"
    )
    sys.stdout.flush()
    if arguments.dry_run:
        return 0
    if (
        not arguments.yes
        and host.interactive
        and not is_confirmed("Remove this? [Y/n] ", arguments, host)
    ):
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


def _next_steps(tables: list[Table], arguments: argparse.Namespace) -> list[str]:
    """Return what to do now: log in where a secret is to be stored, and look at what a command will
    do.
    """
    sources = ("env", "file", "command", "ambient", "on-failure")
    stored = [
        table
        for table in tables
        if not any(key in table for key in sources) and not _is_public(table)
    ]
    steps = [f"shim login {table['name']}" for table in stored]
    steps += [
        f"shim login {quote(str(table['publish-url']))}"
        for table in stored
        if "publish-url" in table
    ]
    is_a_tools = arguments.file and not _is_of_a_team([arguments.file])
    opened = (
        ['where an index is open to everybody, write on-failure = "pass" into its table instead']
        if steps and is_a_tools
        else []
    )
    return [*steps, *opened, "shim status"]


def _is_public(table: Table) -> bool:
    from shim.core.urls import parse_url

    return parse_url(str(table["url"])).is_public
