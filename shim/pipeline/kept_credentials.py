"""Where a credential of a command can be got again the next time: a record of the token cache, or
the kernel's memory.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import quote

from shim.core.host import Host
from shim.core.model import Credential, Resolution
from shim.hotpath.replay import read_private
from shim.pipeline.observing import Observer


@dataclass(frozen=True, slots=True)
class Kept:
    """A credential that can be got again later, and the fields of the record that say how. `file`
    is that of a cached token.
    """

    credential: Credential
    fields: tuple[str, ...]
    file: str | None = None


def find_kept(
    resolutions: tuple[Resolution, ...], observer: Observer, host: Host
) -> list[Kept] | None:
    """Return where each answer of ours is kept; None if one cannot be found again later."""
    found: list[Kept] = []
    for resolution in resolutions:
        credential = resolution.credential
        if resolution.endpoint.provided_by or (
            resolution.endpoint.url.is_public and credential is None
        ):
            continue
        if (
            credential is None
            or credential.username_is_secret
            or observer.environ.get("SHIM_AGENT_SOCKET")
        ):
            # an agent is asked each time, also one that had nothing, or was not there, this time
            return None
        if credential.found_by_tool:
            continue
        kept = (
            _find_remembered(credential, observer, host)
            if credential.source == "keyring"
            else _find_token(credential, observer)
        )
        if kept is None:
            return None
        if kept not in found:
            found.append(kept)
    return found


def _find_token(credential: Credential, observer: Observer) -> Kept | None:
    """Return the record of the token cache that a credential came from or went to, or None."""
    path = next(
        (path for path in observer.paths if path.endswith(".token") and _holds(path, credential)),
        None,
    )
    if path is None or credential.expires_at is None:
        return None
    return Kept(credential, ("token", path, *_identity(credential)), path)


def _holds(path: str, credential: Credential) -> bool:
    text = read_private(path) or ""
    return (
        f"\nsecret={quote(credential.secret.reveal(), safe='')}\n" in text
        and f"\nusername={_identity(credential)[0]}\n" in text
    )


def _find_remembered(credential: Credential, observer: Observer, host: Host) -> Kept | None:
    """Return what the kernel's memory has of a keyring's answer, known by the pad that was read or
    written; None if it has nothing.
    """
    from shim.delivery import same_credential
    from shim.storage import kernel_store, keyring_cache

    for path in observer.paths:
        folder, name = os.path.split(path)
        key = name.partition(".")[0].removeprefix(f"{keyring_cache.KIND}-")
        place = (
            kernel_store.place_of(keyring_cache.KIND, key, host)
            if os.path.basename(folder) == kernel_store.PADS
            else None
        )
        same = (
            kernel_store.find(keyring_cache.KIND, key, host)
            if place and path.startswith(place[1])
            else None
        )
        if place and same and same_credential(same, credential):
            end = repr(credential.expires_at) if credential.expires_at is not None else ""
            return Kept(
                credential, ("remembered", *place, *_identity(credential), quote(end, safe=""))
            )
    return None


def _identity(credential: Credential) -> tuple[str, str]:
    """Return user name and scope as records of credentials spell them."""
    return quote(credential.username, safe=""), quote(str(credential.scope), safe="")
