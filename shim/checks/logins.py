"""Logins that cannot work: a file of shared tokens that nobody may use as it is, and no package to ask a CI service with."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from shim.checks import Finding
from shim.errors import ShimError
from shim.host import Host
from shim.repair import repair_command
from shim.settings import load_settings
from shim.sso.ppm_file import find_problem


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
