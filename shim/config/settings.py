"""Reads config.toml and the SHIM_* variables that change it; `schema.py` has them as tables.

A project directory can never configure us: only the user's and the machine's file are read. A file
that others can write is refused; an unknown key is an error that names the nearest known one.
"""

from __future__ import annotations

import os
import stat

from shim.config.checks import check_keys, check_uses, check_value, read_duration
from shim.config.former_places import find_left, missed_files, refuse_missed
from shim.config.index import IndexConfig, read_index
from shim.config.kept_documents import read_document
from shim.config.logins import ADDRESS_VARIABLE, read_address
from shim.config.merge import merge_tables
from shim.config.policy import NO_POLICY, Policy, load_policy, policy_file, refuse_forbidden
from shim.config.schema import DEFAULT_CHAIN, TOP_KEYS, VARIABLES
from shim.core.dataclass import dataclass, field, replace
from shim.core.errors import ConfigError
from shim.core.files import CannotRead, names_in, read_regular
from shim.core.functools import lru_cache
from shim.core.host import Host
from shim.core.package_names import find_conflict, normal_name, owner_of
from shim.core.private_folders import cache_folder
from shim.core.typing import Any, Literal
from shim.core.urls import Url, scope_of

DEFAULT_KEYRING_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What config files and variables say together; `files` are those looked for, there or not."""

    channel: Literal["auto", "strict", "env"] = "auto"
    indexes: tuple[IndexConfig, ...] = ()
    files: tuple[str, ...] = ()
    keyring_timeout_s: float = DEFAULT_KEYRING_TIMEOUT_S
    redact: Literal["auto", "always", "never"] = "auto"
    audit: Literal["on", "off", "syslog"] = "on"
    policy: Policy = NO_POLICY
    keyring_wait_s: float | None = None
    """How long a keyring may take to answer; None where nothing is said."""
    store: tuple[str, ...] = ("keyring",)
    index_strategy: Literal["first-index"] | None = None
    _found: dict[str, IndexConfig | None] = field(default_factory=dict, repr=False, compare=False)

    @property
    def claims(self) -> tuple[tuple[str, str], ...]:
        """(pattern, URL) for each entry of `packages`: which names belong to which index."""
        return tuple(
            (pattern, index.url.text) for index in self.indexes for pattern in index.packages
        )

    def index_for(self, url: Url) -> IndexConfig | None:
        """Return the `[[index]]` with the longest scope that covers `url`, or None."""
        if url.text not in self._found:
            matching = [
                (len(scope.segments), index)
                for index in self.indexes
                if not index.is_everybodys and (scope := index.reach(url))
            ]
            self._found[url.text] = max(matching, key=lambda found: found[0], default=(0, None))[1]
        return self._found[url.text]

    def index_named(self, name: str | None) -> IndexConfig | None:
        """Return the `[[index]]` of that name, or None."""
        return next((index for index in self.indexes if index.name == name), None)

    def index_claiming(self, name: str) -> IndexConfig | None:
        """Return the `[[index]]` whose `packages` claim a package, or None."""
        owner = owner_of(normal_name(name), self.claims)
        claiming = (index for index in self.indexes if index.packages)
        return next((index for index in claiming if index.url.text == owner), None)


def config_files(host: Host, also: str = "") -> tuple[str, ...]:
    """Return the config files that count, existing or not, as absolute paths: the user's
    config.toml, then what lies in config.d beside it in the order of names, then the machine's in
    the same way. Of two that say the same key the first one counts. `also` is a file that is yet to
    be: it stands where it will. Last comes what lies where nobody looks any more and would be
    missed: `load_settings` refuses it.
    """
    replaced = host.environ.get("SHIM_CONFIG_FILE")
    if replaced:
        return (host.path(replaced),)
    files = (user_config_file(host), machine_config_file())
    counting = (path for file in files if file for path in (file, *_parts(file, also)))
    return (*counting, *missed_files(find_left_files(host)))


def find_left_files(host: Host) -> list[tuple[str, str]]:
    """Return (where it lies, where it is looked for) for what is left in former places."""
    if host.environ.get("SHIM_CONFIG_FILE"):
        return []
    homes = ((user_config_file(host), host.home), (machine_config_file(), None))
    return [
        pair
        for file, home in homes
        if file
        for pair in find_left(os.path.dirname(file), home, ("config.toml", "config.d"))
    ]


def folder_beside(file: str) -> str:
    """Return the folder of further files beside a config.toml."""
    return os.path.join(os.path.dirname(file), "config.d")


def _parts(file: str, also: str) -> list[str]:
    """Return the files of `config.d` beside a config.toml; the folder if it cannot be listed."""
    folder = folder_beside(file)
    expected = {os.path.basename(also)} if os.path.dirname(also) == folder else set()
    try:
        names = sorted({*names_in(folder), *expected})
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError:
        return [folder]
    return [
        os.path.join(folder, name)
        for name in names
        if name.endswith(".toml") and not name.startswith(".")
    ]


def user_config_file(host: Host) -> str | None:
    """Return the path of the user's config.toml, or None where there is no home.

    It is the same on every system: launcher.sh looks there as well.
    """
    return os.path.join(host.config_home, "shim", "config.toml") if host.config_home else None


def machine_config_file() -> str:
    """Return the machine's config.toml. No variable moves it: a project's must not."""
    return "/etc/xdg/shim/config.toml"


def load_settings(host: Host, *, instead: tuple[str, str] | None = None) -> Settings:
    """Return the settings of all config files and variables, the user's file before the machine's.

    `instead` is a config file, there or not, and one that is read in its place: what it would be.

    Raises:
        ConfigError: a file is unreadable, unsafe, not TOML or wrong; a variable has a bad value.
    """
    refuse_missed(find_left_files(host))
    files = config_files(host, instead[0] if instead else "")
    places = {file: instead[1] if instead and file == instead[0] else file for file in files}
    read = [(file, read_config(place, file)) for file, place in places.items()]
    texts = tuple((file, text) for file, text in read if text is not None)
    folder, _ = cache_folder(host) if texts else (None, "")
    if not texts and host.environ.get("SHIM_CONFIG_FILE"):
        hint = "unset SHIM_CONFIG_FILE, or create the file"
        raise ConfigError(f"SHIM_CONFIG_FILE names {files[0]}, which does not exist", hint=hint)
    channel, redact = (_read_variable(name, host) for name in ("SHIM_CHANNEL", "SHIM_REDACT"))
    address = host.environ.get(ADDRESS_VARIABLE) or ""
    return _combine(files, texts, folder, channel, redact, load_policy(), address)


@lru_cache(maxsize=4)
def _combine(
    files: tuple[str, ...],
    texts: tuple[tuple[str, str], ...],
    folder: str | None,
    channel: Any,
    redact: Any,
    policy: Policy,
    address: str,
) -> Settings:
    """Return what files, variables and policy come to. Raises ConfigError.

    Several steps of a command want the settings; a process that lives on sees what changed.
    """
    documents = [(file, parse_config(text, file, folder)) for file, text in texts]
    said: dict[str, Any] = {
        "channel": channel,
        "redact": redact,
        "index-strategy": policy.index_strategy,
    }
    seconds: dict[str, float] = {}
    for file, document in documents:
        check_keys(document, TOP_KEYS, file, "")
        check_uses(document, file)
        for key, value in document.items():
            if key in ("keyring-timeout", "keyring-wait"):
                seconds.setdefault(key, read_duration(value, key, file, "top level"))
            said[key] = said.get(key) or value
    indexes = [
        replace(read_index(one.table, one.file, one.number), keys=tuple(one.keys.items()))
        for one in merge_tables(documents)
    ]
    indexes = _add_package_manager(indexes, address)
    may_login = said.get("login") != "manual"
    settings = Settings(
        said["channel"] or "auto",
        tuple(replace(index, may_login=may_login) for index in indexes),
        (*files, policy_file()),
        seconds.get("keyring-timeout", DEFAULT_KEYRING_TIMEOUT_S),
        said["redact"] or "auto",
        said.get("audit") or "on",
        policy,
        seconds.get("keyring-wait") or None,
        tuple(said.get("store") or ("keyring",)),
        said["index-strategy"],
    )
    _check_claims(settings)
    refuse_forbidden(policy, settings.indexes, settings.audit)
    return settings


def _check_claims(settings: Settings) -> None:
    """Raise ConfigError for a name that two indexes claim: which one is listed first is chance."""
    if found := find_conflict(settings.claims):
        (one, index), (other, another) = found
        message = f"packages: {one!r} of {index} and {other!r} of {another} have names in common"
        hint = "make the patterns so narrow that no name fits both"
        raise ConfigError(f"{settings.files[0]}: {message}", hint=hint)


def _add_package_manager(indexes: list[IndexConfig], address: str) -> list[IndexConfig]:
    """Return the indexes with the Posit Package Manager that a variable names: asked first by those
    of its server that name no source of their own, and an index by itself if there is none. Raises
    ConfigError for an address that is no safe URL.
    """
    if not address:
        return indexes
    posit = read_address(address, ADDRESS_VARIABLE)
    scope, chain = scope_of(posit.url), ("agent", "posit", *DEFAULT_CHAIN[1:])
    own = [index for index in indexes if scope.covers(index.url)]
    if not own:
        table = {"url": address, "posit": {"address": address}, "source": list(chain)}
        added = read_index(table, f"env {ADDRESS_VARIABLE}", 1)
        return [*indexes, replace(added, source_is_explicit=False)]
    return [
        index
        if index not in own or index.source_is_explicit
        else replace(index, logins=replace(index.logins, posit=posit), source=chain)
        for index in indexes
    ]


def _read_variable(name: str, host: Host) -> Any:
    """Return a variable's value, or None. Raises ConfigError if it is none of its choices."""
    value = host.environ.get(name) or None
    if value is not None:
        key = next(key for key in VARIABLES if key.name == name)
        check_value(value, key, "the environment", "")
    return value


def read_config(path: str, file: str) -> str | None:
    """Return the text at a path, or None if there is nothing there.

    `file` is the config file that it is, or would be.

    Raises:
        ConfigError: not readable, writable by others, owned by somebody else, not UTF-8.
    """
    try:
        data = read_regular(path, check=lambda status: refuse_unsafe(file, status))
    except CannotRead as error:
        raise ConfigError(f"{file}: {error.why}", hint=f"ls -l {file}") from error
    if data is None:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        hint = "save it as UTF-8"
        raise ConfigError(f"{file}: is not UTF-8 (byte {error.start})", hint=hint) from error


def parse_config(text: str, file: str, folder: str | None = None) -> dict[str, Any]:
    """Return the document of a config file's text; `folder` is the token cache's. Raises
    ConfigError if it is not TOML.
    """
    try:
        return read_document(text, file, folder)
    except CannotRead as error:
        raise ConfigError(f"{file}: {error.why}", hint="correct that line") from error


def refuse_unsafe(file: str, status: os.stat_result) -> None:
    """Raise ConfigError if somebody else could have written a config file: it can run commands.

    The owner must be the user or root. Group-writable is fine only for the user's private group
    (gid equal to uid, the Debian and Red Hat custom); writable by everybody never is.
    """
    if not stat.S_ISREG(status.st_mode):
        hint = "put the configuration into a file of its own"
        raise ConfigError(f"{file}: is not a regular file", hint=hint)
    if status.st_uid not in (0, os.geteuid()):
        hint = f"chown it, or copy what you trust: `cp {file} {file}.mine`"
        raise ConfigError(f"{file}: belongs to another user (uid {status.st_uid})", hint=hint)
    private_group = status.st_gid == status.st_uid
    if status.st_mode & stat.S_IWOTH or (status.st_mode & stat.S_IWGRP and not private_group):
        message = f"{file}: can be written by others (mode {stat.S_IMODE(status.st_mode):04o})"
        raise ConfigError(message, hint=f"chmod go-w {file}")
