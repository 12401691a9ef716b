"""What stops a command before anybody is asked: an index that is written wrongly, or for which no source has a credential.

pip would go on to the next index, and take the packages from there.
"""

from __future__ import annotations

from shim.config.settings import Settings, load_settings
from shim.core.errors import NoCredential, NotProven, ShimError
from shim.core.host import Host
from shim.core.model import Answer, Invocation, Needs
from shim.credentials.missing import hint_for
from shim.preflight.guarded_command import NAMING
from shim.tools import Tool


def refuse_garbled(tool: Tool, invocation: Invocation, needs: Needs, host: Host) -> None:
    """Stop where pip would not find a private index, since its URL is not written as one, and go on to the next.

    Raises:
        NotProven: so it is.
    """
    garbled = [need for need in needs.garbled if not need.url.is_public]
    if not garbled or not tool.falls_open or tool.read_demand(invocation, host) != "packages":
        return
    settings = load_settings(host)
    for need in garbled:
        index = settings.index_for(need.url)
        elsewhere = next((other.url for other in needs.items if other.role in NAMING and other.url.text != need.url.text), None)
        if elsewhere and (need.given is not None or index) and (index is None or index.on_failure == "stop"):
            what = f"{need.url} (from {need.origin}) is written with white space, control characters or quotes"
            consequence = f"pip would not find it, and take the packages from {elsewhere} instead"
            raise NotProven(f"{what}: {consequence}", hint=f"write {need.url} without them in {need.origin}")


def check_unanswered(
    tool: Tool, invocation: Invocation, answers: tuple[Answer, ...], settings: Settings, host: Host
) -> tuple[ShimError, ...]:
    """Return warnings for configured indexes that nobody has a credential for.

    Raises:
        NoCredential: so it is, and the tool would go on to another index.
    """
    if tool.read_demand(invocation, host) == "nothing":
        return ()
    warnings: dict[str, ShimError] = {}
    for answer in answers:
        index = settings.index_named(answer.index) if answer.index else None
        if index is None or answer.credential or answer.need.answered_by or index.on_failure == "pass":
            continue
        message = f"no credential for {answer.need.url} (from {answer.need.origin})"
        error = NoCredential(message, tried=answer.tried, hint=hint_for(answer, index))
        if tool.falls_open and index.on_failure == "stop":
            raise error
        warnings.setdefault(index.name, error)
    return tuple(warnings.values())
