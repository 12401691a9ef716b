"""The socket of `shim agent`: who may connect, how many at a time, how long and how much; its
beginning and its end on disk.

A fixed number of threads each take one connection at a time, so that no client can make us more.
Each connection has one deadline and may send one short line. Who connects is told by the kernel
(SO_PEERCRED), as our own user namespace numbers it: a container's root is uid 0 here only where the
container has no user namespace of its own.

Sources: unix(7) on SO_PEERCRED and on the permissions of sockets; user_namespaces(7);
credentials(7).
"""

from __future__ import annotations

import os
import socket
import stat
import struct
import threading
import time

from shim.core.contextlib import suppress
from shim.core.errors import CannotListen
from shim.core.files import identify
from shim.core.host import write_stderr
from shim.core.private_folders import private_folder
from shim.core.typing import Callable
from shim.credentials.agent_protocol import MAX_REQUEST_BYTES
from shim.helpers.agent import Client

#: So many connections are served at a time, and so many wait in the kernel's queue.
THREADS = 4
QUEUE = 128
#: How long a client may take to ask, and again to read its answer.
CLIENT_S = 5.0
#: How long what has begun may go on when we are told to end.
GRACE_S = 2.0
#: What a user number of another namespace looks like here: never anybody's own.
OVERFLOW_UID = 65534

Answer = Callable[[bytes, Client], bytes]


class Server:
    """A listening socket and its threads. `close` takes both away."""

    def __init__(self, path: str, answer: Answer, *, is_shared: bool) -> None:
        """Listen at `path`; `is_shared` lets other users connect, who are then told by their
        numbers alone.

        Raises:
            CannotListen: another agent listens there, or something that is no dead agent's socket
                is in the way.
        """
        self.path = path
        self._answer = answer
        self._listener = _listen(path, 0o666 if is_shared else 0o600)
        self._identity = identify(path)
        self._is_ending = False
        self._threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(THREADS)]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Take the socket away, let what has begun end, and forget the rest."""
        self._is_ending = True
        if identify(self.path) == self._identity:
            with suppress(OSError):
                os.unlink(self.path)
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the threads that wait for a client
        deadline = time.monotonic() + GRACE_S
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0.0))
        self._listener.close()

    def _serve(self) -> None:
        while not self._is_ending:
            try:
                connection, _ = self._listener.accept()
            except OSError as error:
                if not self._is_ending:
                    write_stderr(f"shim: agent: a client could not be taken ({error.strerror})\n")
                    time.sleep(1.0)  # no descriptors left, for example: others must end first
                continue
            with connection:
                self._serve_one(connection)

    def _serve_one(self, connection: socket.socket) -> None:
        try:
            client = _client(connection)
            question = _receive(connection)
            if question:
                connection.settimeout(CLIENT_S)
                connection.sendall(self._answer(question, client))
        except OSError:  # it went away, or was too slow: its own affair
            return
        except Exception as error:  # noqa: BLE001 (a bug of ours must not end the others' agent)
            write_stderr(f"shim: agent: {type(error).__name__} in shim itself while answering\n")


def _client(connection: socket.socket) -> Client:
    """Return who was at the other end when it connected."""
    size = struct.calcsize("3i")
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    process, uid, _ = struct.unpack("iII", credentials)
    return Client(uid, process)


def _receive(connection: socket.socket) -> bytes:
    """Return one line, or what came before the end or the limit, be it nothing."""
    deadline = time.monotonic() + CLIENT_S
    data = b""
    while not data.endswith(b"\n") and len(data) <= MAX_REQUEST_BYTES:
        connection.settimeout(max(deadline - time.monotonic(), 0.001))
        piece = connection.recv(MAX_REQUEST_BYTES)
        if not piece:
            break
        data += piece
    return data


def _listen(path: str, mode: int) -> socket.socket:
    """Return the listening socket, in place of a dead agent's."""
    import fcntl

    folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    listener = socket.socket(socket.AF_UNIX)
    try:
        # Of two that begin at once, one waits for nobody.
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _make_room(path)
        before = os.umask(0o777 & ~mode)
        try:
            listener.bind(path)
        finally:
            os.umask(before)
        listener.listen(QUEUE)
    except BlockingIOError:
        listener.close()
        message = f"another program holds {os.path.dirname(path)}"
        raise CannotListen(message, hint="end it, or choose another folder") from None
    except OSError as error:
        listener.close()
        message = f"{path} cannot be listened at ({error.strerror or error})"
        raise CannotListen(message, hint="choose a shorter path in a folder of yours") from error
    except BaseException:
        listener.close()
        raise
    finally:
        os.close(folder)
    return listener


def _make_room(path: str) -> None:
    """Take a dead agent's socket away. Raises CannotListen for anything else."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(status.st_mode) or status.st_uid != os.geteuid():
        raise CannotListen(f"{path} is no socket of yours", hint="choose another --socket")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(CLIENT_S)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
        except (BlockingIOError, TimeoutError):
            pass  # its queue is full: it lives
    hint = "end that one first, or give this one another name: --for NAME"
    raise CannotListen(f"another agent listens at {path}", hint=hint)


def make_folder(levels: tuple[str, ...], *, is_shared: bool) -> str:
    """Make a folder of ours for the socket, below folders that nobody else may enter, and return
    it.

    With `is_shared` others may enter the last level, as they see it where it is mounted into a
    container. Raises CannotListen.
    """
    folder = levels[-1]
    if len(levels) > 1 and private_folder(*levels[:-1]) is None:
        hint = f"ls -ld {levels[-2]}; or choose one with --socket"
        raise CannotListen(f"{levels[-2]} is not a folder of yours alone (0700)", hint=hint)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        status = os.lstat(folder)
        if status.st_uid == os.geteuid() and stat.S_ISDIR(status.st_mode):
            os.chmod(folder, 0o711 if is_shared else 0o700)
            return folder
    except OSError as error:
        message = f"{folder} cannot be made ({error.strerror})"
        raise CannotListen(message, hint="choose another --socket") from error
    hint = f"ls -ld {folder}: docker makes a missing one as root; remove it"
    raise CannotListen(f"{folder} is not a folder of yours", hint=hint)


def check_folder(folder: str, *, is_shared: bool) -> None:
    """Raise CannotListen for a folder of the user's choice that others could read (`is_shared`:
    write). Made if it is not there.
    """
    if not os.path.lexists(folder):
        make_folder((folder,), is_shared=is_shared)
        return
    status = os.lstat(folder)
    is_own = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
    if not is_own or status.st_mode & (0o022 if is_shared else 0o077):
        hint = f"give it one of its own: mkdir -m {'711' if is_shared else '700'} {folder}/agent"
        message = f"{folder}, where the socket would be, is not a folder of yours alone"
        raise CannotListen(message, hint=hint)
