"""What indexes said lately about credentials: a proof that one works, or that one was rejected;
without a credential, how a server answers strangers, where its files lie, and whose page is there
if its own is not. No secret is kept.

A file's name is a keyed fingerprint of the secret: whoever reads the folder can neither learn the
secret nor try guesses without the key, which lies beside it and is worth nothing elsewhere. Its
content is the time and what was said, in words.
"""

from __future__ import annotations

import os

from shim.core.contextlib import suppress
from shim.core.files import read_head, read_text
from shim.core.host import Host
from shim.core.model import Credential, Secret
from shim.core.own_files import create, replace_atomically
from shim.core.private_folders import private_folder
from shim.core.typing import Literal, NamedTuple
from shim.core.urls import Url
from shim.storage.cache_files import cache_file, discard

Kind = Literal["proven", "rejected", "files", "page"]
KEY_BYTES = 32
#: How long a refused secret is not sent: a server that was mended, or an account that was unlocked,
#: is soon tried again.
WITHHELD_S = 60.0
#: The secret of a stranger.
NOBODY = Secret("")


class Seen(NamedTuple):
    """What was said (`words`) and how many seconds ago."""

    words: str
    ago_s: float


def place_of(url: Url) -> str:
    """Return where a rejection counts: the index, however its last slash is written."""
    return url.text.rstrip("/")


def recall(kind: Kind, credential: Credential | None, where: str, host: Host) -> Seen | None:
    """Return what is remembered of the credential at `where`, a text for each question."""
    path = _path(kind, credential, where, host)
    at, _, words = ((read_text(path, 4096) if path else None) or "").partition(" ")
    try:
        ago_s = host.clock() - float(at)
    except ValueError:
        return None
    return Seen(words, ago_s) if ago_s >= 0 else None


def recall_refusal(credential: Credential, url: Url, host: Host) -> Seen | None:
    """Return what the index said if it refused this secret within the last minute."""
    if host.is_set("SHIM_REFRESH"):
        return None
    seen = recall("rejected", credential, place_of(url), host)
    return seen if seen and seen.ago_s <= WITHHELD_S else None


def remember(kind: Kind, credential: Credential | None, where: str, words: str, host: Host) -> None:
    """Write it down. Where that is impossible, the index is asked again next time."""
    if path := _path(kind, credential, where, host):
        with suppress(OSError):
            replace_atomically(path, f"{host.clock()!r} {words}".encode("utf-8", "surrogateescape"))


def forget(kind: Kind, credential: Credential | None, where: str, host: Host) -> None:
    """Forget what is remembered about the credential at `where`."""
    discard(_path(kind, credential, where, host))


def _path(kind: Kind, credential: Credential | None, where: str, host: Host) -> str | None:
    proofs = cache_file("proofs", host)
    folder = private_folder(proofs) if proofs else None
    key = read_key(folder) if folder else None
    if folder is None or key is None:
        return None
    secret, username = (credential.secret, credential.username) if credential else (NOBODY, "")
    return os.path.join(folder, f"{kind}-{secret.fingerprint(key, username, where)}")


def read_key(folder: str) -> bytes | None:
    """Return the fingerprints' key in a private folder, made at the first call, or None."""
    path = os.path.join(folder, "key")
    for _ in range(2):
        if key := read_head(path, KEY_BYTES + 1):
            return key if len(key) == KEY_BYTES else None
        temporary = f"{path}.{os.urandom(6).hex()}"
        with suppress(OSError):
            create(temporary, os.urandom(KEY_BYTES))
            with suppress(OSError):
                os.link(temporary, path)  # of two that begin at once, one wins
            os.unlink(temporary)
    return None
