"""What the process beside the tool is told, and where its address goes: the tool stays what it
would be without us (see `hotpath/redirector_process.py`).

The companion is a fresh interpreter, so that it knows what it is told and no more: which index has
which names, and the credentials of those indexes that it has to ask itself (`Routes.asked`).
"""

from __future__ import annotations

import json
from urllib.parse import quote

from shim.core.dataclass import replace
from shim.core.errors import InternalError
from shim.core.model import Credential, Delivery, Routes
from shim.core.typing import Any, Mapping
from shim.hotpath.redirector_process import STAND_IN, start_companion


def accompany(delivery: Delivery, environ: Mapping[str, str]) -> Delivery:
    """Start the companion of the delivery's routes, if it has any, and return the delivery with its
    address in it.

    Called in the process that becomes the tool, last of all.

    Raises:
        InternalError: this system starts no more processes, or has no socket left.
    """
    if delivery.routes is None:
        return delivery
    text = json.dumps(render(delivery.routes))
    try:
        return place(delivery, start_companion(text, delivery.routes.address, environ))
    except OSError as error:
        hint = "without `packages` and `index-strategy` in your config.toml it would not be needed"
        message = f"no process for the redirector beside the tool ({error.strerror})"
        raise InternalError(message, hint=hint) from error


def place(delivery: Delivery, address: str) -> Delivery:
    """Return the delivery with the redirector's address in the place of the stand-in."""
    changed = {
        name: value.replace(STAND_IN, address) if isinstance(value, str) else value
        for name, value in delivery.environ.items()
    }
    argv = tuple(word.replace(STAND_IN, address) for word in delivery.argv)
    return replace(delivery, argv=argv, environ=changed)


def render(routes: Routes) -> dict[str, Any]:
    """Return the routes for JSON, with percent-encoded secrets of indexes that are asked."""
    asked = [
        [one.url.text, _render_credential(one.credential), one.route._asdict()]
        for one in routes.asked
    ]
    return {"claims": routes.claims, "asked": asked, "last": routes.last, "names": routes.names}


def _render_credential(credential: Credential | None) -> list[str] | None:
    if credential is None:
        return None
    texts = (credential.username, credential.secret.reveal())
    username, secret = (quote(text, safe="") for text in texts)
    return [username, secret, str(credential.scope), credential.scheme]
