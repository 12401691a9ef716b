"""What every helper asks our resolver: a credential for one URL, without login or questions."""

from __future__ import annotations

from shim.core.dataclass import replace
from shim.core.host import Host
from shim.core.model import Credential, Endpoint, Endpoints, Origin
from shim.core.urls import Url
from shim.delivery.answers import VARIABLE, read_answers


def find_credential(url: Url, username: str | None, asker: str, host: Host) -> Credential | None:
    """Return the credential whose scope covers `url` and whose user name is `username` (any if
    None), or None if nobody has one.

    `asker` says who asks, for messages. What the command above us resolved already is not asked
    again, unless it has ended meanwhile.

    Raises:
        ShimError: a source or the configuration is broken.
    """
    above = read_answers(host.environ.get(VARIABLE, ""))
    covering = (one for one in above if one.scope.covers(url))
    given = next((one for one in covering if username in (None, one.username)), None)
    if given and (given.expires_at is None or given.expires_at > host.clock()):
        return given
    from shim.config.settings import load_settings
    from shim.credentials.resolve import resolve
    from shim.storage import verification_cache

    alone = replace(host, interactive=False)
    # Who asks does not say who named the URL: a submodule or a requirements file may have, which is
    # somebody else's text. What the command above us got for it may be got again.
    endpoint = Endpoint(url, Origin("argv", asker, project=given is None), username=username)
    settings = load_settings(alone)
    (resolution,) = resolve(Endpoints((endpoint,)), settings, alone)
    found = resolution.credential
    if found and verification_cache.recall_refusal(found, url, alone):
        return None  # who asks for it sends it at once, and too many failing logins lock an account
    if found:
        from shim.storage.audit_log import record_release

        record_release((found,), asker, "answered", settings.audit, alone)
    return found or given
