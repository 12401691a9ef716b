"""Source `agent`: the host's `shim agent`, over the socket that SHIM_AGENT_SOCKET names. What it
says is kept nowhere.

Neither the token cache nor a delivery record holds an answer of it: each command asks again, and
takes the long way. The agent is another machine's word, so to speak: it has so long and so many
bytes, and an answer for another place is none.
"""

from __future__ import annotations

from shim.core.dataclass import replace
from shim.core.errors import SourceError
from shim.core.host import Host
from shim.core.model import Credential
from shim.core.typing import TYPE_CHECKING
from shim.core.urls import BadUrl, Scope, parse_url, scope_of
from shim.credentials.sources import Query, Source, make_credential

if TYPE_CHECKING:
    from shim.credentials.agent_protocol import AgentAnswer

VARIABLE = "SHIM_AGENT_SOCKET"
#: The host may have to run a vendor's command, or wait for its keyring.
TIMEOUT_S = 60.0


def find(query: Query) -> Credential | None:
    """Return what the host's agent says, or None where there is none, or it has nothing for this.

    Raises:
        SourceError: nobody answers in time and by the protocol, or it could not get the credential.
    """
    path = query.host.environ.get(VARIABLE)
    if not path:
        if query.index and "agent" in query.index.source and query.index.source_is_explicit:
            query.note("agent", f"{VARIABLE} is not set")
        return None
    from shim.credentials.agent_client import SOCKET_HINT, ask
    from shim.credentials.agent_protocol import AgentRequest, BadLine, read_answer, render_request

    request = AgentRequest(query.endpoint.url.text, query.host.is_set("SHIM_REFRESH"))
    try:
        reply = read_answer(ask(_require_absolute(path), render_request(request), TIMEOUT_S))
    except BadLine as error:
        raise SourceError(f"the answer of the agent at {path} {error}", hint=SOCKET_HINT) from None
    if reply.failed is not None:
        hint = "see what `shim agent` prints on the host"
        raise SourceError(f"the host's agent says: {reply.failed}", hint=hint)
    if reply.nothing is not None:
        query.note("agent", reply.nothing)
        return None
    return _make(reply, query)


def find_problem(host: Host) -> SourceError | None:
    """Return why the agent cannot be asked, or None if it can, or none is named."""
    path = host.environ.get(VARIABLE)
    if not path:
        return None
    from shim.credentials.agent_client import knock

    try:
        knock(_require_absolute(path))
    except SourceError as error:
        return error
    return None


def _require_absolute(path: str) -> str:
    if not path.startswith("/"):
        hint = "it would follow you into every project: write it from / on"
        raise SourceError(f"{VARIABLE} is not an absolute path", hint=hint)
    return path


def _make(reply: AgentAnswer, query: Query) -> Credential | None:
    """Return the credential in a reply, for no more than both sides allow."""
    try:
        said = scope_of(parse_url(reply.scope))
    except BadUrl:
        from shim.credentials.agent_client import SOCKET_HINT

        raise SourceError("the host's agent says no usable scope", hint=SOCKET_HINT) from None
    if not said.covers(query.endpoint.url):
        query.note("agent", "answered for another place")
        return None
    made = make_credential(
        query, "agent", reply.secret, reply.username, _narrower(said, query), reply.expires_at
    )
    return replace(made, username_is_secret=reply.username_is_secret)


def _narrower(said: Scope, query: Query) -> Scope:
    """Return the narrower of the agent's scope and our `[[index]]`'s: both cover the endpoint."""
    return max(said, query.scope, key=lambda scope: len(scope.segments)) if query.index else said


SOURCE = Source(find, timeout_s=lambda _: TIMEOUT_S)
