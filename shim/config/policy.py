"""The machine's policy: what root forbids to every user's configuration. No variable moves or
replaces it.

The file must be root's, and nobody else may be able to write it; one that is not, or says something
unknown, stops every command that needs a credential: a policy that cannot be read forbids
everything.
"""

from __future__ import annotations

import os
import stat

from shim.config.checks import read_patterns
from shim.config.former_places import find_left, refuse_missed
from shim.config.schema import POLICY_KEYS
from shim.core.dataclass import dataclass
from shim.core.errors import ConfigError
from shim.core.files import CannotRead, read_regular
from shim.core.package_names import matches
from shim.core.toml import read_toml
from shim.core.typing import TYPE_CHECKING, Any, Iterable
from shim.core.urls import BadUrl, Scope, Url, parse_url, scope_of

if TYPE_CHECKING:
    from shim.config.index import IndexConfig

#: Key -> whether it is a switch (true or absent: allowed) or a list of scopes.
_KINDS = {"boolean": bool, "string": str}
KEYS = {key.name: _KINDS.get(key.kind, list) for key in POLICY_KEYS}
EXAMPLES = {key.name: key.example for key in POLICY_KEYS}


@dataclass(frozen=True, slots=True)
class Policy:
    """What is allowed; `file` is for messages, `index_strategy` is imposed on everybody.
    An index has to claim each pattern of `packages`.

    `scopes` is None where any index may get a credential, `logins` where any server may be one that
    people and jobs log in at. A file from below one of `setups` may say everything.
    """

    file: str = ""
    allow_insecure: bool = True
    allow_command: bool = True
    allow_file_store: bool = True
    allow_on_failure: bool = True
    allow_audit_off: bool = True
    allow_agent: bool = True
    scopes: tuple[Scope, ...] | None = None
    logins: tuple[Scope, ...] | None = None
    setups: tuple[Scope, ...] | None = None
    index_strategy: str | None = None
    packages: tuple[str, ...] = ()

    def trusts_setup(self, url: Url) -> bool:
        """Whether a file of settings from this URL may say everything."""
        return any(scope.covers(url) for scope in self.setups or ())

    def refuses(self, url: Url) -> str | None:
        """Return why no credential may go to this URL, or None if one may."""
        allowed = self.scopes is None or any(scope.covers(url) for scope in self.scopes)
        return None if allowed else f"{self.file} does not list this index"

    def refuses_login(self, url: Url) -> bool:
        """Whether no identity may go to this URL: of a provider, or where a token is exchanged."""
        return self.logins is not None and not any(scope.covers(url) for scope in self.logins)


#: What counts where there is no policy.
NO_POLICY = Policy()


def policy_file() -> str:
    """Return the path of the machine's policy, existing or not."""
    return "/etc/xdg/shim/policy.toml"


def find_left_policy() -> list[tuple[str, str]]:
    """Return (where it lies, where it is looked for) for a policy that is left where it was."""
    return find_left(os.path.dirname(policy_file()), None, ("policy.toml",))


def load_policy() -> Policy:
    """Return the machine's policy; one that allows everything where there is none.

    Raises:
        ConfigError: it is not root's alone, unreadable, not TOML, says something unknown, or lies
            where it lay before.
    """
    refuse_missed(find_left_policy())
    file = policy_file()
    try:
        data = read_regular(file, check=lambda status: _refuse_unsafe(file, status))
        document = read_toml(data.decode("utf-8")) if data is not None else None
    except (CannotRead, UnicodeDecodeError) as error:
        why = error.why if isinstance(error, CannotRead) else f"is not valid TOML: {error}"
        raise ConfigError(f"{file}: {why}", hint="let root correct it") from error
    return NO_POLICY if document is None else _read(document, file)


def refuse_forbidden(policy: Policy, indexes: Iterable[IndexConfig], audit: str) -> None:
    """Raise ConfigError for the first thing in a configuration that the policy forbids."""
    if audit == "off" and not policy.allow_audit_off:
        hint = "take that line out of your config.toml"
        raise ConfigError(f'{policy.file} forbids audit = "off"', hint=hint)
    indexes = tuple(indexes)
    claimed = [pattern for index in indexes for pattern in index.packages]
    for wanted in policy.packages:
        if not any(matches(pattern, wanted) for pattern in claimed):
            hint = f'write packages = ["{wanted}"] into the [[index]] that these names come from'
            message = f"{policy.file} wants {wanted} in the packages of an [[index]]"
            raise ConfigError(message, hint=hint)
    for index in indexes:
        goes_on, needs_credential = index.on_failure != "stop", not index.is_everybodys
        said = {
            "insecure = true": index.insecure and not policy.allow_insecure,
            "a command as source": index.command and not policy.allow_command,
            f'on-failure = "{index.on_failure}"': goes_on and not policy.allow_on_failure,
            "agent = true": index.agent and not policy.allow_agent,
            f"a credential for {index.scope}": needs_credential and policy.refuses(index.url),
            **{f"a login at {one}": policy.refuses_login(one) for one in index.logins.servers},
        }
        for what in (what for what, is_forbidden in said.items() if is_forbidden):
            words = f"forbids {what} ([[index]] {index.name} in {index.defined_in})"
            hint = "take it out, or ask who keeps the policy"
            raise ConfigError(f"{policy.file} {words}", hint=hint)


def _refuse_unsafe(file: str, status: os.stat_result) -> None:
    mode = status.st_mode
    if status.st_uid != 0 or not stat.S_ISREG(mode) or mode & (stat.S_IWGRP | stat.S_IWOTH):
        message = f"{file}: a policy must be root's, and writable by nobody else"
        raise ConfigError(message, hint=f"chown root: {file} && chmod 644 {file}")


def _read(document: dict[str, Any], file: str) -> Policy:
    for key, value in document.items():
        if key not in KEYS:
            hint = "known are: " + ", ".join(sorted(KEYS))
            raise ConfigError(f"{file}: unknown key {key!r}", hint=hint)
        if not isinstance(value, KEYS[key]):
            hint = f"write it like this: {key} = {EXAMPLES[key]}"
            raise ConfigError(f"{file}: {key} has a value of another kind", hint=hint)
    if document.get("index-strategy", "first-index") != "first-index":
        hint = 'write index-strategy = "first-index", or take it out'
        raise ConfigError(f"{file}: index-strategy must be first-index", hint=hint)
    switches = {
        key.replace("-", "_"): document.get(key, True) for key, kind in KEYS.items() if kind is bool
    }
    return Policy(
        file,
        scopes=_read_scopes(document, "indexes", file),
        logins=_read_scopes(document, "logins", file),
        setups=_read_scopes(document, "trusted-setups", file),
        index_strategy=document.get("index-strategy"),
        packages=read_patterns(map(str, document.get("packages", ())), file),
        **switches,
    )


def _read_scopes(document: dict[str, Any], key: str, file: str) -> tuple[Scope, ...] | None:
    """Return what a list of URLs covers, or None where there is no list. Raises ConfigError."""
    try:
        if key in document:
            return tuple(scope_of(parse_url(str(text))) for text in document[key])
        return None
    except BadUrl as error:
        hint = "write it as https://host/path/"
        raise ConfigError(f"{file}: {key} holds no usable URL: {error}", hint=hint) from error
