"""The Linux kernel's keyring of this user: bytes that the kernel keeps in its own memory and
forgets at a time of our choosing.

The *user* keyring, because every terminal, cron job and service of the user reaches it; a *session*
keyring is another one in each login. A key may be read by its owner alone: who "possesses" that
keyring gets no bits. A login's session keyring leads to it, and a process that has become another
user keeps that session.

Through libc's `syscall`: there is no wrapper in the standard library, and the one on PyPI has been
dead since 2019. And by `_ctypes` alone, the half of ctypes that is written in C: this is on the hot
path of everybody who keeps a password in a keyring, and the half written in Python would cost it 3
ms more.

Sources: keyrings(7), user-keyring(7), add_key(2), keyctl(2), Linux 6.1; system call numbers from
the kernel's syscall tables.
"""

import errno
import posix
import sys

TYPE_CHECKING = False  # `typing` would cost the hot path 15 ms
if TYPE_CHECKING:
    from shim.core.typing import Any, Callable

#: Machine -> the numbers of add_key and keyctl.
NUMBERS = {
    "x86_64": (248, 250),
    "aarch64": (217, 219),
    "riscv64": (217, 219),
    "loongarch64": (217, 219),
    "ppc64le": (269, 271),
    "s390x": (278, 280),
}
#: What keyctl(2) calls these operations, and keyrings(7) these special keyrings.
GET_ID, SET_PERMISSION, DESCRIBE, LINK, UNLINK = 0, 5, 6, 8, 9
SEARCH, READ, SET_TIMEOUT = 10, 11, 15
PROCESS_KEYRING, USER_KEYRING = -2, -4
#: Everything for the owner, nothing for the possessor, group and others.
OWNER_ALONE = 0x003F0000
#: What a key of type `user` can hold.
MAX_BYTES = 32767

#: Why a machine has no such keyring for us.
WORDS = {
    errno.ENOSYS: "this system has none",
    errno.EPERM: "forbidden here, as container runtimes do",
    errno.EACCES: "forbidden here",
    errno.EDQUOT: "the quota of this user is used up",
}


def problem() -> str | None:
    """Return why the kernel keyring cannot be used here, in words, or None if it can."""
    try:
        _keyctl(GET_ID, USER_KEYRING, 1)
    except OSError as error:
        return _words(error)
    return None


def put(name: str, data: bytes, timeout_s: float) -> str | None:
    """Keep `data` under `name` for `timeout_s` seconds, in the place of what was there; return why
    not, or None if it is kept.

    The key is finished in this process's own keyring and linked afterwards, which displaces an old
    one in one step: at no moment, SIGKILL included, is there a key without its timeout or its
    permissions.
    """
    try:
        key = _add_key(name, data)
        try:
            _keyctl(SET_PERMISSION, key, OWNER_ALONE)
            _keyctl(SET_TIMEOUT, key, max(int(timeout_s), 1))
            _keyctl(LINK, key, USER_KEYRING)
        finally:
            _keyctl(UNLINK, key, PROCESS_KEYRING)
    except OSError as error:
        return _words(error)
    return None


def get(name: str) -> bytes | None:
    """Return what is kept under `name`; None if there is nothing (any more)."""
    try:
        return _read(_find(name))
    except OSError:
        return None


def remove(name: str) -> bool:
    """Forget what is kept under `name`; return whether there was something."""
    try:
        _keyctl(UNLINK, _find(name), USER_KEYRING)
    except OSError:
        return False
    return True


def names(prefix: str) -> list[str]:
    """Return the names of everything kept whose name starts with `prefix`."""
    try:
        keys = memoryview(_read(USER_KEYRING)).cast("i").tolist()
    except OSError:
        return []
    return sorted(name for key in keys if (name := _describe(key)).startswith(prefix))


def _find(name: str) -> int:
    return _keyctl(SEARCH, USER_KEYRING, b"user", name.encode(), 0)


def _describe(key: int) -> str:
    """Return a key's name, or an empty string for one that has ended or is no `user` key."""
    try:
        buffer = _buffer(4096)
        _keyctl(DESCRIBE, key, buffer, len(buffer))
    except OSError:
        return ""
    kind, _, rest = buffer.value.decode("utf-8", "replace").partition(";")
    return rest.split(";", 3)[-1] if kind == "user" else ""


def _read(key: int) -> bytes:
    """Return a key's bytes; for a keyring, the numbers of the keys in it. Raises OSError."""
    size = _keyctl(READ, key, None, 0)
    while True:
        buffer = _buffer(max(size, 1))
        size = _keyctl(READ, key, buffer, len(buffer))
        if size <= len(buffer):  # it may have grown since it was asked for its size
            return bytes(buffer.raw[:size])


def _add_key(name: str, data: bytes) -> int:
    return _syscall(0, b"user", name.encode(), data, len(data), PROCESS_KEYRING)


def _keyctl(operation: int, *arguments: object) -> int:
    return _syscall(1, operation, *arguments)


def _syscall(which: int, *arguments: object) -> int:
    """Return the result of add_key (0) or keyctl (1). Raises OSError."""
    machine = posix.uname().machine
    if not sys.platform.startswith("linux") or sys.maxsize < 1 << 32 or machine not in NUMBERS:
        raise OSError(errno.ENOSYS, "no kernel keyring")
    long, _, call = _library()
    words = [long(one) if isinstance(one, int) else one for one in arguments]
    result = int(call(long(NUMBERS[machine][which]), *words))
    if result < 0:
        import _ctypes

        number = _ctypes.get_errno()
        raise OSError(number, posix.strerror(number))
    return result


def _buffer(size: int) -> "Any":
    """Return a writable array of so many bytes: `.raw` is all of it, `.value` what stands before
    its first NUL.
    """
    _, character, _ = _library()
    return (character * size)()


_LIBRARY: "list[tuple[Any, Any, Callable[..., Any]]]" = []


def _library() -> "tuple[Any, Any, Callable[..., Any]]":
    """Return the C types `long` and `char`, and libc's `syscall`, as ctypes would make them. Raises
    OSError.
    """
    if not _LIBRARY:
        try:
            import _ctypes

            long = type("long", (_ctypes._SimpleCData,), {"_type_": "l"})
            character = type("character", (_ctypes._SimpleCData,), {"_type_": "c"})
            flags = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
            function = type("function", (_ctypes.CFuncPtr,), {"_flags_": flags, "_restype_": long})
            _LIBRARY.append(
                (long, character, function(_ctypes.dlsym(_ctypes.dlopen(None, 0), "syscall")))  # type: ignore[arg-type]
            )
        except (ImportError, AttributeError, TypeError) as error:
            raise OSError(errno.ENOSYS, "this Python cannot call the kernel") from error
    return _LIBRARY[0]


def _words(error: OSError) -> str:
    return WORDS.get(error.errno or 0) or error.strerror or "it refused"
