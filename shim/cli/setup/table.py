"""The `[[index]]` that `shim setup` makes of options and answers. What only some servers need is
asked where it matters alone.
"""

from __future__ import annotations

import argparse
import os

from shim.cli.setup import fields
from shim.cli.setup.ask import by_number, may_ask, menu, prompt, read_field
from shim.config.edit import Table
from shim.config.settings import Settings
from shim.core.errors import UsageError
from shim.core.host import Host, write_stderr
from shim.core.urls import Url

#: How long a server may take to show whether its certificate is trusted here.
PROBE_S = 5.0


def ask_table(arguments: argparse.Namespace, settings: Settings, file: str, host: Host) -> Table:
    """Return the table of one index. Raises UsageError."""
    if arguments.name:
        fields.read_name(arguments.name, settings)  # before anybody answers questions
    url, typed_user = _ask_url(arguments, settings, host)
    bundle = _ask_bundle(url, arguments, host)
    login = {} if url.is_public else _ask_login(arguments, host)
    username = fields.read_username(arguments.user) if arguments.user is not None else typed_user
    if username is None and not arguments.login and "on-failure" not in login and not url.is_public:
        username = read_field(
            None, "   User name [__token__]: ", fields.read_username, arguments, host, ""
        )
    use = ask_use(arguments, settings, file, host)
    if url.is_public and use == "no":
        hint = f"shim setup {url} --use-as extra puts it beside a private index"
        raise UsageError(f"{url.host} serves everybody: there is nothing to log in to", hint=hint)
    name = arguments.name or fields.name_for(url, {index.name for index in settings.indexes})
    table = {
        "name": name,
        "url": url.text,
        "scope": _ask_scope(url, arguments, host),
        "username": username,
    }
    table |= {
        "publish-url": _ask_publish(url, arguments, host),
        **login,
        "ca-bundle": bundle,
        "use-as": use if use != "no" else None,
    }
    table |= {"packages": _ask_packages(url, arguments, settings, host)}
    return {key: value for key, value in table.items() if value}


def _ask_url(
    arguments: argparse.Namespace, settings: Settings, host: Host
) -> tuple[Url, str | None]:
    def new_url(text: str) -> tuple[Url, str | None]:
        url, username = fields.read_url(text)
        if same := fields.find_same(url, settings):
            message = f"{same.defined_in} has that index already, as {same.name}"
            raise UsageError(message, hint=f"shim login {same.name}, or change it there")
        return url, username

    return read_field(
        arguments.url,
        "1. The URL of the index: ",
        new_url,
        arguments,
        host,
        needed="the URL of the index",
    )


def _ask_bundle(url: Url, arguments: argparse.Namespace, host: Host) -> str | None:
    """Return the file of the authority that vouches for the index; asked for only where its
    certificate is not trusted here.
    """
    if arguments.ca_bundle is not None:
        return fields.read_bundle(arguments.ca_bundle, host)
    if not may_ask(arguments, host) or url.scheme != "https":
        return None
    from shim.net.http_client import probe

    outcome = probe(url, None, host, PROBE_S)
    if outcome.cause != "authority":
        return None
    write_stderr(
        f"   The certificate of {url.host} is signed by an authority that is not trusted here.\n"
    )
    question = "   PEM file of that authority, or `system` [system]: "
    return read_field(
        None, question, lambda text: fields.read_bundle(text, host), arguments, host, "system"
    )


def _ask_login(arguments: argparse.Namespace, host: Host) -> Table:
    def read(text: str) -> Table:
        word, colon, value = text.partition(":")
        kind = by_number(word, [one for one, _, _ in fields.LOGINS])
        needed = {one: example for one, example, _ in fields.LOGINS}.get(kind)
        if needed and not colon and host.interactive:
            value, colon = prompt(f"   {needed}: ", arguments), ":"
        found = fields.read_login(f"{kind}{colon}{value}", host)
        if "oidc" in found:
            client = read_field(
                arguments.client_id,
                "   Client id [pip]: ",
                fields.read_client,
                arguments,
                host,
                "pip",
            )
            return {"oidc": {"issuer": value.strip(), "client-id": client}}
        return found

    return read_field(
        arguments.login,
        menu("2. How do you log in?", fields.LOGINS, "login"),
        read,
        arguments,
        host,
        "login",
    )


def ask_use(arguments: argparse.Namespace, settings: Settings, file: str, host: Host) -> str:
    """Return `default`, `extra` or `no`. Raises UsageError."""
    words = [word for word, _ in fields.USES]
    question = menu(
        "3. For which commands?", ((word, "", text) for word, text in fields.USES), "no"
    )
    return read_field(
        arguments.use_as,
        question,
        lambda text: fields.read_use(by_number(text, words), settings, file),
        arguments,
        host,
        "no",
    )


def _ask_scope(url: Url, arguments: argparse.Namespace, host: Host) -> str | None:
    """Return who may receive the credential, where a server of this kind serves its files beside
    its index.
    """
    usual = fields.usual_scope(url)
    if arguments.scope is None and usual is None:
        return None
    question = f"   Its files may lie beside the index. The credential is for [{usual}]: "
    return read_field(
        arguments.scope, question, lambda text: fields.read_scope(text, url), arguments, host, usual
    )


def _ask_publish(url: Url, arguments: argparse.Namespace, host: Host) -> str | None:
    """Return the upload endpoint, for whose who upload somewhere else than below the index."""
    if url.is_public:
        return None
    if (
        arguments.login is not None and arguments.publish_url is None
    ):  # who says things by options has said all of them
        return None
    question = "   Where do you upload packages to, if you do? [nowhere]: "
    return read_field(arguments.publish_url, question, fields.read_publish, arguments, host, "")


def _ask_packages(
    url: Url, arguments: argparse.Namespace, settings: Settings, host: Host
) -> list[str]:
    """Return the names that belong to the index, for whose who have some."""
    if arguments.packages is None and (url.is_public or arguments.login is not None):
        return []
    question = "   Which names come only from here, such as corp-* acme-lib? [none]: "
    return read_field(
        arguments.packages,
        question,
        lambda text: fields.read_packages(text, settings),
        arguments,
        host,
        "",
    )


def load_or_begin(host: Host) -> Settings:
    """Return the settings; empty ones where SHIM_CONFIG_FILE names a file that is yet to be made.
    Raises ConfigError.
    """
    from shim.config.settings import load_settings

    named = host.environ.get("SHIM_CONFIG_FILE")
    if named and not os.path.lexists(host.path(named)):
        return Settings(files=(host.path(named),))
    return load_settings(host)
