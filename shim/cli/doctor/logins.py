"""Logins that cannot work: a file of shared tokens as it is, or no package to ask a CI service."""

from __future__ import annotations

from importlib.util import find_spec

from shim.cli.doctor.check import Finding, find_settings
from shim.core.host import Host
from shim.core.installation import repair_command
from shim.core.typing import Iterator
from shim.credentials.oauth.posit_tokens_file import find_problem


def find(host: Host) -> Iterator[Finding]:
    """Yield what stands in the way of the logins that are configured."""
    settings = find_settings(host)
    indexes = settings.indexes if settings else ()
    if any(index.logins.posit for index in indexes) and (trouble := find_problem(host)):
        yield Finding("problem", "tokens.toml", trouble.message, trouble.hint)
    for index in indexes:
        if index.logins.ambient and find_spec("id") is None:
            text = "the package `id`, which asks CI services, is not installed"
            yield Finding("problem", f"[[index]] {index.name}", text, repair_command("[ci]"))
