"""Tokens that end while a command runs, or have ended by our clock: it is said before."""

from __future__ import annotations

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
        if credential is None or credential.source == "url" or not credential.expires_at:
            continue
        left_s = credential.expires_at - host.clock()
        if left_s > token_cache.MIN_VALIDITY_S:
            continue
        if left_s <= 0:
            at = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(host.clock()))
            ago = token_cache.describe_duration(-left_s)
            what = (
                f"{credential.source} gave a token for {url} that ended {ago} ago by this machine's"
            )
            words = f"{what} clock ({at}): it is used all the same"
            hint = "set the clock if it is wrong"
            warnings[credential.source] = ShortLived(words, hint=hint)
        elif str(url) not in renewed:
            end = token_cache.describe_duration(left_s)
            words = f"the token for {url} ends in {end}: a longer command is refused then"
            hint = "run it again if that happens, or if pip asks for a user name"
            warnings[credential.source] = ShortLived(words, hint=hint)
    return tuple(warnings.values())
