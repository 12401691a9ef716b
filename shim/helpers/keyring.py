"""The `keyring` face: answers pip, pdm and others, who run `keyring get URL [USER]`, from our
resolver.

It gives read credentials only, to a URL with a scheme only (a bare host name says nothing about
http or https), never starts a login and never asks a person: the tools hide its stderr or wait for
it without a limit. What it has no answer for goes to the real keyring command, as without us; where
there is none the exit status is 1, which every caller reads as "nothing", and 127 with a message
for whoever wants something else of it.

Sources: pip 26.3 network/auth.py, pip 23.1 (`get URL USER`), unearth 0.17 (`--mode=creds get URL
""`), keyring 25.7 cli.py.
"""

from __future__ import annotations

import os
import sys

from shim.core.dataclass import dataclass, replace
from shim.core.errors import TargetNotFound, render
from shim.core.host import Host, this_host, write_stderr
from shim.core.model import Credential
from shim.core.platform_features import shows_processes
from shim.core.typing import Literal
from shim.core.urls import BadUrl, find_userinfo, parse_url
from shim.helpers.lookup import find_credential


@dataclass(frozen=True, slots=True)
class KeyringRequest:
    """`keyring get SERVICE [USER]` in any dialect. `creds` asks for the user name as well."""

    service: str
    username: str | None
    mode: Literal["password", "creds"]
    output: Literal["plain", "json"]


def main(arguments: tuple[str, ...], target: str, launcher: str = "") -> int:
    """Answer one call of `keyring ARGUMENTS`. `target` is the real keyring command, or empty.

    Returns the exit status; does not return if the real keyring takes over.
    """
    host = replace(this_host(launcher), interactive=False)
    question = read_question(arguments)
    credential = find_answer(question, host) if question else None
    if question and credential:
        sys.stdout.write(render_answer(question, credential))
        return 0
    real = _beside_asker() or target
    if real:
        from shim.core.model import Delivery
        from shim.hotpath.exec_target import become

        become(real, "keyring", Delivery(arguments), host.environ)
    if question:
        return 1
    hint = "shim login NAME keeps a password, and shim logout NAME forgets it"
    message = "no other keyring on PATH, and ours only answers `get`"
    write_stderr(render(TargetNotFound(message, hint=hint)))
    return TargetNotFound.exit_code


def read_question(arguments: tuple[str, ...]) -> KeyringRequest | None:
    """Return the question, or None for anything that is not a plain `get`."""
    options = {"--mode": "password", "--output": "plain"}
    words: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        option, equals, value = word.partition("=")
        if option in options and (equals or rest):
            options[option] = value if equals else rest.pop(0)
        elif word.startswith("-"):
            return None
        else:
            words.append(word)
    mode, output = options["--mode"], options["--output"]
    if words[:1] != ["get"] or len(words) not in (2, 3):
        return None
    if mode not in ("password", "creds") or output not in ("plain", "json"):
        return None
    return KeyringRequest(words[1], (words[2] if len(words) == 3 else "") or None, mode, output)  # type: ignore[arg-type]


def find_answer(question: KeyringRequest, host: Host) -> Credential | None:
    """Return the credential, or None, also for errors: the caller cannot show them."""
    from shim.core.errors import ShimError

    try:
        url = parse_url(question.service)
        userinfo = find_userinfo(question.service)
    except BadUrl:
        return None
    if url.is_public:
        return None
    username = question.username or (userinfo.username if userinfo else None)
    try:
        return find_credential(url, username, "keyring get", host)
    except ShimError as error:
        host.debug(f"keyring face: {error.code}: {error.message}")
        return None


def render_answer(question: KeyringRequest, credential: Credential) -> str:
    """Return what keyring 25.7 would print."""
    secret = credential.secret.reveal()
    if question.output == "json":
        import json

        pair = {"username": credential.username} if question.mode == "creds" else {}
        pair["password"] = secret
        return json.dumps(pair) + "\n"
    return f"{credential.username}\n{secret}\n" if question.mode == "creds" else f"{secret}\n"


def _beside_asker() -> str | None:
    """Return the keyring command beside the interpreter that asks, if there is one."""
    if not shows_processes():
        return None
    try:
        with open(f"/proc/{os.getppid()}/cmdline", "rb") as stream:
            asker = os.fsdecode(stream.read().split(b"\0")[0])
    except OSError:
        return None
    path = os.path.join(os.path.dirname(asker), "keyring")
    if asker.startswith("/") and os.access(path, os.X_OK):
        from shim.core.own_launchers import is_launcher

        return None if is_launcher(path) else path
    return None
