"""NAME|URL, as `login`, `logout` and `token` take it: an `[[index]]`, or any index by its URL."""

from __future__ import annotations

from shim.cli.usage import repeatable, suggest
from shim.config.index import IndexConfig
from shim.config.settings import Settings
from shim.core import regex as re
from shim.core.errors import UsageError
from shim.core.urls import BadUrl, Url, find_userinfo, parse_url


def find_index(text: str, settings: Settings) -> tuple[Url, IndexConfig | None, str | None]:
    """Return the index's URL, its `[[index]]` if one covers it, and the user name in the URL.

    Raises:
        UsageError: neither a configured name nor a usable URL, or a URL with a password in it.
    """
    index = settings.index_named(text)
    if index:
        return index.url, index, index.username
    if "://" not in text:
        known = [one.name for one in settings.indexes]
        otherwise = f"configured are: {', '.join(known) or 'none yet'}; or give the index's URL"
        raise UsageError(
            f"no [[index]] is named {repeatable(text)}", hint=suggest(text, known, otherwise)
        )
    try:
        userinfo = find_userinfo(text)
        url = parse_url(text)
    except BadUrl as error:
        raise UsageError(
            f"that is not a usable URL: {error}", hint="write it as https://host/path/"
        ) from error
    if userinfo and userinfo.password:
        raise UsageError(
            "a password in the URL would stay in your shell's history",
            hint="leave it out; it is asked for",
        )
    covering = settings.index_for(url)
    username = (userinfo and userinfo.username) or (covering and covering.username) or None
    return url, covering, username


def index_of_page(url: Url) -> str | None:
    """Return the URL of the index of `.../simple/NAME/`, one package's page (PEP 503), or None."""
    match = re.fullmatch(r"(.*/\+?simple/)[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?/?", url.text)
    return match[1] if match else None
