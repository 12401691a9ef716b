"""Do the servers take what is configured and stored for them? `shim status`, as findings."""

from __future__ import annotations

from shim.cli.doctor.check import Finding, find_settings
from shim.core.host import Host
from shim.core.typing import Iterator
from shim.preflight.index_states import Found, find_states

WORDS = {
    "refuses": "its server refuses the credential: ",
    "unreachable": "its server gives no usable answer: ",
    "missing": "it asks for a login, and no source has a credential: ",
}


def find(host: Host) -> Iterator[Finding]:
    """Yield one problem for each index, upload endpoint and stored login that cannot be used."""
    settings = find_settings(host)
    for found in find_states(settings, host) if settings else ():
        if not found.is_usable:
            yield Finding("problem", _where(found), WORDS[found.state] + _detail(found), found.hint)


def _where(found: Found) -> str:
    entry = found.entry
    if entry.index is None:
        return f"login for {entry.endpoint.url}"
    return f"[[index]] {entry.index.name}" + (", publish-url" if entry.role == "publish" else "")


def _detail(found: Found) -> str:
    tried = ", ".join(f"{source} ({outcome})" for source, outcome in found.entry.tried)
    return found.detail or tried or str(found.entry.endpoint.url)
