"""`shim agent`: on the host, give one container the credentials of indexes with `agent = true`."""

from __future__ import annotations

import argparse
import os
import re
import signal

from shim.cli.usage import Parser
from shim.config.settings import Settings, config_files, load_settings
from shim.core.contextlib import suppress
from shim.core.errors import ConfigError, UsageError
from shim.core.host import Host, write_stderr
from shim.core.platform_features import names_clients, shows_processes

HELP = "let a container use this machine's credentials, without any of them in it"
EXAMPLE = "shim agent --for dev"

#: Where docs and our own advice mount the folder in the container.
MOUNTED = "/run/shim-agent"
SOCKET = "agent.sock"
NAME = re.compile("[A-Za-z0-9_-]{1,40}")


def configure(parser: Parser) -> None:
    """Add the arguments of `shim agent`."""
    which = "the container: it gets a socket of its own"
    parser.add("--for NAME", which, dest="name", default="default")
    parser.add("--socket PATH", "listen here, in place of a folder in your runtime directory")
    who = (
        "let another user in: the container's, as this machine numbers it (0 for root in a Docker"
        " container)"
    )
    parser.add("--allow-uid N", who, type=int, action="append", default=[])


def main(arguments: argparse.Namespace, host: Host) -> int:
    """Serve until SIGTERM, SIGHUP or Ctrl-C; then take the socket away and return 0."""
    from shim.helpers.agent import Agent, surroundings
    from shim.helpers.agent_socket import Server

    if not names_clients():
        raise UsageError(
            "shim agent needs Linux, which says who connects",
            hint="run it in the Linux machine that runs the containers",
        )
    allowed, settings = _read_uids(arguments.allow_uid), load_settings(host)
    shared = _shared_indexes(settings, host)
    path = _find_path(arguments, host, is_shared=len(allowed) > 1)
    agent = Agent(arguments.name, allowed, surroundings(host))
    ending = watch_signals(signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    server = Server(path, agent.answer, is_shared=len(allowed) > 1)
    try:
        folder, name = os.path.split(path)
        mount = f"--mount type=bind,src={folder},dst={MOUNTED},readonly"
        write_stderr(f"shim: agent for {arguments.name} gives {', '.join(shared)} at {path}\n")
        write_stderr(f"  docker run {mount} -e SHIM_AGENT_SOCKET={MOUNTED}/{name} …\n")
        os.read(ending, 1)
    finally:
        server.close()
        _end_programs()
    return 0


def watch_signals(*numbers: signal.Signals) -> int:
    """Return a descriptor from which a byte can be read once one of these signals has come.

    No lock of `threading` does that: a signal that comes just before the wait would not end it.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    for number in numbers:
        if signal.getsignal(number) != signal.SIG_IGN:  # as nohup, or a shell's &, wants it
            signal.signal(number, lambda *_: None)
    return reading


def _end_programs() -> None:
    """End the programs that a look-up still waits for: each leads a group of its own."""
    for task in os.listdir("/proc/self/task") if shows_processes() else ():
        children = f"/proc/self/task/{task}/children"
        with suppress(OSError, ValueError), open(children, encoding="ascii") as stream:
            for child in stream.read().split():
                os.killpg(int(child), signal.SIGTERM)


def _read_uids(more: list[int]) -> frozenset[int]:
    """Return who may ask: we, and those that were named. Raises UsageError for a shared number."""
    from shim.helpers.agent_socket import OVERFLOW_UID

    for uid in more:
        if not 0 <= uid < 2**32 - 1 or uid == OVERFLOW_UID:
            raise UsageError(
                f"uid {uid} is nobody's own: every user of another namespace looks like that",
                hint="say the number that `ps -o uid` shows on this machine for a process in the"
                " container",
            )
    return frozenset((os.geteuid(), *more))


def _shared_indexes(settings: Settings, host: Host) -> list[str]:
    names = [index.name for index in settings.indexes if index.agent]
    if not names:
        hint = "add agent = true to each [[index]] that the container may use"
        raise ConfigError(
            f"no [[index]] in {' or '.join(config_files(host))} says agent = true", hint=hint
        )
    return names


def _find_path(arguments: argparse.Namespace, host: Host, *, is_shared: bool) -> str:
    """Return where to listen: in a folder to mount whole, where the next agent's socket will be."""
    from shim.core.private_folders import is_private
    from shim.helpers.agent_socket import check_folder, make_folder

    if not NAME.fullmatch(arguments.name):
        raise UsageError(
            "a container's name here is letters, digits, - and _, at most 40",
            hint="shim agent --for dev",
        )
    if arguments.socket:
        path = host.path(arguments.socket)
        check_folder(os.path.dirname(path), is_shared=is_shared)
        return path
    runtime = host.environ.get("XDG_RUNTIME_DIR", "")
    base = os.path.join(runtime, "shim") if is_private(runtime) else f"/dev/shm/shim-{os.geteuid()}"  # noqa: S108 (owner and mode are checked)
    levels = (base, os.path.join(base, "agent"), os.path.join(base, "agent", arguments.name))
    return os.path.join(make_folder(levels, is_shared=is_shared), SOCKET)
