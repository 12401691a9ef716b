"""The `shim` command: one module per verb, loaded when it is typed.

Errors are raised as ShimError; `main` here prints them.
"""

from __future__ import annotations

import argparse
import sys

from shim.cli.usage import Parser, refuse_verb
from shim.core.errors import InternalError, ShimError, render
from shim.core.host import Host, this_host, write_stderr
from shim.core.importing import import_module
from shim.core.typing import Protocol, cast

#: In the order of `shim --help`. Adding a verb is one file and one line here.
VERBS = (
    "setup",
    "login",
    "logout",
    "status",
    "names",
    "explain",
    "explain-error",
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


class Verb(Protocol):
    """What a verb's module offers: among them one line of help, and one real command line."""

    HELP: str
    EXAMPLE: str

    def configure(self, parser: Parser) -> None:
        """Add the verb's arguments."""

    def main(self, arguments: argparse.Namespace, host: Host) -> int:
        """Do it; return the exit status."""


def load_verb(name: str) -> Verb:
    """Return the module of a verb."""
    return cast(Verb, import_module(f"shim.cli.{name.replace('-', '_')}"))


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
    name = argv[0] if argv else "--help"
    if name in ("-V", "--version", "version"):
        from shim import __version__
        from shim.core.installation import find_commit

        commit = find_commit()
        sys.stdout.write(f"shim {__version__}" + (f" ({commit})\n" if commit else "\n"))
        return 0
    if name == "help" and argv[1:]:
        name, argv = argv[1], [argv[1], "--help"]
    if name in ("-h", "--help", "help"):
        sys.stdout.write(_overview())
        return 0 if argv else 64
    if name not in VERBS:
        raise refuse_verb(name, VERBS)
    verb = load_verb(name)
    parser = Parser(prog=f"shim {name}", description=verb.HELP, epilog=f"example: {verb.EXAMPLE}")
    verb.configure(parser)
    return verb.main(parser.read(argv[1:]), host)


def _overview() -> str:
    """Return the text of `shim --help`: each verb with its one line."""
    from shim.core.folding import fold

    promise = (
        "pip and uv with the right credential for each private index, just in time and out of"
        " sight."
    )
    more = "`shim VERB --help` says more. `SHIM_BYPASS=1 pip ...` runs the real pip without us."
    verbs = "".join(fold(f"{name:<13} {load_verb(name).HELP}", "  ", 1) for name in VERBS)
    usage = fold("usage: shim VERB [ARGUMENTS]", "", 1)
    return "\n".join([usage, fold(promise, "", 1), verbs, fold(more, "", 1)])
