"""The hot path: a delivery record holds the finished plan of an earlier command, and here it is
carried out again.

A record is used only if everything that the plan was made from is as it was: the command line but
for package names, the working directory, every variable that was read, every file that was read or
looked for, the target, and our own code; and if each token that it delivers is still valid, each
password still in the kernel's memory. Any doubt: None, and the long way is gone.
`pipeline/plan_cache.py` writes records.

Imports only what a bare interpreter has loaded already: this is on the way of every wrapped
command.
"""

import _stat
import posix  # `os` on top of it would cost as much as a quarter of a bare interpreter's start
import sys
import time

#: First line of every record; another number after a change of the format.
HEAD = "pip-uv-shim-plan=4"
#: Between the fields of a line, between the lines of a text, and around the number of a token in
#: it. None is ever in a value.
FIELD, LINE, TOKEN = "\x1f", "\x1e", "\x1d"
MAX_BYTES = 1 << 18
#: A token must be good for that long still.
MINIMUM_VALIDITY_S = 300.0
#: How far the clock may have been set back since a token was written.
CLOCK_SKEW_S = 60.0
#: Variables that can change anything: all that begin like this are compared, present or not.
PREFIXES = ("PIP_", "UV_", "SHIM_", "TWINE_")
#: What a package name with a version looks like: such words may differ between the command recorded
#: and the one replayed.
NAME_LETTERS = frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-=<>~!,[]"
)
#: Letters that every channel hands over as they are, in any quoting.
PLAIN_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
#: Those that need no escape in a netrc of any Python's grammar, nor in a TOML string.
BARE_LETTERS = PLAIN_LETTERS | frozenset("!#$%&'()*+,/:;<=>?@[]^`{|}~")


class Replayed:
    """What is left to do: the target's argv (after its name), its environment, and the text of the
    memory file or None.
    """

    def __init__(
        self, argv: list[str], environ: dict[str, str], descriptor: int, text: str | None
    ) -> None:
        self.argv = argv
        self.environ = environ
        self.descriptor = descriptor
        self.text = text
        self.audit: list[tuple[str, str, str]] = []
        self.typed: list[str] = []
        self.companion: tuple[str, str] | None = None


def record_folder(environ: dict[str, str]) -> str | None:
    """Return the folder of records, beside the token cache in memory-backed storage; None if it is
    not there or not ours alone.

    It is never made here: the long way does that (`core/private_folders.py`), in the same place.
    """
    named = environ.get("SHIM_CACHE_DIR")
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    choices = (
        [named] if named else [f"{runtime}/shim/tokens", f"/dev/shm/shim-{posix.geteuid()}/tokens"]  # noqa: S108
    )
    for choice in choices:
        if choice.startswith("/") and is_private(choice):
            folder = f"{choice}/plans"
            return folder if is_private(folder) else None
    return None


def is_private(folder: str) -> bool:
    """Whether a folder is there, no link, ours, and nobody else's."""
    try:
        status = posix.lstat(folder)
    except OSError:
        return False
    return (
        _stat.S_ISDIR(status.st_mode)
        and status.st_uid == posix.geteuid()
        and not status.st_mode & 0o077
    )


def record_name(name: str, target: str, argv: list[str], cwd: str, environ: dict[str, str]) -> str:
    """Return the file name of a command's record: the same for commands that differ in package
    names only.

    No more than a way to find it: what is in it is compared word by word. The tools' own variables
    are in it, so that two terminals with different ones do not take each other's record away. (A
    command with a secret in a variable has no record.)
    """
    variables = sorted(
        [
            f"{variable}={value}"
            for variable, value in environ.items()
            if variable.startswith(PREFIXES)
        ]
    )
    words = [
        word if number == 0 or not is_name(argv, number) else "" for number, word in enumerate(argv)
    ]
    data = FIELD.join([name, target, cwd, *words, *variables]).encode("utf-8", "surrogateescape")
    return f"{int.from_bytes(data, 'big') % (2**127 - 1):032x}.plan"


def is_name(argv: list[str], number: int) -> bool:
    """Whether a word looks like a package name, and does not follow an option."""
    word = argv[number]
    return (
        bool(word)
        and word[0].isalnum()
        and NAME_LETTERS.issuperset(word)
        and (number == 0 or not argv[number - 1].startswith("-"))
    )


def code_state() -> str:
    """Return what changes when our own code is installed anew."""
    return describe_file(__file__) or ""


def describe_file(path: str) -> str | None:
    """Return what tells two states of a file apart, or None if it is not there."""
    try:
        status = posix.stat(path)
    except (OSError, ValueError):
        return None
    # The time of the last change cannot be set: it tells of a file that was written again with its
    # size, its time and its inode kept.
    return (
        f"{status.st_mtime_ns} {status.st_ctime_ns} {status.st_size} {status.st_ino}"
        f" {status.st_mode}"
    )


def is_folder(path: str) -> bool:
    """Whether a path leads to a folder."""
    try:
        return _stat.S_ISDIR(posix.stat(path).st_mode)
    except OSError:
        return False


def read_environ() -> dict[str, str]:
    """Return the environment as `os.environ` has it."""
    encoding = sys.getfilesystemencoding()
    return {
        name.decode(encoding, "surrogateescape"): value.decode(encoding, "surrogateescape")
        for name, value in posix.environ.items()
    }


def replay(name: str, target: str, argv: list[str], *, sigpipe_ignored: bool) -> None:
    """Become the target as an earlier plan of the same command says; return if there is no such
    plan, or it cannot be done.
    """
    plan = find_plan(name, target, argv, read_environ(), time.time())
    if plan is None:
        return
    from shim.hotpath.exec_target import apply_environ, place_memory, start

    try:
        if plan.text is not None:  # first of all: where that is refused nothing has been done yet
            place_memory(plan.descriptor, plan.text)
        for path, lines, socket in plan.audit:
            append(path, lines)
            if socket:
                from shim.hotpath.system_log import send

                send(socket, lines)
        if plan.companion is not None:
            _accompany(plan, *plan.companion)
        start(
            target,
            tuple(plan.argv),
            apply_environ(plan.environ, {}),
            None,
            sigpipe_ignored=sigpipe_ignored,
        )
    except OSError:
        return


def _accompany(plan: Replayed, loopback: str, instructions: str) -> None:
    """Start the redirector beside the tool, and put its address into the tool's variables. Raises
    OSError.
    """
    from shim.hotpath.redirector_process import STAND_IN, start_companion

    address = start_companion(instructions, loopback, plan.environ)
    for name, value in plan.environ.items():
        if STAND_IN in value:
            plan.environ[name] = value.replace(STAND_IN, address)


def find_plan(
    name: str, target: str, argv: list[str], environ: dict[str, str], now: float
) -> Replayed | None:
    """Return the plan of the same command as it was made before, or None if there is none that is
    still true.
    """
    folder = record_folder(environ)
    if folder is None or environ.get("SHIM_REFRESH") or environ.get("SHIM_DEBUG"):
        return None
    try:
        cwd = posix.getcwd()
        text = read_private(f"{folder}/{record_name(name, target, argv, cwd, environ)}")
        return _check(text.split("\n"), argv, environ, cwd, now) if text else None
    except (OSError, ValueError, IndexError, KeyError):
        return None


def _check(
    lines: list[str], argv: list[str], environ: dict[str, str], cwd: str, now: float
) -> Replayed | None:
    """Return the plan if every line still holds."""
    if lines[0] != HEAD or lines[-1] != "end":
        return None
    plan = Replayed(list(argv), dict(environ), 0, None)
    compared = {name for name in environ if name.startswith(PREFIXES)}
    tokens: list[tuple[str, str]] = []
    for line in lines[1:-1]:
        kind, *fields = line.split(FIELD)
        if kind == "code":
            holds = (
                fields[0] == code_state()
                and fields[1] == cwd
                and int(fields[2]) == len(argv)
                and now < float(fields[3])
            )
        elif kind == "word":
            holds = argv[int(fields[0])] == fields[1]
        elif kind == "name":
            holds = is_name(argv, int(fields[0]))
            plan.typed.append(argv[int(fields[0])])
        elif kind == "variable":
            holds = environ.get(fields[0]) == fields[1]
            compared.discard(fields[0])
        elif kind == "file":
            holds = describe_file(fields[0]) == fields[1]
        elif kind == "absent":
            holds = environ.keys().isdisjoint(fields)
        elif kind == "folder":
            holds = all(map(is_folder, fields))
        elif kind == "missing":
            holds = not any(map(describe_file, fields))
        elif kind == "link":
            holds = posix.readlink(fields[0]) == fields[1]
        elif kind == "prefix":
            compared.update(name for name in environ if name.startswith(fields[0]))
            holds = True
        elif kind == "token":
            holds = _add_token(fields, tokens, now)
        elif kind == "remembered":
            holds = _add_remembered(fields, tokens, now)
        else:
            holds = _apply(kind, fields, plan, tokens)
        if not holds:
            return None
    return None if compared else plan


def _add_token(fields: list[str], tokens: list[tuple[str, str]], now: float) -> bool:
    """Read the token of a cache record; return whether it is the expected user's and good for long
    enough.
    """
    path, username, scope = fields
    values = _read_values(read_private(path) or "")
    tokens.append((username, values["secret"]))
    # An end that was reckoned from a wrong time says nothing, and could keep the token for years.
    is_timely = posix.lstat(path).st_mtime < now + CLOCK_SKEW_S
    same = values["username"] == username and values["scope"] == scope
    return is_timely and same and float(values["expires_at"]) - MINIMUM_VALIDITY_S > now


def _add_remembered(fields: list[str], tokens: list[tuple[str, str]], now: float) -> bool:
    """Read what the OS keyring said from the kernel's memory; return whether it is still there, and
    is the expected user's.

    When that is forgotten is the kernel's business.
    """
    from shim.hotpath.sealed_record import read_sealed

    name, pads, username, scope, expires_at = fields
    values = _read_values((read_sealed(name, pads) or b"").decode())
    tokens.append((username, values["secret"]))
    same = (
        values["username"] == username
        and values["scope"] == scope
        and values["expires_at"] == expires_at
    )
    return same and (not expires_at or float(expires_at) - MINIMUM_VALIDITY_S > now)


def _read_values(text: str) -> dict[str, str]:
    """Return the fields of a stored credential, the secret decoded. Raises ValueError or KeyError
    for anything that is not a whole one.
    """
    values = dict(line.partition("=")[::2] for line in text.split("\n"))
    values["secret"] = decode_percent(values["secret"])
    if values["end"] != "1" or not values["secret"]:
        raise ValueError("not a whole record")
    return values


def decode_percent(text: str) -> str:
    """Return what a percent-encoded text stands for. Raises ValueError. `urllib.parse` would cost
    the hot path 5 ms.
    """
    first, *others = text.split("%")
    return (
        first.encode() + b"".join(bytes.fromhex(part[:2]) + part[2:].encode() for part in others)
    ).decode()


def encode_percent(text: str) -> str:
    """Return a text as it stands in a URL's userinfo, as `urllib.parse.quote` writes it."""
    return "".join(
        chr(byte) if chr(byte) in PLAIN_LETTERS or byte == 0x7E else f"%{byte:02X}"
        for byte in text.encode()
    )


#: How a secret is written into a memory file: as it is, if it has only such letters, or
#: percent-encoded.
FORMS = {"plain": PLAIN_LETTERS, "bare": BARE_LETTERS, "percent": None}


def fill_template(template: str, secrets: list[str], form: str) -> str | None:
    """Return the memory file's text with the secrets in the place of their numbers; None if one
    cannot stand there in this form.
    """
    letters = FORMS[form]
    for number, secret in enumerate(secrets):
        if letters is not None and not letters.issuperset(secret):
            return None
        template = template.replace(
            f"{TOKEN}{number}{TOKEN}", encode_percent(secret) if letters is None else secret
        )
    return None if TOKEN in template else template


def _apply(kind: str, fields: list[str], plan: Replayed, tokens: list[tuple[str, str]]) -> bool:
    """Put one change into the plan; return whether it is known."""
    if kind == "put":
        plan.argv[int(fields[0])] = fields[1]
    elif kind == "set":
        plan.environ[fields[0]] = fields[1].replace(f"{TOKEN}pid{TOKEN}", str(posix.getpid()))
    elif kind == "unset":
        plan.environ.pop(fields[0], None)
    elif kind == "audit":
        lines = (
            fields[1]
            .replace(LINE, "\n")
            .replace(f"{TOKEN}time{TOKEN}", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
        )
        plan.audit.append(
            (fields[0], lines.replace(f"{TOKEN}parent{TOKEN}", parent_name()), fields[2])
        )
    elif kind == "memory":
        plan.descriptor = int(fields[0])
        plan.text = fill_template(
            fields[2].replace(LINE, "\n"), [secret for _, secret in tokens], fields[1]
        )
        return plan.text is not None and _is_free(plan.descriptor)
    elif kind == "companion":
        from shim.hotpath.redirector_process import TYPED_NAMES

        names = ",".join([f'"{word}"' for word in plan.typed])
        text = fields[1].replace(f'"{TYPED_NAMES}"', names or '""')
        for number, (_, secret) in enumerate(tokens):
            text = text.replace(f'"@{number}@"', f'"{encode_percent(secret)}"')
        plan.companion = fields[0], text
    else:
        return False
    return True


def _is_free(descriptor: int) -> bool:
    """Whether the descriptor is unused, and its path will lead to it. Raises OSError."""
    try:
        posix.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        return _has_our_numbers()
    return False


def _has_our_numbers() -> bool:
    """Whether /proc knows processes by the numbers that we know: not in another namespace, and not
    where it is hidden. Raises OSError.
    """
    return posix.readlink("/proc/self") == str(posix.getpid())


def append(path: str, text: str) -> None:
    """Add whole lines to a file of the owner's alone, by one call: lines of parallel commands do
    not mix. Raises OSError.
    """
    descriptor = posix.open(
        path,
        posix.O_WRONLY | posix.O_CREAT | posix.O_APPEND | posix.O_NOFOLLOW | posix.O_CLOEXEC,
        0o600,
    )
    try:
        posix.write(descriptor, text.encode())
    finally:
        posix.close(descriptor)


def parent_name() -> str:
    """Return the name and number of the process that started this command, in letters that need no
    quoting.
    """
    parent = posix.getppid()
    try:
        if not _has_our_numbers():
            return str(parent)
        descriptor = posix.open(f"/proc/{parent}/comm", posix.O_RDONLY | posix.O_CLOEXEC)
        try:
            name = posix.read(descriptor, 64).decode("utf-8", "replace").strip()
        finally:
            posix.close(descriptor)
    except OSError:
        return str(parent)
    return (
        "".join(
            character if character.isalnum() or character in "-_. " else "?" for character in name
        )
        + f" {parent}"
    )


def read_private(path: str) -> str | None:
    """Return the text of a file that nobody else could have written or read: regular, ours, 0600,
    no link. None otherwise.
    """
    try:
        descriptor = posix.open(
            path, posix.O_RDONLY | posix.O_NOFOLLOW | posix.O_NONBLOCK | posix.O_CLOEXEC
        )
    except OSError:
        return None
    try:
        status = posix.fstat(descriptor)
        safe = (
            _stat.S_ISREG(status.st_mode)
            and status.st_uid == posix.geteuid()
            and not status.st_mode & 0o077
        )
        if not safe or status.st_size > MAX_BYTES:
            return None
        return posix.read(descriptor, MAX_BYTES).decode("utf-8", "surrogateescape")
    finally:
        posix.close(descriptor)
