"""A project that makes a tool careless with a server which is about to get a credential: no
certificate check, or a proxy of its choice.

The tool would obey, and whoever answers in the server's place would get the secret. What the user
says (argv, variables, own configuration, `insecure = true` of an `[[index]]`) is the user's
business; what a project's file says is a stranger's. A file that a tool may understand and we do
not counts as one that says the worst.

Each family of tools says in its `unsafe.py` what a project's files can do to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from shim.config.settings import Settings
from shim.core.errors import CannotDeliver
from shim.core.host import Host
from shim.core.model import Endpoints, Invocation, Resolution
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
        resolution.endpoint.url
        for resolution in resolutions
        if resolution.credential and not _is_waived(resolution, settings)
    ]
    if not exposed:
        return
    _refuse_unread(endpoints, exposed, resolutions)
    for unsafe_setting in find_unsafe_settings(invocation, endpoints, host):
        for url in exposed:
            if unsafe_setting.reaches(url):
                what = unsafe_setting.does.value.format(host=url.host)
                raise CannotDeliver(
                    f"{unsafe_setting.where} {what}, and the credential for {url} would go"
                    " that way",
                    hint=TAKE_OUT_HINT,
                )


def _refuse_unread(
    endpoints: Endpoints, exposed: list[Url], resolutions: tuple[Resolution, ...]
) -> None:
    """Raise CannotDeliver if there is something that nobody here has read and that may be careless
    with a certificate.
    """
    url = next((url for url in exposed if url.scheme == "https"), None)
    scopes = [resolution.credential.scope for resolution in resolutions if resolution.credential]
    for text in endpoints.careless if url else ():
        if not any(
            scope.covers_text(text) for scope in scopes
        ):  # an index vouches for its own files
            what = f"{text} may say that nobody checks the certificate of {url.host}" if url else ""
            hint = "give the tool a plain file of this machine instead, which shim can read"
            raise CannotDeliver(
                f"{what}, and the credential for {url} would go that way", hint=hint
            )


def find_unsafe_settings(
    invocation: Invocation, endpoints: Endpoints, host: Host
) -> Iterator[UnsafeSetting]:
    """Yield what the project's files of a command say that the user's own configuration does not
    say as well.
    """
    family = invocation.family if invocation.family in _FAMILIES else "project"
    yield from import_module(f"shim.tools.{family}.unsafe").find_unsafe_settings(
        invocation, endpoints, host
    )


def _is_waived(resolution: Resolution, settings: Settings) -> bool:
    index = settings.index_named(resolution.index) if resolution.index else None
    return bool(index and index.insecure)
