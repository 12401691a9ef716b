"""Channel `named`: the store, and UV_INDEX with the indexes of a project once more, each with its user name and without a secret.

For a server that shows strangers another page, and for two credentials on one server: uv sends what the store has with the first
request for a page of an index whose URL has a user name, and a URL in a project's file has none. An index in a variable stands for
the project's of the same name, so all that come before it are said as well, in their order; locks hold no user name. An index that
is asked for certain packages only cannot be said so. What `uv run` starts inherits the variable, and with it that order.

Sources: uv 0.13.8 crates/uv-distribution-types/src/index_url.rs; measured with 0.9.30 and 0.13.8.
"""

from __future__ import annotations

from dataclasses import replace

from shim.core.model import Delivery, Manner, Need
from shim.core.urls import with_userinfo
from shim.delivery import Case, store
from shim.delivery.reasons import Reason, Refusal

#: Verbs that write no index into a project or a receipt.
VERBS = (("run",), ("sync",), ("lock",), ("export",), ("tree",), ("check",))


def fits(case: Case) -> Refusal | None:
    """Return None if variables can give every index of ours its user name, and the store has the rest; else why not."""
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
    if typed := next((need for need in _indexes(case) if need.origin.kind in ("argv", "env")), None):
        return f"{typed.origin} names indexes itself"
    ours = [need for need, _ in case.deliveries if _wants_name(need)]
    if not ours:
        return "no URL wants a user name"
    for need in _said(case):
        if not need.index_name and need.role != "index":
            return f"{need.url} has no name"
        if need.given is not None:
            return f"{need.origin} holds a password, which would have to move into the environment"
    if explicit := next((need for need in ours if need.explicit), None):
        return f"{explicit.url} is explicit"
    return None


def manner(case: Case, need: Need) -> Manner:
    """Return how it is sent: as by the store, to a URL with a user name."""
    named = _with_names(case)
    position = next(number for number, (answered, _) in enumerate(case.deliveries) if answered is need)
    return store.manner(named, named.deliveries[position][0])


def deliver(case: Case) -> Delivery:
    """Return the store's delivery with UV_INDEX, and with UV_DEFAULT_INDEX if the default index is ours."""
    delivery = store.deliver(_with_names(case))
    users = {need: credential.username for need, credential in case.deliveries}
    texts: dict[str, list[str]] = {"index": [], "extra": []}
    for need in _said(case):
        user = need.username or users.get(need)
        url = with_userinfo(need.url, user) if user else need.url.text
        texts[need.role].append(f"{need.index_name}={url}" if need.index_name else url)
    variables = {"UV_DEFAULT_INDEX": " ".join(texts["index"]), "UV_INDEX": " ".join(texts["extra"])}
    channels = tuple(("named", url, why) for _, url, why in delivery.channels)
    return replace(delivery, environ={**delivery.environ, **{name: text for name, text in variables.items() if text}}, channels=channels)


def _indexes(case: Case) -> list[Need]:
    return [need for need in case.needs.items if need.role in ("index", "extra")]


def _wants_name(need: Need) -> bool:
    return need.role in ("index", "extra") and need.username is None and need.place is None


def _said(case: Case) -> list[Need]:
    """Return what the variables have to say: the default index if it is ours, and all others up to the last of ours."""
    ours = [need for need, _ in case.deliveries if _wants_name(need)]
    extras = [need for need in _indexes(case) if need.role == "extra" and not need.explicit]
    last = max((number for number, need in enumerate(extras) if need in ours), default=-1)
    return [need for need in ours if need.role == "index"] + extras[: last + 1]


def _with_names(case: Case) -> Case:
    """Return the case as uv sees it then: each index of ours has its user name."""
    renamed = {need: replace(need, username=credential.username) for need, credential in case.deliveries if _wants_name(need)}
    items = tuple(renamed.get(need, need) for need in case.needs.items)
    pairs = tuple((renamed.get(need, need), credential) for need, credential in case.deliveries)
    return replace(case, needs=replace(case.needs, items=items), deliveries=pairs)
