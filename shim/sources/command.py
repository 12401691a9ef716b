"""Source `command`: a program of the user's prints the secret (`op read ...`, `pass show ...`, `gcloud auth print-access-token`).

The program runs without a shell, in `/`, without GIT_* variables (a hostile repository could configure git for it), found
on absolute, not world-writable entries of PATH, with its own process group, a timeout and a cap on its output.

Sources: cargo's `cargo:token-from-stdout`, whose rule this is: exactly one line, and a failure is a failure.
"""

from __future__ import annotations

import os
import select
import signal
import stat
import subprocess
import time
from typing import IO, cast

from shim.errors import SourceError
from shim.model import Credential
from shim.settings import CommandSource
from shim.sources import Query, make_credential

MAX_BYTES = 65536
#: How often it is checked whether the program has ended while something else still holds its pipe.
LOOK_S = 0.05


def find(query: Query) -> Credential | None:
    """Return the credential that the configured command prints.

    Raises:
        SourceError: not found, failed, too slow, or anything but one line. Its own stderr has reached the user's.
    """
    command = query.index.command if query.index else None
    if command is None:
        return None
    name = command.argv[0]
    output = _run(command, _environ(query), query)
    if not output:
        raise SourceError(f"the command `{name}` printed nothing", hint=f"run it by hand: it must print the secret, and `{name}` did not")
    try:
        lines = output.decode("utf-8").removesuffix("\n").removesuffix("\r").split("\n")
    except UnicodeDecodeError as error:
        raise SourceError(f"the command `{name}` printed what is not UTF-8", hint="let it print the secret as text") from error
    if len(lines) != 1 or "\0" in lines[0] or "\r" in lines[0] or not lines[0]:
        raise SourceError(f"the command `{name}` printed {len(lines)} lines", hint="let it print the secret in exactly one line")
    return make_credential(query, "command", lines[0], None)


def _environ(query: Query) -> dict[str, str]:
    """Return the program's environment: the user's, less GIT_* and unsafe PATH entries, plus which index is meant."""
    environ = {name: value for name, value in query.host.environ.items() if not name.startswith(("GIT_", "_SHIM_"))}
    environ["PATH"] = ":".join(safe_path(query.host.environ.get("PATH", os.defpath), query.host.shims))
    environ["INDEX_URL"] = str(query.need.url)
    environ["INDEX_HOST"] = query.need.url.host
    return environ


def safe_path(path: str, ours: str | None = None) -> list[str]:
    """Return the entries of PATH that a helper may come from: absolute, not writable by everybody, not our launchers."""
    safe = []
    for entry in path.split(":"):
        try:
            mode = os.stat(entry).st_mode if entry.startswith("/") else 0
        except OSError:
            continue
        if mode and stat.S_ISDIR(mode) and not mode & stat.S_IWOTH and entry != ours:
            safe.append(entry)
    return safe


def _find_program(name: str, path: str) -> str:
    if "/" in name:
        if name.startswith("/"):
            return name
        raise SourceError(f"the command `{name}` is a relative path", hint="write an absolute path, or a name that is on PATH")
    for folder in path.split(":"):
        program = os.path.join(folder, name)
        if os.path.isfile(program) and os.access(program, os.X_OK):
            return program
    raise SourceError(
        f"the command `{name}` is not on PATH", hint="write its absolute path (PATH entries that everybody can write do not count)"
    )


def _run(command: CommandSource, environ: dict[str, str], query: Query) -> bytes:
    """Return the program's stdout. It is ended as a group when it takes too long or says too much."""
    name = command.argv[0]
    program = _find_program(name, environ["PATH"])
    interactive = command.interactive and query.host.interactive
    try:
        process = subprocess.Popen(
            [program, *command.argv[1:]],
            cwd="/",
            env=environ,
            stdin=None if interactive else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            process_group=None if interactive else 0,  # a group of its own could not read from the terminal
        )
    except OSError as error:
        raise SourceError(f"the command `{name}` cannot be started ({error.strerror})", hint=f"ls -l {program}") from error
    deadline = time.monotonic() + command.timeout_s
    try:
        output = _read_output(process, deadline, name)
        status = process.wait(max(deadline - time.monotonic(), 0.01))
    except BaseException as error:
        _end(process, interactive)
        process.wait()
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
        hint = 'run it by hand, or set timeout = "2m" in its table'
        raise SourceError(f"the command `{name}` took longer than {command.timeout_s:g} s", hint=hint) from None
    finally:
        if process.stdout is not None:
            process.stdout.close()
    if status != 0:
        raise SourceError(f"the command `{name}` failed (exit status {status})", hint=f"run `{name}` by hand; its own message is above")
    return output


def _read_output(process: subprocess.Popen[bytes], deadline: float, name: str) -> bytes:
    """Return what the program itself prints.

    Its end counts, not the pipe's: an agent that it leaves behind (gpg-agent, a cache daemon) may hold the pipe for ever.

    Raises:
        subprocess.TimeoutExpired: the deadline, a monotonic time, has passed.
        SourceError: it says more than MAX_BYTES.
    """
    descriptor = cast(IO[bytes], process.stdout).fileno()
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    output = bytearray()
    while len(output) <= MAX_BYTES:
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            raise subprocess.TimeoutExpired(process.args, 0)
        has_ended = process.poll() is not None  # before looking at the pipe: what it printed last is then in there
        if poller.poll(0 if has_ended else min(left_s, LOOK_S) * 1000):
            chunk = os.read(descriptor, MAX_BYTES)
            if not chunk:
                return bytes(output)
            output += chunk
        elif has_ended:
            return bytes(output)
    raise SourceError(f"the command `{name}` printed more than {MAX_BYTES} bytes", hint="let it print the secret alone")


def _end(process: subprocess.Popen[bytes], interactive: bool) -> None:
    """End the program, and what it started where it has a process group of its own."""
    try:
        if interactive:
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
