"""One `[[index]]` of the configuration as a value: every key checked, every URL parsed.

What is asked how (`command`, `env`, `file`) is here; what logs in (`posit`, `oidc`, `ambient`) in
`logins.py`.
"""

from __future__ import annotations

from shim.config.checks import check_keys, example_of, nearest, read_duration, read_patterns
from shim.config.logins import NO_LOGINS, Logins, read_logins
from shim.config.schema import DEFAULT_CHAIN, INDEX_KEYS, SOURCE_NAMES, TABLE_KEYS
from shim.core.dataclass import dataclass
from shim.core.errors import ConfigError
from shim.core.typing import Any, Literal, NamedTuple
from shim.core.urls import BadUrl, Scope, Url, find_userinfo, parse_url, scope_of, scope_of_index

DEFAULT_COMMAND_TIMEOUT_S = 30.0
#: `ca-bundle = "system"`: the operating system's authorities instead of those that the tool brings
#: along.
SYSTEM = "system"
#: The keys that are sources, where `source` is not said.
SPEAKING = ("env", "file", "command", "posit", "oidc", "ambient")


@dataclass(frozen=True, slots=True)
class CommandSource:
    """`command = {…}`: an argument vector, seconds, and whether it may use the terminal.

    `protocol` is a name in `credentials/helper_protocols.py`, `fields` are (part, dotted path)
    pairs of `json`, `use_path` is for `git`. `obeys` names variables that change whose secret it
    gives, `OP_*` all that begin so.
    """

    argv: tuple[str, ...]
    timeout_s: float
    interactive: bool
    protocol: str = "plain"
    fields: tuple[tuple[str, str], ...] = ()
    use_path: bool = False
    obeys: tuple[str, ...] = ()


class Lookup(NamedTuple):
    """`env = {…}` or `file = {…}`: the names of variables or files that hold the password and,
    maybe, the user name.

    `file` is a dotenv file that has the variables which the environment has not.
    """

    password: str
    username: str | None
    file: str | None = None


@dataclass(frozen=True, slots=True)
class IndexConfig:
    """One `[[index]]`; `max_age_s` is None when not set, `defined_in` the file that has it."""

    name: str
    url: Url
    scope: Scope
    username: str | None
    source: tuple[str, ...]
    source_is_explicit: bool
    insecure: bool
    max_age_s: float | None
    on_failure: Literal["stop", "warn", "pass"]
    verify_url: Url
    command: CommandSource | None
    env: Lookup | None
    file: Lookup | None
    defined_in: str
    ca_bundle: str | None = None
    publish_url: Url | None = None
    agent: bool = False
    agent_permanent: bool = False
    logins: Logins = NO_LOGINS
    may_login: bool = True
    """Whether a command may begin a login by itself (`login = "auto"`)."""
    use_as: Literal["default", "extra"] | None = None
    keys: tuple[tuple[str, str], ...] = ()
    """Which config file says each key of it."""
    packages: tuple[str, ...] = ()
    """The names that come from here and from nowhere else, as patterns in normal form."""

    @property
    def is_everybodys(self) -> bool:
        """Whether it is a public index that stands here for its place alone: nobody has a login."""
        return (
            self.use_as is not None
            and self.url.is_public
            and not self.source_is_explicit
            and self.publish_url is None
        )

    def reach(self, url: Url) -> Scope | None:
        """Return who may receive a credential for `url`: the scope, that of uploads, or None."""
        if self.scope.covers(url):
            return self.scope
        publish = scope_of(self.publish_url) if self.publish_url else None
        return publish if publish and publish.covers(url) else None


def read_index(table: object, file: str, number: int) -> IndexConfig:
    """Return one `[[index]]` table as a value, every key checked. Raises ConfigError."""
    if not isinstance(table, dict):
        raise ConfigError(f"{file}: index must be tables", hint="write [[index]] with two brackets")
    where = f"[[index]] number {number}"
    check_keys(table, INDEX_KEYS, file, where)
    url, scope, verify_url = _read_places(table, file, where)
    userinfo = find_userinfo(table["url"])
    lookups = {kind: _read_lookup(table, kind, file, where) for kind in ("env", "file")}
    logins = read_logins(table, file, where)
    if logins.posit and not scope_of(logins.posit.url).covers(url):
        hint = (
            "its tokens are for its own server: give url the same scheme, host and port as address"
        )
        raise ConfigError(f"{file}: {where}: url is not below the address of posit", hint=hint)
    implied = tuple(kind for kind in SPEAKING if kind in table)
    return IndexConfig(
        name=table.get("name") or url.host,
        url=url,
        scope=scope,
        username=table.get("username") or (userinfo.username if userinfo else None) or None,
        source=_read_sources(table, file, where) or implied or DEFAULT_CHAIN,
        source_is_explicit="source" in table or bool(implied),
        insecure=table.get("insecure", False),
        max_age_s=_read_duration(table, "max-age", file, where),
        on_failure=table.get("on-failure", "stop"),
        verify_url=verify_url,
        command=_read_command(table, file, where),
        env=lookups["env"],
        file=lookups["file"],
        defined_in=file,
        ca_bundle=table.get("ca-bundle") or None,
        publish_url=_read_url(table, "publish-url", file, where),
        agent=table.get("agent", False),
        agent_permanent=table.get("agent-permanent", False),
        logins=logins,
        use_as=table.get("use-as"),
        packages=_read_packages(table, file, where),
    )


def _read_places(table: dict[str, Any], file: str, where: str) -> tuple[Url, Scope, Url]:
    """Return the index's URL, who may receive the credential, and the URL that verifies one."""
    url = _read_url(table, "url", file, where)
    if url is None:
        hint = 'add a line like url = "https://pypi.example/simple/"'
        raise ConfigError(f"{file}: {where} has no url", hint=hint)
    named = _read_url(table, "scope", file, where)
    scope = scope_of(named) if named else scope_of_index(url)
    if not scope.covers(url):
        hint = "scope must be the same server, and a folder above url"
        raise ConfigError(f"{file}: {where}: scope does not cover url", hint=hint)
    verify_url = _read_url(table, "verify-url", file, where) or url
    if not scope.covers(verify_url):
        # The credential would not be sent there, and its refusal would be taken for the index's.
        hint = "verify-url must be on the same server, below scope"
        raise ConfigError(f"{file}: {where}: scope does not cover verify-url", hint=hint)
    return url, scope, verify_url


def _read_packages(table: dict[str, Any], file: str, where: str) -> tuple[str, ...]:
    return read_patterns(table.get("packages", ()), f"{file}: {where}")


def _read_duration(table: dict[str, Any], key: str, file: str, where: str) -> float | None:
    return read_duration(table[key], key, file, where) if key in table else None


def _read_url(table: dict[str, Any], key: str, file: str, where: str) -> Url | None:
    if key not in table:
        return None
    try:
        userinfo = find_userinfo(table[key])
        if userinfo and userinfo.password:
            raise ConfigError(
                f"{file}: {where}: {key} holds a password",
                hint=(
                    "take the password out of the URL, change it at the index, and run `shim login`"
                    " with the new one"
                ),
            )
        return parse_url(table[key])
    except BadUrl as error:
        message = f"{file}: {where}: {key} is not a usable URL: {error}"
        raise ConfigError(message, hint="write it as https://host/path/") from error


def _read_sources(table: dict[str, Any], file: str, where: str) -> tuple[str, ...]:
    names = tuple(table.get("source", ()))
    for name in names:
        if name not in SOURCE_NAMES:
            # A strange one may be a URL with a password.
            shown = repr(name) if name.replace("-", "").isalnum() else "of a strange name"
            hint = nearest(name, SOURCE_NAMES)
            raise ConfigError(f"{file}: {where}: unknown source {shown}", hint=hint)
        if name in TABLE_KEYS and name not in table:
            message = f"{file}: {where}: source {name!r} needs a key {name} = {{…}}"
            raise ConfigError(message, hint=f"add {name} = {example_of(name)}")
    return names


def _read_command(table: dict[str, Any], file: str, where: str) -> CommandSource | None:
    if "command" not in table:
        return None
    command = table["command"]
    check_keys(command, TABLE_KEYS["command"], file, f"{where}, command")
    if not command.get("argv"):
        hint = f"write command = {example_of('command')}"
        raise ConfigError(f"{file}: {where}: command has no argv", hint=hint)
    seconds = _read_duration(command, "timeout", file, where)
    protocol = command.get("protocol", "plain")
    names = ("password", "username", "expires")
    fields = tuple((name, command[name]) for name in names if name in command)
    if fields and protocol != "json":
        words = f'{fields[0][0]} in command is a field of JSON, and protocol is "{protocol}"'
        hint = 'add protocol = "json", or leave it out'
        raise ConfigError(f"{file}: {where}: {words}", hint=hint)
    return CommandSource(
        tuple(command["argv"]),
        DEFAULT_COMMAND_TIMEOUT_S if seconds is None else seconds,
        command.get("interactive", False),
        protocol,
        fields,
        command.get("use-path", False),
        tuple(command.get("obeys", ())),
    )


def _read_lookup(table: dict[str, Any], kind: str, file: str, where: str) -> Lookup | None:
    if kind not in table:
        return None
    lookup = table[kind]
    check_keys(lookup, TABLE_KEYS[kind], file, f"{where}, {kind}")
    if not lookup.get("password"):
        hint = f"write {kind} = {example_of(kind)}"
        raise ConfigError(f"{file}: {where}: {kind} does not say where the password is", hint=hint)
    return Lookup(lookup["password"], lookup.get("username"), lookup.get("file"))
