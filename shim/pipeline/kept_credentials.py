"""Where a credential can be got again next time: the token cache, or the kernel's memory."""

from __future__ import annotations

import os

from shim.core.dataclass import dataclass
from shim.core.host import Host
from shim.core.model import Credential, Resolution
from shim.hotpath.replay import encode_percent, read_private
from shim.pipeline.observing import Observer


@dataclass(frozen=True, slots=True)
class KeptCredential:
    """A credential, the record's fields that say how to get it again, and a cached token's file."""

    credential: Credential
    fields: tuple[str, ...]
    file: str | None = None


def find_kept(
    resolutions: tuple[Resolution, ...], observer: Observer, host: Host
) -> list[KeptCredential] | None:
    """Return where each answer of ours is kept; None if one cannot be found again later."""
    found: list[KeptCredential] = []
    for resolution in resolutions:
        credential = resolution.credential
        endpoint = resolution.endpoint
        if endpoint.provided_by or (endpoint.url.is_public and credential is None):
            continue
        # An agent is asked each time, also one that had nothing, or was not there, this time.
        has_agent = observer.environ.get("SHIM_AGENT_SOCKET")
        if credential is None or credential.username_is_secret or has_agent:
            return None
        if credential.found_by_tool:
            continue
        if credential.source == "keyring":
            kept = _find_remembered(credential, observer, host)
        else:
            kept = _find_token(credential, observer)
        if kept is None:
            return None
        if kept not in found:
            found.append(kept)
    return found


def _find_token(credential: Credential, observer: Observer) -> KeptCredential | None:
    """Return the record of the token cache that a credential came from or went to, or None."""
    tokens = (path for path in observer.paths if path.endswith(".token"))
    path = next((path for path in tokens if _holds(path, credential)), None)
    if path is None or credential.expires_at is None:
        return None
    return KeptCredential(credential, ("token", path, *_identity(credential)), path)


def _holds(path: str, credential: Credential) -> bool:
    text, secret = read_private(path) or "", encode_percent(credential.secret.reveal())
    return f"\nsecret={secret}\n" in text and f"\nusername={_identity(credential)[0]}\n" in text


def _find_remembered(
    credential: Credential, observer: Observer, host: Host
) -> KeptCredential | None:
    """Return what the kernel has of a keyring's answer, known by the pad that was used."""
    from shim.delivery import same_credential
    from shim.storage import kernel_store, keyring_cache

    for path in observer.paths:
        folder, name = os.path.split(path)
        if os.path.basename(folder) != kernel_store.PADS:
            continue
        key = name.partition(".")[0].removeprefix(f"{keyring_cache.KIND}-")
        place = kernel_store.place_of(keyring_cache.KIND, key, host)
        if place is None or not path.startswith(place[1]):
            continue
        same = kernel_store.find(keyring_cache.KIND, key, host)
        if same and same_credential(same, credential):
            end = repr(credential.expires_at) if credential.expires_at is not None else ""
            fields = ("remembered", *place, *_identity(credential), encode_percent(end))
            return KeptCredential(credential, fields)
    return None


def _identity(credential: Credential) -> tuple[str, str]:
    """Return user name and scope as records of credentials spell them."""
    return encode_percent(credential.username), encode_percent(str(credential.scope))
