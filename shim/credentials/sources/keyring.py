"""Source `keyring`: the OS keyring through the keyring library, in this process, under the names
that pip and uv use.

Asked are the index URL (as configured and as the command spells it, with and without its last
slash), then `host[:port]`, the latter for https and loopback only: a password kept for a host must
not travel over plain http.

A backend is somebody else's code in our process: it may ask a person on the terminal, has so long
for it, and can neither write into the tool's output nor read its input.

Sources: keyring 25.7; pip 26.3 network/auth.py (`_get_keyring_auth`); uv 0.13.8
uv-auth/src/keyring.rs.
"""

from __future__ import annotations

import threading
import time

from shim.core.errors import SourceError
from shim.core.host import Host, write_stderr
from shim.core.installation import repair_command
from shim.core.model import Credential
from shim.core.typing import Any, Callable, TypeVar
from shim.core.urls import scope_of_origin
from shim.credentials.sources import DEFAULT_USERNAME, Query, Source, make_credential
from shim.storage import os_keyring

#: A locked keyring may show a dialog that nobody sees (pypa/pip#7883): after this long the run goes
#: on without it.
TIMEOUT_S = 30.0
#: Where it can ask a person: time to find the phone, and to log in with it.
PERSON_TIMEOUT_S = 300.0
#: After how long a person is told what we wait for, and how often again.
PATIENCE_S = 5.0
REMINDER_S = 30.0
LATE_HINT = 'is a dialog waiting to unlock it? keyring-wait = "5m" in config.toml gives it longer'

Result = TypeVar("Result")


def find(query: Query) -> Credential | None:
    """Return what the keyring has for the index or its host.

    Raises:
        SourceError: the keyring is locked, broken, or does not answer in time.
    """
    return in_time(lambda: _find(query), timeout_s(query), has_person=query.host.interactive)


def timeout_s(query: Query) -> float:
    """Return how long a keyring may take: as configured, else by whether it can ask somebody."""
    return allowed_s(query.keyring_wait_s, query.host)


def allowed_s(said_s: float | None, host: Host) -> float:
    """Return how long a keyring may take to read, write or forget."""
    return said_s or (PERSON_TIMEOUT_S if host.interactive else TIMEOUT_S)


def _find(query: Query) -> Credential | None:
    keyring = _load()
    import keyring.errors as errors

    try:
        if type(keyring.get_keyring()).__module__ in os_keyring.NO_KEYRINGS:
            query.note("keyring", "none on this machine")
            return None
        found = _look(keyring, query)
    except SourceError:
        raise
    except errors.NoKeyringError:
        query.note("keyring", "none on this machine")
        return None
    except (errors.KeyringLocked, errors.InitError) as error:
        raise SourceError("the keyring is locked", hint=os_keyring.UNLOCK_HINT) from error
    except BaseException as error:
        who = query.username or DEFAULT_USERNAME
        hint = f"{os_keyring.command()} get {query.endpoint.url} {who} shows what it says"
        raise SourceError(f"the keyring failed ({type(error).__name__})", hint=hint) from error
    if found is None:
        query.note("keyring", f"nothing for {query.endpoint.url.netloc}")
    return found


def _load() -> Any:
    """Return the keyring library with its backend chosen. Raises SourceError."""
    try:
        return os_keyring.load_keyring()
    except os_keyring.UnusableBackend as error:
        raise SourceError(str(error), hint=error.hint) from error
    except BaseException as error:
        message = f"the keyring library cannot be loaded ({type(error).__name__})"
        raise SourceError(message, hint=repair_command()) from error


def _look(keyring: Any, query: Query) -> Credential | None:
    """Return what the backend has under any of the names, or None. Raises what it raises."""
    url = query.endpoint.url
    for service in services(query):
        found = _ask(keyring, service, query.username) or _ask_for_login(keyring, service, query)
        if found:
            return make_credential(query, "keyring", found[1], found[0])
    found = _ask(keyring, url.netloc, query.username) if url.is_confidential else None
    if found is None:
        return None
    scope = query.scope if query.index else scope_of_origin(url)
    return make_credential(query, "keyring", found[1], found[0], scope)


def services(query: Query) -> list[str]:
    """Return the names under which an index may be kept, the likeliest first."""
    names: list[str] = []
    for url in (query.index.url if query.index else None, query.endpoint.url):
        if url:
            names += [url.text, url.text.rstrip("/") + ("" if url.text.endswith("/") else "/")]
    return list(dict.fromkeys(names))


def _ask(keyring: Any, service: str, username: str | None) -> tuple[str, str] | None:
    """Return (user name, password) for one service name, or None."""
    if username is not None:
        password = keyring.get_password(service, username)
        return (username, password) if password is not None else None
    credential = keyring.get_credential(service, None)
    if credential and credential.password is not None:
        return credential.username, credential.password
    return None


def _ask_for_login(keyring: Any, service: str, query: Query) -> tuple[str, str] | None:
    """Return what `shim login` stored for a service if nobody said a user name, or None.

    Many backends cannot look without one (keyring's own `get_credential` is such); we know which
    one we stored.
    """
    if query.username is not None:
        return None
    for stored, username in os_keyring.read_list(query.host):
        if stored == service and (found := _ask(keyring, service, username)):
            return found
    return None


def in_time(
    work: Callable[[], Result], wait_s: float = TIMEOUT_S, *, has_person: bool = False
) -> Result:
    """Return what `work` returns, or raise what it raises; SourceError after `wait_s`.

    It runs in a daemon thread, which `exec` or the end of the process takes away; what it did to
    the terminal is undone before.
    """
    from shim.credentials.terminal import diverted, restored

    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 (handed to the caller below)
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    with restored(), diverted():
        thread.start()
        _wait_for(thread, wait_s, has_person=has_person)
    if errors:
        raise errors[0]
    if not results:
        raise SourceError(f"the keyring did not answer within {wait_s:g} s", hint=LATE_HINT)
    return results[0]


def _wait_for(thread: threading.Thread, wait_s: float, *, has_person: bool) -> None:
    """Wait for the end of a thread, and tell a person now and then how long that may go on."""
    deadline = time.monotonic() + wait_s
    thread.join(min(PATIENCE_S, wait_s))
    while thread.is_alive() and (left_s := deadline - time.monotonic()) > 0:
        if has_person:
            write_stderr(f"shim: waiting for the keyring, {left_s:.0f} s left (Ctrl-C gives up)\n")
        thread.join(min(REMINDER_S, left_s))


SOURCE = Source(find, timeout_s=timeout_s)
