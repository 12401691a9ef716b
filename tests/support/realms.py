"""One server on loopback with several private places: each path prefix has an index of its own and wants a header of its own."""

from __future__ import annotations

import base64
import os
from collections.abc import Collection, Mapping

from shim.cli.demo.server import PrivateIndex


def basic(username: str, secret: str) -> str:
    """Return the Authorization header of HTTP Basic. Sources: RFC 7617."""
    return "Basic " + base64.b64encode(f"{username}:{secret}".encode()).decode()


class Realms(PrivateIndex):
    """Serves `realms`: path prefix (`/team`) -> the one Authorization header that is let in, or None for everybody.

    Below each prefix: `simple/` (an index), `links/` (a flat page) and `files/`. The longest prefix decides. `sent` lists
    (path, Authorization header or None, status) of every request. If `only` names prefixes, the others have no packages.
    """

    def __init__(
        self,
        folder: str,
        files: dict[str, list[str]],
        realms: Mapping[str, str | None],
        only: Collection[str] = (),
        refusal: int = 401,
    ) -> None:
        super().__init__(folder, files, "", "")
        self.sent: list[tuple[str, str | None, int]] = []
        self._realms = dict(sorted(realms.items(), key=lambda item: -len(item[0])))
        self._only = only
        self._refusal = refusal

    def url(self, path: str) -> str:
        """Return the URL of a path on this server."""
        return f"http://{self.netloc}{path}"

    def answer(self, path: str, authorization: str | None) -> tuple[int, str, bytes]:
        """Return (status, content type, body) for one request, and write it down."""
        self.on_request()
        prefix = next((prefix for prefix in self._realms if path.startswith(f"{prefix}/")), "")
        wanted = self._realms.get(prefix)
        if wanted is not None and authorization != wanted:
            status, kind, body = self._refusal, "text/plain", b"not you\n"
        else:
            status, kind, body = self._place(prefix, path.removeprefix(prefix).strip("/").split("/"))
        self.sent.append((path, authorization, status))
        return status, kind, body

    def wrongly_sent(self) -> list[tuple[str, str | None, int]]:
        """Return the requests that carried a header to a prefix that it is not for."""
        wrong = []
        for path, authorization, status in self.sent:
            prefix = next((prefix for prefix in self._realms if path.startswith(f"{prefix}/")), "")
            if authorization is not None and authorization != self._realms.get(prefix) and not _is_empty(authorization):
                wrong.append((path, authorization, status))
        return wrong

    def let_in(self, prefix: str) -> list[str]:
        """Return the paths below a prefix that were answered to somebody with a header."""
        return [path for path, authorization, status in self.sent if path.startswith(f"{prefix}/") and authorization and status == 200]

    def _place(self, prefix: str, parts: list[str]) -> tuple[int, str, bytes]:
        if parts == ["simple"]:
            return 200, "text/html", self._page_of(prefix, [])
        if self._only and prefix not in self._only:
            return 404, "text/plain", b"not here\n"
        if parts[0] == "simple" and len(parts) == 2 and parts[1] in self._files:
            return 200, "text/html", self._page_of(prefix, self._files[parts[1]])
        if parts == ["links"]:
            return 200, "text/html", self._page_of(prefix, [name for names in self._files.values() for name in names])
        if parts[0] == "files" and len(parts) == 2 and any(parts[1] in names for names in self._files.values()):
            with open(os.path.join(self._folder, parts[1]), "rb") as stream:
                return 200, "application/octet-stream", stream.read()
        return 404, "text/plain", b"not here\n"

    @staticmethod
    def _page_of(prefix: str, names: list[str]) -> bytes:
        rows = "".join(f'<a href="{prefix}/files/{name}">{name}</a>\n' for name in names)
        return f"<!DOCTYPE html><html><body>\n{rows}</body></html>\n".encode()


def _is_empty(authorization: str) -> bool:
    """Whether it is a user name with an empty password, which uv sends for `user@` before it looks for one."""
    return authorization.startswith("Basic ") and base64.b64decode(authorization[6:]).endswith(b":")
