"""What `shim doctor` looks at: one module per check, which finds things out and changes nothing."""

from __future__ import annotations

from shim.config.settings import Settings, load_settings
from shim.core.dataclass import dataclass
from shim.core.errors import ShimError
from shim.core.host import Host
from shim.core.importing import import_module
from shim.core.own_launchers import default_folder
from shim.core.typing import Iterable, Literal, Protocol, cast

#: In the order of the report. Adding a check is one file and one line here.
CHECKS = (
    "installation",
    "reach",
    "login_shells",
    "sudo",
    "storage",
    "clear_text",
    "permissions",
    "logins",
    "claims",
    "servers",
)
#: Those that ask another's server.
ASKING = ("servers",)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong (`problem`) or could be better (`advice`), and what mends it.

    Never holds a secret: names, places and line numbers only.
    """

    level: Literal["problem", "advice"]
    where: str
    text: str
    command: str | None = None


class Check(Protocol):
    """What a check's module offers."""

    def find(self, host: Host) -> Iterable[Finding]:
        """Return what it found; nothing if all is well."""


def load_check(name: str) -> Check:
    """Return the module of a check."""
    return cast(Check, import_module(f"shim.cli.doctor.{name}"))


def find_settings(host: Host) -> Settings | None:
    """Return the settings; None for broken ones, of which `storage` tells."""
    try:
        return load_settings(host)
    except ShimError:
        return None


def find_shims(host: Host) -> str | None:
    """Return the launchers' folder; None without an index, or if another check tells of a fault."""
    try:
        return default_folder(host) if load_settings(host).indexes else None
    except ShimError:
        return None
