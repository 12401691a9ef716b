"""Source `keyring`: the OS keyring through the keyring library, in this process, under the names that pip and uv use.

Asked are the index URL (as configured and as the command spells it, with and without its last slash), then `host[:port]`, the
latter for https and loopback only: a password kept for a host must not travel over plain http.

Sources: keyring 25.7; pip 26.3 network/auth.py (`_get_keyring_auth`); uv 0.13.8 uv-auth/src/keyring.rs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from shim.errors import SourceError
from shim.model import Credential
from shim.sources import Query, make_credential
from shim.store import keys
from shim.urls import scope_of_origin

#: A locked keyring may show a dialog that nobody sees (pypa/pip#7883): after this long the run goes on without it.
TIMEOUT_S = 30.0

Result = TypeVar("Result")


def find(query: Query) -> Credential | None:
    """Return what the keyring has for the index or its host.

    Raises:
        SourceError: the keyring is locked, broken, or does not answer in time.
    """
    return in_time(lambda: _find(query))


def _find(query: Query) -> Credential | None:
    url = query.need.url
    try:
        import keyring
        import keyring.errors
    except BaseException as error:
        message = f"the keyring library cannot be loaded ({type(error).__name__})"
        raise SourceError(message, hint="shim's own environment is damaged: run install.sh again") from error
    try:
        if not is_usable(keyring.get_keyring()):
            query.note("keyring", "none on this machine")
            return None
        for service in services(query):
            found = _ask(keyring, service, query.username) or _ask_for_login(keyring, service, query)
            if found:
                return make_credential(query, "keyring", found[1], found[0])
        if url.is_confidential:
            found = _ask(keyring, url.netloc, query.username)
            if found:
                scope = scope_of_origin(url)
                return make_credential(query, "keyring", found[1], found[0], scope if query.index is None else query.scope)
    except SourceError:
        raise
    except keyring.errors.NoKeyringError:
        query.note("keyring", "none on this machine")
        return None
    except (keyring.errors.KeyringLocked, keyring.errors.InitError) as error:
        hint = "unlock it: log in to the desktop session, or start gnome-keyring-daemon --unlock"
        raise SourceError("the keyring is locked", hint=hint) from error
    except BaseException as error:
        raise SourceError(f"the keyring failed ({type(error).__name__})", hint="keyring --list-backends, keyring diagnose") from error
    query.note("keyring", f"nothing for {url.netloc}")
    return None


def services(query: Query) -> list[str]:
    """Return the names under which an index may be kept, the likeliest first."""
    names: list[str] = []
    for url in (query.index.url if query.index else None, query.need.url):
        if url:
            names += [url.text, url.text.rstrip("/") + ("" if url.text.endswith("/") else "/")]
    return list(dict.fromkeys(names))


def _ask(keyring: Any, service: str, username: str | None) -> tuple[str, str] | None:
    """Return (user name, password) for one service name, or None."""
    if username is not None:
        password = keyring.get_password(service, username)
        return (username, password) if password is not None else None
    credential = keyring.get_credential(service, None)
    return (credential.username, credential.password) if credential and credential.password is not None else None


def _ask_for_login(keyring: Any, service: str, query: Query) -> tuple[str, str] | None:
    """Return what `shim login` stored for a service if nobody said a user name, or None.

    Many backends cannot look without one (keyring's own `get_credential` is such); we know which one we stored.
    """
    if query.username is not None:
        return None
    usernames = [username for stored, username in keys.read_list(query.host) if stored == service]
    return next((found for username in usernames if (found := _ask(keyring, service, username))), None)


def is_usable(backend: object) -> bool:
    """Whether a keyring backend can hold anything: keyring's `fail` and `null` stand for "there is none"."""
    return type(backend).__module__ not in ("keyring.backends.fail", "keyring.backends.null")


def in_time(work: Callable[[], Result]) -> Result:
    """Return what `work` returns, or raise what it raises; SourceError if it takes longer than TIMEOUT_S.

    It runs in a daemon thread, which `exec` or the end of the process takes away.
    """
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 (handed to the caller below)
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(TIMEOUT_S)
    if errors:
        raise errors[0]
    if not results:
        raise SourceError(f"the keyring did not answer within {TIMEOUT_S:g} s", hint="is a dialog waiting to unlock it?")
    return results[0]
