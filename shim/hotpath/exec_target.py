"""Apply a delivery and become the target: the one place where a wrapped command leaves us.

The target finds stdin, stdout, stderr, working directory, umask, signals and locale as the user had
them.
"""

import posix
import sys

TYPE_CHECKING = False  # `typing` would cost the hot path 15 ms
if TYPE_CHECKING:
    from shim.core.model import Delivery
    from shim.core.typing import Mapping, NoReturn

#: The name of the memory file that `/proc/PID/fd` shows, by which we know our own.
MEMORY_NAME = "pip-uv-shim"

#: By which launchers know a way that leads back to them (`install/launcher.sh`).
MARKS = ("_SHIM_DEPTH", "_SHIM_LAST", "_SHIM_SHAPE", "_SHIM_WORDS")
#: The packages that the tools' own scripts import, and the least size of a real uv.
OWN_PACKAGES = (
    *(b"pip", b"pipx", b"pipenv", b"piptools", b"poetry", b"pdm", b"hatch"),
    *(b"build", b"tox", b"nox", b"twine", b"flit"),
)
UV_SIZE = 8 << 20

#: What PEP 538 puts into the environment of an interpreter that starts in the C locale.
COERCED_LOCALES = ("C.UTF-8", "C.utf8", "UTF-8")


def become(
    path: str,
    name: str,
    delivery: "Delivery",
    environ: "Mapping[str, str]",
    *,
    sigpipe_ignored: bool = False,
) -> "NoReturn":
    """Replace this process by the target with the delivery applied.

    `name` is what the target is called (its argv[0] unless it is a script), `environ` the user's
    environment.

    Raises:
        TargetNotFound, TargetNotExecutable: the target vanished or cannot be started.
    """
    changes = {
        key: value if value is None or isinstance(value, str) else value.reveal()
        for key, value in delivery.environ.items()
    }
    memory = (
        (delivery.memory.descriptor, delivery.memory.text.reveal()) if delivery.memory else None
    )
    try:
        start(
            path,
            delivery.argv,
            apply_environ(environ, changes),
            memory,
            sigpipe_ignored=sigpipe_ignored,
        )
    except OSError as error:
        import errno

        from shim.core.errors import TargetNotExecutable, TargetNotFound

        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            raise TargetNotFound(
                f"{path} is gone, or the interpreter in its first line is", hint=f"type -a {name}"
            ) from error
        raise TargetNotExecutable(
            f"{path} cannot be started ({error.strerror})", hint=f"ls -l {path}"
        ) from error


def start(
    path: str,
    arguments: tuple[str, ...],
    environ: "Mapping[str, str]",
    memory: tuple[int, str] | None,
    *,
    sigpipe_ignored: bool,
) -> "NoReturn":
    """Replace this process by the target with these arguments, environment and (descriptor, text)
    of a memory file.

    Raises:
        OSError: it cannot be started.
    """
    if memory:
        place_memory(*memory)
    restore_signals(sigpipe_ignored=sigpipe_ignored)
    argv, environ = [path, *arguments], dict(environ)
    if "_SHIM_SHAPE" in environ and is_tool_itself(path):
        for name in MARKS:  # nothing leads back, and what the tool starts is the user's
            environ.pop(name, None)
    elif "_SHIM_SHAPE" in environ:  # the launcher wants to know its own command again
        words = "\0".join(arguments).encode(sys.getfilesystemencoding(), "surrogateescape")
        environ["_SHIM_WORDS"] = f"{len(arguments)}:{sum_of(words)}"
    try:
        posix.execve(path, argv, environ)
    except OSError as error:
        import errno

        if error.errno == errno.ENOEXEC:  # a script without a #! line: what a shell does with it
            posix.execve("/bin/sh", ["sh", *argv], environ)
        raise


def is_tool_itself(path: str) -> bool:
    """Whether a target is surely the tool, and no shim or wrapper that may start us again."""
    try:
        descriptor = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC | posix.O_NONBLOCK)
        try:
            head = posix.read(descriptor, 1024)
            if head.startswith(b"\x7fELF"):
                real = posix.readlink(f"/proc/self/fd/{descriptor}")
                uv = real.removesuffix("x")  # uvx, which is small, starts the uv beside it
                return uv.endswith("/uv") and posix.stat(uv).st_size > UV_SIZE
        finally:
            posix.close(descriptor)
    except OSError:
        return False
    line, _, text = head.partition(b"\n")
    package = text.partition(b"\nfrom ")[2].partition(b" import ")[0].partition(b".")[0]
    return line.startswith(b"#!") and b"python" in line and package in OWN_PACKAGES


def sum_of(words: bytes) -> int:
    """Return a number by which `repeated_command.py` knows words, and the working directory, again.

    Modulo a prime of 31 bits: it says too little of the words for anybody to guess them.
    """
    return int.from_bytes(b"\1" + posix.getcwdb() + b"\0" + words, "big") % 2147483647


def apply_environ(
    environ: "Mapping[str, str]", changes: "Mapping[str, str | None]"
) -> dict[str, str]:
    """Return the target's environment: the user's, less what Python added at its start, with the
    changes (None: unset).
    """
    changed = dict(environ)
    if changed.get("LC_CTYPE") in COERCED_LOCALES and not _had_at_start("LC_CTYPE"):
        del changed["LC_CTYPE"]
    for name, value in changes.items():
        if value is None:
            changed.pop(name, None)
        else:
            changed[name] = value
    return changed


def _had_at_start(name: str) -> bool:
    """Whether the variable was in the environment that this process was started with."""
    try:
        with open("/proc/self/environ", "rb") as stream:
            return any(
                entry.startswith(name.encode() + b"=") for entry in stream.read().split(b"\0")
            )
    except OSError:
        return True


def place_memory(number: int, text: str) -> None:
    """Create the memory file and put it at its descriptor number, to be inherited by whoever can
    only read it: sealed, or without a name in /dev/shm where the kernel makes none.

    Raises:
        OSError: neither can be. Asked before this way was chosen (core/platform_features.py).
    """
    import fcntl

    try:
        descriptor = posix.memfd_create(MEMORY_NAME, posix.MFD_CLOEXEC | posix.MFD_ALLOW_SEALING)
        is_sealable = True
    except (OSError, AttributeError):  # AttributeError: a Python without memfd_create
        descriptor = posix.open("/dev/shm", posix.O_TMPFILE | posix.O_RDWR | posix.O_CLOEXEC, 0o600)  # noqa: S108
        is_sealable = False
        if posix.fstat(descriptor).st_dev == posix.stat("/").st_dev:
            raise OSError("shared memory is a folder on the disk here") from None
    data = text.encode("utf-8", "surrogateescape")
    while data:
        data = data[posix.write(descriptor, data) :]
    posix.fchmod(descriptor, 0o400)
    if is_sealable:
        seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    else:
        descriptor = posix.open(f"/proc/self/fd/{descriptor}", posix.O_RDONLY | posix.O_CLOEXEC)
    posix.dup2(descriptor, number, inheritable=True)
    posix.close(descriptor)


def restore_signals(*, sigpipe_ignored: bool) -> None:
    """Undo what the interpreter did to signals at its start: it ignores SIGPIPE and SIGXFSZ, and
    the target would inherit that.

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
