"""Source `env`: the secret is in a variable that the configuration names."""

from __future__ import annotations

from shim.errors import SourceError
from shim.model import Credential
from shim.sources import Query, make_credential


def find(query: Query) -> Credential | None:
    """Return the credential from the configured variables, or None if the password's one is unset or empty."""
    lookup = query.index.env if query.index else None
    if lookup is None:
        return None
    environ = query.host.environ
    password = environ.get(lookup.password)
    if not password:
        query.note("env", f"{lookup.password} is not set")
        return None
    if lookup.username and not environ.get(lookup.username):
        raise SourceError(f"{lookup.password} is set, {lookup.username} is not", hint=f"export {lookup.username}")
    return make_credential(query, "env", password, environ.get(lookup.username) if lookup.username else None)
