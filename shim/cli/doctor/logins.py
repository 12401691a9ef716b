"""Logins that cannot work: a file of shared tokens that nobody may use as it is, and no package to
ask a CI service with.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from shim.cli.doctor.check import Finding
from shim.config.settings import load_settings
from shim.core.errors import ShimError
from shim.core.host import Host
from shim.core.installation import repair_command
from shim.credentials.oauth.posit_tokens_file import find_problem


def find(host: Host) -> Iterator[Finding]:
    """Yield what stands in the way of the logins that are configured."""
    try:
        indexes = load_settings(host).indexes
    except ShimError:
        return  # which the check of places says
    if any(index.logins.posit for index in indexes) and (trouble := find_problem(host)):
        yield Finding("problem", "tokens.toml", trouble.message, trouble.hint)
    for index in indexes:
        if index.logins.ambient and find_spec("id") is None:
            text = "the package `id`, which asks CI services, is not installed"
            yield Finding("problem", f"[[index]] {index.name}", text, repair_command("[ci]"))
