"""Starts the process beside the tool. The replay of a recorded command comes here too: nothing is
imported that costs anything.

The companion is nobody's child: an intermediate process starts it and ends, and is waited for here.
It has a session of its own, so that neither keys nor job control reach it, and it holds nothing of
the tool's but its stderr.

It ends when the tool does, however that ends: it watches a pidfd of this very process, which no
other process can ever be mistaken for; where there are none, the end of a pipe that the tool holds
and its children inherit only if they inherit everything.

Sources: pidfd_open(2), setsid(2), credentials(7), execve(2).
"""

import posix
import sys

TYPE_CHECKING = False  # `typing` would cost the hot path 15 ms
if TYPE_CHECKING:
    from shim.core.typing import Mapping, NoReturn

#: Stands in argv and variables where the redirector's address will be: it is known when the tool is
#: about to start.
STAND_IN = "http://127.0.0.1:1/shim-redirector/simple/"
#: Stands in a record among the names that the command asks for, in the place of those that are
#: typed.
TYPED_NAMES = "@NAMES@"
#: The companion's descriptors: what it is told, nothing, the tool's stderr, the socket, and what
#: tells it that the tool has ended.
INSTRUCTIONS, STDOUT, STDERR, LISTENER, ENDED = range(5)
#: What counts for its own requests, in small letters.
_REQUESTS = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir")
#: What counts for where it remembers answers.
_FOLDERS = ("home", "xdg_runtime_dir", "xdg_state_home", "shim_cache_dir")
#: All of its environment.
VARIABLES = (*_REQUESTS, *_FOLDERS, "ci", "lang", "lc_all", "shim_debug", "shim_refresh")
#: What it runs, told the folder that our package lies in. It stands in the process list.
PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[1]); from shim.routing.serving import main; main()"
)
#: As much as waits in the queue while the companion starts.
BACKLOG = 128


def start_companion(instructions: str, address: str, environ: "Mapping[str, str]") -> str:
    """Start the companion of this process, which is about to become the tool; return its
    redirector's URL, at this address of loopback.

    It listens before this returns: the tool may start at once.

    Raises:
        OSError: this system starts no more processes, or has no socket left.
    """
    import _socket

    secret = posix.urandom(16).hex()
    listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    try:
        listener.bind((address, 0))
        listener.listen(BACKLOG)
        _start(listener.fileno(), f"{secret}\n{instructions}".encode(), environ)
        return f"http://{address}:{listener.getsockname()[1]}/{secret}/simple/"
    finally:
        listener.close()


def _start(listener: int, instructions: bytes, environ: "Mapping[str, str]") -> None:
    """Start the companion by way of a process that ends at once. Raises OSError."""
    ended, held = _open_end()
    reading, writing = posix.pipe()
    wanted = {name: value for name, value in environ.items() if name.lower() in VARIABLES}
    intermediate = posix.fork()
    if intermediate == 0:
        _be_intermediate(listener, ended, reading, writing, instructions, wanted)
    for descriptor in (reading, writing, ended):
        posix.close(descriptor)
    if held is not None:
        posix.set_inheritable(held, True)  # the tool holds it
    try:
        _, status = posix.waitpid(intermediate, 0)
    except ChildProcessError:  # who started us ignores SIGCHLD: the status is thrown away
        status = 0
    if status:
        raise OSError(status, "it does not start")


def _open_end() -> tuple[int, int | None]:
    """Return a descriptor that is readable once this process, whatever it has become, has ended;
    and what the tool must hold for that.
    """
    try:
        return posix.pidfd_open(posix.getpid()), None
    except (AttributeError, OSError):
        return posix.pipe()


def _be_intermediate(
    listener: int,
    ended: int,
    reading: int,
    writing: int,
    instructions: bytes,
    environ: dict[str, str],
) -> "NoReturn":
    """Start the companion in a session of its own, tell it what it must know, and end."""
    status = 1
    try:
        posix.setsid()
        if posix.fork() == 0:
            posix.close(writing)
            _become_companion(listener, ended, reading, environ)
        posix.close(reading)
        while instructions:
            instructions = instructions[posix.write(writing, instructions) :]
        status = 0
    finally:
        posix._exit(status)


def _become_companion(
    listener: int, ended: int, reading: int, environ: dict[str, str]
) -> "NoReturn":
    """Become a fresh interpreter that has these descriptors, stderr, and nothing else of this
    process.
    """
    try:
        import fcntl

        from shim.hotpath.exec_target import restore_signals

        posix.chdir("/")
        nowhere = posix.open("/dev/null", posix.O_WRONLY)
        # First out of the way of each other's numbers.
        lifted = [
            fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, ENDED + 1)
            for number in (reading, nowhere, listener, ended)
        ]
        for descriptor, number in zip(lifted, (INSTRUCTIONS, STDOUT, LISTENER, ENDED)):  # noqa: B905 (four and four)
            posix.dup2(descriptor, number)
        posix.closerange(ENDED + 1, max(posix.sysconf("SC_OPEN_MAX"), 1024))
        restore_signals(sigpipe_ignored=False)
        root = __file__.rpartition("/shim/")[0]
        posix.execve(sys.executable, [sys.executable, "-IS", "-c", PROGRAM, root], environ)
    finally:
        posix._exit(1)
