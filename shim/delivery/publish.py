"""Channel `publish`: UV_PUBLISH_USERNAME and UV_PUBLISH_PASSWORD, for uploads that the store cannot
serve.

Only uv itself and a keyring helper of the user's live in that environment: an upload builds nothing
and runs no user code. What the same command reads (`--check-url`) goes by the store.

Sources: uv 0.13.8 crates/uv-static/src/env_vars.rs, uv-publish/src/lib.rs; measured from 0.5.31 on.
"""

from __future__ import annotations

from dataclasses import replace

from shim.core.model import Credential, Delivery, Endpoint, Manner, Secret
from shim.delivery import Case, bare_manner, store
from shim.delivery.reasons import Reason, Refusal
from shim.delivery.userinfo import cut_userinfo


def fits(case: Case) -> Refusal | None:
    """Return None if the command uploads with a user name and password, and the store can carry the
    rest; else why not.
    """
    uploads, rest = _split(case)
    if not uploads:
        return Reason.NO_UPLOAD.of()
    if any(credential.scheme != "basic" for _, credential in uploads):
        return Reason.NO_BEARER_IN_VARIABLES.of()
    said = case.host.environ.get("UV_PUBLISH_USERNAME") or uploads[0][1].username
    if said != uploads[0][1].username or any(
        word.startswith(("-u", "--username")) for word in case.invocation.argv
    ):
        return Reason.NAMES_USER.of()
    return store.fits(rest) if rest.deliveries else None


def manner(case: Case, endpoint: Endpoint) -> Manner:
    """Return how it is sent: an upload's unasked, the rest as the store has it."""
    return (
        bare_manner(case.invocation) if endpoint.role == "publish" else store.manner(case, endpoint)
    )


def deliver(case: Case) -> Delivery:
    """Return the two variables, and the store's delivery of what is left."""
    uploads, rest = _split(case)
    endpoint, credential = uploads[0]
    given = [one for one, other in uploads if other.source == "url"]
    base = store.deliver(rest) if rest.deliveries else Delivery(case.invocation.argv)
    argv, environ = cut_userinfo(base.argv, case.host.environ, given)
    variables: dict[str, str | Secret | None] = {
        "UV_PUBLISH_USERNAME": credential.username,
        "UV_PUBLISH_PASSWORD": credential.secret,
    }
    channel = ("publish", str(endpoint.url), "UV_PUBLISH_PASSWORD: uv alone reads it")
    return replace(
        base,
        argv=argv,
        environ={**base.environ, **environ, **variables},
        channels=(channel, *base.channels),
    )


def _split(case: Case) -> tuple[list[tuple[Endpoint, Credential]], Case]:
    """Return the uploads with their credentials, and the case without them."""
    uploads = [pair for pair in case.deliveries if pair[0].role == "publish"]
    rest = tuple(pair for pair in case.deliveries if pair[0].role != "publish")
    return uploads, replace(
        case,
        endpoints=replace(case.endpoints, items=tuple(endpoint for endpoint, _ in rest)),
        deliveries=rest,
    )
