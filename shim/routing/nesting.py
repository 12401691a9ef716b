"""A command inside another one that stands behind a redirector: what that one has set is taken
back, and decided anew.

MARK says which variables are ours, with what value, and what they were before: names and values,
percent-encoded, none of them a secret. Imports nothing slow: every command asks.
"""

from __future__ import annotations

from shim.core.typing import Mapping

MARK = "_SHIM_ROUTED"


def take_back(environ: Mapping[str, str]) -> dict[str, str | None]:
    """Return what a command above has set, unchanged since, as it was before (None: unset)."""
    text = environ.get(MARK)
    if not text:
        return {}
    import json

    try:
        marked = {name: (ours, theirs) for name, (ours, theirs) in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError, RecursionError):
        return {MARK: None}
    back = {name: theirs for name, (ours, theirs) in marked.items() if environ.get(name) == ours}
    return {MARK: None, **back}


def mark(changes: Mapping[str, object], environ: Mapping[str, str]) -> str:
    """Return the mark for these changes. What holds a secret is not kept, and stays changed."""
    import json

    kept = {
        name: (value, environ.get(name))
        for name, value in changes.items()
        if (value is None or isinstance(value, str)) and "@" not in environ.get(name, "")
    }
    return json.dumps(kept)
