"""Tokens that end while a command runs, or that have ended by our clock the moment they were given:
it is said before the command.
"""

from __future__ import annotations

import math
import time

from shim.core.errors import ShimError, ShortLived
from shim.core.host import Host
from shim.core.model import Resolution
from shim.storage import token_cache


def find_expiring(
    resolutions: tuple[Resolution, ...], renewed: frozenset[str], host: Host
) -> tuple[ShimError, ...]:
    """Return a warning for each token whose end is so near that a longer command outlives it, or
    lies behind us by our clock.

    `renewed` are the URLs for which the tool asks us again by itself.
    """
    warnings: dict[str, ShimError] = {}
    for resolution in resolutions:
        credential, url = resolution.credential, resolution.endpoint.url
        left_s = (
            (credential.expires_at or math.inf) - host.clock()
            if credential and credential.source != "url"
            else math.inf
        )
        if left_s > token_cache.MIN_VALIDITY_S or credential is None:
            continue
        if left_s <= 0:
            at = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(host.clock()))
            ago = token_cache.describe_duration(-left_s)
            words = (
                f"{credential.source} gave a token for {url} that ended {ago} ago by this machine's"
                " clock"
            )
            warnings[credential.source] = ShortLived(
                f"{words} ({at}): it is used all the same", hint="set the clock if it is wrong"
            )
        elif str(url) not in renewed:
            words = (
                f"the token for {url} ends in {token_cache.describe_duration(left_s)}: a longer"
                " command is refused then"
            )
            warnings[credential.source] = ShortLived(
                words, hint="run it again if that happens, or if pip asks for a user name"
            )
    return tuple(warnings.values())
