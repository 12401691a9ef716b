"""The keys of `[[index]]` that log in: `posit`, `oidc` and `ambient`, as values, every URL of them
checked.

A server that is asked for tokens is reached by https, or is this machine: `insecure` does not
change that.
"""

from __future__ import annotations

import os

from shim.config.checks import check_keys, example_of
from shim.config.schema import TABLE_KEYS
from shim.core.dataclass import dataclass
from shim.core.errors import ConfigError
from shim.core.host import Host
from shim.core.typing import Any, Callable, Mapping
from shim.core.urls import BadUrl, Url, find_userinfo, parse_url

#: R, rspm and posit-keyring read the server's address here.
ADDRESS_VARIABLE = "PACKAGEMANAGER_ADDRESS"
#: Where R looks for the shared tokens instead of `~/.ppm/tokens.toml`.
TOKENS_VARIABLE = "PACKAGEMANAGER_SSO_TOKEN_FILE"
DEFAULT_SCOPES = ("openid", "offline_access")


@dataclass(frozen=True, slots=True)
class PositLogin:
    """`posit = {…}`; `address` as it is spelled: so others find its entry in tokens.toml."""

    url: Url
    address: str


@dataclass(frozen=True, slots=True)
class OidcLogin:
    """`oidc = {…}`; `token` is the field that is the password, or is exchanged for one."""

    issuer: Url
    client_id: str
    scopes: tuple[str, ...] = DEFAULT_SCOPES
    token: str = "access_token"  # noqa: S105 (the name of a field)
    exchange: Url | None = None


@dataclass(frozen=True, slots=True)
class AmbientLogin:
    """`ambient = {…}`: for whom a CI job's identity is said; `provider` as Artifactory calls it."""

    audience: str
    exchange: Url | None = None
    provider: str | None = None


@dataclass(frozen=True, slots=True)
class Logins:
    """What one `[[index]]` says about logging in."""

    posit: PositLogin | None = None
    oidc: OidcLogin | None = None
    ambient: AmbientLogin | None = None

    @property
    def servers(self) -> tuple[Url, ...]:
        """Every server that is told who one is."""
        exchanges = (login.exchange for login in (self.oidc, self.ambient) if login)
        named = (self.posit and self.posit.url, self.oidc and self.oidc.issuer, *exchanges)
        return tuple(url for url in named if url)


NO_LOGINS = Logins()


def read_logins(table: dict[str, Any], file: str, where: str) -> Logins:
    """Return the logins of one `[[index]]` table. Raises ConfigError."""
    found: dict[str, Any] = {}
    for name, (required, read) in READERS.items():
        if name in table:
            place = f"{where}, {name}"
            check_keys(table[name], TABLE_KEYS[name], file, place)
            for key in required:
                if not table[name].get(key):
                    hint = f"write {name} = {example_of(name)}"
                    raise ConfigError(f"{file}: {where}: {name} has no {key}", hint=hint)
            found[name] = read(table[name], f"{file}: {place}")
    return Logins(**found)


def read_address(text: str, where: str) -> PositLogin:
    """Return the Package Manager at an address that `where` names. Raises ConfigError."""
    return PositLogin(read_server(text, where), text)


def find_tokens_file(host: Host) -> str | None:
    """Return the path of the tokens that others share with us, or None without a home."""
    named = host.environ.get(TOKENS_VARIABLE)
    if named:
        return host.path(named) if named.startswith(("/", "~/")) else None
    return os.path.join(host.home, ".ppm", "tokens.toml") if host.home else None


def read_server(text: str, where: str) -> Url:
    """Return a server's URL. Raises ConfigError: no URL, plain http, or with a user in it."""
    try:
        url, userinfo = parse_url(text), find_userinfo(text)
    except BadUrl as error:
        hint = "write it as https://host/"
        raise ConfigError(f"{where} is not a usable URL: {error}", hint=hint) from None
    if userinfo:
        hint = "take out what stands before the @"
        raise ConfigError(f"{where} has a user name in it", hint=hint)
    if not url.is_confidential:
        hint = "write it with https"
        raise ConfigError(f"{where} is plain http: tokens would travel in clear", hint=hint)
    if "?" in url.text or "#" in url.text:
        raise ConfigError(f"{where} has a query or a fragment", hint="end it before the ? or #")
    return url


def _read_posit(login: dict[str, Any], where: str) -> PositLogin:
    return read_address(login["address"], f"{where}: address")


def _read_oidc(login: dict[str, Any], where: str) -> OidcLogin:
    return OidcLogin(
        read_server(login["issuer"], f"{where}: issuer"),
        login["client-id"],
        tuple(login.get("scopes", DEFAULT_SCOPES)),
        login.get("token", "access_token"),
        _read_exchange(login, where),
    )


def _read_ambient(login: dict[str, Any], where: str) -> AmbientLogin:
    return AmbientLogin(login["audience"], _read_exchange(login, where), login.get("provider"))


def _read_exchange(login: dict[str, Any], where: str) -> Url | None:
    url = login.get("exchange-url")
    return None if url is None else read_server(url, f"{where}: exchange-url")


#: Key -> what it has to say, and how the rest of it is read.
READERS: Mapping[str, tuple[tuple[str, ...], Callable[[dict[str, Any], str], object]]] = {
    "posit": (("address",), _read_posit),
    "oidc": (("issuer", "client-id"), _read_oidc),
    "ambient": (("audience",), _read_ambient),
}
