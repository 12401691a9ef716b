"""Channel `poetry`: poetry's own variables for each named source hold the secret in clear, where one netrc will not do for two credentials.

poetry reads no index from its environment and asks no keyring command, so this is what it has. What it builds inherits them: there is a
warning each time, and `strict` forbids it.

Sources: poetry 2 documentation "Configuring credentials"; `utils/authenticator.py` (a credential counts for its source's URL and below).
"""

from __future__ import annotations

from shim.delivery import Case
from shim.model import Delivery, Secret

STEM = "POETRY_HTTP_BASIC_"


def fits(case: Case) -> str | None:
    """Return None if poetry has a variable for every credential of the case, else why not."""
    if any(credential.scheme != "basic" for credential in case.credentials):
        return "its variables hold no bearer token"
    stems = [variable_stem(need.index_name) for need, _ in case.deliveries if need.index_name]
    if len(set(stems)) < len(case.deliveries):
        return "poetry's variables are called after the source's name, and a source has none or shares it"
    return None


def deliver(case: Case) -> Delivery:
    """Return two variables for each source, with a warning unless the configuration asked for this channel."""
    values: dict[str, str | Secret | None] = {}
    for need, credential in case.deliveries:
        values[f"{variable_stem(need.index_name or '')}_USERNAME"] = credential.username
        values[f"{variable_stem(need.index_name or '')}_PASSWORD"] = credential.secret
    names = ", ".join(name for name in values if name.endswith("PASSWORD"))
    consequence = "build backends can read it"
    warning = f"the credentials of this project's sources go into {names}, where {consequence}"
    return Delivery(
        case.invocation.argv,
        values,
        channels=tuple(("poetry", str(need.url), f"{names}: {consequence}") for need, _ in case.deliveries),
        warnings=() if case.settings.channel == "env" else (warning,),
    )


def variable_stem(name: str) -> str:
    """Return `POETRY_HTTP_BASIC_<NAME>`: upper case, dashes as underscores."""
    return STEM + name.upper().replace("-", "_")
