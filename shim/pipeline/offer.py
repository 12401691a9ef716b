"""A command on a terminal lacks a credential that the person in front of it could give: `shim
login` is offered, in place of the tool's own question, whose answer would be kept nowhere.

Never without a terminal, in CI, with SHIM_NO_INPUT, `login = "manual"` or a tool that was told not
to ask. What is offered is the verb itself, as a program of its own: what it verifies, stores and
says is said once, there.
"""

from __future__ import annotations

import os
import sys

from shim.config.index import IndexConfig
from shim.config.settings import Settings
from shim.core.host import Host, write_stderr
from shim.core.model import Invocation, Resolution

#: What tells a tool to ask nobody.
SILENT_OPTIONS = ("--no-input", "--non-interactive", "--no-interaction", "-n")
SILENT_VARIABLES = ("PIP_NO_INPUT", "TWINE_NON_INTERACTIVE", "POETRY_NO_INTERACTION")
#: Sources that `shim login` fills.
FILLED = ("keyring", "stored", "posit", "oidc")


def offer_logins(
    invocation: Invocation, resolutions: tuple[Resolution, ...], settings: Settings, host: Host
) -> bool:
    """Offer a login for each index that lacks one; return whether one was made."""
    if not _may_ask(invocation, host):
        return False
    missing: dict[str, Resolution] = {}
    for resolution in resolutions:
        index = settings.index_named(resolution.index)
        if index and _could_login(resolution, index):
            missing.setdefault(index.name, resolution)
    made = [_offer(resolution, name, host) for name, resolution in missing.items()]
    return any(made)


def _may_ask(invocation: Invocation, host: Host) -> bool:
    told = [
        *(word for word in invocation.argv if word in SILENT_OPTIONS),
        *(name for name in SILENT_VARIABLES if host.is_set(name)),
    ]
    return host.interactive and not told


def _could_login(resolution: Resolution, index: IndexConfig) -> bool:
    is_missing = resolution.credential is None and not resolution.endpoint.provided_by
    is_refused = any(source in ("scope", "policy") for source, _ in resolution.tried)
    is_offered = (
        index.may_login and index.on_failure != "pass" and bool({*FILLED} & {*index.source})
    )
    return is_missing and is_offered and not is_refused


def _offer(resolution: Resolution, name: str, host: Host) -> bool:
    """Ask, and run `shim login`; return whether it succeeded."""
    write_stderr(
        f"shim: no credential for {resolution.endpoint.url} (from"
        f" {resolution.endpoint.origin})\nLog in to {name} now? [Y/n] "
    )
    line = sys.stdin.readline()
    if not line:
        write_stderr("\n")
    if line.strip().lower() not in ("", "y", "yes") or not line:
        return False
    import subprocess

    url = resolution.endpoint.url.text
    program = [os.path.join(host.shims, "shim")] if host.shims else [sys.executable, "-m", "shim"]
    environ = {name: value for name, value in host.environ.items() if not name.startswith("_SHIM_")}
    what = name if resolution.endpoint.role != "publish" else url
    return subprocess.run([*program, "login", what], env=environ, check=False).returncode == 0
