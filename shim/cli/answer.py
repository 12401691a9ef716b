"""The one shape of every `--json`: an object; times as RFC 3339; an error as `{"error": {"code",
"message", "tried", "hint"}}`.

`docs/json.schema.json` has it for programs.
"""

from __future__ import annotations

import json
import sys
from itertools import takewhile

from shim.core.errors import ShimError
from shim.core.typing import Any

#: The verbs that have the option.
JSON_VERBS = ("status", "explain", "token", "doctor", "cache", "backend")


def write_json(document: dict[str, Any]) -> None:
    """Print an answer for programs on stdout."""
    sys.stdout.write(json.dumps(document, indent=2) + "\n")
    sys.stdout.flush()


def describe_error(error: ShimError) -> dict[str, Any]:
    """Return an error as plain data."""
    tried = [{"source": source, "outcome": outcome} for source, outcome in error.tried]
    return {
        "error": {"code": error.code, "message": error.message, "tried": tried, "hint": error.hint}
    }


def wants_json(argv: list[str]) -> bool:
    """Whether a command line asks for JSON."""
    if not argv or argv[0] not in JSON_VERBS:
        return False
    if argv[0] == "explain":  # the command that it is about may have such an option too
        return "--json" in takewhile(lambda word: word.startswith("-") and word != "--", argv[1:])
    return "--json" in argv[1:]
