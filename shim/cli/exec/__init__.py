"""`shim exec -- CMD`: any other program (tox, nox, make, pre-commit, ...) with credentials within
reach of the tools it starts.

uv finds them in its store, by URL. Tools that ask a keyring command (pip, pdm, pipx, build, ...)
find our face first on PATH, and the launchers behind it. Nothing secret stands in the environment,
and NETRC is left alone: the program's own requests would send it.
"""

from __future__ import annotations

import argparse
import os
import shutil

from shim.cli.exec.env_file import EnvFile, read_env_file
from shim.cli.usage import Parser, split_command
from shim.config.settings import Settings, load_settings
from shim.core.dataclass import replace
from shim.core.errors import CannotDeliver, TargetNotFound
from shim.core.host import Host, write_stderr
from shim.core.model import Delivery, Endpoint, Endpoints, Invocation, Origin, Resolution, Target
from shim.core.own_launchers import is_launcher
from shim.core.platform_features import has_memory_files
from shim.core.urls import parse_url
from shim.delivery import Choice
from shim.hotpath.exec_target import become, place_memory

#: How long the servers may take to say how they treat strangers, which they are asked once a day.
CHECK_S = 3.0
HELP = "run any program with the credentials of the configured indexes within reach"
EXAMPLE = "shim exec -- tox -e py312"


def configure(parser: Parser) -> None:
    """Add the arguments of `shim exec`."""
    text = "take index URLs and credentials, and nothing else, from this dotenv file"
    parser.add("--env-file FILE", text)
    parser.add_command("the program and its arguments")


def main(arguments: argparse.Namespace, host: Host) -> int:
    """Become the program; returns only by raising."""
    name, *argv = split_command(arguments, "run", EXAMPLE)
    env_file = read_env_file(arguments.env_file, host) if arguments.env_file else None
    for text in env_file.warnings if env_file else ():
        write_stderr(f"shim: warning: {text}\n")
    target = _find_target(name, host, launcher_first=env_file is not None)
    if env_file and is_launcher(target):  # which takes out the passwords, and has its own rules
        become(target, name, Delivery(tuple(argv)), {**host.environ, **env_file.variables})
    settings = load_settings(host)
    delivery = plan(tuple(argv), target, settings, host, env_file)
    if not is_launcher(target):  # which sees to it for itself
        from shim.routing.companion import accompany
        from shim.routing.outer import route_program

        delivery = accompany(route_program(delivery, target, settings, host), host.environ)
    if delivery.memory and delivery.memory.pipe:
        from shim.delivery.handed_pipe import set_up

        delivery = set_up(delivery)
    become(target, name, delivery, host.environ)


def _find_target(name: str, host: Host, *, launcher_first: bool) -> str:
    """Return the program's path. Raises TargetNotFound."""
    first = f"{host.shims}:" if host.shims and launcher_first else ""
    target = shutil.which(name, path=first + host.environ.get("PATH", os.defpath))
    if target is None:
        raise TargetNotFound(f"no {name} on PATH", hint=f"type -a {name}")
    return target


def plan(
    argv: tuple[str, ...],
    target: str,
    settings: Settings,
    host: Host,
    env_file: EnvFile | None = None,
) -> Delivery:
    """Return the delivery for a program that may start any tool: uv's store, and our PATH.

    What a dotenv file says goes before what is configured for the same place. Its passwords are put
    into a memory file here and now.
    """
    from shim.credentials.resolve import resolve
    from shim.delivery import choose

    own = env_file.credentials if env_file else ()
    configured = tuple(
        Endpoint(index.url, Origin("config", index.defined_in), username=index.username)
        for index in settings.indexes
        if not any(credential.scope.covers(index.url) for credential in own)
    )
    endpoints = Endpoints(configured)
    resolutions = resolve(endpoints, settings, host)
    resolutions += tuple(
        Resolution(Endpoint(parse_url(str(one.scope)), Origin("env", "--env-file")), one)
        for one in own
    )
    # The store's rules are uv's; this family's verb tells the channels that user code follows.
    why = "any program may start uv"
    invocation = Invocation("uv", "uv", Target(target), argv, ("run",), True, why)
    choice = choose(invocation, endpoints, resolutions, settings, host)
    resolutions, warnings = _check(choice, resolutions)
    delivery = choose(invocation, endpoints, resolutions, settings, host).deliver()
    for text in warnings:
        write_stderr(f"shim: warning: {text}\n")
    folders = [folder for folder in (host.faces, host.shims) if folder]
    path = ":".join([*folders, host.environ.get("PATH", os.defpath)])
    if delivery.channels:
        from shim.storage.audit_log import record_release

        credentials = [one.credential for one in resolutions if one.credential]
        given = [one for one in credentials if not one.found_by_tool]
        record_release(given, target, "within reach of all it starts", settings.audit, host)
    added = _hand_over(env_file, delivery, host) if env_file else {}
    return replace(delivery, environ={**delivery.environ, **added, "PATH": path})


def _check(
    choice: Choice, resolutions: tuple[Resolution, ...]
) -> tuple[tuple[Resolution, ...], tuple[str, ...]]:
    """Return the answers without secrets that were refused a moment ago, and warnings.

    What the program will start nobody knows, so nothing is proven and nothing refused.
    """
    from shim.preflight.preflight import check_resolutions
    from shim.preflight.refused import find_refused
    from shim.tools import load_tool

    uv = load_tool("uv")
    if not choice.channel:
        return resolutions, ()
    refused = find_refused(uv, choice, resolutions)
    warnings = [f"{one.message} (hint: {one.hint})" for one in refused.warnings]
    resolutions = tuple(
        replace(one, credential=None) if one.endpoint in refused.withheld else one
        for one in resolutions
    )
    checked = check_resolutions(uv, choice, resolutions, deadline_s=CHECK_S)
    if checked.unserved:
        warnings.append(
            f"{checked.unserved} by a uv that this program starts by its path; one that it starts"
            " by name asks in another manner"
        )
    return checked.resolutions, tuple(warnings)


def _hand_over(env_file: EnvFile, delivery: Delivery, host: Host) -> dict[str, str]:
    """Return the file's variables, and where our face finds its passwords: a memory file, made now.

    A pip before 26.2 asks the face only if it is told to. The URLs have user names, without which
    that would disturb it.
    """
    from shim.delivery.answers import VARIABLE, render_answers
    from shim.delivery.memory_file import free_descriptor, process_path

    environ = dict(env_file.clean)
    if not env_file.credentials:
        return environ
    if not has_memory_files() or host.faces is None:
        raise CannotDeliver(
            "the passwords of the dotenv file cannot be handed to this program safely",
            hint="shim install, on Linux; or start pip and uv themselves with it: shim exec"
            " --env-file FILE -- pip ...",
        )
    number = (delivery.memory.descriptor if delivery.memory else free_descriptor()) + 1
    place_memory(number, render_answers(env_file.credentials).reveal())
    if "PIP_KEYRING_PROVIDER" not in host.environ:
        environ["PIP_KEYRING_PROVIDER"] = "subprocess"
    return {**environ, VARIABLE: process_path(number)}
