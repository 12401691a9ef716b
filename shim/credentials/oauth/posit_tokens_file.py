"""The file of tokens that R, rspm and posit-keyring share with us: `~/.ppm/tokens.toml`.

It is read only if nobody else could have read it, changed under a lock of ours, written to a new
file (0600 from its first byte) that takes its place, and never touched if it is broken or of a
newer version. Others know no lock: a change of theirs is looked for just before ours takes its
place.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager, suppress

from shim.config.logins import TOKENS_VARIABLE, PositLogin, find_tokens_file
from shim.core.errors import ShimError, SourceError, StoreError
from shim.core.files import exists, real_path
from shim.core.host import Host
from shim.core.model import Secret
from shim.core.own_files import replacement
from shim.core.typing import Iterator
from shim.core.urls import BadUrl, parse_url, scope_of
from shim.credentials.oauth.posit_tokens_toml import (
    SSO,
    BadTokens,
    TokenFile,
    parse_tokens,
    put_token,
)
from shim.storage.private_files import read_private

MAX_BYTES = 1 << 20
LOCK_TIMEOUT_S = 10.0
#: How often a change is made anew because somebody else was faster.
TRIES = 5


def read_tokens(login: PositLogin, host: Host) -> list[Secret]:
    """Return the tokens for a server, those by its exact address before other spellings of it.

    Raises:
        SourceError: the file is not TOML, or somebody else could read it.
    """
    ours = [
        one
        for one in _parse(find_tokens_file(host)).connections
        if one.auth_type == SSO and (one.address == login.address or _is_same(one.address, login))
    ]
    return [one.token for one in sorted(ours, key=lambda one: one.address != login.address)]


def find_problem(host: Host) -> ShimError | None:
    """Return why the file cannot be read or changed by us; None if it can or is not there."""
    path = find_tokens_file(host)
    try:
        is_newer = _parse(path).is_newer
    except SourceError as error:
        return error
    hint = "log in with the program that wrote it; until then shim keeps its own tokens elsewhere"
    if is_newer:
        message = f"{path} is of a newer version than shim knows: it is read, and left as it is"
        return StoreError(message, hint=hint)
    return None


def _parse(path: str | None) -> TokenFile:
    """Return the entries. Raises SourceError: it is not TOML, or somebody else could read it."""
    try:
        return parse_tokens(_read(path) if path else "")
    except BadTokens as error:
        hint = f"correct it, or move it away: mv {path} {path}.broken"
        raise SourceError(f"{path} {error}", hint=hint) from None


def put(login: PositLogin, token: Secret | None, host: Host) -> bool:
    """Put a server's token into the file, or take its entries out; return whether that was due.

    Raises:
        StoreError: the file is broken, too new, not yours alone or cannot be written: as it was.
    """
    path = find_tokens_file(host)
    if path is None:
        hint = f"set HOME, or {TOKENS_VARIABLE} to an absolute path"
        raise StoreError("there is no home folder for tokens.toml", hint=hint)
    if token is None and not exists(path):
        return False
    path = real_path(path)  # dotfile managers put a link there
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with _locked(f"{os.path.dirname(path)}/.{os.path.basename(path)}.lock"):
            for _ in range(TRIES):
                text = _read(path)
                changed = _change(text, login, token)
                if changed == text or _replace(path, changed, text):
                    return changed != text
    except BadTokens as error:
        hint = f"correct it, or move it away: mv {path} {path}.broken"
        raise StoreError(f"{path} {error}: it was left as it is", hint=hint) from None
    except SourceError as error:
        raise StoreError(f"{error.message}: it was left as it is", hint=error.hint) from None
    except OSError as error:
        hint = f"ls -ld {os.path.dirname(path)}"
        raise StoreError(f"{path} cannot be written ({error.strerror})", hint=hint) from error
    raise StoreError(f"{path} is changed by somebody else all the time", hint="run it again")


def _change(text: str, login: PositLogin, token: Secret | None) -> str:
    """Return the text with the token, or without any for that server. Raises BadTokens."""
    if token is not None:
        return put_token(text, login.address, token)
    spellings = {
        one.address for one in parse_tokens(text).connections if _is_same(one.address, login)
    }
    for address in sorted(spellings):
        text = put_token(text, address, None)
    return text


def _is_same(address: str, login: PositLogin) -> bool:
    """Whether an address is the server's, but for letter case, default port and last slash."""
    try:
        return scope_of(parse_url(address)) == scope_of(login.url)
    except BadUrl:
        return False


def _read(path: str) -> str:
    data = read_private(path, MAX_BYTES, purpose="tokens")
    try:
        return (data or b"").decode("utf-8")
    except UnicodeDecodeError:
        hint = f"correct it, or move it away: mv {path} {path}.broken"
        raise SourceError(f"{path} is not UTF-8", hint=hint) from None


class _Changed(Exception):
    """Somebody else was faster."""


def _replace(path: str, changed: str, before: str) -> bool:
    """Put a new file in the place of the old one, if that is still as it was."""
    with suppress(_Changed), replacement(path, changed.encode(), sync=True):
        if _read(path) != before:
            raise _Changed
        return True
    return False


@contextmanager
def _locked(path: str) -> Iterator[None]:
    """Hold the lock file; go on without it after LOCK_TIMEOUT_S: the change is checked anyway."""
    from filelock import FileLock, Timeout

    with ExitStack() as stack:
        with suppress(Timeout):
            stack.enter_context(FileLock(path, LOCK_TIMEOUT_S, 0o600))
        yield
