"""Lock files here that take a claimed name (`packages`) from another index than its own."""

from __future__ import annotations

import os

from shim.cli.doctor.check import Finding, find_settings
from shim.config.settings import Settings
from shim.core.files import CannotRead
from shim.core.host import Host
from shim.core.typing import Iterator
from shim.routing.locks import NAMES, find_foreign


def find(host: Host) -> Iterator[Finding]:
    """Yield a problem for each such name in the locks of the working directory."""
    settings = find_settings(host)
    if settings and settings.claims:
        for name in sorted(os.listdir(host.cwd)):
            if name in NAMES or (name.startswith("pylock.") and name.endswith(".toml")):
                yield from _look_into(name, settings, host)


def _look_into(name: str, settings: Settings, host: Host) -> Iterator[Finding]:
    try:
        for foreign in find_foreign(os.path.join(host.cwd, name), settings):
            text = (
                f"takes {foreign.name} from {foreign.url}, and it belongs to [[index]]"
                f" {foreign.index.name} ({foreign.index.url})"
            )
            yield Finding("problem", name, text)
    except CannotRead as error:
        text = f"{error.why}: where claimed names come from, shim cannot tell"
        yield Finding("problem", name, text)
