"""`shim setup`: three questions, or as many options, and the config.toml is written; or what other tools' files say is taken over."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from typing import TypeVar

from shim.commands import setup_fields as fields
from shim.config_edit import Table, append, render
from shim.errors import UsageError, printable
from shim.errors import render as render_error
from shim.host import Host, write_stderr
from shim.settings import Settings, config_files, load_settings, user_config_file
from shim.urls import Url

HELP = "write the configuration: an index, how you log in, and for which commands"
EXAMPLE = "shim setup https://pypi.corp.example/simple/ --login env:CORP_TOKEN --use-as default --yes"

#: How many wrong answers to one question are answered with its hint.
MAX_TRIES = 3
#: The exit status after a no.
DECLINED = 1
Value = TypeVar("Value")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `shim setup`."""
    parser.add_argument("url", metavar="URL", nargs="?", help="the index, as pip is told it (asked for if left out)")
    parser.add_argument(
        "--login", metavar="HOW", help="login, env:NAME, file:PATH, command:COMMAND LINE, posit:ADDRESS, or none (default: login)"
    )
    parser.add_argument("--use-as", metavar="USE", help="default, extra or no: also for commands that name no index (default: no)")
    parser.add_argument("--name", help="what to call it in messages and commands (default: after its host)")
    parser.add_argument("-u", "--user", help="the user name (default: __token__)")
    parser.add_argument(
        "--from", dest="file", metavar="FILE", help="take over the indexes of a pip.conf, uv.toml, pyproject.toml, .pypirc or Pipfile"
    )
    parser.add_argument("--yes", action="store_true", help="ask nothing")
    parser.add_argument("--dry-run", action="store_true", help="show what would be written, and stop")


def main(arguments: argparse.Namespace, host: Host) -> int:
    """Make the tables, show them, write them once they are confirmed, and say what comes next."""
    # Without a home the first file would be the machine's, which is everybody's: that one has to be named.
    at_home = host.environ.get("SHIM_CONFIG_FILE") or user_config_file(host)
    settings, file = load_or_begin(host), config_files(host)[0]
    if not at_home:
        raise UsageError("there is no home folder to write config.toml to", hint="set HOME, or SHIM_CONFIG_FILE to a path")
    if arguments.file is not None:
        from shim.commands.setup_from import read_tables

        if arguments.url or arguments.login or arguments.name or arguments.user:
            raise UsageError("--from takes the indexes as the file says", hint="leave out everything else but --use-as")
        use = _use(arguments, settings, file, host, default="no")
        tables, notes = read_tables(arguments.file, use, settings, file, host)
    else:
        tables, notes = [_ask_table(arguments, settings, file, host)], []
    for note in notes:
        write_stderr(f"shim: {printable(note)}\n")
    if not tables:
        raise UsageError("nothing to write", hint="shim status shows what is configured already")
    sys.stdout.write(f"to be added to {file}:\n\n" + "".join(f"    {line}\n" for line in render(tables).splitlines()) + "\n")
    sys.stdout.flush()
    if arguments.dry_run:
        return 0
    if not arguments.yes and not host.interactive:
        raise UsageError("nothing was written: there is no terminal to ask", hint="--yes writes it without a question")
    if not arguments.yes and _prompt("Write this? [Y/n] ").strip().lower() not in ("", "y", "yes"):
        write_stderr("nothing was written\n")
        return DECLINED
    written = append(file, tables, host)
    sys.stdout.write(f"written; to undo it: {written.undo}\n" + "".join(f"next: {text}\n" for text in _next_steps(tables, arguments)))
    return 0


def load_or_begin(host: Host) -> Settings:
    """Return the settings; empty ones where SHIM_CONFIG_FILE names a file that is yet to be made. Raises ConfigError."""
    import os

    named = host.environ.get("SHIM_CONFIG_FILE")
    if named and not os.path.lexists(host.path(named)):
        return Settings(files=(host.path(named),))
    return load_settings(host)


def _ask_table(arguments: argparse.Namespace, settings: Settings, file: str, host: Host) -> Table:
    """Return the table of one index, from options and answers. Raises UsageError."""

    def new_url(text: str) -> tuple[Url, str | None]:
        url, username = fields.read_url(text)
        if same := fields.find_same(url, settings):
            raise UsageError(
                f"{same.defined_in} has that index already, as {same.name}", hint=f"shim login {same.name}, or change it there"
            )
        return url, username

    if arguments.name:
        fields.read_name(arguments.name, settings)  # before anybody answers questions
    url, typed_user = _field(arguments.url, "1. The URL of the index: ", new_url, arguments, host, needed="the URL of the index")
    if url.is_public:
        login: Table = {}
    else:
        login = _field(
            arguments.login, _menu("2. How do you log in?", fields.LOGINS), lambda text: _read_login(text, host), arguments, host, "login"
        )
    username = fields.read_username(arguments.user) if arguments.user is not None else typed_user
    if username is None and not arguments.login and "on-failure" not in login and not url.is_public:
        username = _field(None, "   User name (empty: __token__): ", fields.read_username, arguments, host, "")
    use = _use(arguments, settings, file, host, default="no")
    if url.is_public and use == "no":
        raise UsageError(
            f"{url.host} serves everybody: there is nothing to log in to", hint="--use-as extra puts it beside a private index"
        )
    name = arguments.name or fields.name_for(url, {index.name for index in settings.indexes})
    user_line = {"username": username} if username else {}
    return {"name": name, "url": url.text, **user_line, **login, **({"use-as": use} if use != "no" else {})}


def _use(arguments: argparse.Namespace, settings: Settings, file: str, host: Host, default: str) -> str:
    question = _menu("3. For which commands?", ((word, "", text) for word, text in fields.USES))
    return _field(
        arguments.use_as,
        question,
        lambda text: fields.read_use(_by_number(text, [word for word, _ in fields.USES]), settings, file),
        arguments,
        host,
        default,
    )


def _read_login(text: str, host: Host) -> Table:
    word, colon, value = text.partition(":")
    kind = _by_number(word, [one for one, _, _ in fields.LOGINS])
    needed = {one: example for one, example, _ in fields.LOGINS}.get(kind)
    if needed and not colon and host.interactive:
        value = _prompt(f"   {needed}: ")
        colon = ":"
    return fields.read_login(f"{kind}{colon}{value}", host)


def _field(
    said: str | None,
    question: str,
    read: Callable[[str], Value],
    arguments: argparse.Namespace,
    host: Host,
    default: str | None = None,
    needed: str = "",
) -> Value:
    """Return what an option says, else the answer to the question, else (with --yes, or without a terminal) the default.

    Raises:
        UsageError: the option is wrong, the answers were so three times, or there is nobody to ask and no default.
    """
    if said is not None:
        return read(said)
    if arguments.yes or arguments.dry_run or not host.interactive:
        if default is None:
            raise UsageError(f"{needed} is missing", hint=EXAMPLE)
        return read(default)
    for tries_left in reversed(range(MAX_TRIES)):
        try:
            return read(_prompt(question))
        except UsageError as error:
            if not tries_left:
                raise
            write_stderr(render_error(error))
    raise AssertionError("unreachable")


def _menu(title: str, choices: Iterable[tuple[str, str, str]]) -> str:
    """Return a question with numbered answers."""
    texts = [(f"{word}:{value}" if value else word, text) for word, value, text in choices]
    width = max(len(word) for word, _ in texts)
    rows = [f"   {number}  {word:<{width}}  {text}\n" for number, (word, text) in enumerate(texts, 1)]
    return f"{title}\n{''.join(rows)}   Number or word: "


def _by_number(text: str, words: list[str]) -> str:
    """Return the word that a number stands for, or the text as it is."""
    text = text.strip()
    return words[int(text) - 1] if text.isascii() and text.isdigit() and 0 < int(text) <= len(words) else text


def _prompt(question: str) -> str:
    """Return the answer of the person at the terminal. Raises UsageError when there is none (^D)."""
    write_stderr(question)
    line = sys.stdin.readline()
    if not line:
        write_stderr("\n")
        raise UsageError("no answer: nothing was written", hint=EXAMPLE)
    return line.rstrip("\r\n")


def _next_steps(tables: list[Table], arguments: argparse.Namespace) -> list[str]:
    """Return what to do now: log in where a secret is to be stored, and look at what a command will do."""
    sources = ("env", "file", "command", "on-failure")
    steps = [f"shim login {table['name']}" for table in tables if not any(key in table for key in sources) and not _is_public(table)]
    opened = ['where an index is open to everybody, write on-failure = "pass" into its table instead'] if steps and arguments.file else []
    return [*steps, *opened, "shim status"]


def _is_public(table: Table) -> bool:
    from shim.urls import parse_url

    return parse_url(str(table["url"])).is_public
