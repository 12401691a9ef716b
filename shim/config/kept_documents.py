"""What our config files say, kept beside the cached tokens for the next command.

Python's reader of TOML and what it imports cost as much as two starts of an interpreter. What was
kept counts only for the very text that it was read from. A text that may have a secret in a URL (a
user name, a query) is never kept.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress

from shim.core.digests import sha256
from shim.core.own_files import read_own, replace_atomically
from shim.core.private_folders import private_folder
from shim.core.toml import read_toml
from shim.core.typing import Any

FOLDER = "settings"


def read_document(text: str, file: str, folder: str | None) -> dict[str, Any]:
    """Return the document of a config file; `folder` is the token cache's, or None.

    Raises:
        CannotRead: the text is not TOML.
    """
    if folder is None or "@" in text or "?" in text:
        return read_toml(text)
    path = os.path.join(folder, FOLDER, _digest(file))
    digest, _, kept = (read_own(path) or b"").partition(b"\n")
    if digest == _digest(text).encode():
        with suppress(ValueError, RecursionError):
            found: dict[str, Any] = json.loads(kept)
            return found
    document = read_toml(text)
    # JSON has no dates, and not every depth.
    with suppress(OSError, TypeError, ValueError, RecursionError):
        data = f"{_digest(text)}\n{json.dumps(document)}".encode()
        if private_folder(os.path.dirname(path)):
            replace_atomically(path, data)
    return document


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogateescape"))
