"""Channel `publish`: UV_PUBLISH_USERNAME and UV_PUBLISH_PASSWORD, for uploads that the store cannot
serve.

Only uv itself and a keyring helper of the user's live in that environment: an upload builds nothing
and runs no user code. What the same command reads (`--check-url`) goes by the store.

Sources: uv 0.13.8 crates/uv-static/src/env_vars.rs, uv-publish/src/lib.rs; measured from 0.5.31 on.
"""

from __future__ import annotations

from shim.core.dataclass import replace
from shim.core.model import Credential, Delivery, Endpoint, Manner, Secret
from shim.delivery import Case, bare_manner, store
from shim.delivery.reasons import Reason, Refusal
from shim.delivery.userinfo import cut_userinfo


def fits(case: Case) -> Refusal | None:
    """Return None if a user name and password upload, and the store has the rest; else why not."""
    uploads, rest = _split(case)
    if not uploads:
        return Reason.NO_UPLOAD.of()
    if any(credential.scheme != "basic" for _, credential in uploads):
        return Reason.NO_BEARER_IN_VARIABLES.of()
    username = uploads[0][1].username
    is_said = any(word.startswith(("-u", "--username")) for word in case.invocation.argv)
    if is_said or case.host.environ.get("UV_PUBLISH_USERNAME") not in (None, "", username):
        return Reason.NAMES_USER.of()
    return store.fits(rest) if rest.deliveries else None


def manner(case: Case, endpoint: Endpoint) -> Manner:
    """Return how it is sent: an upload's unasked, the rest as the store has it."""
    if endpoint.role == "publish":
        return bare_manner(case.invocation)
    return store.manner(case, endpoint)


def deliver(case: Case) -> Delivery:
    """Return the two variables, and the store's delivery of what is left."""
    uploads, rest = _split(case)
    endpoint, credential = uploads[0]
    given = [one for one, other in uploads if other.source == "url"]
    base = store.deliver(rest) if rest.deliveries else Delivery(case.invocation.argv)
    argv, changed = cut_userinfo(base.argv, case.host.environ, given)
    variables: dict[str, str | Secret | None] = {
        "UV_PUBLISH_USERNAME": credential.username,
        "UV_PUBLISH_PASSWORD": credential.secret,
    }
    channel = ("publish", str(endpoint.url), "UV_PUBLISH_PASSWORD: uv alone reads it")
    environ = {**base.environ, **changed, **variables}
    return replace(base, argv=argv, environ=environ, channels=(channel, *base.channels))


def _split(case: Case) -> tuple[list[tuple[Endpoint, Credential]], Case]:
    """Return the uploads with their credentials, and the case without them."""
    uploads = [pair for pair in case.deliveries if pair[0].role == "publish"]
    rest = tuple(pair for pair in case.deliveries if pair[0].role != "publish")
    items = tuple(endpoint for endpoint, _ in rest)
    endpoints = replace(case.endpoints, items=items)
    return uploads, replace(case, endpoints=endpoints, deliveries=rest)
