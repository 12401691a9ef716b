"""Channel `poetry`: poetry's own variables for each named source hold the secret in clear, where
one netrc will not do for two credentials.

poetry reads no index from its environment and asks no keyring command, so this is what it has. What
it builds inherits them: there is a warning each time, and `strict` forbids it.

Sources: poetry 2 documentation "Configuring credentials"; `utils/authenticator.py` (a credential
counts for its source's URL and below).
"""

from __future__ import annotations

import os

from shim.core.model import Delivery, Secret
from shim.delivery import Case, unasked_manner
from shim.delivery.reasons import Reason, Refusal
from shim.tools.project.repositories import poetry_name, poetry_repositories

STEM = "POETRY_HTTP_BASIC_"

manner = unasked_manner


def fits(case: Case) -> Refusal | None:
    """Return None if poetry has a variable for every credential of the case, else why not."""
    if case.has_bearer:
        return Reason.NO_BEARER_IN_VARIABLES.of()
    named = [one.index_name for one in case.endpoints.items if one.index_name]
    has_nameless = any(not endpoint.index_name for endpoint, _ in case.deliveries)
    if has_nameless or len(set(map(variable_stem, named))) < len(named):
        return Reason.POETRY_NAMELESS.of()
    for endpoint, credential in case.deliveries:
        stem = variable_stem(endpoint.index_name or "")
        for name, url in poetry_repositories(os.path.dirname(endpoint.origin.where), case.host):
            if variable_stem(name) == stem and not credential.scope.covers_text(url):
                return Reason.POETRY_SHARED.of(other=url, url=endpoint.url)
    return None


def deliver(case: Case) -> Delivery:
    """Return two variables for each source, and a warning unless `channel` asked for them."""
    values: dict[str, str | Secret | None] = {}
    for endpoint, credential in case.deliveries:
        stem = variable_stem(endpoint.index_name or "")
        values |= {f"{stem}_USERNAME": credential.username, f"{stem}_PASSWORD": credential.secret}
    names = ", ".join(name for name in values if name.endswith("PASSWORD"))
    consequence = "build backends can read it"
    warning = f"the credentials of this project's sources go into {names}, where {consequence}"
    return Delivery(
        case.invocation.argv,
        values,
        channels=case.explain("poetry", f"{names}: {consequence}"),
        warnings=() if case.settings.channel == "env" else (warning,),
    )


def variable_stem(name: str) -> str:
    """Return `POETRY_HTTP_BASIC_<NAME>`: upper case, dashes as underscores."""
    return STEM + poetry_name(name)
