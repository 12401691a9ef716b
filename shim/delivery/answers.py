"""What a command hands to a face that one of its children will ask: a memory file of (scope, user
name, secret, source, end).

Written by the channel `face`, read by `helpers/keyring.py`. One line each, tab-separated,
percent-encoded.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote, unquote

from shim.core.model import Credential, Secret
from shim.core.urls import BadUrl, parse_url, scope_of

#: Where the child finds the file. Internal: it names a path, never a secret.
VARIABLE = "_SHIM_ANSWERS"


def render_answers(credentials: Iterable[Credential]) -> Secret:
    """Return the text of the memory file."""
    rows = (
        (
            str(one.scope),
            one.username,
            one.secret.reveal(),
            one.source,
            "" if one.expires_at is None else repr(one.expires_at),
        )
        for one in credentials
    )
    return Secret("".join("\t".join(quote(cell, safe="") for cell in row) + "\n" for row in rows))


def read_answers(path: str) -> list[Credential]:
    """Return the credentials in the file; none if it is gone (the command that made it has ended)
    or not ours.
    """
    credentials = []
    try:
        with open(path, encoding="ascii") as stream:
            for line in stream:
                scope, username, secret, source, end = (
                    unquote(cell) for cell in line.rstrip("\n").split("\t")
                )
                credentials.append(
                    Credential(
                        username,
                        Secret(secret),
                        scope_of(parse_url(scope)),
                        source,
                        float(end) if end else None,
                    )
                )
    except (OSError, ValueError, BadUrl):
        return []
    return credentials
