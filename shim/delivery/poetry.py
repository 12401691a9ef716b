"""Channel `poetry`: poetry's own variables for each named source hold the secret in clear, where
one netrc will not do for two credentials.

poetry reads no index from its environment and asks no keyring command, so this is what it has. What
it builds inherits them: there is a warning each time, and `strict` forbids it.

Sources: poetry 2 documentation "Configuring credentials"; `utils/authenticator.py` (a credential
counts for its source's URL and below).
"""

from __future__ import annotations

import os

from shim.core.model import Credential, Delivery, Endpoint, Manner, Secret
from shim.core.urls import BadUrl, parse_url
from shim.delivery import Case, bare_manner
from shim.delivery.reasons import Reason, Refusal
from shim.tools.project.repositories import poetry_name, poetry_repositories

STEM = "POETRY_HTTP_BASIC_"


def fits(case: Case) -> Refusal | None:
    """Return None if poetry has a variable for every credential of the case, else why not."""
    if any(credential.scheme != "basic" for credential in case.credentials):
        return Reason.NO_BEARER_IN_VARIABLES.of()
    named = [
        (endpoint.index_name, endpoint.url.text)
        for endpoint in case.endpoints.items
        if endpoint.index_name
    ]
    stems = [variable_stem(name) for name, _ in named]
    if any(not endpoint.index_name for endpoint, _ in case.deliveries) or len(set(stems)) < len(
        stems
    ):
        return Reason.POETRY_NAMELESS.of()
    for endpoint, credential in case.deliveries:
        folder = os.path.dirname(endpoint.origin.where)
        for name, url in poetry_repositories(folder, case.host):
            if variable_stem(name) == variable_stem(endpoint.index_name or "") and not _is_covered(
                url, credential
            ):
                return Reason.POETRY_SHARED.of(other=url, url=endpoint.url)
    return None


def manner(case: Case, endpoint: Endpoint) -> Manner:  # noqa: ARG001 (the same for all)
    """Return how it is sent: unasked, as a password in the URL is."""
    return bare_manner(case.invocation)


def deliver(case: Case) -> Delivery:
    """Return two variables for each source, with a warning unless the configuration asked for this
    channel.
    """
    values: dict[str, str | Secret | None] = {}
    for endpoint, credential in case.deliveries:
        values[f"{variable_stem(endpoint.index_name or '')}_USERNAME"] = credential.username
        values[f"{variable_stem(endpoint.index_name or '')}_PASSWORD"] = credential.secret
    names = ", ".join(name for name in values if name.endswith("PASSWORD"))
    consequence = "build backends can read it"
    warning = f"the credentials of this project's sources go into {names}, where {consequence}"
    return Delivery(
        case.invocation.argv,
        values,
        channels=tuple(
            ("poetry", str(endpoint.url), f"{names}: {consequence}")
            for endpoint, _ in case.deliveries
        ),
        warnings=() if case.settings.channel == "env" else (warning,),
    )


def variable_stem(name: str) -> str:
    """Return `POETRY_HTTP_BASIC_<NAME>`: upper case, dashes as underscores."""
    return STEM + poetry_name(name)


def _is_covered(url: str, credential: Credential) -> bool:
    try:
        return credential.scope.covers(parse_url(url))
    except BadUrl:
        return False
