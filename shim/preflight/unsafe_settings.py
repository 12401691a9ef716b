"""A project that makes a tool careless with a server which is about to get a credential: no
certificate check, or a proxy of its choice.

The tool would obey, and whoever answers in the server's place would get the secret. What the user
says (argv, variables, own configuration, `insecure = true` of an `[[index]]`) is the user's
business; what a project's file says is a stranger's. A file that a tool may understand and we do
not counts as one that says the worst.

Each family of tools says in its `unsafe.py` what a project's files can do to it.
"""

from __future__ import annotations

from shim.config.settings import Settings
from shim.core.errors import CannotDeliver
from shim.core.host import Host
from shim.core.importing import import_module
from shim.core.model import Endpoints, Invocation, Resolution
from shim.core.typing import Iterator
from shim.core.urls import Url
from shim.tools.unsafe_settings import TAKE_OUT_HINT, UnsafeSetting

#: Families of tools with an `unsafe.py` of their own; that of `tools/project/` serves all others.
_FAMILIES = ("pip", "uv")


def refuse_unsafe_settings(
    invocation: Invocation,
    endpoints: Endpoints,
    resolutions: tuple[Resolution, ...],
    settings: Settings,
    host: Host,
) -> None:
    """Raise CannotDeliver if a project's file would expose a credential of this command."""
    exposed = [
        one.endpoint.url for one in resolutions if one.credential and not _is_waived(one, settings)
    ]
    if not exposed:
        return
    _refuse_unread(endpoints, exposed, resolutions)
    for unsafe_setting in find_unsafe_settings(invocation, endpoints, host):
        for url in exposed:
            if unsafe_setting.reaches(url):
                what = unsafe_setting.does.value.format(host=url.host)
                message = f"{unsafe_setting.where} {what}, and the credential for {url} would go"
                raise CannotDeliver(f"{message} that way", hint=TAKE_OUT_HINT)


def _refuse_unread(
    endpoints: Endpoints, exposed: list[Url], resolutions: tuple[Resolution, ...]
) -> None:
    """Raise CannotDeliver for what nobody has read and may be careless with a certificate."""
    url = next((url for url in exposed if url.scheme == "https"), None)
    if url is None:
        return
    scopes = [resolution.credential.scope for resolution in resolutions if resolution.credential]
    for text in endpoints.careless:
        # An index vouches for its own files.
        if not any(scope.covers_text(text) for scope in scopes):
            what = f"{text} may say that nobody checks the certificate of {url.host}"
            hint = "give the tool a plain file of this machine instead, which shim can read"
            message = f"{what}, and the credential for {url} would go that way"
            raise CannotDeliver(message, hint=hint)


def find_unsafe_settings(
    invocation: Invocation, endpoints: Endpoints, host: Host
) -> Iterator[UnsafeSetting]:
    """Yield what project files say that the user's own configuration does not."""
    family = invocation.family if invocation.family in _FAMILIES else "project"
    module = import_module(f"shim.tools.{family}.unsafe")
    yield from module.find_unsafe_settings(invocation, endpoints, host)


def _is_waived(resolution: Resolution, settings: Settings) -> bool:
    index = settings.index_named(resolution.index)
    return index is not None and index.insecure
