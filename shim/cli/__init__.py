"""The `shim` command: one module per verb, loaded when it is typed.

A verb's module has `HELP` (one line), `EXAMPLE` (one real command line), `configure(parser)` and
`main(arguments, host) -> int` (the exit status). Errors are raised as ShimError; `main` here prints
them.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from typing import Protocol, cast

from shim.core.errors import InternalError, ShimError, render
from shim.core.host import Host, this_host, write_stderr

#: In the order of `shim --help`. Adding a verb is one file and one line here.
VERBS = (
    "setup",
    "login",
    "logout",
    "status",
    "names",
    "explain",
    "exec",
    "token",
    "helper",
    "agent",
    "backend",
    "activate",
    "deactivate",
    "install",
    "uninstall",
    "which",
    "doctor",
    "demo",
    "cache",
)


class Command(Protocol):
    """What a verb's module offers."""

    HELP: str
    EXAMPLE: str

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the verb's arguments."""

    def main(self, arguments: argparse.Namespace, host: Host) -> int:
        """Do it; return the exit status."""


def load_command(verb: str) -> Command:
    """Return the module of a verb."""
    return cast(Command, import_module(f"shim.cli.{verb}"))


def main(argv: list[str] | None = None, launcher: str = "") -> int:
    """Run `shim ARGV`, started by `launcher`, and return its exit status.

    Expected failures become one message on stderr, never a traceback.
    """
    host = this_host(launcher)
    words = sys.argv[1:] if argv is None else argv
    try:
        return _dispatch(words, host)
    except ShimError as error:
        return _report(error, words)
    except KeyboardInterrupt:
        write_stderr("\n")
        return 130
    except BrokenPipeError:
        return 141
    except Exception as error:
        if host.is_set("SHIM_DEBUG"):
            raise
        hint = "run it again with SHIM_DEBUG=1 and report what it prints"
        return _report(InternalError(f"{type(error).__name__} in `shim` itself", hint=hint), words)


def _report(error: ShimError, words: list[str]) -> int:
    """Tell people on stderr, or programs that asked for JSON on stdout; return the exit status."""
    from shim.cli.answer import describe_error, wants_json, write_json

    if wants_json(words):
        write_json(describe_error(error))
    else:
        write_stderr(render(error))
    return error.exit_code


def _dispatch(argv: list[str], host: Host) -> int:
    from shim import __version__

    verb = argv[0] if argv else "--help"
    if verb in ("-V", "--version", "version"):
        from shim.core.installation import find_commit

        commit = find_commit()
        sys.stdout.write(f"shim {__version__}" + (f" ({commit})\n" if commit else "\n"))
        return 0
    if verb == "help" and argv[1:]:
        verb, argv = argv[1], [argv[1], "--help"]
    if verb in ("-h", "--help", "help"):
        sys.stdout.write(_overview())
        return 0 if argv else 64
    from shim.cli.usage import Parser, refuse_verb

    if verb not in VERBS:
        raise refuse_verb(verb, VERBS)
    command = load_command(verb)
    parser = Parser(
        prog=f"shim {verb}", description=command.HELP, epilog=f"example: {command.EXAMPLE}"
    )
    command.configure(parser)
    return command.main(parser.read(argv[1:]), host)


def _overview() -> str:
    """Return the text of `shim --help`: each verb with its one line."""
    from shim.core.folding import fold

    promise = (
        "pip and uv with the right credential for each private index, just in time and out of"
        " sight."
    )
    more = "`shim VERB --help` says more. `SHIM_BYPASS=1 pip ...` runs the real pip without us."
    verbs = [fold(f"{verb:<10} {load_command(verb).HELP}", "  ", 1) for verb in VERBS]
    return "".join(
        [
            fold("usage: shim VERB [ARGUMENTS]", "", 1),
            "\n",
            fold(promise, "", 1),
            "\n",
            *verbs,
            "\n",
            fold(more, "", 1),
        ]
    )
