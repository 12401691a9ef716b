"""What `uv publish` asks: the upload endpoint, and the index that says which files are there
already.

Sources: uv 0.13.8 crates/uv/src/commands/publish.rs, uv-settings/src/settings.rs
(`PublishOptions`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from shim.core.host import Host
from shim.core.model import Endpoint, Origin
from shim.formats import uv_toml
from shim.tools.unreadable import Unread
from shim.tools.uv.command import UvCommand
from shim.tools.uv.config_files import Document
from shim.tools.uv.endpoints import Role, StatedUrl, make_endpoints

DEFAULT_URL = "https://upload.pypi.org/legacy/"


def publish_endpoints(
    command: UvCommand, documents: list[Document], host: Host, unread: Unread
) -> list[Endpoint]:
    """Return the endpoints of `uv publish`: what answers for an upload does not answer for a
    check.
    """
    typed = [part.text for part in command.typed("index")]
    wanted = typed[-1] if typed else command.value("publish-index", host)
    said = [*(_of_index(wanted, documents) if wanted else _of_urls(command, documents, host))]
    return [
        _with_answer(endpoint, command, host) if endpoint.role == "publish" else endpoint
        for endpoint in make_endpoints(said, host, unread)
    ]


def _find_url(
    option: str, role: Role, command: UvCommand, documents: list[Document], host: Host
) -> Iterator[StatedUrl]:
    """Yield what an option, else its variable, else the first configuration file says."""
    part = command.last(option, host)
    if part:
        origin = (
            Origin("argv", f"--{option}") if isinstance(part.key, int) else Origin("env", part.key)
        )
        yield StatedUrl(part.text, origin, role, None, part.key, part.start)
        return
    for document in documents:
        if isinstance(document.table.get(option), str):
            yield StatedUrl(document.table[option], document.origin, role)
            return


def _of_urls(command: UvCommand, documents: list[Document], host: Host) -> Iterator[StatedUrl]:
    """Yield the URLs to upload to and to check."""
    upload = list(_find_url("publish-url", "publish", command, documents, host))
    yield from upload or [
        StatedUrl(DEFAULT_URL, Origin("config", "uv's default", is_default=True), "publish")
    ]
    yield from _find_url("check-url", "index", command, documents, host)


def _of_index(name: str, documents: list[Document]) -> Iterator[StatedUrl]:
    """Yield both URLs of the first configured index of that name; uv stops if it has none to upload
    to.
    """
    rows = (
        (row, document.origin)
        for document in documents
        for row in uv_toml.tables(document.table.get("index"))
    )
    row, origin = next(
        (found for found in rows if found[0].get("name") == name), ({}, Origin("config", ""))
    )
    urls = {"publish": row.get("publish-url"), "index": row.get("url")}
    if all(isinstance(url, str) for url in urls.values()):
        yield StatedUrl(str(urls["publish"]), origin, "publish", name)
        yield StatedUrl(str(urls["index"]), origin, "index", name)


def _with_answer(endpoint: Endpoint, command: UvCommand, host: Host) -> Endpoint:
    """Return the endpoint with the user name and the answer that options and variables give. A
    password in the URL is one already.
    """
    if endpoint.inline_password is not None:
        return endpoint
    username = endpoint.username or command.value("username", host)
    answer = next((option for option in ("token", "password") if command.value(option, host)), None)
    part = command.last(answer, host) if answer else None
    named = None if part is None else part.key if isinstance(part.key, str) else f"--{answer}"
    return replace(endpoint, username=username, provided_by=named or endpoint.provided_by)
