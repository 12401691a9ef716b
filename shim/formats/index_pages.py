"""Where an index keeps the page of a package. Sources: PEP 503."""

from __future__ import annotations

from shim.core.urls import Url, parse_url

#: What is asked where nobody knows a name that the command will ask: no package is called so, and a
#: server that forwards what it does not have forwards this too.
UNLIKELY_PACKAGE = "pip-uv-shim-asks-for-no-package"


def page_of_package(index: Url, name: str) -> Url:
    """Return the URL of a package's page; `name` is normalized."""
    return parse_url(f"{index.text.rstrip('/')}/{name}/")
