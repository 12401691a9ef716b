"""Reads config.toml and the SHIM_* variables that change it; `setting_keys.py` has them as tables.

A project directory can never configure us: only the user's and the machine's file are read. A file that others can write
is refused; an unknown key is an error that names the nearest known one.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, replace
from typing import Any, Literal

from shim.errors import ConfigError
from shim.host import Host
from shim.policy import NO_POLICY, Policy, load_policy, policy_file, refuse_forbidden
from shim.setting_checks import check_keys, check_uses, check_value, example_of, nearest, read_duration
from shim.setting_keys import DEFAULT_CHAIN, INDEX_KEYS, SOURCE_NAMES, TABLE_KEYS, TOP_KEYS, VARIABLES
from shim.setting_logins import ADDRESS_VARIABLE, NO_LOGINS, Logins, read_address, read_logins
from shim.urls import BadUrl, Scope, Url, find_userinfo, parse_url, scope_of, scope_of_index

DEFAULT_COMMAND_TIMEOUT_S = 30.0
DEFAULT_KEYRING_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class CommandSource:
    """`command = {…}`: an argument vector, seconds, and whether it may use the terminal.

    `protocol` is a name in `formats/helper_protocols.py`, `fields` are (part, dotted path) pairs of `json`, `use_path` is for `git`.
    """

    argv: tuple[str, ...]
    timeout_s: float
    interactive: bool
    protocol: str = "plain"
    fields: tuple[tuple[str, str], ...] = ()
    use_path: bool = False


@dataclass(frozen=True, slots=True)
class Lookup:
    """`env = {…}` or `file = {…}`: the names of variables or files that hold the password and, maybe, the user name.

    `file` is a dotenv file that has the variables which the environment has not.
    """

    password: str
    username: str | None
    file: str | None = None


@dataclass(frozen=True, slots=True)
class IndexConfig:
    """One `[[index]]`. `max_age_s` is None when not set; `file` is the config file that defines it."""

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

    @property
    def is_everybodys(self) -> bool:
        """Whether it is a well-known public index that stands here for its place in the order alone: nobody has a credential for it."""
        return self.use_as is not None and self.url.is_public and not self.source_is_explicit and self.publish_url is None

    def reach(self, url: Url) -> Scope | None:
        """Return who may receive a credential that is meant for `url`: the index's scope, its upload endpoint's, or None."""
        if self.scope.covers(url):
            return self.scope
        publish = scope_of(self.publish_url) if self.publish_url else None
        return publish if publish and publish.covers(url) else None


@dataclass(frozen=True, slots=True)
class Settings:
    """What the config files and variables say together. `files` are those looked for, existing or not, for caching."""

    channel: Literal["auto", "strict", "env"] = "auto"
    indexes: tuple[IndexConfig, ...] = ()
    files: tuple[str, ...] = ()
    keyring_timeout_s: float = DEFAULT_KEYRING_TIMEOUT_S
    redact: Literal["auto", "always", "never"] = "auto"
    audit: Literal["on", "off"] = "on"
    policy: Policy = NO_POLICY

    def index_for(self, url: Url) -> IndexConfig | None:
        """Return the `[[index]]` with the longest scope that covers `url`, or None."""
        matching = [(len(scope.segments), index) for index in self.indexes if not index.is_everybodys and (scope := index.reach(url))]
        return max(matching, key=lambda found: found[0], default=(0, None))[1]

    def index_named(self, name: str) -> IndexConfig | None:
        """Return the `[[index]]` of that name, or None."""
        return next((index for index in self.indexes if index.name == name), None)


def config_files(host: Host) -> tuple[str, ...]:
    """Return the config files that count, the user's first: absolute paths, existing or not."""
    replaced = host.environ.get("SHIM_CONFIG_FILE")
    if replaced:
        return (host.path(replaced),)
    return tuple(filter(None, (user_config_file(host), machine_config_file())))


def user_config_file(host: Host) -> str | None:
    """Return the path of the user's config.toml, or None where there is no home.

    platformdirs has the last word except on Linux, where the answer is one line and its import 30 ms.
    """
    import sys

    if sys.platform == "linux":
        return os.path.join(host.config_home, "shim", "config.toml") if host.config_home else None
    import platformdirs

    path = platformdirs.user_config_path("shim") / "config.toml"
    return str(path) if path.is_absolute() else None


def machine_config_file() -> str:
    """Return the path of the machine's config.toml. No variable moves it: a project's environment must not."""
    import sys

    if sys.platform == "linux":
        return "/etc/xdg/shim/config.toml"
    import platformdirs

    return str(platformdirs.site_config_path("shim") / "config.toml")


def load_settings(host: Host) -> Settings:
    """Return the settings of all config files and variables; the user's file goes before the machine's.

    Raises:
        ConfigError: a file that is unreadable, unsafe, not TOML, or says something unknown; a variable with a bad value.
    """
    files = config_files(host)
    documents = [(file, document) for file in files if (document := read_config(file)) is not None]
    if not documents and host.environ.get("SHIM_CONFIG_FILE"):
        raise ConfigError(f"SHIM_CONFIG_FILE names {files[0]}, which does not exist", hint="unset SHIM_CONFIG_FILE, or create the file")
    channel, redact = (_read_variable(name, host) for name in ("SHIM_CHANNEL", "SHIM_REDACT"))
    keyring_timeout_s: float | None = None
    policy = load_policy()
    audit: Any = None
    login: Any = None
    indexes: list[IndexConfig] = []
    for file, document in documents:
        check_keys(document, TOP_KEYS, file, "")
        check_uses(document, file)
        channel = channel or document.get("channel")
        audit = audit or document.get("audit")
        login = login or document.get("login")
        if keyring_timeout_s is None and "keyring-timeout" in document:
            keyring_timeout_s = read_duration(document["keyring-timeout"], "keyring-timeout", file, "top level")
        redact = redact or document.get("redact")
        for number, table in enumerate(document.get("index", ()), 1):
            index = _read_index(table, file, number)
            if any(other.name == index.name and other.defined_in == file for other in indexes):
                raise ConfigError(f"{file}: two [[index]] are named {index.name!r}", hint="give each its own name")
            indexes.append(index)
    seconds = DEFAULT_KEYRING_TIMEOUT_S if keyring_timeout_s is None else keyring_timeout_s
    indexes = [replace(index, may_login=login != "manual") for index in _add_package_manager(indexes, host)]
    settings = Settings(channel or "auto", tuple(indexes), (*files, policy_file()), seconds, redact or "auto", audit or "on", policy)
    refuse_forbidden(policy, settings.indexes, settings.audit)
    return settings


def _add_package_manager(indexes: list[IndexConfig], host: Host) -> list[IndexConfig]:
    """Return the indexes with the Posit Package Manager that a variable names: asked first by those of its server that name no source
    of their own, and an index by itself if there is none. Raises ConfigError for an address that is no safe URL.
    """
    address = host.environ.get(ADDRESS_VARIABLE)
    if not address:
        return indexes
    posit = read_address(address, ADDRESS_VARIABLE)
    scope, chain = scope_of(posit.url), ("agent", "posit", *DEFAULT_CHAIN[1:])
    own = [index for index in indexes if scope.covers(index.url)]
    if not own:
        table = {"url": address, "posit": {"address": address}, "source": list(chain)}
        return [*indexes, replace(_read_index(table, f"env {ADDRESS_VARIABLE}", 1), source_is_explicit=False)]
    return [
        replace(index, logins=replace(index.logins, posit=posit), source=chain) if index in own and not index.source_is_explicit else index
        for index in indexes
    ]


def _read_variable(name: str, host: Host) -> Any:
    """Return what a variable says, or None if it is unset or empty. Raises ConfigError if it is none of its choices."""
    value = host.environ.get(name) or None
    if value is not None:
        check_value(value, next(key for key in VARIABLES if key.name == name), "the environment", "")
    return value


def read_config(file: str) -> dict[str, Any] | None:
    """Return the parsed TOML of one config file, or None if there is no such file.

    Raises:
        ConfigError: not readable, writable by others, owned by somebody else, not UTF-8, not TOML.
    """
    import tomllib

    try:
        with open(file, "rb") as stream:
            refuse_unsafe(file, os.fstat(stream.fileno()))
            data = stream.read(1 << 20)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror})", hint=f"check `ls -l {file}`") from error
    try:
        return tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: is not UTF-8 (byte {error.start})", hint="save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: is not valid TOML: {error}", hint="correct that line") from error


def refuse_unsafe(file: str, status: os.stat_result) -> None:
    """Raise ConfigError if somebody else could have written a config file: it can run commands.

    The owner must be the user or root. Group-writable is fine only for the user's private group (gid equal to uid, the
    Debian and Red Hat custom); writable by everybody never is.
    """
    if not stat.S_ISREG(status.st_mode):
        raise ConfigError(f"{file}: is not a regular file", hint="put the configuration into a file of its own")
    if status.st_uid not in (0, os.geteuid()):
        raise ConfigError(
            f"{file}: belongs to another user (uid {status.st_uid})", hint=f"chown it, or copy what you trust: `cp {file} {file}.mine`"
        )
    private_group = status.st_gid == status.st_uid
    if status.st_mode & stat.S_IWOTH or (status.st_mode & stat.S_IWGRP and not private_group):
        raise ConfigError(f"{file}: can be written by others (mode {stat.S_IMODE(status.st_mode):04o})", hint=f"chmod go-w {file}")


def _read_index(table: object, file: str, number: int) -> IndexConfig:
    """Return one `[[index]]` table as a value, every key checked."""
    if not isinstance(table, dict):
        raise ConfigError(f"{file}: index must be tables", hint="write [[index]] with two brackets")
    where = f"[[index]] number {number}"
    check_keys(table, INDEX_KEYS, file, where)
    if "url" not in table:
        raise ConfigError(f"{file}: {where} has no url", hint='add a line like url = "https://pypi.example/simple/"')
    url = _read_url(table, "url", file, where)
    scope = scope_of(_read_url(table, "scope", file, where)) if "scope" in table else scope_of_index(url)
    if not scope.covers(url):
        raise ConfigError(f"{file}: {where}: scope does not cover url", hint="scope must be the same server, and a folder above url")
    verify_url = _read_url(table, "verify-url", file, where) if "verify-url" in table else url
    if not scope.covers(verify_url):
        # The credential would not be sent there, and its refusal would be taken for the index's.
        raise ConfigError(f"{file}: {where}: scope does not cover verify-url", hint="verify-url must be on the same server, below scope")
    userinfo = find_userinfo(table["url"])
    lookups = {kind: _read_lookup(table, kind, file, where) for kind in ("env", "file")}
    logins = read_logins(table, file, where)
    if logins.posit and not scope_of(logins.posit.url).covers(url):
        hint = "its tokens are for its own server: give url the same scheme, host and port as address"
        raise ConfigError(f"{file}: {where}: url is not below the address of posit", hint=hint)
    implied = tuple(kind for kind in ("env", "file", "command", "posit", "oidc", "ambient") if kind in table)
    return IndexConfig(
        name=table.get("name") or url.host,
        url=url,
        scope=scope,
        username=table.get("username") or (userinfo.username if userinfo else None) or None,
        source=_read_sources(table, file, where) or implied or DEFAULT_CHAIN,
        source_is_explicit="source" in table or bool(implied),
        insecure=table.get("insecure", False),
        max_age_s=read_duration(table["max-age"], "max-age", file, where) if "max-age" in table else None,
        on_failure=table.get("on-failure", "stop"),
        verify_url=verify_url,
        command=_read_command(table, file, where),
        env=lookups["env"],
        file=lookups["file"],
        defined_in=file,
        ca_bundle=table.get("ca-bundle") or None,
        publish_url=_read_url(table, "publish-url", file, where) if "publish-url" in table else None,
        agent=table.get("agent", False),
        agent_permanent=table.get("agent-permanent", False),
        logins=logins,
        use_as=table.get("use-as"),
    )


def _read_url(table: dict[str, Any], key: str, file: str, where: str) -> Url:
    try:
        userinfo = find_userinfo(table[key])
        if userinfo and userinfo.password:
            raise ConfigError(
                f"{file}: {where}: {key} holds a password",
                hint="take the password out of the URL, change it at the index, and run `shim login` with the new one",
            )
        return parse_url(table[key])
    except BadUrl as error:
        raise ConfigError(f"{file}: {where}: {key} is not a usable URL: {error}", hint="write it as https://host/path/") from error


def _read_sources(table: dict[str, Any], file: str, where: str) -> tuple[str, ...]:
    names = tuple(table.get("source", ()))
    for name in names:
        if name not in SOURCE_NAMES:
            shown = repr(name) if name.replace("-", "").isalnum() else "of a strange name"  # maybe a URL with a password
            raise ConfigError(f"{file}: {where}: unknown source {shown}", hint=nearest(name, SOURCE_NAMES))
        if name in TABLE_KEYS and name not in table:
            raise ConfigError(f"{file}: {where}: source {name!r} needs a key {name} = {{…}}", hint=f"add {name} = {example_of(name)}")
    return names


def _read_command(table: dict[str, Any], file: str, where: str) -> CommandSource | None:
    if "command" not in table:
        return None
    command = table["command"]
    check_keys(command, TABLE_KEYS["command"], file, f"{where}, command")
    if not command.get("argv"):
        raise ConfigError(f"{file}: {where}: command has no argv", hint=f"write command = {example_of('command')}")
    seconds = read_duration(command["timeout"], "timeout", file, where) if "timeout" in command else DEFAULT_COMMAND_TIMEOUT_S
    protocol = command.get("protocol", "plain")
    fields = tuple((name, command[name]) for name in ("password", "username", "expires") if name in command)
    if fields and protocol != "json":
        hint = 'add protocol = "json", or leave it out'
        raise ConfigError(f'{file}: {where}: {fields[0][0]} in command is a field of JSON, and protocol is "{protocol}"', hint=hint)
    return CommandSource(
        tuple(command["argv"]), seconds, command.get("interactive", False), protocol, fields, command.get("use-path", False)
    )


def _read_lookup(table: dict[str, Any], kind: str, file: str, where: str) -> Lookup | None:
    if kind not in table:
        return None
    lookup = table[kind]
    check_keys(lookup, TABLE_KEYS[kind], file, f"{where}, {kind}")
    if not lookup.get("password"):
        raise ConfigError(f"{file}: {where}: {kind} does not say where the password is", hint=f"write {kind} = {example_of(kind)}")
    return Lookup(lookup["password"], lookup.get("username"), lookup.get("file"))
