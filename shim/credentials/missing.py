"""What to do where an index has no credential."""

from __future__ import annotations

from shim.config.index import IndexConfig
from shim.core.model import Resolution


def hint_for(resolution: Resolution, index: IndexConfig | None) -> str:
    """Return what to do where there is no credential: what a source of the index would notice."""
    first = resolution.tried[0][0] if resolution.tried else ""
    if first == "scope":
        return "use https, or set insecure = true for this index"
    if first == "policy":
        return "ask who keeps the machine's policy"
    if resolution.blocked and resolution.blocked.hint:
        return resolution.blocked.hint
    if index is None:
        return f"shim login {resolution.endpoint.url}"
    if index.username and resolution.endpoint.username not in (None, index.username):
        return (
            f"leave {resolution.endpoint.username!r} out of the URL: [[index]] {index.name} is for"
            f" {index.username!r}"
        )
    if any(name in index.source for name in ("posit", "oidc", "keyring")):
        return f"shim login {index.name}"
    if "stored" in index.source:
        return f"shim login {index.name} --store file"
    if "env" in index.source and index.env:
        return f"export {index.env.password}"
    if "file" in index.source and index.file:
        return f"put the secret into {index.file.password}"
    if "agent" in index.source:
        return (
            "say agent = true for this index in the host's config.toml, run `shim agent` there, and"
            " set SHIM_AGENT_SOCKET"
        )
    if index.source == ("ambient",):
        return (
            'outside CI jobs it takes another source: say source = ["ambient", "keyring"] for it,'
            f" then shim login {index.name}"
        )
    return (
        f"check the sources of [[index]] {index.name} in {index.defined_in}:"
        f" {', '.join(index.source)}"
    )
