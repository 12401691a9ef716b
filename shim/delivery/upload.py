"""Channel `upload`: the user name and password in the variables that an uploading tool documents.

Such a tool runs nobody's code unless it builds first, so the reach is the tool itself. `strict`
forbids it like every other variable with a secret.

Sources: twine 7.0, flit 3.12, hatch 1.18 and pdm 2.29 documentation, "environment variables",
"Publish".
"""

from __future__ import annotations

from shim.core.model import Delivery
from shim.core.typing import Iterator
from shim.delivery import Case, unasked_manner
from shim.delivery.reasons import Reason, Refusal
from shim.delivery.userinfo import cut_userinfo

#: Tool -> its variables for the user name and the password.
VARIABLES = {
    "twine": ("TWINE_USERNAME", "TWINE_PASSWORD"),
    "flit": ("FLIT_USERNAME", "FLIT_PASSWORD"),
    "hatch": ("HATCH_INDEX_USER", "HATCH_INDEX_AUTH"),
    "pdm": ("PDM_PUBLISH_USERNAME", "PDM_PUBLISH_PASSWORD"),
}

#: Tools that build before they upload, and the option that says not to: the build inherits the
#: variables.
BUILDING = {"pdm": "--no-build"}

manner = unasked_manner


def fits(case: Case) -> Refusal | None:
    """Return None if the tool can be told the one credential of the case, else why not."""
    if len(case.credentials) > 1:
        return Reason.ONE_UPLOAD.of(tool=case.invocation.tool)
    if case.has_bearer:
        return Reason.NO_BEARER_IN_UPLOAD.of(tool=case.invocation.tool)
    return None


def deliver(case: Case) -> Delivery:
    """Return the two variables, and the URL without a password that was typed into it."""
    endpoint, credential = case.deliveries[0]
    given = [one for one, other in case.deliveries if other.source == "url"]
    argv, environ = cut_userinfo(
        case.invocation.argv, case.host.environ, given, case.endpoints.unused_userinfo
    )
    username, password = VARIABLES[case.invocation.tool]
    tool = case.invocation.tool
    return Delivery(
        argv,
        {**environ, username: credential.username, password: credential.secret},
        channels=(("upload", str(endpoint.url), f"{password}: {tool} alone reads it"),),
        warnings=tuple(_warn_of_build(password, case)),
    )


def _warn_of_build(variable: str, case: Case) -> Iterator[str]:
    tool = case.invocation.tool
    option = BUILDING.get(tool)
    if option and option not in case.invocation.argv and case.settings.channel != "env":
        yield (
            f"{variable} is there while {tool} builds, and build backends can read it; `{tool}"
            f" build`, then `{tool} publish {option}`"
        )
