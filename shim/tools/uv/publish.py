"""What `uv publish` asks: the upload endpoint, and the index that says which files are there
already.

Sources: uv 0.13.8 crates/uv/src/commands/publish.rs, uv-settings/src/settings.rs
(`PublishOptions`).
"""

from __future__ import annotations

from shim.core.dataclass import replace
from shim.core.host import Host
from shim.core.model import Endpoint, Origin
from shim.core.typing import Iterator
from shim.formats import uv_toml
from shim.tools.unreadable import Unread
from shim.tools.uv.command import UvCommand
from shim.tools.uv.config_files import Document
from shim.tools.uv.endpoints import Role, StatedUrl, make_endpoints

DEFAULT_URL = "https://upload.pypi.org/legacy/"


def publish_endpoints(
    command: UvCommand, documents: list[Document], host: Host, unread: Unread
) -> list[Endpoint]:
    """Return the endpoints: what answers for an upload does not answer for a check."""
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
        yield StatedUrl(part.text, part.origin(option), role, None, part.key, part.start)
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
    """Yield both URLs of the first index of that name; uv stops if it has none to upload to."""
    for document in documents:
        for row in uv_toml.tables(document.table.get("index")):
            if row.get("name") == name:
                upload, url = row.get("publish-url"), row.get("url")
                if isinstance(upload, str) and isinstance(url, str):
                    yield StatedUrl(upload, document.origin, "publish", name)
                    yield StatedUrl(url, document.origin, "index", name)
                return


def _with_answer(endpoint: Endpoint, command: UvCommand, host: Host) -> Endpoint:
    """Return the endpoint with the user name and answer of options, variables and the URL."""
    if endpoint.inline_password is not None:
        return endpoint
    username = endpoint.username or command.value("username", host)
    parts = ((option, command.last(option, host)) for option in ("token", "password"))
    origins = (part.origin(option).where for option, part in parts if part)
    answer = next(origins, endpoint.provided_by)
    return replace(endpoint, username=username, provided_by=answer)
