"""The `[[index]]` of options and answers. What some servers need is asked for these alone."""

from __future__ import annotations

import os

from shim.cli.setup import fields
from shim.cli.setup.ask import Dialogue, by_number, menu
from shim.config.edit import Table
from shim.config.settings import Settings, load_settings
from shim.core.errors import UsageError
from shim.core.host import Host, write_stderr
from shim.core.urls import Url

#: How long a server may take to show whether its certificate is trusted here.
PROBE_S = 5.0


def ask_table(dialogue: Dialogue, settings: Settings, file: str) -> Table:
    """Return the table of one index. Raises UsageError."""
    arguments = dialogue.arguments
    if arguments.name:
        fields.read_name(arguments.name, settings)  # before anybody answers questions
    url, typed_user = _ask_url(dialogue, settings)
    bundle = _ask_bundle(url, dialogue)
    login = {} if url.is_public else _ask_login(dialogue)
    username = fields.read_username(arguments.user) if arguments.user is not None else typed_user
    if username is None and not arguments.login and "on-failure" not in login and not url.is_public:
        question = "   User name [__token__]: "
        username = dialogue.read_field(None, question, fields.read_username, "")
    use = ask_use(dialogue, settings, file)
    if url.is_public and use == "no":
        hint = f"shim setup {url} --use-as extra puts it beside a private index"
        raise UsageError(f"{url.host} serves everybody: there is nothing to log in to", hint=hint)
    name = arguments.name or fields.name_for(url, {index.name for index in settings.indexes})
    table = {
        "name": name,
        "url": url.text,
        "scope": _ask_scope(url, dialogue),
        "username": username,
        "publish-url": _ask_publish(url, dialogue),
        **login,
        "ca-bundle": bundle,
        "use-as": use if use != "no" else None,
        "packages": _ask_packages(url, dialogue, settings),
    }
    return {key: value for key, value in table.items() if value}


def _ask_url(dialogue: Dialogue, settings: Settings) -> tuple[Url, str | None]:
    def new_url(text: str) -> tuple[Url, str | None]:
        url, username = fields.read_url(text)
        if same := fields.find_same(url, settings):
            message = f"{same.defined_in} has that index already, as {same.name}"
            raise UsageError(message, hint=f"shim login {same.name}, or change it there")
        return url, username

    return dialogue.read_field(dialogue.arguments.url, "1. The URL of the index: ", new_url)


def _ask_bundle(url: Url, dialogue: Dialogue) -> str | None:
    """Return the file of the authority; asked for only where the certificate is not trusted."""

    def read(text: str) -> str:
        return fields.read_bundle(text, dialogue.host)

    if dialogue.arguments.ca_bundle is not None:
        return read(dialogue.arguments.ca_bundle)
    if not dialogue.may_ask or url.scheme != "https":
        return None
    from shim.net.http_client import probe

    if probe(url, None, dialogue.host, PROBE_S).cause != "authority":
        return None
    write_stderr(
        f"   The certificate of {url.host} is signed by an authority that is not trusted here.\n"
    )
    question = "   PEM file of that authority, or `system` [system]: "
    return dialogue.read_field(None, question, read, "system")


def _ask_login(dialogue: Dialogue) -> Table:
    arguments, examples = dialogue.arguments, {word: value for word, value, _ in fields.LOGINS}

    def read(text: str) -> Table:
        word, colon, value = text.partition(":")
        kind = by_number(word, list(examples))
        needed = examples.get(kind)
        if needed and not colon and dialogue.host.interactive:
            value, colon = dialogue.prompt(f"   {needed}: "), ":"
        found = fields.read_login(f"{kind}{colon}{value}", dialogue.host)
        if "oidc" in found:
            question = "   Client id [pip]: "
            client = dialogue.read_field(arguments.client_id, question, fields.read_client, "pip")
            return {"oidc": {"issuer": value.strip(), "client-id": client}}
        return found

    question = menu("2. How do you log in?", fields.LOGINS, "login")
    return dialogue.read_field(arguments.login, question, read, "login")


def ask_use(dialogue: Dialogue, settings: Settings, file: str) -> str:
    """Return `default`, `extra` or `no`. Raises UsageError."""
    words = [word for word, _ in fields.USES]
    choices = ((word, "", text) for word, text in fields.USES)

    def read(text: str) -> str:
        return fields.read_use(by_number(text, words), settings, file)

    question = menu("3. For which commands?", choices, "no")
    return dialogue.read_field(dialogue.arguments.use_as, question, read, "no")


def _ask_scope(url: Url, dialogue: Dialogue) -> str | None:
    """Return who may receive the credential, where files lie beside the index."""
    usual, said = fields.usual_scope(url), dialogue.arguments.scope
    if said is None and usual is None:
        return None
    question = f"   Its files may lie beside the index. The credential is for [{usual}]: "
    return dialogue.read_field(said, question, lambda text: fields.read_scope(text, url), usual)


def _ask_publish(url: Url, dialogue: Dialogue) -> str | None:
    """Return the upload endpoint, for those who upload somewhere else than below the index."""
    said = dialogue.arguments.publish_url
    # Who says things by options has said all of them.
    if url.is_public or (dialogue.arguments.login is not None and said is None):
        return None
    question = "   Where do you upload packages to, if you do? [nowhere]: "
    return dialogue.read_field(said, question, fields.read_publish, "")


def _ask_packages(url: Url, dialogue: Dialogue, settings: Settings) -> list[str]:
    """Return the names that belong to the index."""
    said = dialogue.arguments.packages
    if said is None and (url.is_public or dialogue.arguments.login is not None):
        return []

    def read(text: str) -> list[str]:
        return fields.read_packages(text, settings)

    question = "   Which names come only from here, such as corp-* acme-lib? [none]: "
    return dialogue.read_field(said, question, read, "")


def load_or_begin(host: Host) -> Settings:
    """Return the settings; empty ones where SHIM_CONFIG_FILE is yet to be made."""
    named = host.environ.get("SHIM_CONFIG_FILE")
    if named and not os.path.lexists(host.path(named)):
        return Settings(files=(host.path(named),))
    return load_settings(host)
