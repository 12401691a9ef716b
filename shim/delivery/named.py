"""Channel `named`: the store, and UV_INDEX with the indexes of a project once more, each with its
user name and without a secret.

For a server that shows strangers another page, and for two credentials on one server: uv sends what
the store has with the first request for a page of an index whose URL has a user name, and a URL in
a project's file has none. An index in a variable stands for the project's of the same name, so all
that come before it are said as well, in their order; locks hold no user name. An index that is
asked for certain packages only cannot be said so. What `uv run` starts inherits the variable, and
with it that order.

Sources: uv 0.13.8 crates/uv-distribution-types/src/index_url.rs; measured with 0.9.30 and 0.13.8.
"""

from __future__ import annotations

from shim.core.dataclass import replace
from shim.core.model import Delivery, Endpoint, Manner
from shim.core.urls import with_userinfo
from shim.delivery import Case, store
from shim.delivery.reasons import Reason, Refusal

#: Verbs that write no index into a project or a receipt.
VERBS = (("run",), ("sync",), ("lock",), ("export",), ("tree",), ("check",))


def fits(case: Case) -> Refusal | None:
    """Return None if variables can name the user for each index of ours; else why not."""
    version = case.invocation.target.version
    if version is not None and version < store.FIRST_UV:
        return Reason.OLD_UV.of()
    if why := _find_nameless(case):
        return Reason.NO_NAME.of(why=why)
    return store.fits(_with_names(case))


def _find_nameless(case: Case) -> str | None:
    """Return why variables cannot give the indexes their user names, or None."""
    if case.invocation.verb not in VERBS:
        return "only a project's indexes are said again"
    for endpoint in _indexes(case):
        if endpoint.origin.kind in ("argv", "env"):
            return f"{endpoint.origin} names indexes itself"
    ours = [endpoint for endpoint, _ in case.deliveries if _wants_name(endpoint)]
    if not ours:
        return "no URL wants a user name"
    for endpoint in _said(case):
        if not endpoint.index_name and endpoint.role != "index":
            return f"{endpoint.url} has no name"
        if endpoint.inline_password is not None:
            return (
                f"{endpoint.origin} holds a password, which would have to move into the environment"
            )
    return next((f"{endpoint.url} is explicit" for endpoint in ours if endpoint.explicit), None)


def manner(case: Case, endpoint: Endpoint) -> Manner:
    """Return how it is sent: as by the store, to a URL with a user name."""
    named = _with_names(case)
    pairs = zip(case.deliveries, named.deliveries, strict=True)
    renamed = next(new for (old, _), (new, _) in pairs if old is endpoint)
    return store.manner(named, renamed)


def deliver(case: Case) -> Delivery:
    """Return the store's delivery with UV_INDEX, and UV_DEFAULT_INDEX if that one is ours."""
    delivery = store.deliver(_with_names(case))
    users = {endpoint: credential.username for endpoint, credential in case.deliveries}
    texts: dict[str, list[str]] = {"index": [], "extra": []}
    for endpoint in _said(case):
        user = endpoint.username or users.get(endpoint)
        url = with_userinfo(endpoint.url, user) if user else endpoint.url.text
        texts[endpoint.role].append(f"{endpoint.index_name}={url}" if endpoint.index_name else url)
    variables = {"UV_DEFAULT_INDEX": " ".join(texts["index"]), "UV_INDEX": " ".join(texts["extra"])}
    channels = tuple(("named", url, why) for _, url, why in delivery.channels)
    said = {name: text for name, text in variables.items() if text}
    return replace(delivery, environ={**delivery.environ, **said}, channels=channels)


def _indexes(case: Case) -> list[Endpoint]:
    return [endpoint for endpoint in case.endpoints.items if endpoint.role in ("index", "extra")]


def _wants_name(endpoint: Endpoint) -> bool:
    is_index = endpoint.role in ("index", "extra")
    return is_index and endpoint.username is None and endpoint.location is None


def _said(case: Case) -> list[Endpoint]:
    """Return what the variables have to say: a default index of ours, and extras up to our last."""
    ours = [endpoint for endpoint, _ in case.deliveries if _wants_name(endpoint)]
    extras = [one for one in _indexes(case) if one.role == "extra" and not one.explicit]
    last = max((number for number, endpoint in enumerate(extras) if endpoint in ours), default=-1)
    return [endpoint for endpoint in ours if endpoint.role == "index"] + extras[: last + 1]


def _with_names(case: Case) -> Case:
    """Return the case as uv sees it then: each index of ours has its user name."""
    renamed = {
        endpoint: replace(endpoint, username=credential.username)
        for endpoint, credential in case.deliveries
        if _wants_name(endpoint)
    }
    items = tuple(renamed.get(one, one) for one in case.endpoints.items)
    pairs = tuple((renamed.get(one, one), credential) for one, credential in case.deliveries)
    return replace(case, endpoints=replace(case.endpoints, items=items), deliveries=pairs)
