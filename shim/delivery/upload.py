"""Channel `upload`: the user name and password in the variables that an uploading tool documents.

Such a tool runs nobody's code, so the reach is the tool itself. `strict` forbids it like every other variable with a secret.

Sources: twine 7.0 and flit 3.12 documentation, "environment variables".
"""

from __future__ import annotations

from shim.delivery import Case
from shim.delivery.scrub import cut_userinfo
from shim.model import Delivery

#: Tool -> its variables for the user name and the password.
VARIABLES = {
    "twine": ("TWINE_USERNAME", "TWINE_PASSWORD"),
    "flit": ("FLIT_USERNAME", "FLIT_PASSWORD"),
    "hatch": ("HATCH_INDEX_USER", "HATCH_INDEX_AUTH"),
    "pdm": ("PDM_PUBLISH_USERNAME", "PDM_PUBLISH_PASSWORD"),
}


def fits(case: Case) -> str | None:
    """Return None if the tool can be told the one credential of the case, else why not."""
    if len(case.credentials) > 1:
        return f"{case.invocation.tool} uploads with one credential"
    if any(credential.scheme != "basic" for credential in case.credentials):
        return f"{case.invocation.tool} has no variable for a bearer token"
    return None


def deliver(case: Case) -> Delivery:
    """Return the two variables, and the URL without a password that was typed into it."""
    need, credential = case.deliveries[0]
    given = [one for one, other in case.deliveries if other.source == "url"]
    argv, environ = cut_userinfo(case.invocation.argv, case.host.environ, given, case.needs.spare)
    username, password = VARIABLES[case.invocation.tool]
    return Delivery(
        argv,
        {**environ, username: credential.username, password: credential.secret},
        channels=(("upload", str(need.url), f"{password}: {case.invocation.tool} alone reads it"),),
    )
