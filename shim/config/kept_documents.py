"""What our config files say, kept beside the cached tokens for the next command.

Python's reader of TOML and what it imports cost as much as two starts of an interpreter, its reader
of JSON half a one. What was kept counts only for the very text that it was read from, and is read
only from a file of the user's alone, like compiled modules. A text that may have a secret in a URL
(a user name, a query) is never kept.
"""

from __future__ import annotations

import marshal
import os

from shim.core.contextlib import suppress
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
    head, kept = f"{marshal.version} {_digest(text)}\n".encode(), read_own(path) or b""
    if kept.startswith(head):
        with suppress(EOFError, TypeError, ValueError):
            found: dict[str, Any] = marshal.loads(kept[len(head) :])  # noqa: S302 (see above)
            return found
    document = read_toml(text)
    with suppress(OSError, ValueError):  # ValueError: a date, or too deep
        data = head + marshal.dumps(document)
        if private_folder(os.path.dirname(path)):
            replace_atomically(path, data)
    return document


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogateescape"))
