"""The values that flow through a run: Invocation, Endpoints, Credential, Delivery. No I/O, no
decisions.

`Secret` is the only holder of secrets. `Secret.reveal()` is the only way out, and a test lists its
call sites.
"""

from __future__ import annotations

from shim.core.dataclass import dataclass, field
from shim.core.errors import ShimError
from shim.core.typing import Literal, Mapping, NamedTuple, NoReturn
from shim.core.urls import Scope, Url, Userinfo

Scheme = Literal["basic", "bearer"]
#: A time that does not come.
FOREVER = float("inf")


class Secret:
    """A password or token that shows itself as `****` wherever it is printed, formatted or
    compared.

    Two secrets are never `==`; use `same_as`. It refuses to be pickled or copied into a log by
    accident.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the secret itself. Calling this marks the boundary where it stops being hidden."""
        return self._value

    def same_as(self, other: Secret) -> bool:
        """Return whether both hold the same text, in time that does not tell where they differ."""
        from shim.core.digests import compare_digest

        ours, theirs = (secret._value.encode("utf-8", "surrogatepass") for secret in (self, other))
        return compare_digest(ours, theirs)

    @property
    def is_ascii(self) -> bool:
        """Whether it is the same in every encoding that a tool may send it in."""
        return self._value.isascii()

    def fingerprint(self, key: bytes, *context: str) -> str:
        """Return a keyed digest (HMAC-SHA-256, hex), by which a secret is known and not kept."""
        from shim.core.digests import hmac_sha256

        parts = [part.encode("utf-8", "surrogatepass") for part in (*context, self._value)]
        # ("a", "bc") is not ("ab", "c").
        framed = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
        return hmac_sha256(key, framed)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "****"

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return "****"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not serialised")


class Manner(NamedTuple):
    """How a channel has the tool send a credential. A proof counts for one manner alone.

    `challenges` are the statuses of an answer to a stranger upon which the tool sends it; without
    any it goes with the first request. Before such a challenge the tool is a stranger, or with
    `names_user` the user with an empty password. `encoding` makes bytes of user name and password.
    With `follows_host` it goes to whatever port of the index's host a redirect or link names, with
    `mixes_server` files on its server outside of its scope may get another one. With `files_only`
    an index's pages get it with the first request, and what is said holds for files.
    """

    challenges: frozenset[int] = frozenset()
    encoding: Literal["utf-8", "latin-1"] = "utf-8"
    names_user: bool = False
    follows_host: bool = False
    mixes_server: bool = False
    files_only: bool = False

    @property
    def unasked(self) -> bool:
        """Whether the credential goes with the first request."""
        return not self.challenges


#: How a password in a URL goes to most servers.
BARE = Manner()


def password_in(userinfo: Userinfo | None) -> Secret | None:
    """Return the password that a URL gives: an empty one behind a user name is one, as servers take
    a token as the user's name.
    """
    if userinfo is None or userinfo.password is None:
        return None
    return Secret(userinfo.password) if userinfo.password or userinfo.username else None


class Origin(NamedTuple):
    """Where an index was named, for people: `argv --index-url`, `env PIP_INDEX_URL`,
    `/etc/pip.conf:3`.

    `project` is true for files that come with a project (requirements, pyproject.toml, uv.lock,
    ...): somebody else's text. `line` is that of the file `where`, if it is known. With
    `is_default` it is the tool's own choice, as nothing names an index.
    """

    kind: Literal["argv", "env", "file", "config"]
    where: str
    project: bool = False
    line: int | None = None
    is_default: bool = False

    def __str__(self) -> str:
        if self.kind in ("argv", "env"):
            return f"{self.kind} {self.where}"
        return self.where if self.line is None else f"{self.where}:{self.line}"


class Location(NamedTuple):
    """Where the userinfo (`user:password@`) of a URL stands, or would stand, in the command's own
    argv or environment.

    `key` is the position in argv (0 is the first word after the tool's name) or the variable's
    name. `start` and `end` delimit the userinfo with its `@`, so that cutting `text[start:end]`
    leaves a clean URL and touches nothing else; they are equal (just behind `://`) if the URL has
    none.
    """

    kind: Literal["argv", "env"]
    key: int | str
    start: int
    end: int

    @classmethod
    def of_userinfo(
        cls, text: str, key: int | str | None, userinfo: Userinfo | None, start: int = 0
    ) -> Location | None:
        """Return where the userinfo of a URL text stands, or would, that begins at `start` of the
        element `key`; None for a text without one, from a file.
        """
        if key is None:
            return None
        begin = text.index("://") + 3
        first, end = (userinfo.start, userinfo.end) if userinfo else (begin, begin)
        return cls("argv" if isinstance(key, int) else "env", key, start + first, start + end)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One URL that the command will talk to and that may ask for a credential.

    `url` never carries userinfo. `username` is the one that the URL insists on. `inline_password`
    is a password that the user wrote into that URL, `location` where it stands in argv or
    environment (None for a URL from a file). `provided_by` names a variable of the tool that
    already answers for this endpoint (`UV_INDEX_CORP_PASSWORD`): then we keep out. `role`: `index`
    is the tool's default index, `extra` any further one, `links` a find-links page, `input` a
    remote requirements file or script, `direct` a direct URL or a locked file, `publish` an upload
    endpoint. `eager` says that the tool looks for a credential before it asks (uv: `authenticate =
    "always"`), `explicit` that it asks the index for certain packages only. `registry` is the index
    that a locked file comes from. `is_kept` says that the tool writes this URL down, and asks it
    again in later commands.
    """

    url: Url
    origin: Origin
    role: Literal["index", "extra", "links", "input", "direct", "publish"] = "index"
    index_name: str | None = None
    username: str | None = None
    inline_password: Secret | None = None
    location: Location | None = None
    provided_by: str | None = None
    eager: bool = False
    explicit: bool = False
    registry: str = ""
    is_kept: bool = False


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Everything that one command will ask, in the tool's own order, and the files that say so.

    `files_read` holds every file that was read or would have been, had it existed.
    `unreadable_inputs` is what nobody here has read and may name any server, in words: remote
    inputs, which we never fetch, and all that a reader could make nothing of. What of that may also
    make the tool careless with certificates is `careless`. `unused_userinfo` holds the userinfo in
    argv and environment that no item stands for, because the URL was said twice or replaced by a
    later one: it can be cut without asking. Where the endpoints are `routed`, a redirector sends
    the tool to them, which knows none of their URLs before. `malformed` are indexes whose URL has
    something in it that does not belong there (a carriage return, quotes), as they were meant: pip
    will look for them elsewhere. `packages` are names that the command surely asks its indexes for,
    as far as somebody read them: a check asks for the same. `built` are projects whose own code
    says what they depend on, in words: it can name direct URLs, and no index; `mentioned` are the
    URLs that stand somewhere in their files.
    """

    items: tuple[Endpoint, ...] = ()
    files_read: tuple[str, ...] = ()
    unreadable_inputs: tuple[str, ...] = ()
    unused_userinfo: tuple[Location, ...] = ()
    malformed: tuple[Endpoint, ...] = ()
    packages: tuple[str, ...] = ()
    careless: tuple[str, ...] = ()
    built: tuple[str, ...] = ()
    mentioned: tuple[str, ...] = ()
    routed: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """The real executable behind a launcher, as far as files on disk tell.

    `version` is the tool's release and `python` the interpreter's, as tuples of int; None where
    unknown (then the most careful channel is taken). `prefix` is the environment it belongs to (the
    venv), if known.
    """

    path: str
    version: tuple[int, ...] | None = None
    python: tuple[int, int] | None = None
    prefix: str | None = None


@dataclass(frozen=True, slots=True)
class Invocation:
    """One wrapped command. `argv` is what follows the tool's name, verbatim. `verb` is the
    sub-command, as words.

    `touches_index` false means: exec at once with an untouched environment; `reason` says why, for
    `shim explain`.
    """

    tool: str
    family: Literal["pip", "uv", "upload", "project"]
    target: Target
    argv: tuple[str, ...]
    verb: tuple[str, ...]
    touches_index: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Credential:
    """Who to be, and where that may be said. `expires_at` is in UTC epoch seconds, None when the
    secret has no known end.

    `source` names who gave it. `found_by_tool` marks an answer that the tool finds by itself (its
    own netrc): it counts as an answer and is not delivered. `username_is_secret` marks a host that
    wants the token as the user name (Gemfury).
    """

    username: str
    secret: Secret
    scope: Scope
    source: str
    expires_at: float | None = None
    scheme: Scheme = "basic"
    found_by_tool: bool = False
    username_is_secret: bool = False

    @property
    def shown_username(self) -> str:
        """The user name as people may see it."""
        return "****" if self.username_is_secret else self.username


@dataclass(frozen=True, slots=True)
class Resolution:
    """What became of one endpoint: a credential or None, and what each source said."""

    endpoint: Endpoint
    credential: Credential | None
    tried: tuple[tuple[str, str], ...] = ()
    index: str | None = None
    """The name of the matching `[[index]]`, if one matches."""
    blocked: ShimError | None = None
    """Why a known vendor's private host, which no `[[index]]` names, has no credential."""


class Route(NamedTuple):
    """The way to a server: what a tool's own options, variables and files say about proxies and
    TLS.

    `proxy` is a URL, "" for none at all, None for what the environment says. `authorities` are PEM
    files or folders; with `system` the operating system's count as well. `unchecked` accepts any
    certificate. Its repr is a key: it holds no secret but a proxy's, so it is only ever hashed.
    """

    proxy: str | None = None
    authorities: tuple[str, ...] = ()
    system: bool = True
    client_certificate: str | None = None
    unchecked: bool = False


class AskedIndex(NamedTuple):
    """An index that is asked whether it has a name: its URL, who we are there, the way to it."""

    url: Url
    credential: Credential | None
    route: Route


class Routes(NamedTuple):
    """Where each name comes from, for the redirector that stands between pip and its indexes.

    `claims` are (pattern, URL of the index). An unclaimed name comes from the first of the `asked`
    that has it, else from `last`, which is not asked (None: from nowhere). `names` are those that
    the command will ask for, as far as they can be read. `address` is where the redirector listens:
    one of this machine's that no credential of the command is for.
    """

    claims: tuple[tuple[str, str], ...]
    asked: tuple[AskedIndex, ...]
    last: str | None
    names: tuple[str, ...] = ()
    address: str = "127.0.0.1"


class MemoryFile(NamedTuple):
    """A sealed in-memory file for the target, and the descriptor number it will have.

    Where the system has none, `pipe` is the path of a named pipe that is written to as long as the
    target holds that descriptor.
    """

    text: Secret
    descriptor: int
    pipe: str = ""


class Masking(NamedTuple):
    """What must not be readable in the target's output, with `always` in a regular file too."""

    secrets: tuple[Secret, ...]
    always: bool


@dataclass(frozen=True, slots=True)
class Delivery:
    """What changes so that the target can authenticate: a pure value.

    `argv` is the target's argv after its name. `environ` maps names to a new value, or None to
    unset; a `Secret` value is one that stands in the environment in clear (channel `env` only).
    `memory` becomes an inherited descriptor. `channels` says (channel, what for, why) for `shim
    explain`; `warnings` are printed before the target starts. With a `masking` the target is
    supervised where its output goes into a pipe; else we become it. With `routes` a redirector runs
    beside it, whose address takes the place of `routing.STAND_IN` in the variables and argv.
    """

    argv: tuple[str, ...]
    environ: Mapping[str, str | Secret | None] = field(default_factory=dict)
    memory: MemoryFile | None = None
    channels: tuple[tuple[str, str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    masking: Masking | None = None
    routes: Routes | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """All that was found out about one command, for `run.main` to carry out and `shim explain` to
    print.

    `valid_until` (UTC epoch seconds) is when something that was proven for it has to be proven
    again. `redact` is what the user wants of masking; it has become `delivery.masking` already.
    `added` are the variables of `use-as`, a part of the delivery's. `unserved` names the channels
    that a server does not answer to, and why.
    """

    invocation: Invocation
    endpoints: Endpoints
    resolutions: tuple[Resolution, ...]
    delivery: Delivery
    warnings: tuple[ShimError, ...] = ()
    valid_until: float = FOREVER
    redact: Literal["auto", "always", "never"] = "auto"
    added: Mapping[str, str | None] = field(default_factory=dict)
    unserved: Mapping[str, str] = field(default_factory=dict)

    @property
    def released(self) -> tuple[tuple[Credential, ...], str]:
        """The credentials that the target is given (it finds others itself), and how, in words."""
        said = [channel for channel, _, _ in self.delivery.channels if channel != "trust"]
        if not said:
            return (), ""
        found = [one.credential for one in self.resolutions if one.credential]
        given = dict.fromkeys(one for one in found if not one.found_by_tool)
        return tuple(given), "delivered by " + ", ".join(dict.fromkeys(said))
