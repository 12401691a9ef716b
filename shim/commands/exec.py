"""`shim exec -- CMD`: any other program (tox, nox, make, pre-commit, ...) with credentials within reach of the tools it starts.

uv finds them in its store, by URL. Tools that ask a keyring command (pip, pdm, pipx, build, ...) find our face first on
PATH, and the launchers behind it. Nothing secret stands in the environment, and NETRC is left alone: the program's own
requests would send it.
"""

from __future__ import annotations

import argparse
import os
import shutil

from shim.errors import TargetNotFound, UsageError
from shim.execute import become
from shim.host import Host
from shim.model import Delivery, Invocation, Need, Needs, Origin, Target
from shim.settings import Settings

HELP = "run any program with the credentials of the configured indexes within reach"
EXAMPLE = "shim exec -- tox -e py312"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `shim exec`."""
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="the program and its arguments")


def main(arguments: argparse.Namespace, host: Host) -> int:
    """Become the program; returns only by raising."""
    from shim.settings import load_settings

    command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    if not command:
        raise UsageError("no command to run", hint=EXAMPLE)
    name, *argv = command
    target = shutil.which(name, path=host.environ.get("PATH"))
    if target is None:
        raise TargetNotFound(f"no {name} on PATH", hint=f"type -a {name}")
    delivery = plan(tuple(argv), target, load_settings(host), host)
    become(target, name, delivery, host.environ)


def plan(argv: tuple[str, ...], target: str, settings: Settings, host: Host) -> Delivery:
    """Return the delivery for a program that may start any tool: uv's store, and PATH with our face and launchers in front."""
    from shim.delivery import plan_delivery
    from shim.resolve import resolve

    needs = Needs(tuple(Need(index.url, Origin("config", index.defined_in), username=index.username) for index in settings.indexes))
    answers = resolve(needs, settings, host)
    # The store's rules are uv's; this family's verb tells the channels that user code follows.
    invocation = Invocation("uv", "uv", Target(target), argv, ("run",), True, "any program may start uv")
    delivery = plan_delivery(invocation, needs, answers, settings, host)
    folders = [folder for folder in (host.faces, host.shims) if folder]
    path = ":".join([*folders, host.environ.get("PATH", os.defpath)])
    if delivery.channels:
        from shim.audit import record_release

        given = [answer.credential for answer in answers if answer.credential and not answer.credential.kept_by_tool]
        record_release(given, target, "within reach of all it starts", settings, host)
    return Delivery(delivery.argv, {**delivery.environ, "PATH": path}, delivery.memory, delivery.channels, delivery.warnings)
