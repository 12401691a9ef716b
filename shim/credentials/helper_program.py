"""Other people's programs that give credentials: run safely, and understood by the protocol they
speak.

A program runs without a shell, in `/`, without GIT_* variables (a hostile repository could
configure git for it), found on absolute, not world-writable entries of PATH, with a timeout and a
cap on its output. One that may ask a person shares our place on the terminal; any other one is in a
session of its own, where it can open none: it then fails at once instead of waiting for nobody.

Where a cached answer will do, a program is only looked for: what it takes to run one is imported
when one is run.
"""

from __future__ import annotations

import os
import stat
import time

from shim.config.index import CommandSource
from shim.core.contextlib import contextmanager
from shim.core.errors import BY_HAND_HINT, SourceError
from shim.core.files import is_file, may_access, read_status
from shim.core.host import Host
from shim.core.model import Credential
from shim.core.typing import IO, TYPE_CHECKING, Iterator, Mapping, cast
from shim.core.urls import Scope
from shim.credentials.sources import Query, make_credential

if TYPE_CHECKING:
    import subprocess

MAX_BYTES = 65536
#: How often it is checked whether the program has ended while something else still holds its pipe.
LOOK_S = 0.05


class ProgramFailed(SourceError):
    """The program ran and failed by itself: it may be that nobody is logged in with it."""


def ask_program(
    query: Query,
    command: CommandSource,
    source: str,
    *,
    username: str | None = None,
    scope: Scope | None = None,
) -> Credential | None:
    """Return the credential that a program gives, as the answer of `source`; None: "not mine".

    `username` counts if the program says none, `scope` is who may receive it, else the query's.

    Raises:
        SourceError: not found, failed, too slow, or no answer of its protocol. The user has seen
            its stderr.
    """
    from shim.credentials.helper_protocols import PROTOCOLS, BadAnswer, HelperRequest

    name, protocol = command.argv[0], PROTOCOLS[command.protocol]
    url, fields = query.endpoint.url, dict(command.fields)
    request = HelperRequest(url, query.username, fields, command.use_path, query.host.clock())
    hint = BY_HAND_HINT.format(name=name)
    try:
        said = protocol.render(request) if protocol.render else None
        output, status = run_program(command, name, said, environ_for(query), query.host)
        text = _decode(output)
        is_nothing = protocol.is_nothing(text, status)
        if status != 0 and not is_nothing:
            raise ProgramFailed(f"the command `{name}` failed (exit status {status})", hint=hint)
        if not (text or is_nothing or command.protocol == "git"):  # git's way to say "not mine"
            raise BadAnswer("printed nothing", hint)
        reply = None if is_nothing else protocol.read(text, request)
    except BadAnswer as error:
        raise SourceError(f"the command `{name}` {error}", hint=error.hint) from None
    if reply is None:
        query.note(source, f"{name} has nothing for {query.endpoint.url.netloc}")
        return None
    if not reply.secret:
        raise SourceError(f"the command `{name}` gave an empty secret", hint=hint)
    who = reply.username or username
    return make_credential(query, source, reply.secret, who, scope, reply.expires_at)


def environ_for(query: Query) -> dict[str, str]:
    """Return a program's environment: the user's, less GIT_* and unsafe PATH, plus the index."""
    host = query.host
    environ = clean_environ(host)
    environ["PATH"] = ":".join(safe_path(host.environ.get("PATH", os.defpath), host.shims))
    environ["INDEX_URL"] = query.endpoint.url.text
    environ["INDEX_HOST"] = query.endpoint.url.host
    if not host.interactive:  # else git opens the terminal, or a window, by itself
        environ |= {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": ""}
    return environ


def clean_environ(host: Host) -> dict[str, str]:
    """Return the user's environment less GIT_*, and less what is our own."""
    hidden = ("GIT_", "_SHIM_")
    return {name: value for name, value in host.environ.items() if not name.startswith(hidden)}


def safe_path(path: str, ours: str | None = None) -> list[str]:
    """Return the safe entries of PATH: absolute, not writable by everybody, not our launchers."""
    safe = []
    for entry in path.split(":"):
        try:
            mode = read_status(entry).st_mode if entry.startswith("/") else 0
        except OSError:
            continue
        if mode and stat.S_ISDIR(mode) and not mode & stat.S_IWOTH and entry != ours:
            safe.append(entry)
    return safe


def find_program(name: str, path: str) -> str | None:
    """Return the absolute path of a program, or None if it is not on `path`.

    Unlike `Host.programs` it never takes one from the working directory: it is to give a secret.
    """
    if name.startswith("/"):
        return name
    for folder in path.split(":"):
        program = os.path.join(folder, name)
        if folder and is_file(program) and may_access(program, os.X_OK):
            return program
    return None


def run_program(
    command: CommandSource, name: str, request: str | None, environ: Mapping[str, str], host: Host
) -> tuple[bytes, int]:
    """Return stdout and exit status. What takes too long or says too much is ended, as a group.

    `name` is for messages, `request` its stdin (None: the terminal if it may, else nothing).

    Raises:
        SourceError: it is not there, cannot be started, is too slow, or prints more than MAX_BYTES.
    """
    import subprocess

    from shim.credentials.terminal import restored

    if "/" in command.argv[0] and not command.argv[0].startswith("/"):
        hint = "write an absolute path, or a name that is on PATH"
        raise SourceError(f"the command `{name}` is a relative path", hint=hint)
    program = find_program(command.argv[0], environ["PATH"])
    if program is None:
        hint = "write its absolute path (PATH entries that everybody can write do not count)"
        raise SourceError(f"the command `{name}` is not on PATH", hint=hint)
    interactive = command.interactive and host.interactive
    with restored(), _standard_input(request, interactive) as stdin:
        try:
            process = subprocess.Popen(
                [program, *command.argv[1:]],
                cwd="/",
                env=environ,
                stdin=stdin,
                stdout=subprocess.PIPE,
                # in a mere group of its own the terminal would stop it, and we would wait
                start_new_session=not interactive,
            )
        except (OSError, ValueError) as error:  # ValueError: a NUL in an argument
            reason = error.strerror if isinstance(error, OSError) else "a NUL in its arguments"
            message = f"the command `{name}` cannot be started ({reason})"
            raise SourceError(message, hint=f"ls -l {program}") from None
        return _finish(process, command.timeout_s, name, interactive)


@contextmanager
def _standard_input(request: str | None, interactive: bool) -> Iterator[int | IO[bytes] | None]:
    """Yield what becomes stdin: a file, since a pipe that nobody reads would make us wait."""
    import subprocess
    import tempfile

    if request is None:
        yield None if interactive else subprocess.DEVNULL
        return
    with tempfile.TemporaryFile() as stream:
        stream.write(request.encode("utf-8", "surrogateescape"))
        stream.seek(0)
        yield stream


def _finish(
    process: subprocess.Popen[bytes], timeout_s: float, name: str, interactive: bool
) -> tuple[bytes, int]:
    """Return what the program prints and its exit status, once it has ended."""
    import subprocess

    deadline = time.monotonic() + timeout_s
    try:
        output = _read_output(process, deadline, name)
        return output, process.wait(max(deadline - time.monotonic(), 0.01))
    except BaseException as error:
        _end(process, interactive)
        process.wait()
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
        hint = 'run it by hand, or set timeout = "2m" in its table'
        message = f"the command `{name}` took longer than {timeout_s:g} s"
        raise SourceError(message, hint=hint) from None
    finally:
        if process.stdout is not None:
            process.stdout.close()


def _read_output(process: subprocess.Popen[bytes], deadline: float, name: str) -> bytes:
    """Return what the program itself prints.

    Its end counts, not the pipe's: an agent that it leaves behind (gpg-agent, a cache daemon) may
    hold the pipe for ever.

    Raises:
        subprocess.TimeoutExpired: the deadline, a monotonic time, has passed.
        SourceError: it says more than MAX_BYTES.
    """
    import select
    import subprocess

    descriptor = cast(IO[bytes], process.stdout).fileno()
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    output = bytearray()
    while len(output) <= MAX_BYTES:
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            raise subprocess.TimeoutExpired(process.args, 0)
        # Before looking at the pipe: what it printed last is then in there.
        has_ended = process.poll() is not None
        if poller.poll(0 if has_ended else min(left_s, LOOK_S) * 1000):
            chunk = os.read(descriptor, MAX_BYTES)
            if not chunk:
                return bytes(output)
            output += chunk
        elif has_ended:
            return bytes(output)
    hint = "let it print the secret alone"
    raise SourceError(f"the command `{name}` printed more than {MAX_BYTES} bytes", hint=hint)


def _end(process: subprocess.Popen[bytes], interactive: bool) -> None:
    """End the program, and what it started where it has a process group of its own."""
    import signal

    try:
        if interactive:
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _decode(output: bytes) -> str:
    from shim.credentials.helper_protocols import BadAnswer

    try:
        return output.decode("utf-8")
    except UnicodeDecodeError:
        raise BadAnswer("printed what is not UTF-8", "let it print the secret as text") from None
