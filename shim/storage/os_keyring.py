"""The OS keyring, written to by `shim login`: under the index's URL, where pip and uv look by
themselves.

A list of what we stored there (names, never a secret) lets `shim logout --all` find it again:
keyrings cannot be searched.
"""

from __future__ import annotations

import os
from shlex import quote

from shim.core.contextlib import suppress
from shim.core.errors import StoreError
from shim.core.files import may_access, read_text, real_path, see
from shim.core.host import Host
from shim.core.installation import repair_command
from shim.core.model import Credential
from shim.core.own_files import replace_atomically
from shim.core.private_folders import private_folder
from shim.core.typing import Any
from shim.core.urls import Url

#: Modules of backends that stand for "there is none".
NO_KEYRINGS = ("keyring.backends.fail", "keyring.backends.null")
UNLOCK_HINT = "unlock it: log in to the desktop session, or start gnome-keyring-daemon --unlock"


class UnusableBackend(Exception):
    """Somebody named a keyring backend that cannot be had here. `hint` is what mends that."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def load_keyring() -> Any:
    """Return the keyring library with its backend chosen: that which a variable or its
    configuration names, else all that there are.

    Without a name the library takes the first of those with the highest priority. Its chain, which
    asks one after the other by their priority, has 10, and so have some that are in it, or more:
    then it would be chance, or all others would not be asked any more.

    Raises:
        UnusableBackend: the named one. Whatever else the library raises: a keyringrc.cfg that is
            none, a damaged environment.
    """
    import keyring
    import keyring.backend

    try:
        chosen = keyring.get_keyring()
    except Exception as error:
        raise _explain(error) or error from error
    if not any(_named()):  # else nobody else's backend is to be loaded
        _prefer_chain(keyring, chosen)
    return keyring


def _prefer_chain(keyring: Any, chosen: Any) -> None:
    # A backend that cannot even be made is not in the way of the one that was chosen.
    with suppress(Exception):
        backends = keyring.backend.get_all_keyring()
        chain: Any = next(one for one in backends if type(one).__module__ == CHAIN)
        if chosen in chain.backends and len(chain.backends) > 1:
            keyring.set_keyring(chain)


#: The module of the library's own chain of all other backends.
CHAIN = "keyring.backends.chainer"
VARIABLE = "PYTHON_KEYRING_BACKEND"
#: Modules of backends whose package has another name.
PACKAGES = {"keyrings.gauth": "keyrings.google-artifactregistry-auth"}


def _named() -> tuple[str | None, str | None]:
    """Return the backends that the variable and keyringrc.cfg name; the first one counts."""
    import configparser

    import keyring.core

    parser = configparser.RawConfigParser()
    path = keyring.core._config_path()  # type: ignore[no-untyped-call]
    see(str(path))
    with suppress(configparser.Error, UnicodeDecodeError):
        parser.read(path, encoding="utf-8")
    by_file = parser.get("backend", "default-keyring", fallback="").strip() or None
    return os.environ.get(VARIABLE), by_file


def _explain(error: Exception) -> UnusableBackend | None:
    """Return what is wrong with a backend that somebody named, or None if nobody did."""
    by_variable, by_file = _named()
    named, place = (by_file, "keyringrc.cfg") if by_variable is None else (by_variable, VARIABLE)
    if named is None:
        return None
    undo = {VARIABLE: f"unset {VARIABLE}"}.get(place, f"take default-keyring out of {place}")
    if isinstance(error, (ImportError, AttributeError)):
        parts = named.split(".")
        module = ".".join(parts[: 2 if parts[0] == "keyrings" else 1])
        package = PACKAGES.get(module, module.replace("_", "-"))
        hint = undo if package in ("", "keyring") else f"shim backend add {package}"
        words = f"the keyring backend {named}, which is not in shim's own environment"
        return UnusableBackend(f"{place} names {words}", hint)
    words = f"the keyring backend {named!r}, which cannot be used here ({type(error).__name__})"
    return UnusableBackend(f"{place} names {words}", undo)


def command() -> str:
    """Return how to start the `keyring` command that has the backends which we ask: other
    environments have others. Where install.sh made ours, it has no script.
    """
    import keyring

    programs = os.path.normpath(os.path.join(real_path(keyring.__file__), "../../../../../bin"))
    script, python = os.path.join(programs, "keyring"), os.path.join(programs, "python")
    if may_access(script, os.X_OK):
        return quote(script)
    return f"{quote(python)} -m keyring" if may_access(python, os.X_OK) else "keyring"


def describe(backend: object) -> str:
    """Return which backend would keep a secret, the first of a chain; "in clear" if it would."""
    first = next(iter(getattr(backend, "backends", ())), backend)
    is_plain = type(first).__name__.startswith("Plaintext")
    is_clear = is_plain or getattr(first, "scheme", "") == "no encryption"
    return type(first).__module__.rpartition(".")[2] + (", in clear, in a file" if is_clear else "")


def find_problem() -> StoreError | None:
    """Return why there is no keyring here that could hold a secret, or None if there is one."""
    try:
        import keyring  # noqa: F401 (whether it is whole)
    except Exception as error:  # noqa: BLE001 (whatever a broken installation raises)
        message = f"shim's own package `keyring` cannot be loaded ({type(error).__name__})"
        return StoreError(message, hint=repair_command())
    try:
        backend = type(load_keyring().get_keyring()).__module__
    except UnusableBackend as error:
        return StoreError(str(error), hint=error.hint)
    except Exception as error:  # noqa: BLE001 (no home, or a keyringrc.cfg that cannot be read)
        return StoreError(f"the keyring library finds no keyring ({type(error).__name__})")
    return StoreError("there is no OS keyring here") if backend in NO_KEYRINGS else None


def put(url: Url, credential: Credential, host: Host) -> str:
    """Store the secret under the index's URL; return where, in words. Raises StoreError."""
    keyring = load_keyring()
    try:
        keyring.set_password(url.text, credential.username, credential.secret.reveal())
    except Exception as error:
        kind = type(error).__name__
        why = f"refused it ({kind})"
        hint = f"{command()} set {url.text} {credential.shown_username} shows what it says"
        if kind in ("KeyringLocked", "InitError"):
            why, hint = "is locked", UNLOCK_HINT
        raise StoreError(f"the keyring {why}: nothing was stored", hint=hint) from error
    _write_list(host, {*read_list(host), (url.text, credential.username)})
    return f"the OS keyring ({describe(keyring.get_keyring())})"


def forget(
    host: Host, url: Url | None = None, username: str | None = None
) -> list[tuple[str, str]]:
    """Remove what we stored for an index, or everything; return the (service, user name) pairs that
    were removed.

    With `username`, that entry of the index is removed even if the list is lost. Raises StoreError.
    """
    import keyring.errors

    keyring = load_keyring()
    wanted = {
        (service, name)
        for service, name in read_list(host)
        if url is None or service.rstrip("/") == url.text.rstrip("/")
    }
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
                # no keyring, or a locked one: nothing says that we ever stored something there
                continue
            message = f"the keyring could not forget {service} ({type(error).__name__})"
            raise StoreError(message, hint="unlock it and run this again") from error
    _write_list(host, set(read_list(host)) - wanted)
    return removed


def read_list(host: Host) -> list[tuple[str, str]]:
    """Return the (service, user name) pairs that we stored."""
    path = _list_path(host)
    rows = [line.split("\t") for line in ((read_text(path) if path else None) or "").split("\n")]
    return [(row[0], row[1]) for row in rows if len(row) == 2]


def _list_path(host: Host) -> str | None:
    return os.path.join(host.state_home, "shim", "keyring-entries") if host.state_home else None


def _write_list(host: Host, pairs: set[tuple[str, str]]) -> None:
    """Write the list, or do without: `logout NAME` finds the index's own user name anyway."""
    path = _list_path(host)
    if path and private_folder(os.path.dirname(path)):
        text = "".join(f"{service}\t{username}\n" for service, username in sorted(pairs))
        with suppress(OSError):
            replace_atomically(path, text.encode())
