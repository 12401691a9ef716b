"""Writes delivery records: what a plan was made from, seen while it was made, and what it came to.

What counts is not listed by hand, it is observed (`observing.py`).

No record is written of a command that held a secret in argv or environment, that reads a remote
file, whose credential comes from where `replay.py` cannot get it again (a variable, a file, a
keyring whose answer is not remembered), or that prints a warning.
"""

from __future__ import annotations

import os

from shim.core.dataclass import replace
from shim.core.host import Host
from shim.core.model import Credential, Delivery, Plan, Resolution, Secret
from shim.core.own_files import replace_atomically
from shim.core.typing import Callable
from shim.hotpath.argv_mask import mask_words
from shim.hotpath.replay import (
    FIELD,
    HEAD,
    LINE,
    MAX_BYTES,
    TOKEN,
    code_state,
    describe_file,
    fill_template,
    is_name,
    record_folder,
    record_name,
)
from shim.pipeline.conditions import group, render_files, render_variables
from shim.pipeline.kept_credentials import find_kept
from shim.pipeline.observing import Observer

#: So many records are kept; beyond that the oldest go.
MAX_RECORDS = 500
#: Channel -> how a secret stands in its memory file (a key of `replay.FORMS`).
FORM_OF_CHANNEL = {"netrc": "bare", "store": "bare", "seed": "percent"}
#: Files whose entries are merged into a memory file: their secrets must not be copied.
MERGED_FILES = (".netrc", "_netrc", "netrc", "credentials.toml")
#: Verbs whose arguments are packages, of any tool: the plan is the same for other ones. Those of
#: other verbs are files, folders, names of installed tools with settings of their own, or the
#: user's program.
PACKAGE_VERBS = frozenset({"add", "download", "install", "wheel"})


def record(
    plan: Plan,
    observer: Observer,
    name: str,
    target: str,
    host: Host,
    plan_again: Callable[[tuple[Resolution, ...]], Delivery],
) -> bool:
    """Write a record of the plan; return whether that could be. `plan_again` delivers others."""
    folder = _make_folder(host)
    lines = _render(plan, observer, host, plan_again) if folder else None
    if folder is None or lines is None:
        return False
    text = "\n".join([HEAD, *lines, "end"])
    data = text.encode("utf-8", "surrogateescape")
    if len(data) >= MAX_BYTES or any(mark in text for mark in ("\0", "\r")):
        return False
    file = record_name(name, target, list(plan.invocation.argv), host.cwd, dict(host.environ))
    replace_atomically(os.path.join(folder, file), data)
    _prune(folder)
    return True


def _make_folder(host: Host) -> str | None:
    from shim.core.private_folders import cache_folder, private_folder

    tokens, _ = cache_folder(host)
    if tokens is None or private_folder(os.path.join(tokens, "plans")) is None:
        return None
    return record_folder(dict(host.environ))


def _prune(folder: str) -> None:
    # The user may have chosen the folder.
    names = [name for name in os.listdir(folder) if name[32:37] == ".plan"]
    if len(names) > MAX_RECORDS:
        paths = [os.path.join(folder, name) for name in names]
        paths.sort(key=lambda path: os.lstat(path).st_mtime)
        for path in paths[: MAX_RECORDS // 5]:
            os.unlink(path)


def _render(
    plan: Plan,
    observer: Observer,
    host: Host,
    plan_again: Callable[[tuple[Resolution, ...]], Delivery],
) -> list[str] | None:
    """Return the lines of the record, or None if there must be none."""
    delivery, invocation = plan.delivery, plan.invocation
    if not _is_repeatable(plan) or host.is_set("SHIM_REFRESH") or host.is_set("SHIM_DEBUG"):
        return None
    kept = find_kept(plan.resolutions, observer, host)
    asked_keyring = _asked_keyring(plan.resolutions)
    variables = render_variables(observer.environ, asked_keyring)
    changes = _render_changes(delivery, invocation.argv)
    files = render_files(observer, plan.endpoints.files_read, host, asked_keyring)
    if kept is None or variables is None or changes is None or files is None:
        return None
    credentials, names = [one.credential for one in kept], _names(plan, host)
    parts = []
    if delivery.memory:
        parts.append(_render_memory(plan, observer, host, credentials, plan_again))
    if delivery.routes:
        from shim.routing.recorded import render_companion

        typed = [invocation.argv[number] for number in names]
        parts.append(render_companion(delivery.routes, credentials, typed))
    if None in parts:
        return None
    count = str(len(invocation.argv))
    lines = [FIELD.join(["code", code_state(), host.cwd, count, repr(plan.valid_until)])]
    for number, word in enumerate(invocation.argv):
        lines.append(FIELD.join(["name" if number in names else "word", str(number), word]))
    lines += group([*variables, *files])
    lines += [FIELD.join(one.fields) for one in kept]
    lines += [*changes, *filter(None, parts)]
    lines += _render_audit(plan, [one.file for one in kept if one.file], host)
    return None if any("\n" in line for line in lines) else lines


def _is_repeatable(plan: Plan) -> bool:
    """Whether the command has no secret typed, nothing remote, nothing to say to the user."""
    delivery, invocation = plan.delivery, plan.invocation
    words = [os.fsencode(word) for word in invocation.argv]
    has_pipe = delivery.memory is not None and bool(delivery.memory.pipe)
    if mask_words(words) != words or delivery.masking or has_pipe:
        return False
    if plan.warnings or delivery.warnings or plan.endpoints.unreadable_inputs:
        return False
    if len(delivery.argv) != len(invocation.argv) or plan.endpoints.unused_userinfo:
        return False
    items = plan.endpoints.items
    places = (one.location for one in items if one.location)
    has_userinfo = any(place.start != place.end for place in places)
    return not has_userinfo and all(one.inline_password is None for one in items)


def _asked_keyring(resolutions: tuple[Resolution, ...]) -> bool:
    """Whether an OS keyring was asked, now or lately: then what could change it counts."""
    return any(
        (one.credential and one.credential.source == "keyring")
        or any(name == "keyring" for name, _ in one.tried)
        for one in resolutions
    )


def _render_memory(
    plan: Plan,
    observer: Observer,
    host: Host,
    credentials: list[Credential],
    plan_again: Callable[[tuple[Resolution, ...]], Delivery],
) -> str | None:
    """Return the memory file's line with numbers for secrets; None if it holds others' too."""
    seen = [path for path in observer.paths if os.path.exists(path)]
    netrc = host.environ.get("NETRC")
    if any(os.path.basename(path) in MERGED_FILES or path == netrc for path in seen):
        return None
    from shim.delivery.seed import read_machine_config

    channels = [channel for channel, _, _ in plan.delivery.channels]
    template = _find_template(plan.delivery, plan.resolutions, credentials, plan_again)
    if "seed" in channels and "@" in read_machine_config(host):
        return None  # maybe a password of the machine's
    memory = plan.delivery.memory
    if template is None or memory is None:
        return None
    known = (FORM_OF_CHANNEL[channel] for channel in channels if channel in FORM_OF_CHANNEL)
    form = next(known, "plain")
    secrets = [credential.secret.reveal() for credential in credentials]
    if fill_template(template, secrets, form) != memory.text.reveal():
        return None
    return FIELD.join(["memory", str(memory.descriptor), form, template.replace("\n", LINE)])


def _render_audit(plan: Plan, token_files: list[str], host: Host) -> list[str]:
    """Return the audit log's lines of each time, and the token files that they speak of."""
    from shim.config.settings import load_settings
    from shim.storage.audit_log import find_socket, render_lines

    credentials, outcome = plan.released
    if not credentials:
        return []
    settings, target = load_settings(host), plan.invocation.target.path
    marks = ("@TIME@", "@PARENT@")
    path, text = render_lines(credentials, target, outcome, settings.audit, host, *marks)
    if not text:
        return []
    for mark in ("time", "parent"):
        text = text.replace(f'"@{mark.upper()}@"', f'"{TOKEN}{mark}{TOKEN}"')
    lines = [["audit", path, text.replace("\n", LINE), find_socket(settings.audit)]]
    lines += [["file", file, describe_file(file) or ""] for file in token_files]
    return [FIELD.join(line) for line in lines]


def _names(plan: Plan, host: Host) -> set[int]:
    """Return the positions of words that may be other package names next time.

    Only behind the verb, never at it: before it stand values of options, and with another verb it
    is another command. None where names were checked (`packages`), and no redirector checks them
    again.
    """
    from shim.config.mentions import is_mentioned

    argv, verb = plan.invocation.argv, plan.invocation.verb[-1:]
    if not PACKAGE_VERBS.intersection(verb) or verb[0] not in argv:
        return set()
    if plan.delivery.routes is None and is_mentioned(host):
        return set()
    words, kept = list(argv), plan.delivery.argv
    behind = range(len(argv) - argv[::-1].index(verb[0]), len(argv))
    found = [number for number in behind if is_name(words, number) and kept[number] == argv[number]]
    return {number for number in found if not os.path.lexists(argv[number].partition("[")[0])}


def _render_changes(delivery: Delivery, argv: tuple[str, ...]) -> list[str] | None:
    """Return the lines of changed argv and environment, None if a secret is in clear there."""
    lines = [
        FIELD.join(["put", str(number), word])
        for number, word in enumerate(delivery.argv)
        if word != argv[number]
    ]
    for name, value in delivery.environ.items():
        if isinstance(value, Secret):
            return None
        if value is None:
            lines.append(FIELD.join(["unset", name]))
        else:
            text = value.replace(f"/proc/{os.getpid()}/", f"/proc/{TOKEN}pid{TOKEN}/")
            lines.append(FIELD.join(["set", name, text]))
    return lines


def _find_template(
    delivery: Delivery,
    resolutions: tuple[Resolution, ...],
    credentials: list[Credential],
    plan_again: Callable[[tuple[Resolution, ...]], Delivery],
) -> str | None:
    """Return the memory file's text with numbers for secrets, found by delivering marks."""
    nonce = os.urandom(12).hex()
    marks = [f"{nonce}-{number}-{nonce}" for number in range(len(credentials))]

    def marked(resolution: Resolution) -> Resolution:
        credential = resolution.credential
        if credential is None or credential not in credentials:
            return resolution
        mark = Secret(marks[credentials.index(credential)])
        return replace(resolution, credential=replace(credential, secret=mark))

    again = plan_again(tuple(map(marked, resolutions)))
    if again.memory is None or again.environ != delivery.environ or again.argv != delivery.argv:
        return None
    template = again.memory.text.reveal()
    for number, mark in enumerate(marks):
        template = template.replace(mark, f"{TOKEN}{number}{TOKEN}")
    return template
