"""What stops a command before anybody is asked: an index that is written wrongly, or for which no
source has a credential.

pip would go on to the next index, and take the packages from there.
"""

from __future__ import annotations

from shim.config.settings import Settings, load_settings
from shim.core.errors import NoCredential, NotProven, ShimError
from shim.core.host import Host
from shim.core.model import Endpoints, Invocation, Resolution
from shim.core.urls import fold_path
from shim.preflight.guarded_command import NAMING
from shim.tools import Tool


def refuse_malformed(tool: Tool, invocation: Invocation, endpoints: Endpoints, host: Host) -> None:
    """Stop where pip would not find a private index, since its URL is not written as one, and go on
    to the next.

    Raises:
        NotProven: so it is.
    """
    malformed = [endpoint for endpoint in endpoints.malformed if not endpoint.url.is_public]
    if not malformed or not tool.falls_back_to_other_indexes:
        return
    if tool.read_demand(invocation, host) != "packages":
        return
    settings = load_settings(host)
    for endpoint in malformed:
        index = settings.index_for(endpoint.url)
        is_ours = index is not None or endpoint.inline_password is not None
        others = [one.url for one in endpoints.items if one.role in NAMING]
        elsewhere = next((url for url in others if url.text != endpoint.url.text), None)
        if elsewhere and is_ours and (index is None or index.on_failure == "stop"):
            what = (
                f"{endpoint.url} (from {endpoint.origin}) is written with white space, control"
                " characters or quotes"
            )
            consequence = f"pip would not find it, and take the packages from {elsewhere} instead"
            hint = f"write {endpoint.url} without them in {endpoint.origin}"
            raise NotProven(f"{what}: {consequence}", hint=hint)


def check_unanswered(
    tool: Tool,
    invocation: Invocation,
    resolutions: tuple[Resolution, ...],
    settings: Settings,
    host: Host,
) -> tuple[ShimError, ...]:
    """Return warnings for configured indexes that nobody has a credential for.

    Raises:
        NoCredential: so it is, and the tool would go on to another index.
    """
    if tool.read_demand(invocation, host) == "nothing":
        return ()
    warnings: dict[str, ShimError] = {}
    for resolution in resolutions:
        endpoint, index = resolution.endpoint, settings.index_named(resolution.index)
        if resolution.credential or endpoint.provided_by or endpoint.inline_password:
            continue
        where = f"{endpoint.url} (from {endpoint.origin})"
        if index:
            from shim.credentials.missing import hint_for

            message, hint = f"no credential for {where}", hint_for(resolution, index)
        elif index := settings.index_for(fold_path(endpoint.url)):
            message = f"{where} spells [[index]] {index.name} otherwise, and gets no credential"
            hint = f"write {index.url} in {endpoint.origin}"
        if index is None or index.on_failure == "pass":
            continue
        error = NoCredential(message, tried=resolution.tried, hint=hint)
        if tool.falls_back_to_other_indexes and index.on_failure == "stop":
            raise error
        warnings.setdefault(index.name, error)
    return tuple(warnings.values())
