"""Secrets in our own line of the process list: what of a command line they are, and how they are
taken out of it.

Everybody on the machine can read `/proc/PID/cmdline`, and a password typed in `-i
https://user:password@host/` would stand there until the target starts.
"""

import posix  # `os` on top of it would cost as much as a quarter of a bare interpreter's start
import sys

#: Options of any tool whose value may be a secret. Only our own line in the process list is masked
#: by them, so one too many is harmless.
SECRET_OPTIONS = (b"--password", b"--token", b"--proxy", b"-p", b"-t")
#: Those that a value may be joined to (`-pSECRET`).
JOINED_OPTIONS = tuple(option for option in SECRET_OPTIONS if len(option) == 2)

#: Before the number of a pipe, in the place of SITE (`entry.py`), which begins with a slash.
AGAIN = "@"


def mask_words(words: list[bytes]) -> list[bytes]:
    """Return the words with every userinfo and every secret option's value replaced by `*`, each
    word as long as before.
    """
    masked: list[bytes] = []
    previous = b""
    for word in words:
        option, equals, value = word.partition(b"=")
        if previous in SECRET_OPTIONS:
            masked.append(b"*" * len(word))
        elif equals and option in SECRET_OPTIONS:
            masked.append(option + equals + b"*" * len(value))
        elif word.startswith(JOINED_OPTIONS):
            masked.append(word[:2] + b"*" * (len(word) - 2))
        else:
            masked.append(_mask_userinfo(word))
        previous = word
    return masked


def _mask_userinfo(word: bytes) -> bytes:
    """Return the word with each `user:password` before an `@` in a URL replaced by as many `*`.

    The last `@` counts, wherever it stands: hiding too much of our own line costs nothing.
    """
    start = word.find(b"://")
    end = word.rfind(b"@")
    return word[: start + 3] + b"*" * (end - start - 3) + word[end:] if 0 <= start < end else word


def hide_secrets() -> None:
    """Take secrets out of this process's own line of the process list: they are overwritten where
    the kernel shows it (0.2 ms, needs no privilege); elsewhere this program starts once more
    without them. Where neither can be they stay until the target starts.

    Sources: proc(5), fields 48 and 49 of /proc/PID/stat (arg_start, arg_end).
    """
    try:
        _overwrite()
    except (OSError, ValueError, IndexError):
        _start_again()


def _overwrite() -> None:
    """Raises OSError, ValueError or IndexError where there is no /proc, or another's."""
    with open("/proc/self/cmdline", "rb") as stream:
        line = stream.read()
    masked = b"\0".join(mask_words(line.split(b"\0")))
    if masked == line:
        return
    with open("/proc/self/stat", "rb") as stream:
        start, end = (int(number) for number in stream.read().rpartition(b")")[2].split()[45:47])
    memory = posix.open("/proc/self/mem", posix.O_RDWR)
    try:
        posix.pwrite(memory, masked[: end - start], start)
    finally:
        posix.close(memory)


def _start_again() -> None:
    """Become this program anew, whose words are in a pipe then (`read_words`); return if it has no
    secret, or the system makes no such pipe.
    """
    words = [word.encode(sys.getfilesystemencoding(), "surrogateescape") for word in sys.argv]
    shown, data = mask_words(words), b"\0".join(words)
    if shown == words:
        return
    try:
        reading, writing = posix.pipe()
        posix.set_blocking(writing, False)
        if posix.write(writing, data) == len(data):  # more than a pipe holds stays where it is
            posix.close(writing)
            posix.set_inheritable(reading, True)
            head = [sys.executable.encode(), b"-IS", shown[0], f"{AGAIN}{reading}".encode()]
            posix.execv(sys.executable, [*head, *shown[2:]])
    except OSError:
        return


def read_words(number: int) -> list[str]:
    """Return this program's words, left in a pipe before it started again. Raises OSError."""
    data = b""
    while part := posix.read(number, 1 << 16):
        data += part
    posix.close(number)
    encoding = sys.getfilesystemencoding()
    return [word.decode(encoding, "surrogateescape") for word in data.split(b"\0")]
