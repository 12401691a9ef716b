"""`shim agent`: on the host, in the foreground, give one container the credentials of the indexes
that say `agent = true`.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import threading
from contextlib import suppress

from shim.config.settings import Settings, config_files, load_settings
from shim.core.errors import ConfigError, UsageError
from shim.core.host import Host, write_stderr

HELP = "let a container use this machine's credentials, without any of them in it"
EXAMPLE = "shim agent --for dev"

#: Where docs and our own advice mount the folder in the container.
MOUNTED = "/run/shim-agent"
SOCKET = "agent.sock"
NAME_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `shim agent`."""
    parser.add_argument(
        "--for",
        dest="name",
        metavar="NAME",
        default="default",
        help="the container: it gets a socket of its own",
    )
    parser.add_argument(
        "--socket",
        metavar="PATH",
        help="listen here, in place of a folder in your runtime directory",
    )
    parser.add_argument(
        "--allow-uid",
        metavar="N",
        type=int,
        action="append",
        default=[],
        help=(
            "let another user in: the container's, as this machine numbers it (0 for root in a"
            " Docker container)"
        ),
    )


def main(arguments: argparse.Namespace, host: Host) -> int:
    """Serve until SIGTERM, SIGHUP or Ctrl-C; then take the socket away and return 0."""
    from shim.helpers.agent import Agent, surroundings
    from shim.helpers.agent_socket import Server

    if not hasattr(socket, "SO_PEERCRED"):
        raise UsageError(
            "shim agent needs Linux, which says who connects",
            hint="run it in the Linux machine that runs the containers",
        )
    allowed, settings = _read_uids(arguments.allow_uid), load_settings(host)
    shared = _shared_indexes(settings, host)
    path = _find_path(arguments, host, is_shared=len(allowed) > 1)
    agent = Agent(arguments.name, allowed, surroundings(host))
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # as nohup, or a shell's &, wants it
            signal.signal(number, lambda *_: ending.set())
    server = Server(path, agent.answer, is_shared=len(allowed) > 1)
    try:
        mount = f"--mount type=bind,src={os.path.dirname(path)},dst={MOUNTED},readonly"
        write_stderr(f"shim: agent for {arguments.name} gives {', '.join(shared)} at {path}\n")
        write_stderr(
            f"  docker run {mount} -e SHIM_AGENT_SOCKET={MOUNTED}/{os.path.basename(path)} …\n"
        )
        ending.wait()
    finally:
        server.close()
        _end_programs()
    return 0


def _end_programs() -> None:
    """End the programs that a look-up still waits for: each leads a group of its own, and nobody
    will read what it says.
    """
    for task in os.listdir("/proc/self/task"):
        with (
            suppress(OSError, ValueError),
            open(f"/proc/self/task/{task}/children", encoding="ascii") as stream,
        ):
            for child in stream.read().split():
                os.killpg(int(child), signal.SIGTERM)


def _read_uids(more: list[int]) -> frozenset[int]:
    """Return who may ask: we, and those that were named. Raises UsageError for a number that is
    nobody's own.
    """
    from shim.helpers.agent_socket import OVERFLOW_UID

    for uid in more:
        if not 0 <= uid < 2**32 - 1 or uid == OVERFLOW_UID:
            hint = (
                "say the number that `ps -o uid` shows on this machine for a process in the"
                " container"
            )
            raise UsageError(
                f"uid {uid} is nobody's own: every user of another namespace looks like that",
                hint=hint,
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
    """Return where to listen: in a folder of ours that can be mounted whole, so that the next
    agent's socket is seen there too.
    """
    from shim.core.private_folders import is_private
    from shim.helpers.agent_socket import check_folder, make_folder

    if not NAME_LETTERS.issuperset(arguments.name) or not 0 < len(arguments.name) <= 40:
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
