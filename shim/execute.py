"""Apply a delivery and become the target: the one place where a wrapped command leaves us.

The target finds stdin, stdout, stderr, working directory, umask, signals and locale as the user had them.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, NoReturn

from shim.errors import TargetNotExecutable, TargetNotFound
from shim.model import Delivery, Memory, Secret

#: What PEP 538 puts into the environment of an interpreter that starts in the C locale.
COERCED_LOCALES = ("C.UTF-8", "C.utf8", "UTF-8")


def become(path: str, name: str, delivery: Delivery, environ: Mapping[str, str], *, sigpipe_ignored: bool = False) -> NoReturn:
    """Replace this process by the target with the delivery applied.

    `name` is what the target is called (its argv[0] unless it is a script), `environ` the user's environment.

    Raises:
        TargetNotFound, TargetNotExecutable: the target vanished or cannot be started.
    """
    if delivery.memory:
        place_memory(delivery.memory)
    environment = apply_environ(environ, delivery)
    restore_signals(sigpipe_ignored=sigpipe_ignored)
    argv = [path, *delivery.argv]
    try:
        os.execve(path, argv, environment)  # noqa: S606 (no shell: that is the point)
    except OSError as error:
        if error.errno == errno.ENOEXEC:  # a script without a #! line: what a shell does with it
            os.execve("/bin/sh", ["sh", *argv], environment)  # noqa: S606
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            raise TargetNotFound(f"{path} is gone, or the interpreter in its first line is", hint=f"type -a {name}") from error
        raise TargetNotExecutable(f"{path} cannot be started ({error.strerror})", hint=f"ls -l {path}") from error


def apply_environ(environ: Mapping[str, str], delivery: Delivery) -> dict[str, str]:
    """Return the target's environment: the user's, less what Python added at its start, with the delivery's changes."""
    changed = dict(environ)
    if changed.get("LC_CTYPE") in COERCED_LOCALES and not _had_at_start("LC_CTYPE"):
        del changed["LC_CTYPE"]
    for name, value in delivery.environ.items():
        if value is None:
            changed.pop(name, None)
        else:
            changed[name] = value.reveal() if isinstance(value, Secret) else value
    return changed


def _had_at_start(name: str) -> bool:
    """Whether the variable was in the environment that this process was started with."""
    try:
        with open("/proc/self/environ", "rb") as stream:
            return any(entry.startswith(name.encode() + b"=") for entry in stream.read().split(b"\0"))
    except OSError:
        return True


def place_memory(memory: Memory) -> None:
    """Create the sealed memory file and put it at its descriptor number, to be inherited."""
    import fcntl

    from shim.delivery.memory import NAME

    # Whether this is possible was asked before this way was chosen (delivery/memory.py).
    descriptor = os.memfd_create(NAME, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    data = memory.text.reveal().encode("utf-8", "surrogateescape")
    while data:
        data = data[os.write(descriptor, data) :]
    os.fchmod(descriptor, 0o400)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE)
    os.dup2(descriptor, memory.descriptor, inheritable=True)
    os.close(descriptor)


def restore_signals(*, sigpipe_ignored: bool) -> None:
    """Undo what the interpreter did to signals at its start: it ignores SIGPIPE and SIGXFSZ, and the target would inherit that.

    `_signal` is built in; `signal` would cost 7 ms.
    """
    if TYPE_CHECKING:
        import signal as _signal
    else:
        import _signal

    if not sigpipe_ignored:
        _signal.signal(_signal.SIGPIPE, _signal.SIG_DFL)
    if sys.platform == "linux":
        _signal.signal(_signal.SIGXFSZ, _signal.SIG_DFL)
