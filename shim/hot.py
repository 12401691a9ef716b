"""The first Python of ours in a wrapped command: `main` finds in sys.argv what the launcher said to `start.py`,
`SITE NAME TARGET SELF IGNORED ARGUMENTS...`

Its first act takes secrets out of the process list: everybody on the machine can read `/proc/PID/cmdline`, and a password
typed in `-i https://user:password@host/` would stand there until the target starts. Then a record of the same command, made
before, is replayed if there is one; else the long way is gone. Holds no knowledge of any tool and imports only what a bare
interpreter has loaded already.

SITE is the folder with our dependencies, NAME the launcher's name, TARGET the real tool, SELF the launcher's path, IGNORED is
`1` if SIGPIPE was ignored when the launcher started (this interpreter ignores it always, so only the launcher can tell).
"""

import posix  # `os` on top of it would cost as much as a quarter of a bare interpreter's start
import sys

#: Options of any tool whose value may be a secret. Only our own line in the process list is masked by them, so one too many is harmless.
SECRET_OPTIONS = (b"--password", b"--token", b"--proxy", b"-p", b"-t")
#: Those that a value may be joined to (`-pSECRET`).
JOINED_OPTIONS = tuple(option for option in SECRET_OPTIONS if len(option) == 2)
SECRET_TEXTS = tuple(option.decode() for option in SECRET_OPTIONS)


def mask_words(words: list[bytes]) -> list[bytes]:
    """Return the words with every userinfo and every secret option's value replaced by `*`, each word as long as before."""
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
    """Overwrite secrets in this process's own argv where the kernel shows it (0.2 ms, needs no privilege).

    Where there is no /proc the command line stays as it is until the target starts, some 30 ms later: SECURITY.md says so.
    Sources: proc(5), fields 48 and 49 of /proc/PID/stat (arg_start, arg_end).
    """
    if not any("://" in word or word.startswith(SECRET_TEXTS) for word in sys.argv):
        return
    try:
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
    except (OSError, ValueError, IndexError):
        return


def main() -> int:
    """Hide secrets, make our package and its dependencies importable, and go the long way."""
    hide_secrets()
    site, name, target, launcher, ignored = sys.argv[1:6]
    arguments = sys.argv[6:]
    root = __file__.rpartition("/shim/")[0]
    sys.path.extend(folder for folder in (root, site) if folder not in sys.path)
    if name == "shim":
        from shim.commands import main as command

        return command(arguments, launcher)
    if name == "keyring":
        from shim.faces.keyring import main as answer

        return answer(tuple(arguments), target, launcher)
    from shim.replay import replay

    replay(name, target, arguments, sigpipe_ignored=ignored == "1")
    from shim.run import main as run

    return run(name, target, tuple(arguments), launcher, sigpipe_ignored=ignored == "1")


if __name__ == "__main__":
    sys.exit(main())
