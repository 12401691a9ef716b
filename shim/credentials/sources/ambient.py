"""Source `ambient`: the identity that a CI service gives to its jobs (GitHub Actions, GitLab,
Buildkite, CircleCI, Google Cloud), exchanged at the index for a token of its own where the
configuration says so.

Sources: id 1.6 (who asks each service in its own way), RFC 8693.
"""

from __future__ import annotations

from shim.core.errors import SourceError
from shim.core.installation import repair_command
from shim.core.model import Credential, Secret
from shim.credentials.sources import Query, Source, job_of, make_credential

TIMEOUT_S = 60.0


def find(query: Query) -> Credential | None:
    """Return the job's token, or None where no CI service gives an identity.

    Raises:
        SourceError: the service does not let this job have one, or the index does not exchange it.
    """
    ambient = query.index.logins.ambient if query.index else None
    if ambient is None:
        return None
    identity = _detect(ambient.audience)
    if identity is None:
        query.note("ambient", "this is no CI job that has an identity")
        return None
    if ambient.exchange is None:
        return make_credential(query, "ambient", identity.reveal(), None)
    from shim.credentials.oauth.token_endpoint import exchange, route_for
    from shim.credentials.oauth.token_session import make_token

    url, route = ambient.exchange, route_for(query.index, query.host)
    reply = exchange(url, identity, "id_token", query.host, route, provider=ambient.provider)
    return make_token(query, "ambient", reply.secret("access_token") or Secret(""), reply)


def surroundings(query: Query) -> str:
    """Return what tells this job from others: a token of one is no token for the next."""
    return job_of(query.host)


def find_program(query: Query) -> str | None:
    """Return what an answer takes, in words, or None where no audience is configured."""
    ambient = query.index.logins.ambient if query.index else None
    return f"the CI service for an identity for {ambient.audience}" if ambient else None


def _detect(audience: str) -> Secret | None:
    """Return the job's identity token, or None. Raises SourceError."""
    try:
        from id import (
            AmbientCredentialError,
            GitHubOidcPermissionCredentialError,
            detect_credential,
        )
    except ImportError:
        message = "the package `id`, which asks CI services, is not installed"
        raise SourceError(message, hint=repair_command("[ci]")) from None
    try:
        token = detect_credential(audience)
    except GitHubOidcPermissionCredentialError:
        hint = "give the job `permissions: id-token: write`"
        message = "GitHub Actions does not let this job have an identity"
        raise SourceError(message, hint=hint) from None
    except AmbientCredentialError as error:
        hint = "see what the service's documentation says about OIDC"
        message = f"the CI service gives no identity: {_explain(str(error))}"
        raise SourceError(message, hint=hint) from None
    return Secret(token) if token else None


def _explain(text: str) -> str:
    """Return which service has what trouble, and the status, but nothing of what it answered.

    As in `GitHub: token request failed (code=403, body=…)`.
    """
    words, _, answer = ":".join(text.split(":")[:2]).partition("(")
    status = answer.removeprefix("code=")[:3]
    return words.strip()[:120] + (f" ({status})" if status.isdigit() else "")


SOURCE = Source(find, find_program, surroundings, timeout_s=lambda _: TIMEOUT_S)
