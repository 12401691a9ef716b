"""Ends logins: at the provider where it can revoke them, and in the files that others share with
us.
"""

from __future__ import annotations

from shim.config.settings import Settings, load_settings
from shim.core.errors import ShimError
from shim.core.host import Host
from shim.core.model import Endpoint, Origin
from shim.core.urls import Url
from shim.credentials.sources import Query, oidc, posit


def end_logins(
    url: Url | None, settings: Settings, host: Host, problems: list[ShimError]
) -> list[str]:
    """End the logins of one index, or all; return which, in words. Failures join `problems`."""
    ended: list[str] = []
    for index in settings.indexes:
        if url is not None and index is not settings.index_for(url):
            continue
        query = Query(Endpoint(index.url, Origin("config", index.defined_in)), index, host)
        for login in filter(None, (posit.make_login(query), oidc.make_login(query))):
            try:
                ended += filter(None, [login.log_out(query)])
            except ShimError as error:
                problems.append(error)
    return ended


def read_whole_settings(host: Host, problems: list[ShimError]) -> Settings:
    """Return the settings, none if they are broken: everything can be forgotten all the same."""
    try:
        return load_settings(host)
    except ShimError as error:
        problems.append(error)
        return Settings()
