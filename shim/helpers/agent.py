"""Us answering a container: one question of `shim agent`, decided by the host's configuration
alone.

What is asked only chooses among the indexes marked `agent = true`. The sources are then asked about
that index as it is configured: no text of the client's reaches a program, a keyring or a server,
nobody is logged in and nobody is asked anything.
"""

from __future__ import annotations

import threading

from shim.config.index import IndexConfig
from shim.config.settings import Settings, load_settings
from shim.core.dataclass import dataclass, field, replace
from shim.core.errors import ShimError, SourceError, render
from shim.core.host import Host, write_stderr
from shim.core.model import Credential, Endpoint, Endpoints, Origin
from shim.core.urls import BadUrl, Url, find_userinfo, parse_url
from shim.credentials.agent_protocol import (
    AgentAnswer,
    AgentRequest,
    BadLine,
    read_request,
    render_answer,
)
from shim.credentials.jwt import read_expiry
from shim.credentials.resolve import resolve
from shim.credentials.sources import AGING_SOURCES
from shim.storage.audit_log import AGENT_FILE, record_refusal, record_release

#: The same words for an index that is not marked and for one that is not there: who asks need not
#: learn which there are.
NOT_SHARED = AgentAnswer(nothing="the host does not share this index")
NOTHING = AgentAnswer(nothing="the host has no credential for it")
NO_END = AgentAnswer(
    nothing="the host's secret for it has no end, and it shares only those that have one"
)
#: What a source that hangs leaves behind in this process; beyond that nobody is asked any more.
MAX_THREADS = 32
#: So many refused users are named on the host: a container may have as many as it likes.
MAX_STRANGERS = 16
#: How often a client may have the same index's token made anew.
REFRESH_S = 30.0


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks, as the kernel says: its user number on this side, and its process."""

    uid: int
    process: int

    def __str__(self) -> str:
        return f"process {self.process} of uid {self.uid}"


@dataclass(slots=True)
class Agent:
    """Answers for the container `name`, as the audit log calls it; the users `allowed` may ask."""

    name: str
    allowed: frozenset[int]
    host: Host
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _refreshed: dict[str, float] = field(default_factory=dict)
    _strangers: set[int] = field(default_factory=set)

    def answer(self, data: bytes, client: Client) -> bytes:
        """Return the reply to one question, which the audit log has too. Raises no ShimError."""
        target, parent = f"shim agent for {self.name}", str(client)
        with self._turn:  # that many can ask must not become that many programs
            audit: str | None = None
            try:
                settings = load_settings(self.host)
                audit = settings.audit
                given = self._decide(data, client, settings)
            except _Refused as refused:
                record_refusal(refused.where, target, refused.words, audit, self.host, parent)
                return render_answer(refused.reply)
            except ShimError as error:
                write_stderr(render(error))
                record_refusal("", target, f"failed: {error.code}", audit, self.host, parent)
                words = f"the credential could not be got ({error.code})"
                return render_answer(AgentAnswer(failed=words))
            record_release(
                (given,), target, "answered", audit, self.host, parent=parent, file=AGENT_FILE
            )
        return render_answer(_reply_with(given))

    def _decide(self, data: bytes, client: Client, settings: Settings) -> Credential:
        """Return what the client is given. Raises _Refused, or ShimError by fault of the host."""
        if client.uid not in self.allowed:
            self._say_once(client.uid)
            raise _Refused(AgentAnswer(failed=f"uid {client.uid} may not ask"))
        question, url = _read(data)
        index = settings.index_for(url)
        if index is None or not index.agent or not index.scope.covers(url):
            raise _Refused(NOT_SHARED, url)
        credential = self._find(index, question, settings)
        if credential is None:
            raise _Refused(NOTHING, url)
        if not index.agent_permanent and not has_an_end(credential, index):
            raise _Refused(NO_END, url)
        # Both cover the index: the narrower one.
        scope = max(credential.scope, index.scope, key=lambda one: len(one.segments))
        if not scope.covers(url):
            raise _Refused(NOT_SHARED, url)
        return replace(credential, scope=scope)

    def _say_once(self, uid: int) -> None:
        """Say on the host which user was refused, and what would let it in."""
        if uid not in self._strangers and len(self._strangers) < MAX_STRANGERS:
            self._strangers.add(uid)
            way = f"--allow-uid {uid}, beside what it was started with, lets it"
            write_stderr(f"shim: agent: uid {uid} asked and may not; {way}\n")

    def _find(
        self, index: IndexConfig, question: AgentRequest, settings: Settings
    ) -> Credential | None:
        """Ask the host's sources, past the token cache if that is wanted and not too often."""
        if threading.active_count() > MAX_THREADS:
            hint = "unlock the keyring, or start `shim agent` again"
            raise SourceError("too many look-ups hang", hint=hint)
        host, now = self.host, self.host.clock()
        if question.refresh and abs(now - self._refreshed.get(index.name, 0.0)) >= REFRESH_S:
            self._refreshed[index.name] = now
            host = replace(host, environ={**host.environ, "SHIM_REFRESH": "1"})
        endpoint = Endpoint(index.url, Origin("config", index.defined_in))
        (answer,) = resolve(Endpoints((endpoint,)), settings, host)
        if answer.index != index.name:  # another one's scope lies within, and covers its very URL
            raise _Refused(NOT_SHARED, index.url)
        return answer.credential


def surroundings(host: Host) -> Host:
    """Return the agent's own surroundings: nobody to ask, and no agent, which could be itself."""
    unwanted = ("SHIM_AGENT_SOCKET", "SHIM_REFRESH")
    environ = {name: value for name, value in host.environ.items() if name not in unwanted}
    return replace(host, environ={**environ, "SHIM_NO_INPUT": "1"}, interactive=False)


def has_an_end(credential: Credential, index: IndexConfig) -> bool:
    """Whether a secret or its source says when it ends; `max-age` is our own reckoning."""
    if credential.expires_at is None:
        return False
    is_told = credential.source in AGING_SOURCES and index.max_age_s is None
    return is_told or read_expiry(credential.secret.reveal()) is not None


class _Refused(Exception):
    """No credential for this client. `where` is what was asked about, `words` say why."""

    def __init__(self, reply: AgentAnswer, url: Url | None = None) -> None:
        super().__init__()
        self.reply = reply
        self.where = url.origin if url else ""
        self.words = f"refused: {reply.failed or reply.nothing}"


def _read(data: bytes) -> tuple[AgentRequest, Url]:
    """Return the question and its URL. Raises _Refused for others, and for userinfo in it."""
    try:
        question = read_request(data)
        if find_userinfo(question.url):
            raise BadUrl("it holds a user name")
        return question, parse_url(question.url)
    except (BadLine, BadUrl) as error:
        what = "the question" if isinstance(error, BadLine) else "the URL is not usable:"
        raise _Refused(AgentAnswer(failed=f"{what} {error}")) from None


def _reply_with(credential: Credential) -> AgentAnswer:
    secret, scope = credential.secret.reveal(), str(credential.scope)
    return AgentAnswer(
        secret, credential.username, scope, credential.expires_at, credential.username_is_secret
    )
