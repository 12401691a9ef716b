"""Standing between the target and the pipes that its output goes to, so that secrets in it are
masked (delivery/masking/masker.py).

Normally we become the target and nobody is in between. This is for the few commands that run with a
secret in their environment and talk to a log. Then there are three kinds of processes, in one
process group, so that the terminal's ^C, ^Z, resize and hang-up reach the target as they always do:

    supervisor   what the shell waits for: hands on signals, stops and ends as the target
    target       its stdout and stderr are our pipes, everything else is the user's own
    pump         one for each stream: reads the pipe, masks, writes to where the stream went before

A pump outlives the target if somebody else still holds the stream (a daemon that was left behind),
as that stream would have.

Sources: signal(7), credentials(7), pipe(7), poll(2), PR_SET_PDEATHSIG(2const); actions of GNU bash
5.2's job control.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import stat

from shim.core.dataclass import replace
from shim.core.errors import InternalError
from shim.core.host import write_stderr
from shim.core.model import Delivery, Masking
from shim.core.platform_features import IS_MACOS, die_with
from shim.core.typing import NoReturn
from shim.delivery.memory_file import process_path

READ_BYTES = 65536

#: What the supervisor takes in the target's place: all that another process can send, but for
#: faults and what nobody can block.
WATCHED = frozenset(signal.valid_signals()) - {
    *(signal.SIGKILL, signal.SIGSTOP, signal.SIGPIPE),
    *(signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL),
    *(signal.SIGTRAP, signal.SIGABRT, signal.SIGSYS),
}


def stand_aside(delivery: Delivery) -> Delivery:
    """Split this process in two where the delivery wants its output masked; return in the one that
    is to become the target.

    Returns the delivery with every pointer at our memory file leading to the new process. Where no
    stream needs it, this stays the only process. The other one never returns: it ends as the target
    ends.

    Raises:
        InternalError: this system starts no more processes.
    """
    masking = delivery.masking
    streams = find_streams(always=masking.always) if masking else {}
    if masking is None or not streams:
        return delivery
    gc.enable()  # `entry.py` needs none before `exec`; these processes live as long as the target
    ours = os.getpid()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    ignored = signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # else the kernel throws the status away
    try:
        pipes, ended, drained = _start_pumps(streams, masking)
        target = os.fork()
    except OSError as error:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        raise InternalError(
            f"no process to mask the output with ({error.strerror})",
            hint="SHIM_REDACT=never runs it unmasked",
        ) from error
    if target:
        for writer in {writer for writer, _ in pipes}:
            os.close(writer)
        _supervise(target, ended, drained)
    for writer, descriptors in pipes:
        for descriptor in descriptors:
            os.dup2(writer, descriptor)
        os.close(writer)
    os.close(ended)
    os.close(drained)
    if ignored:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    die_with(ours)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return follow(delivery, ours)


def find_streams(*, always: bool) -> dict[tuple[int, int], list[int]]:
    """Return file -> the descriptors (1, 2) that lead to it, for the streams to mask: both in one
    list if they are the same file.

    Those are pipes and sockets, with `always` regular files too; never a terminal, where the target
    must be the terminal's own.
    """
    streams: dict[tuple[int, int], list[int]] = {}
    for descriptor in (1, 2):
        try:
            status = os.fstat(descriptor)
        except OSError:
            continue  # closed by the user
        mode = status.st_mode
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or (always and stat.S_ISREG(mode)):
            streams.setdefault((status.st_dev, status.st_ino), []).append(descriptor)
    return streams


def follow(delivery: Delivery, previous: int) -> Delivery:
    """Return the delivery made for the process `previous` with its memory file in this one."""
    if delivery.memory is None:
        return delivery
    number = delivery.memory.descriptor
    old, new = process_path(number, previous), process_path(number)
    environ = {name: new if value == old else value for name, value in delivery.environ.items()}
    return replace(delivery, environ=environ)


def _start_pumps(
    streams: dict[tuple[int, int], list[int]], masking: Masking
) -> tuple[list[tuple[int, list[int]]], int, int]:
    """Start a pump for each stream. Return (pipe to write to, the descriptors it is for), and the
    supervisor's two ends: one to close when the target has ended, and one that is at its end when
    all pumps wrote what the target left.
    """
    heard, ended = os.pipe()
    drained, draining = os.pipe()
    pipes: list[tuple[int, list[int]]] = []
    for descriptors in streams.values():
        reader, writer = os.pipe()
        if os.fork() == 0:
            _run_pump(reader, descriptors[0], heard, draining, masking)
        os.close(reader)
        pipes.append((writer, descriptors))
    os.close(heard)
    os.close(draining)
    return pipes, ended, drained


def _run_pump(source: int, sink: int, heard: int, draining: int, masking: Masking) -> NoReturn:
    """Be a pump. It ends by itself, when the stream does: signals are the target's affair."""
    try:
        for number in WATCHED:
            signal.signal(number, signal.SIG_IGN)
        _keep_open(source, sink, heard, draining)
        _pump(source, sink, heard, draining, masking)
    except OSError:
        pass  # the reader has gone; the target finds that out by the pipe that closes now
    except BaseException as error:  # noqa: BLE001 (a traceback could show what is to be hidden)
        write_stderr(f"shim: error[internal]: {type(error).__name__} while masking output\n")
    finally:
        os._exit(0)


def _pump(source: int, sink: int, heard: int, draining: int, masking: Masking) -> None:
    """Copy the stream, masked; close `draining` once the target has ended and its output is out."""
    from shim.delivery.masking.masker import Masker

    masker = Masker(masking.secrets)
    poll = select.poll()
    poll.register(source, select.POLLIN)
    poll.register(sink, 0)
    poll.register(heard, 0)
    while True:
        events = dict(poll.poll())
        if sink in events:
            return  # nobody reads any more
        if source in events:
            data = os.read(source, READ_BYTES)
            if not data:
                break
            _write(sink, masker.feed(data))
        elif heard in events:
            _write(sink, masker.close())
            poll.unregister(heard)
            os.close(draining)
    _write(sink, masker.close())


def _write(sink: int, data: bytes) -> None:
    """Write all of it; the user's pipe may be one that does not block."""
    while data:
        try:
            data = data[os.write(sink, data) :]
        except BlockingIOError:
            select.select([], [sink], [])


def _keep_open(*descriptors: int) -> None:
    """Close every descriptor but these: a pump must not keep somebody else's pipe open."""
    first = 0
    for descriptor in sorted(descriptors):
        os.closerange(first, descriptor)
        first = descriptor + 1
    limit = os.sysconf("SC_OPEN_MAX")
    os.closerange(first, limit if limit > 0 else first + 65536)


def _supervise(target: int, ended: int, drained: int) -> NoReturn:
    """Hand on signals until the target has ended and its output is out; end the same way."""
    status = _wait(target)
    os.close(ended)
    for number in WATCHED - {signal.SIGCHLD}:
        if signal.getsignal(number) == signal.default_int_handler:
            signal.signal(number, signal.SIG_DFL)
    # A reader that never reads must not make us immortal.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)
    os.read(drained, 1)
    if os.WIFSIGNALED(status):
        _end_by(os.WTERMSIG(status))
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _wait(target: int) -> int:
    """Return the target's wait status; until then do with each signal what it would have done."""
    while True:
        number, by_kernel = _next_signal()
        if number == signal.SIGCHLD:
            process, status = os.waitpid(target, os.WNOHANG | os.WUNTRACED)
            if process and os.WIFSTOPPED(status):
                _stop_by(os.WSTOPSIG(status))
            elif process:
                return status
        elif number == signal.SIGCONT or not by_kernel:
            # What the terminal sends went to the whole group, the target too.
            os.kill(target, number)


def _next_signal() -> tuple[int, bool]:
    """Return the next signal, and whether the kernel sent it (a key, a terminal that hangs up)."""
    if IS_MACOS:  # says no more than which one; a key is the likeliest reason
        number = signal.sigwait(WATCHED)
        return number, number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGWINCH)
    information = signal.sigwaitinfo(WATCHED)
    return information.si_signo, information.si_code > 0


def _stop_by(number: int) -> None:
    """Stop until somebody continues us, so that the shell says "Stopped" and `fg` works."""
    os.kill(os.getpid(), number)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED & {number})


def _end_by(number: int) -> NoReturn:
    """Die by the target's signal; without a core file, which could hold secrets."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)
    os._exit(128 + number)
