"""The OS keyring, written to by `shim login`: under the index's URL, where pip and uv look by themselves.

A list of what we stored there (names, never a secret) lets `shim logout --all` find it again: keyrings cannot be searched.
"""

from __future__ import annotations

import os
from contextlib import suppress

from shim.errors import StoreError
from shim.host import Host
from shim.model import Credential
from shim.repair import repair_command
from shim.store.folders import private_folder
from shim.urls import Url

UNLOCK_HINT = "unlock it: log in to the desktop session, or start gnome-keyring-daemon --unlock"
REFUSED_HINT = "SHIM_DEBUG=1 shim doctor says which keyring it is"


def find_problem() -> StoreError | None:
    """Return why there is no keyring here that could hold a secret, or None if there is one."""
    try:
        import keyring
    except Exception as error:  # noqa: BLE001 (whatever a broken installation raises)
        return StoreError(f"shim's own package `keyring` cannot be loaded ({type(error).__name__})", hint=repair_command())
    try:
        backend = type(keyring.get_keyring()).__module__
    except Exception as error:  # noqa: BLE001 (no home, a keyringrc.cfg or PYTHON_KEYRING_BACKEND that names what is not there)
        return StoreError(f"the keyring library finds no keyring ({type(error).__name__})")
    return StoreError("there is no OS keyring here") if backend in ("keyring.backends.fail", "keyring.backends.null") else None


def put(url: Url, credential: Credential, host: Host) -> str:
    """Store the secret under the index's URL and return where that is, in words. Raises StoreError."""
    import keyring

    try:
        keyring.set_password(url.text, credential.username, credential.secret.reveal())
    except Exception as error:
        if type(error).__name__ in ("KeyringLocked", "InitError"):
            raise StoreError("the keyring is locked: nothing was stored", hint=UNLOCK_HINT) from error
        raise StoreError(f"the keyring refused it ({type(error).__name__}): nothing was stored", hint=REFUSED_HINT) from error
    _write_list(host, {*read_list(host), (url.text, credential.username)})
    return f"the OS keyring ({type(keyring.get_keyring()).__module__.rpartition('.')[2]})"


def forget(host: Host, url: Url | None = None, username: str | None = None) -> list[tuple[str, str]]:
    """Remove what we stored for an index, or everything; return the (service, user name) pairs that were removed.

    With `username`, that entry of the index is removed even if the list is lost. Raises StoreError.
    """
    import keyring
    import keyring.errors

    wanted = {pair for pair in read_list(host) if url is None or pair[0].rstrip("/") == url.text.rstrip("/")}
    guessed = {(url.text, username)} - wanted if url and username else set()
    removed = []
    for service, name in sorted(wanted | guessed):
        try:
            if (service, name) in guessed and keyring.get_password(service, name) is None:
                continue  # some backends "remove" what they never had
            keyring.delete_password(service, name)
            removed.append((service, name))
        except keyring.errors.PasswordDeleteError:
            continue  # somebody else removed it already
        except Exception as error:
            if (service, name) in guessed:
                continue  # no keyring, or a locked one: nothing says that we ever stored something there
            message = f"the keyring could not forget {service} ({type(error).__name__})"
            raise StoreError(message, hint="unlock it and run this again") from error
    _write_list(host, set(read_list(host)) - wanted)
    return removed


def read_list(host: Host) -> list[tuple[str, str]]:
    """Return the (service, user name) pairs that we stored."""
    path = _list_path(host)
    try:
        with open(path or "/nonexistent", encoding="utf-8") as stream:
            rows = [line.rstrip("\n").split("\t") for line in stream]
    except (OSError, UnicodeDecodeError):
        return []
    return [(row[0], row[1]) for row in rows if len(row) == 2]


def _list_path(host: Host) -> str | None:
    return os.path.join(host.state_home, "shim", "keyring-entries") if host.state_home else None


def _write_list(host: Host, pairs: set[tuple[str, str]]) -> None:
    """Write the list; without it `logout NAME` still finds the index's own user name, so a failure is none."""
    path = _list_path(host)
    if path is None or private_folder(os.path.dirname(path)) is None:
        return
    temporary = f"{path}.{os.getpid()}"
    with suppress(OSError):
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
            stream.write("".join(f"{service}\t{username}\n" for service, username in sorted(pairs)))
        os.replace(temporary, path)
