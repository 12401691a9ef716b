"""Writes delivery records: what a plan was made from, seen while it was made, and what it came to.

What counts is not listed by hand, it is observed: every variable that anybody asks the environment for, every file that is
opened, every folder that is listed, every path whose existence is asked. So a new reader of a new file cannot be forgotten.

No record is written of a command that held a secret in argv or environment, that reads a remote file, whose credential comes from
where `replay.py` cannot get it again (a variable, a file, the OS keyring), or that prints a warning.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from shim.host import Host
from shim.hot import mask_words
from shim.model import Answer, Credential, Delivery, Plan, Secret
from shim.replay import (
    FIELD,
    HEAD,
    LINE,
    MAX_BYTES,
    PLAIN_LETTERS,
    PREFIXES,
    TOKEN,
    code_state,
    describe_file,
    is_name,
    read_private,
    record_folder,
    record_name,
)

#: So many records are kept; beyond that the oldest go.
MAX_RECORDS = 500
#: What the names of variables with secrets have in them: their values are in no record.
SECRET_WORDS = ("PASSWORD", "TOKEN", "SECRET", "CREDENTIAL")
#: Files whose entries are merged into a memory file: their secrets must not be copied.
MERGED_FILES = (".netrc", "_netrc", "netrc", "credentials.toml")


class Observed(dict[str, str]):
    """An environment that remembers which variables were asked for. A copy of it is an ordinary dictionary."""

    def __init__(self, environ: Iterable[tuple[str, str]]) -> None:
        super().__init__(environ)
        self.asked: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        """Return a variable's value and remember its name."""
        self.asked.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.asked.add(str(name))
        return super().__contains__(name)


@dataclass(slots=True)
class Observer:
    """What was looked at while a plan was made."""

    environ: Observed
    paths: dict[str, None] = field(default_factory=dict)
    folders: dict[str, None] = field(default_factory=dict)
    is_watching: bool = False

    def see(self, path: object) -> None:
        """Remember a path whose content or existence counts."""
        if self.is_watching and isinstance(path, (str, bytes)) and not _is_ours(text := os.fsdecode(path)):
            self.paths[text] = None

    def see_folder(self, path: object) -> None:
        """Remember a folder whose entries count. The target may live in our own environment: that folder itself counts."""
        folder = os.path.abspath(os.fsdecode(path)) if isinstance(path, (str, bytes)) else os.getcwd()
        if self.is_watching and not _is_ours(folder):
            self.folders[folder] = None


@contextmanager
def observe(host: Host) -> Iterator[tuple[Host, Observer]]:
    """Watch what is looked at; yields the host to use meanwhile, and the observer."""
    observer = Observer(Observed(host.environ.items()))

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            observer.see(arguments[0])
        elif event in ("os.listdir", "os.scandir"):
            observer.see_folder(arguments[0])

    # A hook cannot be taken away; it looks away when we are done. What only asks for a state raises no event.
    sys.addaudithook(hook)
    kept = {name: getattr(os, name) for name in ("stat", "lstat", "access", "readlink")}
    for name, function in kept.items():
        setattr(os, name, _watched(function, observer))
    observer.is_watching = True
    try:
        yield replace(host, environ=observer.environ), observer
    finally:
        observer.is_watching = False
        for name, function in kept.items():
            setattr(os, name, function)


def _watched(function: Callable[..., Any], observer: Observer) -> Callable[..., Any]:
    def call(path: Any, *arguments: Any, **options: Any) -> Any:
        observer.see(path)
        return function(path, *arguments, **options)

    return call


def _is_ours(path: str) -> bool:
    """Whether a path is part of our own code, our dependencies or the interpreter's library (a line of its own tells them), or no file."""
    return path.startswith((*_CODE, "/proc/", "/dev/null"))


_CODE = tuple(entry.rstrip("/") + "/" for entry in sys.path if entry.startswith("/"))


def record(
    plan: Plan, observer: Observer, name: str, target: str, host: Host, plan_again: Callable[[tuple[Answer, ...]], Delivery]
) -> bool:
    """Write a record of the plan, and return whether it could be done. `plan_again` makes the delivery of other answers."""
    folder = _make_folder(host)
    lines = _render(plan, observer, host, plan_again) if folder else None
    if folder is None or lines is None:
        return False
    text = "\n".join([HEAD, *lines, "end"])
    data = text.encode("utf-8", "surrogateescape")
    if len(data) >= MAX_BYTES or any(mark in text for mark in ("\0", "\r")):
        return False
    path = os.path.join(folder, record_name(name, target, list(plan.invocation.argv), host.cwd))
    temporary = f"{path}.{os.getpid()}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as stream:
        stream.write(data)
    os.replace(temporary, path)
    _prune(folder)
    return True


def _make_folder(host: Host) -> str | None:
    from shim.store.folders import cache_folder, private_folder

    tokens, _ = cache_folder(host)
    if tokens is None or private_folder(os.path.join(tokens, "plans")) is None:
        return None
    return record_folder(dict(host.environ))


def _prune(folder: str) -> None:
    names = os.listdir(folder)
    if len(names) > MAX_RECORDS:
        paths = sorted((os.path.join(folder, name) for name in names), key=lambda path: os.lstat(path).st_mtime)
        for path in paths[: MAX_RECORDS // 5]:
            os.unlink(path)


def _render(plan: Plan, observer: Observer, host: Host, plan_again: Callable[[tuple[Answer, ...]], Delivery]) -> list[str] | None:
    """Return the lines of the record, or None if there must be none."""
    delivery, invocation = plan.delivery, plan.invocation
    words = [os.fsencode(word) for word in invocation.argv]
    if mask_words(words) != words or delivery.masking:
        return None
    if plan.warnings or delivery.warnings or plan.needs.unknown or len(delivery.argv) != len(invocation.argv):
        return None
    if any(need.given is not None or (need.place and need.place.start != need.place.end) for need in plan.needs.items) or plan.needs.spare:
        return None
    tokens = _find_tokens(plan.answers, observer)
    changes = _render_changes(delivery, invocation.argv)
    if tokens is None or changes is None or host.is_set("SHIM_REFRESH") or host.is_set("SHIM_DEBUG"):
        return None
    lines = [FIELD.join(["code", code_state(), host.cwd, str(len(invocation.argv)), repr(plan.valid_until)])]
    lines += [
        FIELD.join(["name" if number in _names(invocation.argv, plan) else "word", str(number), word])
        for number, word in enumerate(invocation.argv)
    ]
    variables = _render_variables(observer.environ)
    files = _render_files(observer, plan.needs.watched, {path for path, _ in tokens})
    if variables is None:
        return None
    lines += [*variables, *files]
    lines += [
        FIELD.join(["token", path, quote(credential.username, safe=""), quote(str(credential.scope), safe="")])
        for path, credential in tokens
    ]
    if delivery.memory:
        if any(
            os.path.basename(path) in MERGED_FILES or path == host.environ.get("NETRC") for path in observer.paths if os.path.exists(path)
        ):
            return None
        template = _find_template(delivery, plan.answers, [credential for _, credential in tokens], plan_again)
        if template is None:
            return None
        changes.append(FIELD.join(["memory", str(delivery.memory.descriptor), template.replace("\n", LINE)]))
    lines += changes + _render_audit(plan, [path for path, _ in tokens], host)
    return None if any("\n" in line for line in lines) else lines


def _render_audit(plan: Plan, token_files: list[str], host: Host) -> list[str]:
    """Return the lines that the audit log is to get each time, and the files of the tokens that these lines speak of."""
    from shim.audit import render_lines
    from shim.settings import load_settings

    credentials, outcome = plan.released
    if not credentials:
        return []
    target = plan.invocation.target.path
    path, text = render_lines(credentials, target, outcome, load_settings(host), host, "@TIME@", "@PARENT@")
    for mark in ("time", "parent"):
        text = text.replace(f'"@{mark.upper()}@"', f'"{TOKEN}{mark}{TOKEN}"')
    files = [FIELD.join(["file", file, describe_file(file) or ""]) for file in token_files]
    return [FIELD.join(["audit", path, text.replace("\n", LINE)]), *files] if text else []


def _names(argv: tuple[str, ...], plan: Plan) -> set[int]:
    """Return the positions of words that may be other package names next time: never the verb's own, nor a place we changed."""
    verbs = len(plan.invocation.verb)
    if plan.invocation.verb[:1] == ("run",):
        return set()  # a program, and its arguments
    words, found = list(argv), set()
    arguments = [number for number, word in enumerate(argv) if not word.startswith("-")]
    for number in arguments[verbs:]:
        if is_name(words, number) and plan.delivery.argv[number] == argv[number] and not os.path.lexists(argv[number]):
            found.add(number)
    return found


def _find_tokens(answers: tuple[Answer, ...], observer: Observer) -> list[tuple[str, Credential]] | None:
    """Return (path of the cache record, credential) for each answer of ours; None if one cannot be found again later."""
    found: list[tuple[str, Credential]] = []
    records = [path for path in observer.paths if path.endswith(".token")]
    for answer in answers:
        credential = answer.credential
        if answer.need.answered_by or (answer.need.url.is_public and credential is None):
            continue
        if credential is None or observer.environ.get("SHIM_AGENT_SOCKET"):
            return None  # an agent is asked each time, also one that had nothing, or was not there, this time
        if credential.kept_by_tool:
            continue
        path = next((path for path in records if _holds(path, credential)), None)
        if path is None or credential.expires_at is None or not PLAIN_LETTERS.issuperset(credential.secret.reveal()):
            return None
        if (path, credential) not in found:
            found.append((path, credential))
    return found


def _holds(path: str, credential: Credential) -> bool:
    text = read_private(path) or ""
    return f"\nsecret={credential.secret.reveal()}\n" in text and f"\nusername={quote(credential.username, safe='')}\n" in text


def _render_changes(delivery: Delivery, argv: tuple[str, ...]) -> list[str] | None:
    """Return the lines of what changes in argv and environment, or None if a secret stands in clear there."""
    lines = [FIELD.join(["put", str(number), word]) for number, word in enumerate(delivery.argv) if word != argv[number]]
    for name, value in delivery.environ.items():
        if isinstance(value, Secret):
            return None
        if value is None:
            lines.append(FIELD.join(["unset", name]))
        else:
            lines.append(FIELD.join(["set", name, value.replace(f"/proc/{os.getpid()}/", f"/proc/{TOKEN}pid{TOKEN}/")]))
    return lines


def _render_variables(environ: Observed) -> list[str] | None:
    """Return the lines of all variables that were asked for or that can change anything; None if one holds a secret."""
    names = environ.asked | {name for name in environ if name.startswith(PREFIXES)}
    lines = []
    for name in sorted(names):
        value = dict.get(environ, name)
        if value is None:
            lines.append(FIELD.join(["variable", name]))
            continue
        if any(word in name.upper() for word in SECRET_WORDS) or ("://" in value and "@" in value):
            return None
        lines.append(FIELD.join(["variable", name, value]))
    return lines


def _render_files(observer: Observer, watched: Iterable[str], tokens: set[str]) -> list[str]:
    """Return the lines of all files and folders: as they are, or that they are not there.

    A folder that was listed counts with its entries; of any other only that it is there: people make files in it all the time.
    """
    paths = dict.fromkeys([*observer.paths, *watched, *observer.folders])
    lines = []
    for path in paths:
        if path in tokens or "/tokens/" in path:
            continue
        state = describe_file(path)
        if state is None:
            lines.append(FIELD.join(["missing", path]))
        elif os.path.isdir(path) and path not in observer.folders:
            lines.append(FIELD.join(["folder", path]))
        else:
            lines.append(FIELD.join(["file", path, state]))
    return lines


def _find_template(
    delivery: Delivery,
    answers: tuple[Answer, ...],
    credentials: list[Credential],
    plan_again: Callable[[tuple[Answer, ...]], Delivery],
) -> str | None:
    """Return the memory file's text with numbers in place of secrets: what comes out when marks are delivered in their place."""
    nonce = os.urandom(12).hex()
    marks = [f"{nonce}-{number}-{nonce}" for number in range(len(credentials))]

    def marked(answer: Answer) -> Answer:
        if answer.credential is None or answer.credential not in credentials:
            return answer
        return replace(answer, credential=replace(answer.credential, secret=Secret(marks[credentials.index(answer.credential)])))

    again = plan_again(tuple(marked(answer) for answer in answers))
    if again.memory is None or delivery.memory is None or again.environ != delivery.environ or again.argv != delivery.argv:
        return None
    template = filled = again.memory.text.reveal()
    for number, (mark, credential) in enumerate(zip(marks, credentials, strict=True)):
        template = template.replace(mark, f"{TOKEN}{number}{TOKEN}")
        filled = filled.replace(mark, credential.secret.reveal())
    return template if filled == delivery.memory.text.reveal() else None
