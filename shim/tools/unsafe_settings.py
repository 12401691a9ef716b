"""What makes a tool careless with a server, as each `unsafe.py` finds it in a project's files."""

from __future__ import annotations

from shim.core.enum import Enum
from shim.core.typing import Callable, NamedTuple
from shim.core.urls import Url

#: Where the user's own proxies stand.
PROXY_VARIABLES = (
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
)

TAKE_OUT_HINT = (
    "take that out of the file; if you want it so, set insecure = true for this [[index]], or say"
    " it on your command line"
)


class Does(Enum):
    """What a project's file can do, in words with a place for the server."""

    UNCHECKED = "says that nobody checks the certificate of {host}"
    AUTHORITY = "names the authorities that vouch for {host}"
    PROXY = "sends requests through a proxy of its own choice"


def names(pattern: str, url: Url) -> bool:
    """Return whether `host`, `host:port` or `*` means the URL's server."""
    text = pattern.lower().rpartition("://")[2].partition("/")[0]
    has_port = text.rpartition(":")[2].isdigit()
    host, colon, port = text.rpartition(":") if has_port else (text, "", "")
    return host == "*" or (host.strip("[]") == url.host and (not colon or port == str(url.port)))


class UnsafeSetting(NamedTuple):
    """What a project's file does, where it stands, for which `host`, `host:port`, URL or `*`.

    `means` says whether the tool takes that server for a URL's.
    """

    does: Does
    where: str
    server: str = "*"
    means: Callable[[str, Url], bool] = names

    def reaches(self, url: Url) -> bool:
        """Return whether requests for this URL would be affected: only TLS has certificates."""
        return self.means(self.server, url) and (url.scheme == "https" or self.does is Does.PROXY)
