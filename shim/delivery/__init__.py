"""How a credential is handed over: one module per channel, and the table that says which is tried
first for which tool.

Every channel is a value: `fits(case)` returns None, or why it will not do here (`reasons.py`);
`manner(case, need)` returns how it has the tool send the credential, which is what `preflight.py`
proves; `deliver(case)` returns the `Delivery`. Choosing comes before the proof, delivering after
it: a channel that the server does not answer to is not taken. Nothing is done before
`exec_target.py`.
"""

from __future__ import annotations

from shim.config.settings import Settings
from shim.core.dataclass import dataclass, field
from shim.core.errors import CannotDeliver
from shim.core.host import Host
from shim.core.importing import import_module
from shim.core.model import (
    Credential,
    Delivery,
    Endpoint,
    Endpoints,
    Invocation,
    Manner,
    Resolution,
)
from shim.core.typing import Mapping, Protocol, cast
from shim.delivery.reasons import OF_THE_SYSTEM, Reason, Refusal, choose_hint
from shim.delivery.userinfo import cut_unused_userinfo

#: The channels that put a secret into an environment, which `strict` forbids.
IN_CLEAR = frozenset({"env", "poetry", "publish", "upload"})

#: Family, or a tool that differs from its family -> channels in the order of preference: the
#: narrowest reach and the cleanest environment first.
CHANNELS: Mapping[str, tuple[str, ...]] = {
    "pip": ("netrc", "face", "env"),
    "uv": ("store", "store_named", "named", "seed", "publish", "netrc", "env", "nothing"),
    "upload": ("upload",),
    "project": ("netrc", "face"),
    "poetry": ("netrc", "poetry"),
}

#: The "channel" of passwords that no channel may move: they stay in the URL.
TYPED = "url"

#: Families and tools whose HTTP library makes UTF-8 of a password (uv's, httpx); requests makes
#: Latin-1 of it.
IN_UTF_8 = frozenset({"uv", "pdm", "hatch"})

#: uv's verbs that ask an index for page after page. Its store costs each of them a request more,
#: which is refused first; so here the seed comes first, which is sent unasked. What is resolved,
#: locked and installed is the same.
EAGER_VERBS = (
    *(("lock",), ("sync",), ("add",), ("remove",)),
    *(("pip", verb) for verb in ("install", "sync", "compile")),
)


@dataclass(frozen=True, slots=True)
class Case:
    """What a channel may look at. `deliveries` pairs each endpoint of ours with its credential."""

    invocation: Invocation
    endpoints: Endpoints
    deliveries: tuple[tuple[Endpoint, Credential], ...]
    settings: Settings
    host: Host

    @property
    def credentials(self) -> tuple[Credential, ...]:
        """The distinct credentials to hand over, in the order of the endpoints."""
        credentials: list[Credential] = []
        distinct: dict[tuple[object, ...], list[Credential]] = {}
        for _, one in self.deliveries:
            alike = distinct.setdefault((one.scope, one.username, one.scheme), [])
            if not any(one.secret.same_as(other.secret) for other in alike):
                alike.append(one)
                credentials.append(one)
        return tuple(credentials)

    @property
    def has_bearer(self) -> bool:
        """Whether one of the credentials is a bearer token, which has no user name."""
        return any(credential.scheme != "basic" for credential in self.credentials)

    def explain(self, channel: str, why: str) -> tuple[tuple[str, str, str], ...]:
        """Return what `shim explain` says of each endpoint that gets its credential so."""
        return tuple((channel, str(endpoint.url), why) for endpoint, _ in self.deliveries)

    def crossing_http(self) -> Endpoint | None:
        """Return a plain http URL of the command on the very host and port of an https credential,
        as pip writes them, or None.

        pip remembers credentials by that text alone and would send them there in clear, whichever
        way it got them.
        """
        schemes: dict[str, set[str]] = {}
        for answered, credential in self.deliveries:
            for netloc in (answered.url.asked_netloc, str(credential.scope).split("/")[2]):
                schemes.setdefault(netloc, set()).add(credential.scope.scheme)
        for endpoint in self.endpoints.items:
            if schemes.get(endpoint.url.asked_netloc, set()) - {endpoint.url.scheme}:
                return endpoint
        return None

    def has_foreign_letters(self) -> bool:
        """Whether pip cannot send a user name or password: requests encodes Latin-1."""
        try:
            for credential in self.credentials:
                (credential.username + credential.secret.reveal()).encode("latin-1")
        except UnicodeEncodeError:
            return True
        return False


class Channel(Protocol):
    """What a channel module offers."""

    def fits(self, case: Case) -> Refusal | None:
        """Return None if this channel can serve the whole case, else why not."""

    def manner(self, case: Case, endpoint: Endpoint) -> Manner:
        """Return how the tool will send the credential of `endpoint`, after `fits`."""

    def deliver(self, case: Case) -> Delivery:
        """Return what changes. Called only after `fits` returned None."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The way in which one command gets its credentials, chosen and not yet gone.

    `channel` is a channel's name, `TYPED` where typed passwords stay where they are, or "" where
    there is nothing to hand over. `delivered` holds the identities of the endpoints that it hands a
    credential over for.
    """

    case: Case
    channel: str = ""
    refusals: tuple[tuple[str, Refusal], ...] = ()
    unserved: Mapping[str, str] = field(default_factory=dict)
    delivered: frozenset[int] = frozenset()

    def manner(self, endpoint: Endpoint) -> Manner:
        """Return how the tool will send the credential of `endpoint`, be it ours or its own."""
        if self.channel in ("", TYPED) or id(endpoint) not in self.delivered:
            return bare_manner(self.case.invocation)
        return _load(self.channel).manner(self.case, endpoint)

    def deliver(self) -> Delivery:
        """Return the delivery."""
        invocation, deliveries = self.case.invocation, self.case.deliveries
        if not self.channel:
            unused = self.case.endpoints.unused_userinfo
            return Delivery(cut_unused_userinfo(invocation.argv, unused))
        if self.channel == TYPED:
            why = "left where it was typed: " + self.refusals[0][1].why
            return Delivery(invocation.argv, channels=((TYPED, str(deliveries[0][0].url), why),))
        return _load(self.channel).deliver(self.case)


def bare_manner(invocation: Invocation) -> Manner:
    """Return how the tool sends a password that stands in a URL."""
    in_utf_8 = invocation.tool in IN_UTF_8 or invocation.family in IN_UTF_8
    return Manner(encoding="utf-8" if in_utf_8 else "latin-1")


def unasked_manner(case: Case, endpoint: Endpoint) -> Manner:  # noqa: ARG001 (the same for all)
    """Return the `manner` of a channel that has it sent unasked, as a password in a URL is."""
    return bare_manner(case.invocation)


def _load(name: str) -> Channel:
    return cast(Channel, import_module(f"shim.delivery.{name}"))


def same_credential(one: Credential, other: Credential) -> bool:
    """Return whether two credentials are the same in everything that is handed over."""
    return one.scope == other.scope and same_login(one, other)


def same_login(one: Credential, other: Credential) -> bool:
    """Return whether a server cannot tell two credentials apart, whatever their scopes are."""
    is_alike = (one.username, one.scheme) == (other.username, other.scheme)
    return is_alike and one.secret.same_as(other.secret)


def choose(
    invocation: Invocation,
    endpoints: Endpoints,
    resolutions: tuple[Resolution, ...],
    settings: Settings,
    host: Host,
    unserved: Mapping[str, str] | None = None,
) -> Choice:
    """Return the first channel that fits and that the servers answer to. `unserved` says of those
    that they do not, why.

    A credential that the tool finds by itself stays where it is: its own netrc, a password inside a
    file.

    Raises:
        CannotDeliver: no allowed channel is left, and a credential of ours would be lost.
    """
    deliveries = tuple(
        (one.endpoint, one.credential)
        for one in resolutions
        if one.credential
        and not one.credential.found_by_tool
        and (one.endpoint.inline_password is None or one.endpoint.location)
    )
    case = Case(invocation, endpoints, deliveries, settings, host)
    if not deliveries:
        return Choice(case)
    unserved, refusals = unserved or {}, list[tuple[str, Refusal]]()
    for name in _order(invocation, settings.channel) if not endpoints.routed else ("netrc",):
        why = unserved.get(name)
        if why:
            refusal: Refusal | None = Reason.UNSERVED.of(why=why)
        elif name in IN_CLEAR and settings.channel == "auto" and _is_the_systems(refusals):
            refusal = Reason.ONLY_IF_SAID.of()
        else:
            refusal = _load(name).fits(case)
        if refusal is None:
            delivered = frozenset(id(endpoint) for endpoint, _ in deliveries)
            return Choice(case, name, tuple(refusals), unserved, delivered)
        refusals.append((name, refusal))
    if not endpoints.routed and all(credential.source == "url" for _, credential in deliveries):
        return Choice(case, TYPED, tuple(refusals), unserved)
    ours = (pair for pair in deliveries if pair[1].source != "url")
    endpoint, credential = next(ours, deliveries[0])
    is_strict = settings.channel == "strict"
    raise CannotDeliver(
        f"the credential for {endpoint.url} (from {credential.source}) cannot be handed to this"
        f" {invocation.tool} safely",
        tried=tuple((name, refusal.why) for name, refusal in refusals),
        hint=choose_hint(
            refusals,
            is_strict=is_strict,
            is_unserved=bool(unserved),
            has_variables=any(name in IN_CLEAR for name, _ in refusals),
        ),
    )


def _is_the_systems(refusals: list[tuple[str, Refusal]]) -> bool:
    """Whether a channel was refused for what this system lacks."""
    return any(refusal.reason in OF_THE_SYSTEM for _, refusal in refusals)


def _order(invocation: Invocation, wanted: str) -> tuple[str, ...]:
    """Return the channels to try, in the order that `channel` and the verb ask for."""
    channels = CHANNELS.get(invocation.tool) or CHANNELS[invocation.family]
    if invocation.family == "uv" and invocation.verb in EAGER_VERBS:
        channels = tuple(sorted(channels, key=lambda name: name != "seed"))
    if wanted == "strict":
        return tuple(name for name in channels if name not in IN_CLEAR)
    if wanted == "env":
        return tuple(sorted(channels, key=lambda name: name != "env"))
    return channels
