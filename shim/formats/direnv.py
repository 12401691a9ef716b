"""What direnv keeps of the environment before a project's `.envrc`, to put it back on leaving.

`DIRENV_DIFF` is JSON, compressed by zlib, in the URL-safe base64: `p` has the values of before, `n`
those of the project. Source: direnv 2.32 `gzenv/gzenv.go`, `internal/cmd/env_diff.go`.
"""

from __future__ import annotations

import base64
import json
import zlib

from shim.core.typing import Collection


def without_folders(difference: str, folders: Collection[str]) -> str:
    """Return a `DIRENV_DIFF` whose PATHs lack these folders; what is none, as it is."""
    try:
        sides = json.loads(zlib.decompress(base64.urlsafe_b64decode(difference)))
        for side in sides.values():
            if "PATH" in side:
                entries = side["PATH"].split(":")
                side["PATH"] = ":".join(entry for entry in entries if entry not in folders)
    except (zlib.error, ValueError, AttributeError, TypeError):
        return difference
    return base64.urlsafe_b64encode(zlib.compress(json.dumps(sides).encode())).decode()
